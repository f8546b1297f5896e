/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a claim: when it comes, what goes and what stays under either policy. The clock of the
 * fake host begins at 2026-01-02T03:04:05Z. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define MAKE_SANDBOX "CREATE Sandbox default/c"
#define REMOVE_SANDBOX "REMOVE Sandbox default/c"
#define REMOVE_CLAIM "REMOVE SandboxClaim default/c"
#define STATUS "SET_STATUS SandboxClaim default/c"
#define SECONDS(n) ((n)*1000)

#define IN_ONE_MINUTE "2026-01-02T03:05:05Z"
#define IN_ONE_HOUR "2026-01-02T04:04:05Z"
#define PAST "2026-01-02T03:04:04Z"

#define DELETE_AT(time) ", lifecycle: { shutdownPolicy: Delete, shutdownTime: '" time "' }"
#define RETAIN_AT(time) ", lifecycle: { shutdownPolicy: Retain, shutdownTime: '" time "' }"

/* A Ready claim "c". */
static struct asb_fake *claim_create(const char *lifecycle)
{
	struct asb_fake *fake = world_create();

	world_claim(fake, "c", lifecycle);
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	return fake;
}

static void assert_expired(struct asb_fake *fake)
{
	world_assert_ready(fake, "c", "False", "ClaimExpired",
			   "Claim expired. Sandbox resources deleted.");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	assert_int_equal(
		asb_length(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "conditions")),
		1);
}

static void with_policy_delete_the_claim_goes_after_an_event(void **state)
{
	struct asb_fake *fake = claim_create(DELETE_AT(IN_ONE_MINUTE));

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60) - 1), 0);
	world_assert_writes(fake, NULL);
	assert_int_equal(asb_fake_advance(fake, 1), 0);
	assert_int_equal(world_events(fake, "Normal ClaimExpired SandboxClaim default/c"), 1);
	world_assert_writes(fake, REMOVE_CLAIM, NULL);
	assert_false(world_has(fake, "SandboxClaim", "c"));
	assert_false(world_has(fake, "Sandbox", "c"));
	asb_fake_destroy(fake);
}

static void with_policy_retain_the_sandbox_goes_and_the_claim_says_so(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT(IN_ONE_MINUTE));

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	assert_expired(fake);
	assert_int_equal(world_events(fake, "Normal ClaimExpired SandboxClaim default/c"), 1);
	world_assert_writes(fake, REMOVE_SANDBOX, STATUS, NULL);
	assert_false(world_has(fake, "Sandbox", "c"));
	asb_fake_destroy(fake);
}

static void retain_is_the_default(void **state)
{
	struct asb_fake *fake = claim_create(", lifecycle: { shutdownTime: '" IN_ONE_MINUTE "' }");

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	assert_expired(fake);
	asb_fake_destroy(fake);
}

static void an_expired_claim_does_nothing_more(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT(IN_ONE_MINUTE));

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	asb_fake_forget(fake);
	(void)asb_fake_reconcile(fake, "default", "c", NULL);
	assert_int_equal(asb_fake_advance(fake, SECONDS(86400)), 0);
	asb_fake_restart(fake);
	world_settle(fake);
	assert_null(asb_fake_event(fake, 0));
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void an_expired_claim_whose_policy_becomes_delete_goes(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT(IN_ONE_MINUTE));

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	asb_fake_merge(fake, "SandboxClaim", "default", "c",
		       "{ spec: { lifecycle: { shutdownPolicy: Delete } } }");
	world_settle(fake);
	assert_false(world_has(fake, "SandboxClaim", "c"));
	asb_fake_destroy(fake);
}

static void a_claim_that_is_born_expired_starts_nothing(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", RETAIN_AT(PAST));
	world_settle(fake);
	assert_expired(fake);
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void expiry_never_deletes_a_foreign_sandbox(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: c }, spec: { origin: v1alpha1, service: true, podTemplate: { spec: {} } } }");
	world_claim(fake, "c", RETAIN_AT(IN_ONE_MINUTE));
	world_settle(fake);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(60)), -1);
	assert_expired(fake);
	assert_true(world_has(fake, "Sandbox", "c"));
	world_assert_writes(fake, STATUS, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void an_end_moved_into_the_future_brings_the_claim_back(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT(IN_ONE_MINUTE));

	(void)state;
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	asb_fake_forget(fake);
	asb_fake_merge(fake, "SandboxClaim", "default", "c",
		       "{ spec: { lifecycle: { shutdownTime: '" IN_ONE_HOUR "' } } }");
	world_settle(fake);
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	world_sandbox_ready(fake, "c");
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	assert_int_equal(asb_fake_advance(fake, SECONDS(3600)), 0);
	assert_expired(fake);
	asb_fake_destroy(fake);
}

static void move_the_end(struct asb_fake *fake, void *arg)
{
	bool *moved = (bool *)arg;

	if (!*moved) {
		*moved = true;
		asb_fake_merge(fake, "SandboxClaim", "default", "c",
			       "{ spec: { lifecycle: { shutdownTime: '" IN_ONE_HOUR "' } } }");
	}
}

static void an_end_moved_while_the_claim_is_being_deleted_wins(void **state)
{
	struct asb_fake *fake = claim_create(DELETE_AT(IN_ONE_MINUTE));
	bool moved = false;

	(void)state;
	asb_fake_before_write(fake, move_the_end, &moved);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(61)), -1);
	assert_true(moved);
	assert_true(world_has(fake, "SandboxClaim", "c"));
	assert_int_equal(world_events(fake, "ClaimExpired"), 0);
	asb_fake_destroy(fake);
}

static void the_end_is_met_to_the_millisecond_with_offset_and_fraction(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT("2026-01-02T05:04:15.250+02:00"));

	(void)state;
	assert_int_equal(asb_fake_next_ms(fake), 10250);
	assert_int_equal(asb_fake_advance(fake, 10249), 0);
	world_assert_writes(fake, NULL);
	assert_int_equal(asb_fake_advance(fake, 1), 0);
	assert_expired(fake);
	asb_fake_destroy(fake);
}

static void year_one_is_at_once(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", DELETE_AT("0001-01-01T00:00:00Z"));
	world_settle(fake);
	world_assert_writes(fake, REMOVE_CLAIM, NULL);
	asb_fake_destroy(fake);
}

static void year_9999_is_far_away(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT("9999-12-31T23:59:59Z"));

	(void)state;
	assert_in_range(asb_fake_next_ms(fake), 1, SECONDS(86400));
	assert_int_equal(asb_fake_advance(fake, SECONDS(86400) * 7ull), 0);
	assert_in_range(asb_fake_next_ms(fake), 1, SECONDS(86400));
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void a_claim_in_trouble_expires_all_the_same(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	/* One whose template is missing, one whose name is taken, one that the server refuses. */
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_claim(fake, "c", RETAIN_AT(IN_ONE_MINUTE));
	world_settle(fake);
	assert_int_equal(asb_fake_next_ms(fake), SECONDS(60));
	assert_int_equal(asb_fake_advance(fake, SECONDS(60)), 0);
	assert_expired(fake);
	asb_fake_destroy(fake);

	fake = world_create();
	for (int i = 0; i < 60; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_INVALID, "no", false);
	}
	world_claim(fake, "c", RETAIN_AT(IN_ONE_HOUR));
	world_settle(fake);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(3600)), -1);
	assert_expired(fake);
	asb_fake_destroy(fake);
}

static void an_unreadable_end_is_an_error_and_stops_nothing_that_runs(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", RETAIN_AT("soon"));
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "ReconcilerError",
			   "Error seen: spec.lifecycle.shutdownTime is not a date-time");
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_destroy(fake);

	fake = claim_create("");
	asb_fake_merge(fake, "SandboxClaim", "default", "c",
		       "{ spec: { lifecycle: { shutdownTime: soon } } }");
	world_settle(fake);
	assert_true(world_has(fake, "Sandbox", "c"));
	assert_string_equal(
		asb_str(world_get(fake, "SandboxClaim", "c"), "status", "sandbox", "Name"), "c");
	asb_fake_destroy(fake);
}

static void a_deletion_that_fails_is_tried_again_and_told_once(void **state)
{
	struct asb_fake *fake = claim_create(RETAIN_AT(IN_ONE_MINUTE));

	(void)state;
	asb_fake_fail(fake, ASB_DELETE, "Sandbox", ASB_UNREACHABLE, "timeout", true);
	assert_int_not_equal(asb_fake_advance(fake, SECONDS(61)), -1);
	assert_expired(fake);
	assert_int_equal(world_events(fake, "ClaimExpired"), 1);
	world_assert_writes(fake, REMOVE_SANDBOX, STATUS, NULL);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_policy_delete_the_claim_goes_after_an_event),
		cmocka_unit_test(with_policy_retain_the_sandbox_goes_and_the_claim_says_so),
		cmocka_unit_test(retain_is_the_default),
		cmocka_unit_test(an_expired_claim_does_nothing_more),
		cmocka_unit_test(an_expired_claim_whose_policy_becomes_delete_goes),
		cmocka_unit_test(a_claim_that_is_born_expired_starts_nothing),
		cmocka_unit_test(expiry_never_deletes_a_foreign_sandbox),
		cmocka_unit_test(an_end_moved_into_the_future_brings_the_claim_back),
		cmocka_unit_test(an_end_moved_while_the_claim_is_being_deleted_wins),
		cmocka_unit_test(the_end_is_met_to_the_millisecond_with_offset_and_fraction),
		cmocka_unit_test(year_one_is_at_once),
		cmocka_unit_test(year_9999_is_far_away),
		cmocka_unit_test(a_claim_in_trouble_expires_all_the_same),
		cmocka_unit_test(an_unreadable_end_is_an_error_and_stops_nothing_that_runs),
		cmocka_unit_test(a_deletion_that_fails_is_tried_again_and_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
