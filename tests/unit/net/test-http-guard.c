/* SPDX-License-Identifier: Apache-2.0 */
/* net/http-guard: which connections are cut, and when, on a clock that is simulated. */
#include "config.h"

#include "net/http-guard.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

#define SECOND 1000000u
#define LINKS 4

struct world {
	struct sched *sched;
	struct http_guard *guard;
	struct http_link links[LINKS];
	int ours[LINKS], theirs[LINKS];
	unsigned int sweeps;
	void (*test)(struct world *world);
};

static void count_sweep(void *arg)
{
	struct world *world = arg;

	world->sweeps++;
}

static void wait_s(struct world *world, unsigned int seconds)
{
	struct sched_mutex lock;
	struct sched_cond never;
	uint64_t until = sched_now_us(world->sched) + (uint64_t)seconds * SECOND;

	sched_mutex_init(&lock, world->sched);
	sched_cond_init(&never, world->sched);
	sched_mutex_lock(&lock);
	while (sched_now_us(world->sched) < until) {
		(void)sched_cond_wait(&never, &lock, until);
	}
	sched_mutex_unlock(&lock);
	sched_cond_finish(&never);
	sched_mutex_finish(&lock);
}

static void add(struct world *world, size_t i)
{
	int pair[2];

	assert_true(http_guard_accept(world->guard));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	world->ours[i] = pair[0];
	world->theirs[i] = pair[1];
	http_guard_add(world->guard, &world->links[i], pair[0]);
}

static bool is_cut(const struct world *world, size_t i)
{
	char byte;

	return recv(world->theirs[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static void in_simulation(void *arg)
{
	struct world *world = arg;

	world->guard = http_guard_create(&(struct http_guard_config){
		.sched = world->sched,
		.limit = LINKS - 1,
		.idle_us = 75 * SECOND,
		.body_us = 30 * SECOND,
		.response_us = 600 * SECOND,
		.on_sweep = count_sweep,
		.arg = world,
	});
	world->test(world);
	for (size_t i = 0; i < LINKS; i++) {
		if (world->ours[i] >= 0) {
			http_guard_remove(world->guard, &world->links[i]);
			close(world->ours[i]);
			close(world->theirs[i]);
		}
	}
	http_guard_destroy(world->guard);
}

static void run(void (*test)(struct world *world))
{
	struct world world = { .sched = sched_create_simulation(7, 0), .test = test };

	for (size_t i = 0; i < LINKS; i++) {
		world.ours[i] = world.theirs[i] = -1;
	}
	sched_run(world.sched, in_simulation, &world);
	sched_destroy(world.sched);
}

/* ---- deadlines ---- */

static void check_head(struct world *world)
{
	add(world, 0);
	wait_s(world, 9);
	assert_false(is_cut(world, 0));
	/* What drips in meanwhile does not help. */
	assert_int_equal(send(world->theirs[0], "G", 1, 0), 1);
	wait_s(world, 4);
	assert_true(is_cut(world, 0));
	assert_true(world->sweeps > 0);
}

static void a_first_head_has_a_deadline_whatever_drips_in(void **state)
{
	(void)state;
	run(check_head);
}

static void check_next_head(struct world *world)
{
	add(world, 0);
	http_guard_enter(world->guard, &world->links[0], HTTP_PHASE_ANSWER);
	http_guard_enter(world->guard, &world->links[0], HTTP_PHASE_HEAD);
	wait_s(world, 60);
	assert_false(is_cut(world, 0));
	http_guard_head(world->guard, &world->links[0]);
	http_guard_head(world->guard, &world->links[0]);
	wait_s(world, 9);
	assert_false(is_cut(world, 0));
	http_guard_head(world->guard, &world->links[0]);
	wait_s(world, 4);
	assert_true(is_cut(world, 0));
}

static void a_later_head_has_it_from_its_first_line_on(void **state)
{
	(void)state;
	run(check_next_head);
}

static void check_rest(struct world *world)
{
	for (size_t i = 0; i < 3; i++) {
		add(world, i);
		http_guard_enter(world->guard, &world->links[i], HTTP_PHASE_STREAM);
	}
	http_guard_enter(world->guard, &world->links[0], HTTP_PHASE_HEAD);
	http_guard_enter(world->guard, &world->links[1], HTTP_PHASE_BODY);
	wait_s(world, 29);
	assert_false(is_cut(world, 1));
	wait_s(world, 4);
	assert_true(is_cut(world, 1));
	assert_false(is_cut(world, 0));
	wait_s(world, 45);
	assert_true(is_cut(world, 0));
	wait_s(world, 3600);
	assert_false(is_cut(world, 2));
}

static void bodies_and_rest_have_deadlines_and_streams_go_on(void **state)
{
	(void)state;
	run(check_rest);
}

/* ---- the limit ---- */

static void check_oldest(struct world *world)
{
	for (size_t i = 0; i < LINKS; i++) {
		add(world, i);
	}
	assert_true(is_cut(world, 0));
	for (size_t i = 1; i < LINKS; i++) {
		assert_false(is_cut(world, i));
	}
	/* Whose request came in and was answered is the youngest again. */
	http_guard_enter(world->guard, &world->links[1], HTTP_PHASE_ANSWER);
	http_guard_enter(world->guard, &world->links[1], HTTP_PHASE_HEAD);
	assert_true(http_guard_accept(world->guard));
	assert_true(is_cut(world, 2));
	assert_false(is_cut(world, 1));
}

static void at_the_limit_the_oldest_is_cut(void **state)
{
	(void)state;
	run(check_oldest);
}

static void check_bodies(struct world *world)
{
	for (size_t i = 0; i < LINKS - 1; i++) {
		add(world, i);
		http_guard_enter(world->guard, &world->links[i], HTTP_PHASE_BODY);
	}
	http_guard_enter(world->guard, &world->links[0], HTTP_PHASE_ANSWER);
	http_guard_enter(world->guard, &world->links[2], HTTP_PHASE_STREAM);
	assert_true(http_guard_accept(world->guard));
	assert_true(is_cut(world, 1));
	assert_false(is_cut(world, 0));
	http_guard_remove(world->guard, &world->links[1]);
	http_guard_add(world->guard, &world->links[1], world->ours[1]);
	http_guard_enter(world->guard, &world->links[1], HTTP_PHASE_STREAM);
	assert_true(http_guard_accept(world->guard));
	assert_true(is_cut(world, 0));
	assert_false(is_cut(world, 2));
}

static void check_young_head(struct world *world)
{
	for (size_t i = 0; i < LINKS - 1; i++) {
		add(world, i);
		wait_s(world, 1);
		if (i < LINKS - 2) {
			http_guard_enter(world->guard, &world->links[i], HTTP_PHASE_BODY);
		}
	}
	assert_true(http_guard_accept(world->guard));
	assert_true(is_cut(world, 0));
	assert_false(is_cut(world, LINKS - 2));
}

static void a_head_that_has_just_begun_is_not_cut_for_old_bodies(void **state)
{
	(void)state;
	run(check_young_head);
}

static void without_heads_the_oldest_body_is_cut_then_the_oldest_answer(void **state)
{
	(void)state;
	run(check_bodies);
}

static void check_streams(struct world *world)
{
	for (size_t i = 0; i < LINKS - 1; i++) {
		add(world, i);
		http_guard_enter(world->guard, &world->links[i], HTTP_PHASE_STREAM);
	}
	assert_false(http_guard_accept(world->guard));
	for (size_t i = 0; i < LINKS - 1; i++) {
		assert_false(is_cut(world, i));
	}
}

static void streams_are_not_cut_for_others(void **state)
{
	(void)state;
	run(check_streams);
}

static void a_limit_is_what_open_files_allow(void **state)
{
	struct rlimit before, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ .rlim_cur = 200, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(http_guard_limit(8192, 100), 100);
	assert_int_equal(http_guard_limit(50, 100), 50);
	assert_int_equal(http_guard_limit(8192, 512), 100);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_head_has_a_deadline_whatever_drips_in),
		cmocka_unit_test(a_later_head_has_it_from_its_first_line_on),
		cmocka_unit_test(bodies_and_rest_have_deadlines_and_streams_go_on),
		cmocka_unit_test(at_the_limit_the_oldest_is_cut),
		cmocka_unit_test(a_head_that_has_just_begun_is_not_cut_for_old_bodies),
		cmocka_unit_test(without_heads_the_oldest_body_is_cut_then_the_oldest_answer),
		cmocka_unit_test(streams_are_not_cut_for_others),
		cmocka_unit_test(a_limit_is_what_open_files_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
