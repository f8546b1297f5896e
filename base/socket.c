/* SPDX-License-Identifier: Apache-2.0 */
/* Connects to UNIX sockets, and bounds waits. Called where one of our programs talks to another
 * program on the same machine. */
#include "config.h"

#include "base/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static void socket_set_limit(int fd, int option, uint32_t ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit));
}

void socket_set_patience(int fd, uint32_t send_ms, uint32_t receive_ms)
{
	socket_set_limit(fd, SO_SNDTIMEO, send_ms);
	socket_set_limit(fd, SO_RCVTIMEO, receive_ms);
}

int socket_connect_unix(const char *path, uint32_t send_ms, uint32_t receive_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	socket_set_patience(fd, send_ms, receive_ms);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		code = -errno;
		close(fd);
		return code;
	}
	return fd;
}
