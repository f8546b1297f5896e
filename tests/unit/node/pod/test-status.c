/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/status*.c: what is told of a pod. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/node/node-fixture.h"

#define ONE "{'containers':[{'name':'a','image':'i'}]}"
#define ONCE "{'restartPolicy':'Never','containers':[{'name':'a'}]}"
#define ONCE_TWO "{'restartPolicy':'Never','containers':[{'name':'a'},{'name':'b'}]}"
#define ON_FAILURE "{'restartPolicy':'OnFailure','containers':[{'name':'a'}]}"
#define TWO "{'containers':[{'name':'a'},{'name':'b'}]}"
#define INIT "{'initContainers':[{'name':'i'}],'containers':[{'name':'a'}]}"
#define INIT_ONCE \
	"{'restartPolicy':'Never','initContainers':[{'name':'i'}],'containers':[{'name':'a'}]}"

#define NOT_THERE (-9)

/* Phase and conditions by what the containers do. Conditions: Initialized, ContainersReady, and
 * the reason of Ready. */
static const struct row {
	const char *spec;
	int i, a, b;
	const char *phase, *initialized, *ready, *reason;
} rows[] = {
#define N NOT_THERE
	{ ONE, N, N, N, "Pending", "True", "False", "ContainersNotReady" },
	{ ONE, N, RUNS, N, "Running", "True", "True", NULL },
	{ ONE, N, 1, N, "Running", "True", "False", "ContainersNotReady" },
	{ ONCE, N, 0, N, "Succeeded", "True", "False", "PodCompleted" },
	{ ONCE, N, 1, N, "Failed", "True", "False", "PodFailed" },
	{ ON_FAILURE, N, 0, N, "Succeeded", "True", "False", "PodCompleted" },
	{ ON_FAILURE, N, 1, N, "Running", "True", "False", "ContainersNotReady" },
	{ TWO, N, RUNS, N, "Pending", "True", "False", "ContainersNotReady" },
	{ TWO, N, RUNS, 1, "Running", "True", "False", "ContainersNotReady" },
	{ TWO, N, RUNS, RUNS, "Running", "True", "True", NULL },
	{ ONCE_TWO, N, 0, RUNS, "Running", "True", "False", "ContainersNotReady" },
	{ ONCE_TWO, N, 0, 1, "Failed", "True", "False", "PodFailed" },
	{ INIT, N, N, N, "Pending", "False", "False", "ContainersNotReady" },
	{ INIT, RUNS, N, N, "Pending", "False", "False", "ContainersNotReady" },
	{ INIT, 0, N, N, "Pending", "True", "False", "ContainersNotReady" },
	{ INIT, 0, RUNS, N, "Running", "True", "True", NULL },
	{ INIT, 1, N, N, "Pending", "False", "False", "ContainersNotReady" },
	{ INIT_ONCE, 1, N, N, "Failed", "False", "False", "PodFailed" },
#undef N
};

static void add(struct pod_world *world, const char *name, int exit_code)
{
	if (exit_code != NOT_THERE) {
		world_add(world, name, 0, exit_code);
	}
}

static const char *condition(struct json_object *status, const char *type, const char *field)
{
	CLEANUP_JSON struct json_object *pod = json_object_new_object();

	json_object_object_add(pod, "status", json_object_get(status));
	return asb_str(asb_condition(pod, type), field);
}

static void status_follows_the_table(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP_JSON struct json_object *status = NULL;
		struct pod_world world;

		world_begin(&world, rows[i].spec, "{}");
		world_sandbox(&world);
		add(&world, "i", rows[i].i);
		add(&world, "a", rows[i].a);
		add(&world, "b", rows[i].b);
		world_look(&world);
		status = world_status(&world);
		print_message("row %zu: %s\n", i, rows[i].phase);
		assert_string_equal(rows[i].phase, asb_str(status, "phase"));
		assert_string_equal(rows[i].initialized,
				    condition(status, "Initialized", "status"));
		assert_string_equal(rows[i].ready, condition(status, "Ready", "status"));
		assert_string_equal(rows[i].ready, condition(status, "ContainersReady", "status"));
		if (rows[i].reason == NULL) {
			assert_null(condition(status, "Ready", "reason"));
		} else {
			assert_string_equal(rows[i].reason, condition(status, "Ready", "reason"));
		}
		world_end(&world);
	}
}

static struct json_object *container_of(struct json_object *status, size_t number)
{
	return json_object_array_get_idx(asb_array(status, "containerStatuses"), number);
}

static void status_is_the_same_when_nothing_has_changed(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *first = NULL, *second = NULL;
	struct pod_world world;

	world_begin(
		&world, INIT,
		"{'qosClass':'Burstable','conditions':[{'type':'PodScheduled','status':'True'}]}");
	world_sandbox(&world);
	world_add(&world, "i", 0, 0);
	world_add(&world, "a", 1, RUNS);
	world_add(&world, "a", 0, 3);
	world_look(&world);
	first = world_status(&world);
	json_object_object_add(world.pod, "status", asb_copy(first));
	world_look(&world);
	world.view.now_ms += 60000;
	second = world_status(&world);
	assert_true(json_object_equal(first, second));
	assert_string_equal("Burstable", asb_str(second, "qosClass"));
	assert_string_equal("True", condition(second, "PodScheduled", "status"));
	world_end(&world);
}

static void status_moves_a_transition_time_only_with_its_status(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(
		&world, ONE,
		"{'startTime':'2020-01-01T00:00:00Z','conditions':[{'type':'Ready','status':'False','lastTransitionTime':'2020-01-01T00:00:00Z'},{'type':'Initialized','status':'True','lastTransitionTime':'2020-01-01T00:00:00Z'}]}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("2023-11-14T22:13:20Z",
			    condition(status, "Ready", "lastTransitionTime"));
	assert_string_equal("2020-01-01T00:00:00Z",
			    condition(status, "Initialized", "lastTransitionTime"));
	assert_string_equal("2020-01-01T00:00:00Z", asb_str(status, "startTime"));
	world_end(&world);
}

static void status_names_what_is_not_ready(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, TWO, "{}");
	world_sandbox(&world);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("containers with unready status: [a b]",
			    condition(status, "ContainersReady", "message"));
	world_end(&world);
	json_object_put(TAKE(status));
	world_begin(&world, INIT, "{}");
	world_sandbox(&world);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("containers with incomplete status: [i]",
			    condition(status, "Initialized", "message"));
	assert_string_equal("PodInitializing",
			    asb_str(container_of(status, 0), "state", "waiting", "reason"));
	world_end(&world);
}

static void status_tells_a_crash_loop(void **state UNUSED)
{
	struct backoff backoff = { .delay_ms = 160000, .tried_ms = NOW_MS - 90000 };
	CLEANUP_JSON struct json_object *status = NULL;
	struct json_object *container;
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 5, 137)->oom_killed = true;
	world_look(&world);
	world_container(&world, "a")->backoff = &backoff;
	world_container(&world, "a")->message = "help";
	free(world_plan(&world));
	status = world_status(&world);
	container = container_of(status, 0);
	assert_string_equal("CrashLoopBackOff", asb_str(container, "state", "waiting", "reason"));
	assert_string_equal("back-off 2m40s restarting failed container=a pod=p_n(u)",
			    asb_str(container, "state", "waiting", "message"));
	assert_string_equal("OOMKilled", asb_str(container, "lastState", "terminated", "reason"));
	assert_string_equal("help", asb_str(container, "lastState", "terminated", "message"));
	assert_int_equal(137, asb_int(asb_at(container, "lastState", "terminated", "exitCode"), 0));
	assert_int_equal(5, asb_int(asb_at(container, "restartCount"), -1));
	assert_string_equal("test://a-5", asb_str(container, "containerID"));
	world_end(&world);
}

static void status_tells_why_a_container_waits(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_look(&world);
	world_container(&world, "a")->waiting = "ErrImagePull";
	world_container(&world, "a")->waiting_message = "no such image";
	status = world_status(&world);
	assert_string_equal("ErrImagePull",
			    asb_str(container_of(status, 0), "state", "waiting", "reason"));
	assert_string_equal("no such image",
			    asb_str(container_of(status, 0), "state", "waiting", "message"));
	assert_string_equal("i", asb_str(container_of(status, 0), "image"));
	assert_string_equal("", asb_str(container_of(status, 0), "imageID"));
	world_end(&world);
}

static void status_keeps_the_state_before(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct json_object *last;
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 0, 9);
	world_add(&world, "a", 1, RUNS);
	world_look(&world);
	status = world_status(&world);
	last = asb_at(container_of(status, 0), "lastState", "terminated");
	assert_int_equal(9, asb_int(asb_at(last, "exitCode"), 0));
	assert_string_equal("test://a-0", asb_str(last, "containerID"));
	/* The runtime has forgotten it: what was told stays. */
	json_object_object_add(world.pod, "status", TAKE(status));
	world.list.items[1].pod_uid[0] = 'x';
	world_look(&world);
	status = world_status(&world);
	last = asb_at(container_of(status, 0), "lastState", "terminated");
	assert_int_equal(9, asb_int(asb_at(last, "exitCode"), 0));
	world_end(&world);
}

static void status_keeps_the_end_of_a_pod_the_runtime_has_forgotten(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *first = NULL, *second = NULL;
	struct pod_world world;

	world_begin(&world, ONCE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 0, 0);
	world_look(&world);
	first = world_status(&world);
	json_object_object_add(world.pod, "status", asb_copy(first));
	runtime_list_finish(&world.list);
	world_look(&world);
	second = world_status(&world);
	assert_string_equal("Succeeded", asb_str(second, "phase"));
	assert_true(json_object_equal(container_of(first, 0), container_of(second, 0)));
	assert_string_equal("10.0.0.1", asb_str(second, "podIP"));
	world_end(&world);
}

static void status_tells_of_what_is_lost(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, ONCE, "{'containerStatuses':[{'name':'a','state':{'running':{}}}]}");
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("Failed", asb_str(status, "phase"));
	assert_string_equal("ContainerStatusUnknown",
			    asb_str(container_of(status, 0), "state", "terminated", "reason"));
	world_end(&world);
}

static void status_ends_a_deleted_pod(void **state UNUSED)
{
	static const struct {
		int exit_code;
		const char *phase;
	} cases[] = {
		{ 0, "Succeeded" }, { 143, "Failed" }, { RUNS, "Running" }, { NOT_THERE, "Failed" }
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_JSON struct json_object *status = NULL;
		struct pod_world world;

		world_begin(&world, ONE, "{}");
		world_sandbox(&world);
		add(&world, "a", cases[i].exit_code);
		json_object_object_add(json_object_object_get(world.pod, "metadata"),
				       "deletionTimestamp",
				       json_object_new_string("2023-11-14T22:13:20Z"));
		world_look(&world);
		status = world_status(&world);
		assert_string_equal(cases[i].phase, asb_str(status, "phase"));
		world_end(&world);
	}
}

static void status_never_takes_back_an_end(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, ONE, "{'phase':'Failed','reason':'Evicted'}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("Failed", asb_str(status, "phase"));
	assert_string_equal("Evicted", asb_str(status, "reason"));
	world_end(&world);
}

static void status_tells_why_it_was_ended(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, ONE, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_look(&world);
	pod_view_end(&world.view, "DeadlineExceeded", "late");
	status = world_status(&world);
	assert_string_equal("Failed", asb_str(status, "phase"));
	assert_string_equal("DeadlineExceeded", asb_str(status, "reason"));
	assert_string_equal("late", asb_str(status, "message"));
	world_end(&world);
}

static void status_waits_for_readiness_gates(void **state UNUSED)
{
	static const char spec[] =
		"{'containers':[{'name':'a'}],'readinessGates':[{'conditionType':'x/y'}]}";
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, spec, "{}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("ReadinessGatesNotReady", condition(status, "Ready", "reason"));
	assert_string_equal("True", condition(status, "ContainersReady", "status"));
	world_end(&world);
	json_object_put(TAKE(status));
	world_begin(&world, spec, "{'conditions':[{'type':'x/y','status':'True'}]}");
	world_sandbox(&world);
	world_add(&world, "a", 0, RUNS);
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("True", condition(status, "Ready", "status"));
	world_end(&world);
}

static void status_has_the_addresses(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *status = NULL;
	struct pod_world world;

	world_begin(&world, "{'hostNetwork':true,'containers':[{'name':'a'}]}", "{}");
	world_look(&world);
	status = world_status(&world);
	assert_string_equal("192.0.2.1", asb_str(status, "hostIP"));
	assert_string_equal("192.0.2.1", asb_str(status, "podIP"));
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_follows_the_table),
		cmocka_unit_test(status_is_the_same_when_nothing_has_changed),
		cmocka_unit_test(status_moves_a_transition_time_only_with_its_status),
		cmocka_unit_test(status_names_what_is_not_ready),
		cmocka_unit_test(status_tells_a_crash_loop),
		cmocka_unit_test(status_tells_why_a_container_waits),
		cmocka_unit_test(status_keeps_the_state_before),
		cmocka_unit_test(status_keeps_the_end_of_a_pod_the_runtime_has_forgotten),
		cmocka_unit_test(status_tells_of_what_is_lost),
		cmocka_unit_test(status_ends_a_deleted_pod),
		cmocka_unit_test(status_never_takes_back_an_end),
		cmocka_unit_test(status_tells_why_it_was_ended),
		cmocka_unit_test(status_waits_for_readiness_gates),
		cmocka_unit_test(status_has_the_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
