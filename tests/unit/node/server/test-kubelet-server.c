/* SPDX-License-Identifier: Apache-2.0 */
/* node/server/kubelet-server: what clients that do not finish a request may hold, and that stopping waits for none. */
#include "config.h"

#include "node/server/kubelet-server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/socket.h"

struct world {
	struct sched *sched;
	struct kubelet_server *server;
	char directory[32], path[64];
};

static void start(struct world *world)
{
	struct error error = { 0 };

	*world = (struct world){ .sched = sched_create(), .directory = "/tmp/node-serve-XXXXXX" };
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof(world->path), "%s/sock", world->directory);
	world->server = kubelet_server_create(world->sched, NULL, world->path, &error);
	assert_non_null(world->server);
}

static void finish(struct world *world)
{
	assert_true(kubelet_server_stop(world->server));
	kubelet_server_destroy(world->server);
	sched_destroy(world->sched);
	assert_int_equal(rmdir(world->directory), 0);
}

static int begin(const struct world *world, const char *text, size_t length)
{
	int fd = socket_connect_unix(world->path, 20000, 20000);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), length);
	return fd;
}

static void check_response(int fd, const char *status)
{
	char got[1024] = "";
	ssize_t length = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(length > 0);
	assert_memory_equal(got, status, strlen(status));
	close(fd);
}

/* Whether the server has ended this connection; waits for that when it must. */
static bool has_ended(int fd, bool wait)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK | (wait ? 0 : MSG_DONTWAIT));

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void heads_that_do_not_end_keep_nobody_out(void **state)
{
	static const char request[] = "GET /nothing HTTP/1.1\r\n\r\n";
	struct world world;
	int fds[KUBELET_CONNECTIONS_MAX + 100];

	(void)state;
	start(&world);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = begin(&world, "GET /", 5);
	}
	check_response(begin(&world, request, strlen(request)), "HTTP/1.1 404 ");
	assert_true(has_ended(fds[0], true));
	assert_false(has_ended(fds[ARRAY_LEN(fds) - 1], false));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		close(fds[i]);
	}
	finish(&world);
}

static void stopping_waits_for_no_head(void **state)
{
	struct world world;
	int fd;

	(void)state;
	start(&world);
	fd = begin(&world, "GET /", 5);
	finish(&world);
	close(fd);
}

static void a_head_with_a_nul_is_refused(void **state)
{
	static const char request[] = "GET /\0x HTTP/1.1\r\n\r\n";
	struct world world;

	(void)state;
	start(&world);
	check_response(begin(&world, request, sizeof(request) - 1), "HTTP/1.1 400 ");
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_that_do_not_end_keep_nobody_out),
		cmocka_unit_test(stopping_waits_for_no_head),
		cmocka_unit_test(a_head_with_a_nul_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
