/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of a claim when the API server refuses, is silent, or answers after the fact, when
 * somebody else is faster, and when the controller starts again in the middle. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define MAKE_SANDBOX "CREATE Sandbox default/c"
#define STATUS "SET_STATUS SandboxClaim default/c"
#define SECONDS(n) ((n)*1000)

/* A pool with the Ready pods "a" and "b", in this order, and a claim "c" that nobody has looked at
 * yet. */
static struct asb_fake *claim_create(void)
{
	struct asb_fake *fake = world_create();

	world_pool(fake, "p", "t");
	world_pod(fake, "p", "a", "2026-01-01T00:00:00Z", WORLD_HASH);
	world_pod(fake, "p", "b", "2026-01-01T10:00:00Z", WORLD_HASH);
	world_claim(fake, "c", "");
	return fake;
}

static unsigned int writes_of(struct asb_fake *fake, const char *text)
{
	unsigned int count = 0;
	const char *write;

	for (unsigned int i = 0; (write = asb_fake_write(fake, i)) != NULL; i++) {
		count += strcmp(write, text) == 0;
	}
	return count;
}

static void a_refused_sandbox_is_reported_in_the_servers_words_and_tried_again(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	/* The status that says so wakes the claim once more. */
	for (int i = 0; i < 2; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID,
			      "spec.podTemplate: Required value", false);
	}
	world_settle(fake);
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: cannot create the Sandbox: spec.podTemplate: Required value");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	assert_non_null(strstr(asb_fake_failure(fake), "Required value"));
	world_assert_writes(fake, MAKE_SANDBOX, STATUS, MAKE_SANDBOX, NULL);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
	assert_string_equal(world_pod_of(fake, "c"), "a");
	world_sandbox_ready(fake, "c");
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	asb_fake_destroy(fake);
}

static void a_permanent_error_is_written_once(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	for (int i = 0; i < 40; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_FORBIDDEN, "exceeded quota", false);
	}
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(600)), -1);
	assert_in_range(writes_of(fake, MAKE_SANDBOX), 5, 40);
	assert_int_equal(writes_of(fake, STATUS), 1);
	asb_fake_destroy(fake);
}

static void an_error_whose_words_change_is_written_once_a_minute(void **state)
{
	struct asb_fake *fake = claim_create();
	char message[64];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(message, sizeof(message), "refused %d times", i);
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, message, false);
	}
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(59)), -1);
	assert_in_range(writes_of(fake, MAKE_SANDBOX), 5, 40);
	assert_int_equal(writes_of(fake, STATUS), 1);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(60)), -1);
	assert_in_range(writes_of(fake, STATUS), 2, 2);
	asb_fake_destroy(fake);
}

static void an_error_for_a_changed_claim_is_written_at_once(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, "one", false);
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, "one", false);
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, "two", false);
	world_settle(fake);
	asb_fake_merge(fake, "SandboxClaim", "default", "c",
		       "{ spec: { lifecycle: { shutdownPolicy: Retain } } }");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "ReconcilerError",
			   "Error seen: cannot create the Sandbox: two");
	asb_fake_destroy(fake);
}

static void an_error_that_had_to_wait_is_written_after_all(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	for (int i = 0; i < 2; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, "refused", false);
	}
	world_settle(fake);
	asb_fake_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: c }, spec: {origin: v1alpha1, service: true} }");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "ReconcilerError",
			   "Error seen: cannot create the Sandbox: refused");
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(61)), -1);
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: Sandbox \"c\" exists and has no controller: it is not this claim's");
	asb_fake_destroy(fake);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		struct asb_fake *fake = claim_create();
		char message[4096] = "xxx";
		const char *text;
		size_t length;

		for (size_t i = shift; i + 3 < sizeof(message); i += 3) {
			memcpy(message + i, "\xe2\x82\xac", 4);
		}
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, message, false);
		world_settle(fake);
		text = asb_str(asb_condition(world_get(fake, "SandboxClaim", "c"), "Ready"),
			       "message");
		length = strlen(text);
		assert_in_range(length, 2000, 2048);
		assert_memory_equal(text + length - 3, "\xe2\x82\xac", 3);
		asb_fake_destroy(fake);
	}
}

static void lost_answers_far_apart_are_no_error(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	for (int i = 0; i < 3; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "reset", false);
		world_settle(fake);
		assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
		assert_true(world_has(fake, "Sandbox", "c"));
		asb_fake_delete(fake, "Sandbox", "default", "c");
	}
	assert_null(asb_condition(world_get(fake, "SandboxClaim", "c"), "Ready"));
	asb_fake_destroy(fake);
}

static void a_write_without_an_answer_that_was_not_done_is_sent_again_for_the_same_pod(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "timeout", false);
	world_settle(fake);
	assert_false(world_has(fake, "Sandbox", "c"));
	assert_string_equal(asb_fake_reserved(fake, "Pod", "default", "a"), "default/c");
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
	assert_string_equal(world_pod_of(fake, "c"), "a");
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	asb_fake_delete(fake, "Sandbox", "default", "c");
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	asb_fake_destroy(fake);
}

static void a_write_without_an_answer_that_was_done_is_found_again(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "reset", true);
	world_settle(fake);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	assert_string_equal(world_pod_of(fake, "c"), "a");
	world_sandbox_ready(fake, "c");
	world_assert_writes(fake, STATUS, NULL);
	assert_null(asb_fake_reserved(fake, "Pod", "default", "b"));
	asb_fake_delete(fake, "Sandbox", "default", "c");
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	asb_fake_destroy(fake);
}

static void a_kept_pod_that_dies_meanwhile_is_replaced(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "timeout", false);
	world_settle(fake);
	asb_fake_start_deletion(fake, "Pod", "default", "a");
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
	assert_string_equal(world_pod_of(fake, "c"), "b");
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	asb_fake_destroy(fake);
}

static void one_lost_answer_is_no_error_of_the_claim_but_several_are(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "webhook: no endpoints", false);
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "webhook: no endpoints", false);
	world_settle(fake);
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	(void)asb_fake_reconcile(fake, "default", "c", NULL);
	world_assert_writes(fake, MAKE_SANDBOX, STATUS, NULL);
	world_assert_ready(fake, "c", "False", "ReconcilerError",
			   "Error seen: cannot create the Sandbox: webhook: no endpoints");
	asb_fake_destroy(fake);
}

static void a_claim_deleted_while_its_pod_is_reserved_gives_it_back(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "timeout", false);
	world_settle(fake);
	asb_fake_start_deletion(fake, "SandboxClaim", "default", "c");
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(2)), -1);
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	asb_fake_destroy(fake);
}

static void somebody_else_is_faster(struct asb_fake *fake, void *arg)
{
	bool *done = (bool *)arg;

	if (!*done) {
		*done = true;
		asb_fake_put(
			fake,
			"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: c }, spec: { origin: v1alpha1, service: true, replicas: 0 } }");
	}
}

static void a_sandbox_that_appears_in_the_last_moment_is_not_touched(void **state)
{
	struct asb_fake *fake = claim_create();
	bool done = false;

	(void)state;
	asb_fake_before_write(fake, somebody_else_is_faster, &done);
	world_settle(fake);
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: Sandbox \"c\" exists and has no controller: it is not this claim's");
	assert_int_equal(asb_int(asb_at(world_get(fake, "Sandbox", "c"), "spec", "replicas"), 1),
			 0);
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	asb_fake_destroy(fake);
}

static void a_status_that_could_not_be_written_is_written_later_and_told_once(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	world_settle(fake);
	asb_fake_fail(fake, ASB_SET_STATUS, "SandboxClaim", ASB_CONFLICT, "changed", false);
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 0);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(1)), -1);
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	asb_fake_destroy(fake);
}

static void a_restart_between_the_writes_doubles_nothing(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	world_settle(fake);
	asb_fake_restart(fake);
	world_settle(fake);
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void a_claim_of_the_same_name_starts_anew(void **state)
{
	struct asb_fake *fake = claim_create();

	(void)state;
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_delete(fake, "SandboxClaim", "default", "c");
	world_claim(fake, "c", "");
	world_settle(fake);
	asb_fake_forget(fake);
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	asb_fake_destroy(fake);
}

static void startup_is_measured_once_for_each_claim(void **state)
{
	struct asb_fake *fake = claim_create();
	const char *name = "agent_sandbox_claim_startup_latency_seconds";

	(void)state;
	world_settle(fake);
	assert_int_equal(asb_fake_advance(fake, 1500), 0);
	assert_true(asb_fake_metric(fake, name) == 0);
	world_sandbox_ready(fake, "c");
	assert_true(asb_fake_metric(fake, name) == 1);
	assert_int_equal(asb_fake_advance(fake, 5000), 0);
	world_report(fake, "c", "False", "DependenciesNotReady",
		     "Pod is Running but not Ready; Service Exists");
	world_sandbox_ready(fake, "c");
	assert_true(asb_fake_metric(fake, name) == 1);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_refused_sandbox_is_reported_in_the_servers_words_and_tried_again),
		cmocka_unit_test(a_permanent_error_is_written_once),
		cmocka_unit_test(an_error_whose_words_change_is_written_once_a_minute),
		cmocka_unit_test(an_error_for_a_changed_claim_is_written_at_once),
		cmocka_unit_test(an_error_that_had_to_wait_is_written_after_all),
		cmocka_unit_test(lost_answers_far_apart_are_no_error),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(
			a_write_without_an_answer_that_was_not_done_is_sent_again_for_the_same_pod),
		cmocka_unit_test(a_write_without_an_answer_that_was_done_is_found_again),
		cmocka_unit_test(a_kept_pod_that_dies_meanwhile_is_replaced),
		cmocka_unit_test(one_lost_answer_is_no_error_of_the_claim_but_several_are),
		cmocka_unit_test(a_claim_deleted_while_its_pod_is_reserved_gives_it_back),
		cmocka_unit_test(a_sandbox_that_appears_in_the_last_moment_is_not_touched),
		cmocka_unit_test(a_status_that_could_not_be_written_is_written_later_and_told_once),
		cmocka_unit_test(a_restart_between_the_writes_doubles_nothing),
		cmocka_unit_test(a_claim_of_the_same_name_starts_anew),
		cmocka_unit_test(startup_is_measured_once_for_each_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
