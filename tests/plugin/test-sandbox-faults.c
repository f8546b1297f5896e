/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server that refuses, fails, loses answers, or a controller that dies between two writes:
 * nothing is doubled or lost, and the condition says what is the matter. Run by make check.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

#define LONG_ENOUGH_MS 100000

static void a_refused_pod_is_said_in_the_servers_words(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Pod", ASB_INVALID, "Pod \"a\" is invalid: spec.containers: Required",
		     2);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" is invalid: spec.containers: Required");
	assert_replicas(fake, "a", 0);
	assert_status_str(fake, "a", "service", "a");
	asb_fake_advance(fake, LONG_ENOUGH_MS);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void a_sandbox_whose_name_no_service_can_have_gets_its_pod(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Service", ASB_INVALID, "Service \"1.a\" is invalid", 2);
	world_sandbox(fake, "1.a", "");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "1.a", "Pod", "1.a"));
	assert_condition(fake, "1.a", "False", "ReconcilerError",
			 "Error seen: Service \"1.a\" is invalid");
	assert_replicas(fake, "1.a", 1);
}

static void a_forbidden_volume_is_said_and_the_pod_waits(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "PersistentVolumeClaim", ASB_FORBIDDEN, "exceeded quota", 2);
	world_sandbox(fake, "a", "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: exceeded quota");
	assert_false(world_exists(fake, "Pod", "a"));
	asb_fake_advance(fake, LONG_ENOUGH_MS);
	assert_true(world_owns(fake, "a", "Pod", "a"));
}

static unsigned int status_writes(struct asb_fake *fake)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < asb_fake_writes(fake); i++) {
		found += strncmp(asb_fake_write(fake, i), "SET_STATUS", 10) == 0;
	}
	return found;
}

static void an_error_whose_text_changes_is_written_once_a_minute(void **state)
{
	struct asb_fake *fake = *state;
	char message[64];

	for (int i = 0; i < 40; i++) {
		snprintf(message, sizeof(message), "webhook on port %d does not answer", 40000 + i);
		world_refuse(fake, "Pod", ASB_FORBIDDEN, message, 1);
	}
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 59000);
	assert_int_equal(status_writes(fake), 1);
	asb_fake_advance(fake, 600000);
	assert_in_range(status_writes(fake), 2, 11);
}

static void an_error_of_a_new_generation_is_written_at_once(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Pod", ASB_INVALID, "bad image", 2);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	world_refuse(fake, "Pod", ASB_INVALID, "bad port", 2);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {podTemplate: {spec: {hostname: h}}}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: bad port");
}

static void backoff_of_a_refused_pod_reaches_a_thousand_seconds(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Pod", ASB_INVALID, "bad", 40);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 4000000);
	asb_fake_forget(fake);
	asb_fake_advance(fake, 1000000);
	assert_writes(fake, "CREATE Pod ns/a", NULL);
}

static void no_answer_writes_no_status_and_is_tried_again(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Pod", ASB_UNREACHABLE, "timeout", 2);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_int_equal(status_writes(fake), 0);
	assert_string_equal(asb_fake_failure(fake), "timeout");
	asb_fake_advance(fake, 1000);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void a_stopping_process_leaves_the_status_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_refuse(fake, "Pod", ASB_CANCELLED, "not the leader", 2);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_int_equal(status_writes(fake), 0);
}

static void a_label_that_cannot_be_set_is_an_error_and_no_loop(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Pod", "ns", "a", "metadata: {labels: {" SANDBOX_UID ": wrong}}");
	for (int i = 0; i < 8; i++) {
		asb_fake_fail(fake, ASB_PATCH_JSON, "Pod", ASB_INVALID, "labels are frozen", false);
	}
	asb_fake_forget(fake);
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: labels are frozen");
	assert_in_range(asb_fake_writes(fake), 2, 8);
	asb_fake_advance(fake, LONG_ENOUGH_MS);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "a"), SANDBOX_UID),
			    world_uid(fake, "Sandbox", "a"));
}

static void a_status_that_is_not_written_is_tried_again(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_fail(fake, ASB_SET_STATUS, "Sandbox", ASB_CONFLICT, "conflict", false);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void delete_sandbox(struct asb_fake *fake, void *arg)
{
	(void)arg;
	asb_fake_delete(fake, "Sandbox", "ns", "a");
}

static void a_sandbox_deleted_under_a_pass_leaves_nothing(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_before_write(fake, delete_sandbox, NULL);
	asb_fake_settle(fake);
	asb_fake_before_write(fake, NULL, NULL);
	asb_fake_advance(fake, LONG_ENOUGH_MS);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	assert_int_equal(asb_fake_count(fake, "Service"), 0);
}

static void a_message_too_long_is_cut_between_characters(void **state)
{
	struct asb_fake *fake = *state;
	char message[4001];
	const char *written;
	size_t length;

	for (size_t i = 0; i < 2000; i++) {
		memcpy(&message[2 * i], "\xc3\xa4", 2);
	}
	message[4000] = '\0';
	world_refuse(fake, "Pod", ASB_INVALID, message, 2);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	written = asb_str(asb_condition(asb_fake_get(fake, "Sandbox", "ns", "a"), "Ready"),
			  "message");
	length = strlen(written);
	assert_in_range(length, 1000, 3000);
	assert_int_equal((length - strlen("Error seen: ")) % 2, 0);
	assert_memory_equal(written + length - 2, "\xc3\xa4", 2);
}

/* The writes of a warm start, each of which may be the last thing a controller does. */
static const struct {
	uint32_t verb;
	const char *kind;
} warm_writes[] = {
	{ ASB_PATCH_JSON, "Pod" },
	{ ASB_CREATE, "Service" },
	{ ASB_SET_STATUS, "Sandbox" },
};

static void assert_warm(struct asb_fake *fake)
{
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(world_owns(fake, "a", "Pod", "x"));
	assert_true(world_owns(fake, "a", "Service", "a"));
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	assert_null(asb_fake_event(fake, 0));
}

static void a_warm_start_survives_a_death_at_each_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(warm_writes) / sizeof(warm_writes[0]); i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

		world_pool_pod(fake, "x");
		world_claim(fake, "a");
		world_claimed_sandbox(fake, "a", "x");
		asb_fake_fail(fake, warm_writes[i / 2].verb, warm_writes[i / 2].kind,
			      ASB_UNREACHABLE, "killed", i % 2 == 1);
		asb_fake_settle(fake);
		asb_fake_restart(fake);
		assert_warm(fake);
		asb_fake_destroy(fake);
	}
}

static void a_warm_start_survives_lost_answers(void **state)
{
	static const int32_t results[] = { ASB_UNREACHABLE, ASB_CONFLICT, ASB_INVALID,
					   ASB_NOT_FOUND };

	(void)state;
	for (size_t i = 0; i < 2 * 3 * sizeof(results) / sizeof(results[0]); i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

		world_pool_pod(fake, "x");
		world_claim(fake, "a");
		world_claimed_sandbox(fake, "a", "x");
		asb_fake_fail(fake, warm_writes[i / 2 % 3].verb, warm_writes[i / 2 % 3].kind,
			      results[i / 6], "lost", i % 2 == 1);
		asb_fake_settle(fake);
		asb_fake_advance(fake, LONG_ENOUGH_MS);
		assert_warm(fake);
		asb_fake_destroy(fake);
	}
}

static void a_cold_start_survives_lost_answers(void **state)
{
	static const char *const kinds[] = { "PersistentVolumeClaim", "Pod", "Service" };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

		world_sandbox(fake, "a",
			      "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]");
		asb_fake_fail(fake, ASB_CREATE, kinds[i / 2], ASB_UNREACHABLE, "lost", i % 2 == 1);
		asb_fake_settle(fake);
		asb_fake_advance(fake, LONG_ENOUGH_MS);
		assert_true(world_owns(fake, "a", "Pod", "a"));
		assert_int_equal(asb_fake_count(fake, "Pod"), 1);
		assert_int_equal(asb_fake_count(fake, "Service"), 1);
		assert_int_equal(asb_fake_count(fake, "PersistentVolumeClaim"), 1);
		assert_condition(fake, "a", "False", "DependenciesNotReady",
				 "Pod exists with phase: Pending; Service Exists");
		asb_fake_destroy(fake);
	}
}

static void a_replacement_survives_lost_answers_and_is_said_once(void **state)
{
	static const struct {
		uint32_t verb;
		const char *kind;
	} writes[] = { { ASB_PATCH_JSON, "Sandbox" }, { ASB_CREATE, "Pod" } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

		world_adopted(fake, "a", "x");
		asb_fake_delete(fake, "Pod", "ns", "x");
		asb_fake_settle(fake);
		asb_fake_fail(fake, writes[i / 2].verb, writes[i / 2].kind, ASB_UNREACHABLE, "lost",
			      i % 2 == 1);
		asb_fake_advance(fake, 5000);
		assert_true(world_owns(fake, "a", "Pod", "a"));
		assert_int_equal(asb_fake_count(fake, "Pod"), 1);
		assert_int_equal(world_events(fake, "Warning PodLost"), 1);
		assert_int_equal(world_events(fake, "Normal PodRecreated"), 1);
		asb_fake_destroy(fake);
	}
}

static void a_replacement_that_is_refused_is_no_less_a_loss(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	for (int i = 0; i < 3; i++) {
		asb_fake_fail(fake, ASB_PATCH_JSON, "Sandbox", ASB_FORBIDDEN, "not now", false);
	}
	asb_fake_advance(fake, 2000);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: not now");
	/* The error in the status says nothing of the loss, and the clock starts again for nobody.
	 */
	asb_fake_advance(fake, 1000);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_int_equal(world_events(fake, "Warning PodLost"), 1);
	assert_int_equal(world_events(fake, "Normal PodRecreated"), 1);
}

static void name_x(struct asb_fake *fake, void *arg)
{
	bool *done = arg;

	if (!*done) {
		*done = true;
		asb_fake_merge(fake, "Sandbox", "ns", "a",
			       "metadata: {annotations: {" POD_NAME ": x}}");
	}
}

static void an_annotation_that_changes_before_it_is_dropped_is_followed(void **state)
{
	struct asb_fake *fake = *state;
	bool done = false;

	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "gone");
	asb_fake_before_write(fake, name_x, &done);
	asb_fake_settle(fake);
	asb_fake_before_write(fake, NULL, NULL);
	assert_true(done);
	assert_warm(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_refused_pod_is_said_in_the_servers_words),
		WORLD_TEST(a_sandbox_whose_name_no_service_can_have_gets_its_pod),
		WORLD_TEST(a_forbidden_volume_is_said_and_the_pod_waits),
		WORLD_TEST(an_error_whose_text_changes_is_written_once_a_minute),
		WORLD_TEST(an_error_of_a_new_generation_is_written_at_once),
		WORLD_TEST(backoff_of_a_refused_pod_reaches_a_thousand_seconds),
		WORLD_TEST(no_answer_writes_no_status_and_is_tried_again),
		WORLD_TEST(a_stopping_process_leaves_the_status_alone),
		WORLD_TEST(a_label_that_cannot_be_set_is_an_error_and_no_loop),
		WORLD_TEST(a_status_that_is_not_written_is_tried_again),
		WORLD_TEST(a_sandbox_deleted_under_a_pass_leaves_nothing),
		WORLD_TEST(a_message_too_long_is_cut_between_characters),
		cmocka_unit_test(a_warm_start_survives_a_death_at_each_write),
		cmocka_unit_test(a_warm_start_survives_lost_answers),
		cmocka_unit_test(a_cold_start_survives_lost_answers),
		cmocka_unit_test(a_replacement_survives_lost_answers_and_is_said_once),
		WORLD_TEST(a_replacement_that_is_refused_is_no_less_a_loss),
		WORLD_TEST(an_annotation_that_changes_before_it_is_dropped_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
