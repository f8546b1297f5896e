/* SPDX-License-Identifier: Apache-2.0 */
/* Children: started again when they die, ended when they must, their logs kept small. */
#include "config.h"

#include "local/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/observe/log.h"

#define PATIENCE_US 20000000u

struct world {
	struct sched *sched;
	char directory[32];
	int lock;
	struct supervisor *supervisor;
	const char *script;
};

static void make(void *arg, struct command *ret)
{
	const struct world *world = arg;

	command_add(ret, "/bin/sh");
	command_add(ret, "-c");
	command_add(ret, "%s", world->script);
	command_add(ret, "sh");
	command_add(ret, "%s", world->directory);
}

static int set_up(void **state)
{
	struct world *world = xnew(struct world);

	log_set_level(LOG_ERROR);
	snprintf(world->directory, sizeof(world->directory), "/tmp/supervise-XXXXXX");
	assert_non_null(mkdtemp(world->directory));

	CLEANUP_FREE char *lock = xprintf("%s/lock", world->directory);

	world->sched = sched_create();
	world->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	world->supervisor = supervisor_create(world->sched, world->directory, world->lock);
	*state = world;
	return 0;
}

static int remove_one(const char *path, const struct stat *info UNUSED, int type UNUSED,
		      struct FTW *at UNUSED)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	supervisor_end(world->supervisor, "child", PATIENCE_US);
	supervisor_destroy(world->supervisor);
	close(world->lock);
	nftw(world->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	sched_destroy(world->sched);
	free(world);
	return 0;
}

static void add(struct world *world, const char *script, bool once)
{
	const struct child_spec spec = {
		.name = "child", .make = make, .arg = world, .once = once
	};

	world->script = script;
	supervisor_add(world->supervisor, &spec);
}

/* Runs the loop until there were so many changes. */
static void until_changes(struct world *world, unsigned int changes)
{
	uint64_t deadline = sched_now_us(world->sched) + PATIENCE_US;

	while (supervisor_changes(world->supervisor) < changes) {
		struct pollfd fds[SUPERVISE_MAX];
		int due = supervisor_step(world->supervisor);
		size_t count = supervisor_polls(world->supervisor, fds);

		assert_true(sched_now_us(world->sched) < deadline);
		if (supervisor_changes(world->supervisor) < changes) {
			(void)poll(fds, count, due);
		}
	}
}

static char *read_log(const struct world *world)
{
	CLEANUP_FREE char *path = xprintf("%s/child.log", world->directory);
	char *text = xalloc(65536);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, 65535) >= 0);
	close(fd);
	return text;
}

static void a_child_that_dies_is_started_again(void **state)
{
	struct world *world = *state;

	add(world, "echo here; exit 3", false);
	until_changes(world, 5); /* start, end, start, end, start */
	assert_int_equal(supervisor_restarts(world->supervisor, "child"), 2);

	CLEANUP_FREE char *log = read_log(world);

	assert_non_null(strstr(log, "here\nhere\n"));
}

static void the_pause_before_a_restart_grows(void **state)
{
	struct world *world = *state;
	uint64_t began = sched_now_us(world->sched);

	add(world, "exit 1", false);
	until_changes(world, 7); /* after pauses of 0.1, 0.2 and 0.4 s */
	assert_true(sched_now_us(world->sched) - began >= 7 * SUPERVISE_PAUSE_MIN_US);
}

static void one_that_is_to_run_once_is_not_started_again(void **state)
{
	struct world *world = *state;
	int status = 0;

	add(world, "kill -9 $$", true);
	until_changes(world, 2);
	assert_true(supervisor_ended(world->supervisor, "child", &status));
	assert_int_equal(status, 128 + SIGKILL);
	assert_true(supervisor_step(world->supervisor) > 0);
	assert_int_equal(supervisor_changes(world->supervisor), 2);
}

static void an_ended_child_stays_ended(void **state)
{
	struct world *world = *state;

	add(world, "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done", false);
	assert_true(supervisor_pid(world->supervisor, "child") > 0);
	supervisor_end(world->supervisor, "child", PATIENCE_US);
	assert_int_equal(supervisor_pid(world->supervisor, "child"), 0);
	assert_true(supervisor_step(world->supervisor) >= 0);
	assert_int_equal(supervisor_pid(world->supervisor, "child"), 0);
}

static void one_that_does_not_listen_to_sigterm_is_killed(void **state)
{
	struct world *world = *state;

	add(world, "trap '' TERM; while :; do sleep 0.05; done", false);
	supervisor_end(world->supervisor, "child", 200000);
	assert_int_equal(supervisor_pid(world->supervisor, "child"), 0);
}

static void a_program_that_is_not_there_is_tried_again(void **state)
{
	struct world *world = *state;
	struct command command = { 0 };

	command_add(&command, "%s/none", world->directory);
	assert_int_equal(supervisor_run(world->supervisor, "child", &command, PATIENCE_US),
			 -ENOENT);
	command_finish(&command);
}

static void a_command_gives_its_status_or_is_killed_in_time(void **state)
{
	struct world *world = *state;
	struct command command = { 0 };

	world->script = "exit 7";
	make(world, &command);
	assert_int_equal(supervisor_run(world->supervisor, "child", &command, PATIENCE_US), 7);
	command_finish(&command);
	world->script = "while :; do sleep 0.05; done";
	make(world, &command);
	assert_int_equal(supervisor_run(world->supervisor, "child", &command, 100000), -ETIMEDOUT);
	command_finish(&command);
}

static void the_lock_is_held_while_a_child_lives(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *path = xprintf("%s/lock", world->directory);
	int other = open(path, O_RDWR | O_CLOEXEC);

	assert_int_equal(flock(world->lock, LOCK_EX | LOCK_NB), 0);
	add(world, "while :; do sleep 0.05; done", false);
	close(world->lock);
	world->lock = -1;
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	supervisor_end(world->supervisor, "child", PATIENCE_US);
	assert_int_equal(flock(other, LOCK_EX), 0); /* its sleep may live on a moment */
	close(other);
}

static void a_log_that_is_too_long_is_moved_away(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *path = xprintf("%s/child.log", world->directory);
	CLEANUP_FREE char *old = xprintf("%s/child.log.1", world->directory);
	struct stat info;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)SUPERVISE_LOG_MAX + 1), 0);
	close(fd);
	add(world, "while :; do sleep 0.05; done", false);
	(void)supervisor_step(world->supervisor);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_size, 0);
	assert_int_equal(stat(old, &info), 0);
	assert_int_equal(info.st_size, SUPERVISE_LOG_MAX + 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_child_that_dies_is_started_again),
		CASE(the_pause_before_a_restart_grows),
		CASE(one_that_is_to_run_once_is_not_started_again),
		CASE(an_ended_child_stays_ended),
		CASE(one_that_does_not_listen_to_sigterm_is_killed),
		CASE(a_program_that_is_not_there_is_tried_again),
		CASE(a_command_gives_its_status_or_is_killed_in_time),
		CASE(the_lock_is_held_while_a_child_lives),
		CASE(a_log_that_is_too_long_is_moved_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
