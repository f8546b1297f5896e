/* SPDX-License-Identifier: Apache-2.0 */
/* Sends commands to HAProxy through its command socket. Called by router/table.c and
 * router/tokens.c. */
#include "config.h"

#include "router/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/socket.h"

#define RESPONSE_BYTES 65536u
#define PATIENCE_S 5

static void command_close(const int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static int command_connect(const char *path, struct error *reterr)
{
	int fd = socket_connect_unix(path, PATIENCE_S * 1000, PATIENCE_S * 1000);

	return fd >= 0 ? fd
		       : error_set(reterr, fd, "cannot reach HAProxy at %s: %s", path,
				   strerror(-fd));
}

/* Makes the error for errno of a socket with a timeout. */
static int command_socket_error(const char *what, struct error *reterr)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		return error_set(reterr, -ETIMEDOUT, "HAProxy %s within %d s", what, PATIENCE_S);
	}
	return error_set(reterr, -errno, "HAProxy %s: %s", what, strerror(errno));
}

static int command_write(int fd, const char *text, size_t length, struct error *reterr)
{
	while (length > 0) {
		ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR) {
			return command_socket_error("did not accept a command", reterr);
		}
		text += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

int command_send(const char *socket, const char *text, size_t length, struct buf *response,
		 struct error *reterr)
{
	CLEANUP(command_close) int fd = command_connect(socket, reterr);
	char data[4096];
	ssize_t got;
	int code;

	if (fd < 0) {
		return fd;
	}
	code = command_write(fd, text, length, reterr);
	if (code < 0) {
		return code;
	}
	do {
		got = recv(fd, data, sizeof(data), 0);
		if (got < 0 && errno != EINTR) {
			return command_socket_error("did not respond", reterr);
		}
		if (got > 0 && buf_append(response, data, (size_t)got) < 0) {
			return error_set(reterr, -EFBIG, "HAProxy sent too long a response");
		}
	} while (got != 0);
	return response->length > 0 ? 0
				    : error_set(reterr, -EPROTO,
						"HAProxy closed the connection without a response");
}

int command_do(const char *socket, const char *text, size_t length, struct error *reterr)
{
	CLEANUP_BUF struct buf response = BUF_INIT(RESPONSE_BYTES);
	int code = command_send(socket, text, length, &response, reterr);
	const char *words = buf_str(&response);

	if (code < 0) {
		return code;
	}
	words += strspn(words, "\n ");
	return *words == '\0' ? 0
			      : error_set(reterr, -EPROTO, "HAProxy refused a command: %.*s",
					  (int)strcspn(words, "\n"), words);
}

int command_prepare(const char *socket, const char *what, const char *file, char ret_version[24],
		    struct error *reterr)
{
	CLEANUP_BUF struct buf response = BUF_INIT(RESPONSE_BYTES);
	CLEANUP_FREE char *text = xprintf("prepare %s %s\n", what, file);
	int code = command_send(socket, text, strlen(text), &response, reterr);
	const char *number = strstr(buf_str(&response), ": ");

	if (code < 0) {
		return code;
	}
	if (number == NULL || strspn(number + 2, "0123456789") == 0) {
		return error_set(reterr, -EPROTO, "HAProxy refused to prepare a new %s: %.*s", what,
				 (int)strcspn(buf_str(&response), "\n"), buf_str(&response));
	}
	number += 2;
	snprintf(ret_version, 24, "%.*s", (int)strspn(number, "0123456789"), number);
	return 0;
}

int command_commit(const char *socket, const char *what, const char *file, const char *version,
		   struct error *reterr)
{
	CLEANUP_FREE char *text = xprintf("commit %s @%s %s\n", what, version, file);

	return command_do(socket, text, strlen(text), reterr);
}
