/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/pod/plan.c, and of node/pod/view.c through it: what comes next for a pod. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/node/node-fixture.h"

#define ONE "{'containers':[{'name':'a'}]}"
#define ONCE "{'restartPolicy':'Never','containers':[{'name':'a'}]}"
#define ON_FAILURE "{'restartPolicy':'OnFailure','containers':[{'name':'a'}]}"
#define TWO "{'containers':[{'name':'a'},{'name':'b'}]}"
#define INIT "{'initContainers':[{'name':'i'},{'name':'j'}],'containers':[{'name':'a'}]}"
#define SIDECAR                                                                              \
	"{'restartPolicy':'Never','initContainers':[{'name':'s','restartPolicy':'Always'}]," \
	"'containers':[{'name':'a'}]}"

static void expect(struct pod_world *world, const char *steps)
{
	CLEANUP_FREE char *plan = world_plan(world);

	assert_string_equal(steps, plan);
}

#define NOT_THERE (-9)

/* A pod with a sandbox, and one attempt of each container named. */
static const struct row {
	const char *spec;
	int i, j, s, a, b; /* exit codes, RUNS, MADE, NOT_THERE */
	const char *plan;
} rows[] = {
#define N NOT_THERE
	{ ONE, N, N, N, N, N, "start a" },
	{ ONE, N, N, N, RUNS, N, "" },
	{ ONE, N, N, N, MADE, N, "start a" },
	{ ONE, N, N, N, 0, N, "start a" },
	{ ONE, N, N, N, 1, N, "start a" },
	{ ONCE, N, N, N, 0, N, "" },
	{ ONCE, N, N, N, 1, N, "" },
	{ ON_FAILURE, N, N, N, 0, N, "" },
	{ ON_FAILURE, N, N, N, 1, N, "start a" },
	{ TWO, N, N, N, N, N, "start a start b" },
	{ TWO, N, N, N, RUNS, 1, "start b" },
	{ INIT, N, N, N, N, N, "start i" },
	{ INIT, RUNS, N, N, N, N, "" },
	{ INIT, 0, N, N, N, N, "start j" },
	{ INIT, 1, N, N, N, N, "start i" },
	{ INIT, 0, 0, N, N, N, "start a" },
	{ INIT, 0, 0, N, RUNS, N, "" },
	{ INIT, N, N, N, RUNS, N,
	  "" }, /* its init containers were removed: they are not run again */
	{ SIDECAR, N, N, N, N, N, "start s" },
	{ SIDECAR, N, N, RUNS, N, N, "start a" },
	{ SIDECAR, N, N, 1, RUNS, N, "start s" },
	{ SIDECAR, N, N, RUNS, 0, N, "stop s" },
	{ SIDECAR, N, N, 0, 0, N, "" },
#undef N
};

static void add(struct pod_world *world, const char *name, int exit_code)
{
	if (exit_code != NOT_THERE) {
		world_add(world, name, 0, exit_code);
	}
}

static void plan_follows_the_table(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pod_world world;

		world_begin(&world, rows[i].spec, "{}");
		world_sandbox(&world);
		add(&world, "i", rows[i].i);
		add(&world, "j", rows[i].j);
		add(&world, "s", rows[i].s);
		add(&world, "a", rows[i].a);
		add(&world, "b", rows[i].b);
		world_look(&world);
		print_message("row %zu: %s\n", i, rows[i].plan);
		expect(&world, rows[i].plan);
		world_end(&world);
	}
}

static void plan_makes_the_sandbox_first(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_look(&world);
	expect(&world, "sandbox");
	world_end(&world);
}

static void plan_ends_what_runs_without_a_sandbox_before_it_makes_one(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, TWO, "{}");
	world_add(&world, "a", 0, RUNS);
	world_add(&world, "b", 0, 1);
	world_look(&world);
	expect(&world, "stop a");
	world_container(&world, "a")->stopping = true;
	expect(&world, "");
	world_end(&world);
}

static void plan_makes_no_sandbox_for_what_is_done(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, ONCE, "{}");
	world_add(&world, "a", 0, 0);
	world_look(&world);
	expect(&world, "");
	world_end(&world);
}

static void plan_runs_init_containers_again_in_a_new_sandbox(void **state UNUSED)
{
	struct runtime_status *row;
	struct pod_world world;

	world_begin(&world, INIT, "{}");
	world_sandbox(&world);
	row = world_add(&world, "i", 0, 0);
	row->created_ms = NOW_MS - 500000;
	row = world_add(&world, "j", 0, 0);
	row->created_ms = NOW_MS - 500000;
	row = world_add(&world, "a", 0, 1);
	row->created_ms = NOW_MS - 500000;
	world_look(&world);
	expect(&world, "start i");
	assert_int_equal(1, world_container(&world, "i")->next);
	world_end(&world);
}

static void plan_waits_for_a_backoff(void **state UNUSED)
{
	struct backoff backoff = { .delay_ms = 20000, .tried_ms = NOW_MS - 90000 };
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 2, 1); /* ended 10 s ago */
	world_look(&world);
	world_container(&world, "a")->backoff = &backoff;
	expect(&world, "");
	assert_int_equal(10000, world.plan.recheck_ms);
	assert_int_equal(10000, world_container(&world, "a")->left_ms);
	backoff.delay_ms = 10000;
	expect(&world, "start a");
	assert_int_equal(3, world_container(&world, "a")->next);
	world_end(&world);
}

static void plan_waits_before_it_tries_what_failed(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_look(&world);
	world_container(&world, "a")->retry_ms = NOW_MS + 3000;
	expect(&world, "");
	assert_int_equal(3000, world.plan.recheck_ms);
	world_end(&world);
}

static void plan_stops_what_a_probe_has_failed(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, TWO, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_add(&world, "b", 0, RUNS);
	world_look(&world);
	world_container(&world, "b")->failed = true;
	expect(&world, "stop b");
	assert_true(world.plan.steps[0].unhealthy);
	world_end(&world);
}

static void plan_stops_everything_of_a_deleted_pod_sidecars_last(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, SIDECAR, "{}");
	world_sandbox(&world);
	world_add(&world, "s", 0, RUNS);
	world_add(&world, "a", 0, RUNS);
	json_object_object_add(json_object_object_get(world.pod, "metadata"), "deletionTimestamp",
			       json_object_new_string("2023-11-14T22:13:20Z"));
	world_look(&world);
	expect(&world, "stop a");
	world_container(&world, "a")->state = CONTAINER_EXITED;
	expect(&world, "stop s");
	world_end(&world);
}

static void plan_does_not_restart_in_a_pod_that_is_over(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, TWO, "{'phase':'Failed'}");
	world_sandbox(&world);
	world_add(&world, "a", 0, 1);
	world_add(&world, "b", 0, RUNS);
	world_look(&world);
	expect(&world, "stop b");
	world_end(&world);
	world_begin(&world, ONE, "{}");
	world_look(&world);
	pod_view_end(&world.view, "DeadlineExceeded", "late");
	expect(&world, "");
	world_end(&world);
}

static void plan_forgets_attempts_before_the_last_two(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 3, RUNS);
	world_add(&world, "a", 1, 1);
	world_add(&world, "a", 2, 1);
	world_add(&world, "a", 0, 1);
	world_look(&world);
	expect(&world, "forget a-1 forget a-0");
	world_end(&world);
}

static void plan_counts_on_from_the_status_when_the_runtime_knows_nothing(void **state UNUSED)
{
	static const struct {
		const char *spec, *container, *plan;
		uint32_t next;
	} cases[] = {
		{ ONE, "'restartCount':4,'state':{'running':{}}", "start a", 5 },
		{ ONE, "'restartCount':4,'state':{'terminated':{'exitCode':0}}", "start a", 5 },
		{ ONE,
		  "'restartCount':4,'state':{'waiting':{}},'lastState':{'terminated':{'exitCode':1}}",
		  "start a", 5 },
		{ ONE, "'restartCount':0,'state':{'waiting':{}},'lastState':{}", "start a", 0 },
		{ ONCE, "'restartCount':0,'state':{'running':{}}", "", 1 },
		{ ONCE, "'restartCount':0,'state':{'terminated':{'exitCode':0}}", "", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *status =
			xprintf("{'containerStatuses':[{'name':'a',%s}]}", cases[i].container);
		struct pod_world world;

		world_begin(&world, cases[i].spec, status);
		world_sandbox(&world);
		world_look(&world);
		expect(&world, cases[i].plan);
		assert_int_equal(cases[i].next, world_container(&world, "a")->next);
		world_end(&world);
	}
}

static void view_refuses_a_spec_without_containers(void **state UNUSED)
{
	struct pod_world world;

	world_begin(&world, "{'containers':[]}", "{}");
	assert_true(pod_view_init(&world.view, world.pod, &world.list, NOW_MS) < 0);
	world_end(&world);
	world_begin(&world, "{'containers':[{}]}", "{}");
	assert_true(pod_view_init(&world.view, world.pod, &world.list, NOW_MS) < 0);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_follows_the_table),
		cmocka_unit_test(plan_makes_the_sandbox_first),
		cmocka_unit_test(plan_ends_what_runs_without_a_sandbox_before_it_makes_one),
		cmocka_unit_test(plan_makes_no_sandbox_for_what_is_done),
		cmocka_unit_test(plan_runs_init_containers_again_in_a_new_sandbox),
		cmocka_unit_test(plan_waits_for_a_backoff),
		cmocka_unit_test(plan_waits_before_it_tries_what_failed),
		cmocka_unit_test(plan_stops_what_a_probe_has_failed),
		cmocka_unit_test(plan_stops_everything_of_a_deleted_pod_sidecars_last),
		cmocka_unit_test(plan_does_not_restart_in_a_pod_that_is_over),
		cmocka_unit_test(plan_forgets_attempts_before_the_last_two),
		cmocka_unit_test(plan_counts_on_from_the_status_when_the_runtime_knows_nothing),
		cmocka_unit_test(view_refuses_a_spec_without_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
