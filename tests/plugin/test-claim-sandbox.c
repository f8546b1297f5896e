/* SPDX-License-Identifier: Apache-2.0 */
/* What a claim makes of a Sandbox that is silent, lost, on its way out, or somebody else's. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define CREATE "CREATE Sandbox default/c"
#define STATUS "SET_STATUS SandboxClaim default/c"

static void a_sandbox_that_nobody_reports_on_is_said_to_be_not_ready(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	assert_in_range(asb_fake_next_ms(fake), 1, 10000);
	assert_int_equal(asb_fake_advance(fake, 9000), 0);
	world_assert_writes(fake, CREATE, NULL);
	assert_int_equal(asb_fake_advance(fake, 1000), 0);
	world_assert_writes(fake, STATUS, NULL);
	world_assert_ready(fake, "c", "False", "SandboxNotReady", "Sandbox is not ready");
	assert_int_equal(asb_fake_next_ms(fake), -1);
	asb_fake_destroy(fake);
}

static void a_sandbox_that_lost_its_condition_is_not_ready_at_once(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_merge(fake, "Sandbox", "default", "c", "{ status: { conditions: [] } }");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "SandboxNotReady", NULL);
	asb_fake_destroy(fake);
}

static void an_expired_sandbox_does_not_make_the_claim_expired(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_report(fake, "c", "False", "SandboxExpired", "Sandbox has expired");
	world_assert_ready(fake, "c", "False", "SandboxExpired", "Sandbox has expired");
	assert_int_equal(world_events(fake, "ClaimExpired"), 0);
	assert_true(world_has(fake, "Sandbox", "c"));
	asb_fake_destroy(fake);
}

static void a_sandbox_that_vanished_is_said_to_be_missing_and_made_again(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	asb_fake_delete(fake, "Sandbox", "default", "c");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "SandboxMissing", "Sandbox does not exist");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	world_assert_writes(fake, STATUS, CREATE, NULL);
	world_sandbox_ready(fake, "c");
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	assert_string_equal(
		asb_str(world_get(fake, "SandboxClaim", "c"), "status", "sandbox", "Name"), "c");
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void a_sandbox_being_deleted_is_waited_for(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	asb_fake_start_deletion(fake, "Sandbox", "default", "c");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "SandboxMissing", "Sandbox is being deleted");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_delete(fake, "Sandbox", "default", "c");
	world_settle(fake);
	world_assert_writes(fake, CREATE, NULL);
	asb_fake_destroy(fake);
}

static int32_t reconcile(struct asb_fake *fake)
{
	uint64_t after_ms;

	return asb_fake_reconcile(fake, "default", "c", &after_ms);
}

static void put_foreign_sandbox(struct asb_fake *fake, const char *owners)
{
	world_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: c, ownerReferences: [ %s ] }, spec: { origin: v1alpha1, service: true, podTemplate: { spec: {} } }, status: { conditions: ["
		" { type: Ready, status: 'True', reason: DependenciesReady, message: '' } ] } }",
		owners);
}

static void a_foreign_sandbox_is_named_and_never_touched(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	put_foreign_sandbox(fake, "");
	world_claim(fake, "c", "");
	assert_int_equal(reconcile(fake), ASB_TERMINAL_ERROR);
	world_settle(fake);
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: Sandbox \"c\" exists and has no controller: it is not this claim's");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	assert_int_equal(asb_fake_advance(fake, 7200000), 0);
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_delete(fake, "Sandbox", "default", "c");
	world_settle(fake);
	world_assert_writes(fake, CREATE, NULL);
	asb_fake_destroy(fake);
}

static void ownership_is_uid_kind_group_and_controller(void **state)
{
	static const struct {
		const char *version, *kind;
		bool own_uid, controller;
	} forged[] = {
		{ WORLD_EXTENSIONS, "SandboxClaim", false, true },
		{ WORLD_EXTENSIONS, "SandboxWarmPool", true, true },
		{ "example.com/v1alpha1", "SandboxClaim", true, true },
		{ WORLD_EXTENSIONS, "SandboxClaim", true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		struct asb_fake *fake = world_create();
		char owner[WORLD_OWNER_SIZE];

		asb_fake_pause_garbage_collector(fake, true);
		world_claim(fake, "c", "");
		world_owner(owner, forged[i].version, forged[i].kind,
			    asb_uid(forged[i].own_uid ? world_get(fake, "SandboxClaim", "c")
						      : world_get(fake, "SandboxTemplate", "t")),
			    forged[i].controller);
		put_foreign_sandbox(fake, owner);
		world_settle(fake);
		world_assert_ready(fake, "c", "False", "ReconcilerError", NULL);
		world_assert_writes(fake, STATUS, NULL);
		asb_fake_destroy(fake);
	}
}

static void the_error_says_whose_the_foreign_sandbox_is(void **state)
{
	struct asb_fake *fake = world_create();
	char owner[WORLD_OWNER_SIZE], uid[64], message[512];

	(void)state;
	snprintf(uid, sizeof(uid), "%s", asb_uid(world_get(fake, "SandboxTemplate", "t")));
	world_owner(owner, "example.com/v1", "Fleet", uid, true);
	put_foreign_sandbox(fake, owner);
	world_claim(fake, "c", "");
	world_settle(fake);
	snprintf(message, sizeof(message),
		 "Error seen: Sandbox \"c\" exists and belongs to Fleet \"c\" (UID %s)", uid);
	world_assert_ready(fake, "c", "False", "ReconcilerError", message);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sandbox_that_nobody_reports_on_is_said_to_be_not_ready),
		cmocka_unit_test(a_sandbox_that_lost_its_condition_is_not_ready_at_once),
		cmocka_unit_test(an_expired_sandbox_does_not_make_the_claim_expired),
		cmocka_unit_test(a_sandbox_that_vanished_is_said_to_be_missing_and_made_again),
		cmocka_unit_test(a_sandbox_being_deleted_is_waited_for),
		cmocka_unit_test(a_foreign_sandbox_is_named_and_never_touched),
		cmocka_unit_test(ownership_is_uid_kind_group_and_controller),
		cmocka_unit_test(the_error_says_whose_the_foreign_sandbox_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
