/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a container's log from the node's unix socket. The API opens it, the HTTP server reads it
 * on a thread of its own. */
#include "config.h"

#include "apiserver/remote/podlog.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/socket.h"
#include "net/http-head.h"

#define HEAD_MAX 8192u
#define CONNECT_MS 5000 /* the node takes a connection within */
#define HEAD_TIMEOUT_US UINT64_C(5000000)

struct podlog {
	int fd;
	struct buf head; /* and what came of the body with it */
	size_t body_at;
};

int node_socket_connect(const char *path, struct error *reterr)
{
	int fd = socket_connect_unix(path, CONNECT_MS, 0);

	return fd >= 0 ? fd
		       : error_set(reterr, fd, "cannot connect to the node at '%s': %s", path,
				   strerror(-fd));
}

/* Bytes within that time: their number, 0 at the end, -ETIMEDOUT, or another error. */
static ssize_t podlog_receive(int fd, char *data, size_t size, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int ready = poll(&wait, 1, timeout_ms);

	if (ready == 0 || (ready < 0 && errno == EINTR)) {
		return -ETIMEDOUT;
	}

	ssize_t length = ready < 0 ? -1 : recv(fd, data, size, MSG_DONTWAIT);

	return length >= 0 ? length : errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int podlog_send_request(int fd, const char *path)
{
	CLEANUP_FREE char *text = xprintf("GET %s HTTP/1.0\r\nHost: node\r\n\r\n", path);
	size_t length = strlen(text);

	/* A path is far smaller than a socket's buffer. */
	return send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length ? 0 : -EIO;
}

static int podlog_read_head(struct sched *sched, struct podlog *podlog, int *ret_status)
{
	uint64_t end = sched_now_us(sched) + HEAD_TIMEOUT_US;
	int status = 0;

	while (status == 0) {
		char data[1024];
		uint64_t now = sched_now_us(sched);
		ssize_t length = now < end ? podlog_receive(podlog->fd, data, sizeof(data),
							    (int)((end - now) / 1000) + 1)
					   : -ETIMEDOUT;

		if (length == 0 || (length < 0 && length != -ETIMEDOUT)) {
			return -EPROTO;
		}
		if (length < 0 && sched_now_us(sched) >= end) {
			return -ETIMEDOUT;
		}
		if (length > 0 && buf_append(&podlog->head, data, (size_t)length) < 0) {
			return -EPROTO;
		}
		status = http_head_status(&podlog->head, &podlog->body_at);
	}
	*ret_status = status;
	return status < 0 ? status : 0;
}

int podlog_open(struct sched *sched, const char *socket_path, const char *path, int *ret_status,
		struct podlog **ret, struct error *reterr)
{
	int fd = node_socket_connect(socket_path, reterr);

	if (fd < 0) {
		return fd;
	}

	struct podlog *podlog = xnew(struct podlog);
	int code = podlog_send_request(fd, path);

	podlog->fd = fd;
	podlog->head.ceiling = HEAD_MAX;
	if (code == 0) {
		code = podlog_read_head(sched, podlog, ret_status);
	}
	if (code < 0) {
		podlog_close(podlog);
		return error_set(reterr, code, "the node at '%s' does not answer: %s", socket_path,
				 strerror(-code));
	}
	*ret = podlog;
	return 0;
}

ssize_t podlog_read(struct podlog *podlog, char *data, size_t size, int timeout_ms)
{
	size_t left = podlog->head.length - podlog->body_at;

	if (left > 0) {
		size_t take = left < size ? left : size;

		memcpy(data, podlog->head.data + podlog->body_at, take);
		podlog->body_at += take;
		return (ssize_t)take;
	}

	ssize_t length = podlog_receive(podlog->fd, data, size, timeout_ms);

	return length == -ETIMEDOUT ? 0 : length > 0 ? length : -1;
}

int podlog_fd(const struct podlog *podlog)
{
	return podlog->fd;
}

void podlog_close(struct podlog *podlog)
{
	if (podlog == NULL) {
		return;
	}
	close(podlog->fd);
	buf_finish(&podlog->head);
	free(podlog);
}
