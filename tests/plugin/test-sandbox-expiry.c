/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Sandbox that ends or pauses: shutdownTime with both policies, and replicas 0 and back. Run by
 * make check; the fake host's clock starts at 2026-01-02T03:04:05Z.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

#define EXPIRED "False", "SandboxExpired", "Sandbox has expired"

static void an_expired_sandbox_loses_pod_and_service_and_keeps_its_volumes(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(
		fake, "a",
		"shutdownTime: \"2026-01-02T03:05:05Z\", volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_advance(fake, 59999);
	assert_writes(fake, NULL);
	asb_fake_advance(fake, 1);
	assert_writes(fake, "REMOVE Pod ns/a", "REMOVE Service ns/a", "SET_STATUS Sandbox ns/a",
		      NULL);
	assert_condition(fake, "a", EXPIRED);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	assert_int_equal(asb_fake_count(fake, "Service"), 0);
	assert_true(world_exists(fake, "PersistentVolumeClaim", "data-a"));
}

static void a_retained_status_is_replicas_0_and_the_condition(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *status;

	world_sandbox(fake, "a", "shutdownTime: \"2026-01-02T03:05:05Z\", shutdownPolicy: Retain");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 60000);
	status = asb_at(asb_fake_get(fake, "Sandbox", "ns", "a"), "status");
	assert_int_equal(json_object_object_length(status), 2);
	assert_replicas(fake, "a", 0);
	assert_condition(fake, "a", EXPIRED);
}

static void an_adopted_pod_goes_with_its_expired_sandbox(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2026-01-02T03:04:00Z\"}");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "x"));
	assert_condition(fake, "a", EXPIRED);
}

static void a_reserved_pod_is_free_again_when_the_sandbox_expires_first(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2001-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	assert_non_null(asb_label(asb_fake_get(fake, "Pod", "ns", "x"), POOL_LABEL));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
	assert_condition(fake, "a", EXPIRED);
}

static void expiry_leaves_foreign_objects_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_foreign(fake, "Service", "a");
	world_show(fake, "Pod", "a");
	world_show(fake, "Service", "a");
	world_sandbox(fake, "a", "shutdownTime: \"2001-01-01T00:00:00Z\"");
	asb_fake_settle(fake);
	assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL);
	assert_condition(fake, "a", EXPIRED);
	assert_true(world_exists(fake, "Pod", "a"));
	assert_true(world_exists(fake, "Service", "a"));
}

static void policy_delete_deletes_the_sandbox_too(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "shutdownTime: \"2026-01-02T03:05:05Z\", shutdownPolicy: Delete");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_advance(fake, 60000);
	assert_writes(fake, "REMOVE Pod ns/a", "REMOVE Service ns/a", "REMOVE Sandbox ns/a", NULL);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 0);
}

static void times_of_all_kinds_expire_at_once_or_in_time(void **state)
{
	static const struct {
		const char *time;
		int64_t next_ms; /* 0: expired already */
	} cases[] = {
		{ "2026-01-02T03:04:04Z", 0 },           { "2026-01-02T03:04:05Z", 0 },
		{ "0001-01-01T00:00:00Z", 0 },           { "1969-12-31T23:59:59.999999999Z", 0 },
		{ "2026-01-02T03:04:06Z", 1000 },        { "2026-01-02T03:04:05.25Z", 250 },
		{ "2026-01-02T05:04:07.5+02:00", 2500 }, { "2026-01-01T21:34:06-05:30", 1000 },
		{ "2036-01-02T03:04:05Z", 86400000 },    { "9999-12-31T23:59:59.999Z", 86400000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
		char spec[96];

		snprintf(spec, sizeof(spec), "shutdownTime: \"%s\"", cases[i].time);
		world_sandbox(fake, "a", spec);
		asb_fake_settle(fake);
		if (cases[i].next_ms == 0) {
			assert_condition(fake, "a", EXPIRED);
			assert_false(world_exists(fake, "Pod", "a"));
			assert_int_equal(asb_fake_next_ms(fake), -1);
		} else {
			assert_true(world_exists(fake, "Pod", "a"));
			assert_int_equal(asb_fake_next_ms(fake), cases[i].next_ms);
		}
		asb_fake_destroy(fake);
	}
}

static void a_far_time_fires_when_it_comes(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "shutdownTime: \"2026-01-05T03:04:05Z\"");
	asb_fake_settle(fake);
	asb_fake_advance(fake, INT64_C(3) * 86400 * 1000 - 1);
	assert_true(world_exists(fake, "Pod", "a"));
	asb_fake_advance(fake, 1);
	assert_condition(fake, "a", EXPIRED);
}

static void a_time_that_is_none_is_an_error(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "shutdownTime: soon");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: spec.shutdownTime \"soon\" is not a date-time");
	assert_true(world_exists(fake, "Pod", "a"));
}

static void an_expired_sandbox_is_left_as_it_is(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *sandbox;

	world_sandbox(fake, "a", "shutdownTime: \"2001-01-01T00:00:00Z\"");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_merge(
		fake, "Sandbox", "ns", "a",
		"spec: {replicas: 0, shutdownPolicy: Delete, shutdownTime: \"2002-01-01T00:00:00Z\"}");
	asb_fake_restart(fake);
	asb_fake_settle(fake);
	assert_writes(fake, NULL);
	sandbox = asb_fake_get(fake, "Sandbox", "ns", "a");
	assert_int_equal(asb_int(asb_at(asb_condition(sandbox, "Ready"), "observedGeneration"), 0),
			 1);
}

static void a_pod_whose_creation_was_heard_of_late_goes_too(void **state)
{
	struct asb_fake *fake = *state;
	char uid[64];

	world_sandbox(fake, "a", "shutdownTime: \"2001-01-01T00:00:00Z\"");
	asb_fake_settle(fake);
	snprintf(uid, sizeof(uid), "%s", world_uid(fake, "Sandbox", "a"));
	world_foreign(fake, "Pod", "a");
	world_put(
		fake,
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata:\n"
		"  namespace: ns\n"
		"  name: late\n"
		"  ownerReferences:\n"
		"  - {apiVersion: agents.x-k8s.io/v1alpha1, kind: Sandbox, name: a, uid: %s, controller: true}\n",
		uid);
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "late"));
	assert_true(world_exists(fake, "Pod", "a"));
}

static void a_sandbox_whose_time_moves_into_the_future_comes_back(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2001-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", EXPIRED);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2030-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
	assert_null(asb_fake_event(fake, 0));
}

static void an_expiry_that_fails_is_said_and_tried_again(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	for (int i = 0; i < 4; i++) {
		asb_fake_fail(fake, ASB_DELETE, "Pod", ASB_FORBIDDEN, "a webhook says no", false);
	}
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2001-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: a webhook says no");
	asb_fake_advance(fake, 1000);
	assert_condition(fake, "a", EXPIRED);
	assert_false(world_exists(fake, "Pod", "a"));
}

static void an_expiry_is_not_late_for_a_retry(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "shutdownTime: \"2026-01-02T03:44:05Z\"");
	world_refuse(fake, "Pod", ASB_INVALID, "bad pod", 40);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 40 * 60 * 1000);
	assert_condition(fake, "a", EXPIRED);
}

static void replicas_0_deletes_the_pod_and_keeps_the_rest(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_settle(fake);
	assert_writes(fake, "REMOVE Pod ns/a", "SET_STATUS Sandbox ns/a", NULL);
	assert_condition(fake, "a", "True", "DependenciesReady",
			 "Pod does not exist, replicas is 0; Service Exists");
	assert_replicas(fake, "a", 0);
	assert_status_str(fake, "a", "selector", NULL);
	assert_status_str(fake, "a", "service", "a");
	assert_true(world_exists(fake, "Service", "a"));
	assert_true(world_exists(fake, "PersistentVolumeClaim", "data-a"));
}

static void replicas_0_deletes_an_adopted_pod_and_drops_its_name(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "x"));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
	assert_condition(fake, "a", "True", "DependenciesReady",
			 "Pod does not exist, replicas is 0; Service Exists");
	assert_null(asb_fake_event(fake, 0));
}

static void replicas_0_leaves_a_foreign_pod_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_show(fake, "Pod", "a");
	world_sandbox(fake, "a", "replicas: 0");
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Pod", "a"));
	assert_condition(fake, "a", "True", "DependenciesReady",
			 "Pod does not exist, replicas is 0; Service Exists");
}

static void replicas_0_is_ready_when_the_pod_has_ended(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_start_deletion(fake, "Pod", "ns", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Running; Service Exists");
	assert_replicas(fake, "a", 1);
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "True", "DependenciesReady",
			 "Pod does not exist, replicas is 0; Service Exists");
	assert_null(asb_fake_event(fake, 0));
}

static void replicas_1_makes_a_pod_again(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 1}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	asb_fake_pod_ready(fake, "ns", "a");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
}

static void replicas_1_does_not_go_back_to_a_pod_that_ends(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_start_deletion(fake, "Pod", "ns", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 1}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
	assert_null(asb_fake_event(fake, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(an_expired_sandbox_loses_pod_and_service_and_keeps_its_volumes),
		WORLD_TEST(a_retained_status_is_replicas_0_and_the_condition),
		WORLD_TEST(an_adopted_pod_goes_with_its_expired_sandbox),
		WORLD_TEST(a_reserved_pod_is_free_again_when_the_sandbox_expires_first),
		WORLD_TEST(expiry_leaves_foreign_objects_alone),
		WORLD_TEST(policy_delete_deletes_the_sandbox_too),
		cmocka_unit_test(times_of_all_kinds_expire_at_once_or_in_time),
		WORLD_TEST(a_far_time_fires_when_it_comes),
		WORLD_TEST(a_time_that_is_none_is_an_error),
		WORLD_TEST(an_expired_sandbox_is_left_as_it_is),
		WORLD_TEST(a_pod_whose_creation_was_heard_of_late_goes_too),
		WORLD_TEST(a_sandbox_whose_time_moves_into_the_future_comes_back),
		WORLD_TEST(an_expiry_that_fails_is_said_and_tried_again),
		WORLD_TEST(an_expiry_is_not_late_for_a_retry),
		WORLD_TEST(replicas_0_deletes_the_pod_and_keeps_the_rest),
		WORLD_TEST(replicas_0_deletes_an_adopted_pod_and_drops_its_name),
		WORLD_TEST(replicas_0_leaves_a_foreign_pod_alone),
		WORLD_TEST(replicas_0_is_ready_when_the_pod_has_ended),
		WORLD_TEST(replicas_1_makes_a_pod_again),
		WORLD_TEST(replicas_1_does_not_go_back_to_a_pod_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
