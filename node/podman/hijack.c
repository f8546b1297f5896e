/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to Podman that turn from HTTP into raw streams, which libcurl does not do. For
 * exec.c and stream.c. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/socket.h"
#include "net/http-head.h"
#include "node/podman/podman-private.h"

#define HEAD_MAX (16u << 10)

static int hijack_open_socket(const char *path, struct error *reterr)
{
	int fd = socket_connect_unix(path, 0, 0);

	return fd >= 0 ? fd : error_set(reterr, -EAGAIN, "podman's socket: %s", strerror(-fd));
}

static int hijack_send_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t put = send(fd, text, length, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR) {
			return -errno;
		}
		text += put > 0 ? put : 0;
		length -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

/* Reads the header section; the bytes that follow it stay in *in. */
static int hijack_read_head(struct podman *podman, int fd, struct buf *in, struct error *reterr)
{
	uint64_t deadline = sched_now_us(podman->sched) + PODMAN_CALL_MS * UINT64_C(1000);
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	char piece[4096];
	size_t length = 0;
	int status;

	while ((status = http_head_status(in, &length)) == 0) {
		if (poll(&readable, 1, podman_left_ms(podman, deadline)) == 0) {
			return error_set(reterr, -EAGAIN, "podman does not respond");
		}

		ssize_t got = recv(fd, piece, sizeof(piece), 0);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0 || buf_append(in, piece, (size_t)got) < 0) {
			return error_set(reterr, -EAGAIN,
					 "podman's response ended within its header section");
		}
	}
	if (status != 101 && status != 200) {
		return error_set(reterr, status == 404 ? -ENOENT : -EAGAIN, "podman: %.*s",
				 (int)strcspn(in->data, "\r"), in->data);
	}
	buf_consume(in, length);
	return 0;
}

int podman_hijack(struct podman *podman, const char *path, const char *body, struct buf *rest,
		  int *ret_fd, struct error *reterr)
{
	int handler = podman_main(podman);
	CLEANUP_FREE char *request =
		xprintf("POST " PODMAN_API "%s HTTP/1.1\r\nHost: podman\r\nConnection: Upgrade\r\n"
			"Upgrade: tcp\r\nContent-Type: application/json\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			path, strlen(body), body);
	CLEANUP_BUF struct buf in = BUF_INIT(HEAD_MAX);

	(void)podman_transport(podman, handler);

	int fd = hijack_open_socket(podman->services[handler].socket, reterr);

	if (fd < 0) {
		return fd;
	}

	int code = hijack_send_all(fd, request, strlen(request));

	code = code < 0 ? error_set(reterr, -EAGAIN, "podman's socket: %s", strerror(-code))
			: hijack_read_head(podman, fd, &in, reterr);
	if (code < 0) {
		close(fd);
		return code;
	}
	if (in.length > 0) {
		buf_append(rest, in.data, in.length);
	}
	*ret_fd = fd;
	return 0;
}
