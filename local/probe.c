/* SPDX-License-Identifier: Apache-2.0 */
/* Health probes in HTTP/1.0, without libcurl, whose memory `up` would keep. Called by `up` while it
 * waits for its child processes, and by `status`. */
#include "config.h"

#include "local/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/socket.h"
#include "net/http-head.h"

#define RESPONSE_MAX (8u << 20)

static struct sockaddr_in probe_loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int probe_open_port(uint16_t port, uint32_t patience_ms)
{
	struct sockaddr_in address = probe_loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -errno;
	}
	socket_set_patience(fd, patience_ms, patience_ms);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	return fd;
}

static int probe_read_response(int fd, struct buf *response)
{
	char piece[16384];
	ssize_t got;

	while ((got = recv(fd, piece, sizeof(piece), 0)) > 0) {
		if (buf_append(response, piece, (size_t)got) < 0) {
			return -ENOSPC;
		}
	}
	return got < 0 ? -errno : 0;
}

int probe_get(uint16_t port, const char *socket_path, const char *path, int timeout_ms,
	      struct buf *body)
{
	CLEANUP_FREE char *request = xprintf("GET %s HTTP/1.0\r\nHost: localhost\r\n"
					     "Accept: application/json, */*\r\n\r\n",
					     path);
	CLEANUP_BUF struct buf response = BUF_INIT(RESPONSE_MAX);
	uint32_t patience = (uint32_t)timeout_ms;
	int fd = port != 0 ? probe_open_port(port, patience)
			   : socket_connect_unix(socket_path, patience, patience);
	size_t length = 0;
	int code;

	if (fd < 0) {
		return fd;
	}
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
		code = -EIO;
	} else {
		code = probe_read_response(fd, &response);
	}
	close(fd);

	if (code < 0) {
		return code;
	}
	code = http_head_status(&response, &length);
	if (code > 0 && body != NULL) {
		(void)buf_append_str(body, buf_str(&response) + length);
	}
	return code != 0 ? code : -EPROTO;
}

/* 0: the port is in use. */
static uint16_t probe_try_port(uint16_t port)
{
	struct sockaddr_in address = probe_loopback(port);
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd < 0) {
		return 0;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));

	bool good = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    getsockname(fd, (struct sockaddr *)&address, &length) == 0;

	close(fd);
	return good ? ntohs(address.sin_port) : 0;
}

uint16_t probe_free_port(uint16_t wanted)
{
	uint16_t port = wanted != 0 ? probe_try_port(wanted) : 0;

	return port != 0 ? port : probe_try_port(0);
}
