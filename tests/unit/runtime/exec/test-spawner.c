/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/spawner: programs start, those that cannot say why, those that are cancelled never run. */
#include "config.h"

#include "runtime/exec/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define PATIENCE_US 20000000u

struct world {
	struct sched *sched;
	struct spawner *spawner;
	int wake, output;
};

static int set_up(void **state)
{
	struct world *world = xnew(struct world);

	world->sched = sched_create();
	world->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	world->output = -1;
	world->spawner = spawner_create(world->sched, world->wake, NULL);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	spawner_destroy(world->spawner);
	close(world->wake);
	if (world->output >= 0) {
		close(world->output);
	}
	sched_destroy(world->sched);
	free(world);
	return 0;
}

/* Its output is world->output. */
static struct spawn *spawn_of(struct world *world, const char *text)
{
	char *const environment[] = { (char[]){ "PATH=/bin:/usr/bin" }, NULL };
	struct command command = { .text = xstrdup(text), .length = strlen(text) };
	CLEANUP_BUF struct buf why = BUF_INIT(4096);
	struct spawn *spawn = spawn_create();
	int ends[2];

	assert_non_null(spawn);
	assert_int_equal(program_init(&spawn->program, &command, environment, &why), 0);
	command_finish(&command);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if (world->output >= 0) {
		close(world->output);
	}
	world->output = ends[0];
	spawn->directory = "/";
	spawn->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	spawn->out = ends[1];
	spawn->err = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &spawn->files), 0);
	return spawn;
}

static void until_returned(const struct world *world, const struct spawn *spawn)
{
	uint64_t until = sched_now_us(world->sched) + PATIENCE_US;

	while (!atomic_load(&spawn->returned)) {
		assert_true(sched_now_us(world->sched) < until);
		(void)spawner_tend(world->spawner, sched_now_us(world->sched));
	}
}

static void submit(const struct world *world, struct spawn *spawn)
{
	spawner_submit(world->spawner, spawn, sched_now_us(world->sched));
}

static int status_of(const struct spawn *spawn)
{
	int status = -1;

	assert_int_equal(waitpid(atomic_load(&spawn->pid), &status, 0), atomic_load(&spawn->pid));
	return status;
}

static void a_program_runs_and_its_descriptors_are_given_away(void **state)
{
	struct world *world = *state;
	struct spawn *spawn = spawn_of(world, "echo here");
	char text[16] = "";

	submit(world, spawn);
	until_returned(world, spawn);
	assert_int_equal(atomic_load(&spawn->code), 0);
	assert_int_equal(read(world->output, text, sizeof(text)), 5);
	assert_string_equal(text, "here\n");
	assert_int_equal(read(world->output, text, sizeof(text)), 0);
	assert_int_equal(status_of(spawn), 0);
	assert_int_equal(spawn->in, -1);
	spawn_unref(spawn);
}

static void what_cannot_run_says_where_and_why(void **state)
{
	struct world *world = *state;
	struct spawn *missing = spawn_of(world, "nosuchprogram"),
		     *homeless = spawn_of(world, "true");

	homeless->directory = "/nosuchfolder";
	submit(world, missing);
	submit(world, homeless);
	until_returned(world, missing);
	until_returned(world, homeless);
	assert_int_equal(atomic_load(&missing->code), -ENOENT);
	assert_int_equal(missing->step, SPAWN_RUN);
	assert_string_equal(missing->program.argv[0], "nosuchprogram");
	assert_int_equal(atomic_load(&homeless->code), -ENOENT);
	assert_int_equal(homeless->step, SPAWN_DIRECTORY);
	assert_true(WIFEXITED(status_of(missing)) && WIFEXITED(status_of(homeless)));
	spawn_unref(missing);
	spawn_unref(homeless);
}

static void a_child_that_is_cancelled_does_not_run_the_program(void **state)
{
	struct world *world = *state;
	struct spawn *spawn = spawn_of(world, "echo here");
	char text[16];

	atomic_store(&spawn->cancelled, true);
	submit(world, spawn);
	until_returned(world, spawn);
	assert_true(spawn_was_refused(spawn));
	assert_int_equal(atomic_load(&spawn->code), -ECANCELED);
	assert_int_equal(read(world->output, text, sizeof(text)), 0);
	spawn_unref(spawn);
}

/* Whatever the threads have made of it by then: it is let go of once. */
static void many_can_be_cancelled_at_any_time(void **state)
{
	struct world *world = *state;
	struct spawn *spawns[50];

	for (size_t i = 0; i < ARRAY_LEN(spawns); i++) {
		spawns[i] = spawn_of(world, "true");
		submit(world, spawns[i]);
		spawner_cancel(world->spawner, spawns[i / 2]);
	}
	for (size_t i = 0; i < ARRAY_LEN(spawns); i++) {
		until_returned(world, spawns[i]);
		if (atomic_load(&spawns[i]->pid) != 0) {
			(void)status_of(spawns[i]);
		}
		spawn_unref(spawns[i]);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* On a slow machine the last of many may wait longer than SPAWNER_WAIT_US. */
static void a_queue_that_moves_refuses_nobody(void **state)
{
	struct world *world = *state;
	struct spawn *spawns[50], *last;

	for (size_t i = 0; i < ARRAY_LEN(spawns); i++) {
		spawns[i] = spawn_of(world, "true");
	}
	last = spawns[ARRAY_LEN(spawns) - 1];
	submit(world, spawns[0]);
	until_returned(world, spawns[0]);
	for (size_t i = 1; i < ARRAY_LEN(spawns); i++) {
		spawner_submit(world->spawner, spawns[i],
			       sched_now_us(world->sched) - 2 * SPAWNER_WAIT_US);
	}
	until_returned(world, last);
	for (size_t i = 0; i < ARRAY_LEN(spawns); i++) {
		until_returned(world, spawns[i]);
		assert_int_equal(atomic_load(&spawns[i]->code), 0);
		assert_int_equal(status_of(spawns[i]), 0);
		spawn_unref(spawns[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_program_runs_and_its_descriptors_are_given_away,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_run_says_where_and_why, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_child_that_is_cancelled_does_not_run_the_program,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_can_be_cancelled_at_any_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_queue_that_moves_refuses_nobody, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
