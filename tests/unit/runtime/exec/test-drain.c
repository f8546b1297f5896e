/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/drain: what is written is dropped, each has its turn, the oldest goes. */
#include "config.h"

#include "runtime/exec/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

#define PIPES 20

static int add_pipe(struct drains *drains)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	drains_add(drains, ends[0]);
	return ends[1];
}

/* Writes until the pipe is full; the number of bytes. */
static size_t fill(int fd)
{
	static const char block[4096];
	size_t all = 0;
	ssize_t written;

	while ((written = write(fd, block, sizeof(block))) > 0) {
		all += (size_t)written;
	}
	assert_int_equal(errno, EAGAIN);
	return all;
}

static bool is_readable(const struct drains *drains)
{
	struct pollfd poll_one = { .fd = drains_fd(drains), .events = POLLIN };

	return poll(&poll_one, 1, 0) == 1;
}

static void each_full_pipe_has_its_turn(void **state)
{
	struct drains *drains = drains_create();
	uint64_t now = 1000000;
	char buffer[65536];
	int pipes[PIPES];

	(void)state;
	assert_non_null(drains);
	for (size_t i = 0; i < PIPES; i++) {
		pipes[i] = add_pipe(drains);
		assert_true(fill(pipes[i]) > 0);
	}
	assert_true(is_readable(drains));
	assert_true(drains_read(drains, now, buffer, sizeof(buffer)) == now + DRAIN_PAUSE_US);
	assert_true(drains_read(drains, now, buffer, sizeof(buffer)) == now + DRAIN_PAUSE_US);
	now += DRAIN_PAUSE_US;
	assert_true(drains_read(drains, now, buffer, sizeof(buffer)) == 0);
	for (size_t i = 0; i < PIPES; i++) {
		assert_true(fill(pipes[i]) > 0); /* there was room again in each */
		close(pipes[i]);
	}
	while (drains_count(drains) > 0) {
		assert_true(is_readable(drains));
		now += DRAIN_PAUSE_US;
		(void)drains_read(drains, now, buffer, sizeof(buffer));
	}
	assert_false(is_readable(drains));
	drains_destroy(drains);
}

static void the_oldest_is_closed_beyond_the_limit(void **state)
{
	struct rlimit before, limit;
	int pipes[PIPES];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 128; /* an eighth of it: 16 */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

	struct drains *drains = drains_create();

	assert_non_null(drains);
	for (size_t i = 0; i < PIPES; i++) {
		pipes[i] = add_pipe(drains);
	}
	assert_int_equal(drains_count(drains), 16);
	for (size_t i = 0; i < PIPES; i++) {
		ssize_t written = write(pipes[i], "x", 1);

		assert_int_equal(written, i < PIPES - 16 ? -1 : 1);
		assert_true(written == 1 || errno == EPIPE);
		close(pipes[i]);
	}
	drains_destroy(drains);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_full_pipe_has_its_turn),
		cmocka_unit_test(the_oldest_is_closed_beyond_the_limit),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
