/* SPDX-License-Identifier: Apache-2.0 */
/* base/socket: connections by path, and sockets that do not wait for ever. */
#include "config.h"

#include "base/socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

struct server {
	char directory[32];
	char *path;
	int fd;
};

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct server *server = xnew(struct server);

	memcpy(server->directory, "/tmp/asb-socket-XXXXXX", sizeof("/tmp/asb-socket-XXXXXX"));
	assert_non_null(mkdtemp(server->directory));
	server->path = xprintf("%s/s", server->directory);
	memcpy(address.sun_path, server->path, strlen(server->path) + 1);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->fd, 0), 0);
	*state = server;
	return 0;
}

static int tear_down(void **state)
{
	struct server *server = *state;

	close(server->fd);
	unlink(server->path);
	rmdir(server->directory);
	free(server->path);
	free(server);
	return 0;
}

static void who_listens_is_reached(void **state)
{
	struct server *server = *state;
	int fd = socket_connect_unix(server->path, 0, 0), peer;
	char byte = 0;

	assert_true(fd >= 0);
	peer = accept(server->fd, NULL, NULL);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recv(peer, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	close(peer);
	close(fd);
}

static void who_does_not_is_told(void **state)
{
	struct server *server = *state;
	CLEANUP_FREE char *other = xprintf("%s/other", server->directory);
	char longest[200];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(socket_connect_unix(other, 0, 0), -ENOENT);
	assert_int_equal(socket_connect_unix(longest, 0, 0), -ENAMETOOLONG);
	close(server->fd);
	server->fd = -1;
	assert_int_equal(socket_connect_unix(server->path, 0, 0), -ECONNREFUSED);
}

static void patience_ends(void **state)
{
	struct server *server = *state;
	int fds[8], count = 0, error = 0;
	char byte;

	fds[count++] = socket_connect_unix(server->path, 50, 50);
	assert_true(fds[0] >= 0);
	assert_int_equal(recv(fds[0], &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	/* Nobody accepts: the queue is full soon, and then a connect would wait. */
	while (error >= 0 && count < 8) {
		error = socket_connect_unix(server->path, 50, 50);
		if (error >= 0) {
			fds[count++] = error;
		}
	}
	assert_int_equal(error, -EAGAIN);
	while (count > 0) {
		close(fds[--count]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_listens_is_reached),
		TEST(who_does_not_is_told),
		TEST(patience_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
