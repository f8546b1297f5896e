/* SPDX-License-Identifier: Apache-2.0 */
/* The NetworkPolicy of a claim: what it says, that it is there before the pod is taken, and that it
 * follows the template and nobody else. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define POLICY "c-network-policy"
#define MAKE_SANDBOX "CREATE Sandbox default/c"
#define MAKE_POLICY "CREATE NetworkPolicy default/c-network-policy"
#define PATCH_POLICY "PATCH_JSON NetworkPolicy default/c-network-policy"
#define REMOVE_POLICY "REMOVE NetworkPolicy default/c-network-policy"
#define STATUS "SET_STATUS SandboxClaim default/c"

#define IN_AND_OUT                                                                                \
	"{ ingress: [ { from: [ { podSelector: { matchLabels: { app: router } } } ], ports: [ { " \
	"port: 8888 } ] } ],"                                                                     \
	" egress: [ { to: [ { ipBlock: { cidr: 10.0.0.0/8 } } ] } ] }"
#define ONLY_OUT "{ egress: [ { to: [ { ipBlock: { cidr: 10.0.0.0/8 } } ] } ] }"

/* A claim "c" of a template with rules, settled. */
static struct asb_fake *claim_create(const char *rules)
{
	struct asb_fake *fake = world_create();

	world_template(fake, "t", rules);
	world_claim(fake, "c", "");
	world_settle(fake);
	return fake;
}

static struct json_object *spec_of(struct asb_fake *fake)
{
	return asb_at(world_get(fake, "NetworkPolicy", POLICY), "spec");
}

static void the_policy_is_there_before_the_pod_is_taken(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);
	struct json_object *policy = world_get(fake, "NetworkPolicy", POLICY),
			   *spec = spec_of(fake), *types;

	(void)state;
	world_assert_writes(fake, MAKE_POLICY, MAKE_SANDBOX, NULL);
	assert_string_equal(asb_str(policy, "apiVersion"), "networking.k8s.io/v1");
	assert_string_equal(asb_str(asb_controller(policy, NULL), "uid"),
			    asb_uid(world_get(fake, "SandboxClaim", "c")));
	assert_string_equal(
		asb_str(spec, "podSelector", "matchLabels", "agents.x-k8s.io/claim-uid"),
		asb_uid(world_get(fake, "SandboxClaim", "c")));
	types = asb_at(spec, "policyTypes");
	assert_int_equal(asb_length(types), 2);
	assert_string_equal(asb_as_str(json_object_array_get_idx(types, 0)), "Ingress");
	assert_string_equal(asb_as_str(json_object_array_get_idx(types, 1)), "Egress");
	assert_int_equal(asb_length(asb_at(spec, "ingress")), 1);
	assert_int_equal(asb_length(asb_at(spec, "egress")), 1);
	asb_fake_destroy(fake);
}

static void a_policy_without_rules_closes_both_directions(void **state)
{
	struct asb_fake *fake = claim_create("{}");

	(void)state;
	assert_int_equal(asb_length(asb_at(spec_of(fake), "policyTypes")), 2);
	assert_null(asb_at(spec_of(fake), "ingress"));
	assert_null(asb_at(spec_of(fake), "egress"));
	asb_fake_destroy(fake);
}

static void without_rules_in_the_template_there_is_no_call_at_all(void **state)
{
	struct asb_fake *fake = claim_create(NULL);

	(void)state;
	assert_int_equal(asb_fake_reconcile(fake, "default", "c", NULL) < 0, 0);
	assert_int_equal(asb_fake_count(fake, "NetworkPolicy"), 0);
	world_assert_writes(fake, MAKE_SANDBOX, NULL);
	asb_fake_destroy(fake);
}

static void changed_rules_replace_the_old_ones(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);
	struct json_object *rule;

	(void)state;
	asb_fake_forget(fake);
	world_template(
		fake, "t",
		"{ ingress: [ { ports: [ { port: 9 } ] } ], egress: [ { to: [ { ipBlock: { cidr: 10.0.0.0/8 } } ] } ] }");
	world_settle(fake);
	world_assert_writes(fake, PATCH_POLICY, NULL);
	rule = json_object_array_get_idx(asb_at(spec_of(fake), "ingress"), 0);
	assert_null(asb_at(rule, "from"));
	assert_int_equal(
		asb_int(asb_at(json_object_array_get_idx(asb_at(rule, "ports"), 0), "port"), 0), 9);
	asb_fake_destroy(fake);
}

static void the_last_rule_of_a_direction_really_vanishes(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);

	(void)state;
	asb_fake_forget(fake);
	world_template(fake, "t", ONLY_OUT);
	world_settle(fake);
	world_assert_writes(fake, PATCH_POLICY, NULL);
	assert_null(asb_at(spec_of(fake), "ingress"));
	assert_int_equal(asb_length(asb_at(spec_of(fake), "egress")), 1);
	assert_int_equal(asb_length(asb_at(spec_of(fake), "policyTypes")), 2);
	asb_fake_destroy(fake);
}

static void the_policy_goes_with_the_templates_rules_and_comes_back(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);

	(void)state;
	asb_fake_forget(fake);
	world_template(fake, "t", NULL);
	world_settle(fake);
	world_assert_writes(fake, REMOVE_POLICY, NULL);
	assert_false(world_has(fake, "NetworkPolicy", POLICY));
	(void)asb_fake_reconcile(fake, "default", "c", NULL);
	world_assert_writes(fake, NULL);
	world_template(fake, "t", ONLY_OUT);
	world_settle(fake);
	world_assert_writes(fake, MAKE_POLICY, NULL);
	asb_fake_destroy(fake);
}

static void a_policy_that_someone_deletes_is_made_again_at_once(void **state)
{
	struct asb_fake *fake = claim_create(ONLY_OUT);

	(void)state;
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	asb_fake_delete(fake, "NetworkPolicy", "default", POLICY);
	world_settle(fake);
	world_assert_writes(fake, MAKE_POLICY, NULL);
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	asb_fake_destroy(fake);
}

static void a_policy_that_someone_opens_is_closed_again(void **state)
{
	struct asb_fake *fake = claim_create(ONLY_OUT);

	(void)state;
	asb_fake_forget(fake);
	asb_fake_merge(fake, "NetworkPolicy", "default", POLICY, "{ spec: { ingress: [ {} ] } }");
	world_settle(fake);
	world_assert_writes(fake, PATCH_POLICY, NULL);
	assert_null(asb_at(spec_of(fake), "ingress"));
	asb_fake_merge(
		fake, "NetworkPolicy", "default", POLICY,
		"{ metadata: { annotations: { agents.x-k8s.io/network-policy-hash: null } } }");
	world_settle(fake);
	world_assert_writes(fake, PATCH_POLICY, NULL);
	asb_fake_destroy(fake);
}

static void defaults_that_the_server_adds_are_no_difference(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);

	(void)state;
	asb_fake_forget(fake);
	asb_fake_merge(
		fake, "NetworkPolicy", "default", POLICY,
		"{ spec: { ingress: [ { from: [ { podSelector: { matchLabels: { app: router } } } ], ports: [ { port: 8888, protocol: TCP } ] } ] } }");
	world_settle(fake);
	asb_fake_restart(fake);
	world_settle(fake);
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void empty_lists_in_the_template_are_no_difference(void **state)
{
	struct asb_fake *fake =
		claim_create("{ ingress: [], egress: [ { to: [], ports: [ { port: 53 } ] } ] }");

	(void)state;
	assert_null(asb_at(spec_of(fake), "ingress"));
	asb_fake_forget(fake);
	asb_fake_merge(fake, "NetworkPolicy", "default", POLICY,
		       "{ spec: { egress: [ { ports: [ { port: 53, protocol: TCP } ] } ] } }");
	world_settle(fake);
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void put_policy(struct asb_fake *fake, const char *name, const char *owner)
{
	world_put(
		fake,
		"{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { namespace: default, name: %s, ownerReferences: [ %s ] }, spec: { podSelector: {}, policyTypes: [ Ingress ] } }",
		name, owner);
}

/* Whoever it belongs to, and whether or not the store keeps it. */
static void foreign_policy(const char *version, const char *kind)
{
	struct asb_fake *fake = world_create();
	char owner[WORLD_OWNER_SIZE] = "";

	asb_fake_pause_garbage_collector(fake, true);
	world_pool(fake, "p", "t");
	world_pod(fake, "p", "p-1", "2026-01-01T00:00:00Z", WORLD_HASH);
	world_template(fake, "t", ONLY_OUT);
	if (version != NULL) {
		world_owner(owner, version, kind, asb_uid(world_get(fake, "SandboxTemplate", "t")),
			    true);
	}
	put_policy(fake, POLICY, owner);
	world_claim(fake, "c", "");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "ReconcilerError", NULL);
	assert_int_equal(asb_length(asb_at(spec_of(fake), "policyTypes")), 1);
	assert_false(world_has(fake, "Sandbox", "c"));
	assert_null(asb_fake_reserved(fake, "Pod", "default", "p-1"));
	asb_fake_delete(fake, "NetworkPolicy", "default", POLICY);
	assert_int_not_equal(asb_fake_advance(fake, 30000), -1);
	assert_int_equal(asb_length(asb_at(spec_of(fake), "policyTypes")), 2);
	assert_string_equal(world_pod_of(fake, "c"), "p-1");
	asb_fake_destroy(fake);
}

static void a_foreign_policy_is_never_touched_and_no_pod_is_taken(void **state)
{
	(void)state;
	foreign_policy(NULL, NULL);
	foreign_policy("example.com/v1", "Guard");
	foreign_policy(WORLD_EXTENSIONS, "SandboxClaim");
}

static void a_former_claims_policy_wakes_the_claim_when_it_goes(void **state)
{
	struct asb_fake *fake = world_create();
	char owner[WORLD_OWNER_SIZE];

	(void)state;
	asb_fake_pause_garbage_collector(fake, true);
	world_template(fake, "t", ONLY_OUT);
	world_owner(owner, WORLD_EXTENSIONS, "SandboxClaim",
		    asb_uid(world_get(fake, "SandboxTemplate", "t")), true);
	put_policy(fake, POLICY, owner);
	world_claim(fake, "c", "");
	world_settle(fake);
	assert_false(world_has(fake, "Sandbox", "c"));
	asb_fake_delete(fake, "NetworkPolicy", "default", POLICY);
	asb_fake_forget(fake);
	world_settle(fake);
	world_assert_writes(fake, MAKE_POLICY, MAKE_SANDBOX, NULL);
	asb_fake_destroy(fake);
}

static void the_error_says_whose_the_foreign_policy_is(void **state)
{
	struct asb_fake *fake = world_create();
	char owner[WORLD_OWNER_SIZE], uid[64], message[512];

	(void)state;
	world_template(fake, "t", ONLY_OUT);
	snprintf(uid, sizeof(uid), "%s", asb_uid(world_get(fake, "SandboxTemplate", "t")));
	world_owner(owner, "example.com/v1", "Guard", uid, true);
	put_policy(fake, POLICY, owner);
	world_claim(fake, "c", "");
	world_settle(fake);
	snprintf(message, sizeof(message),
		 "Error seen: NetworkPolicy \"" POLICY
		 "\" exists and belongs to Guard \"c\" (UID %s)",
		 uid);
	world_assert_ready(fake, "c", "False", "ReconcilerError", message);
	asb_fake_destroy(fake);
}

static void a_foreign_policy_outlives_a_template_without_rules(void **state)
{
	(void)state;
	for (int kept = 0; kept < 2; kept++) {
		struct asb_fake *fake = world_create();
		char owner[WORLD_OWNER_SIZE];

		asb_fake_pause_garbage_collector(fake, true);
		/* One that the store keeps, and one that it does not. */
		world_owner(owner, WORLD_EXTENSIONS, "SandboxClaim",
			    asb_uid(world_get(fake, "SandboxTemplate", "t")), true);
		put_policy(fake, POLICY, kept ? owner : "");
		world_claim(fake, "c", "");
		world_settle(fake);
		world_assert_writes(fake, MAKE_SANDBOX, NULL);
		assert_true(world_has(fake, "NetworkPolicy", POLICY));
		asb_fake_destroy(fake);
	}
}

static void the_policy_stays_when_the_template_is_gone(void **state)
{
	struct asb_fake *fake = claim_create(ONLY_OUT);

	(void)state;
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_settle(fake);
	world_assert_writes(fake, NULL);
	assert_true(world_has(fake, "NetworkPolicy", POLICY));
	asb_fake_destroy(fake);
}

static void a_policy_on_its_way_out_is_waited_for(void **state)
{
	struct asb_fake *fake = claim_create(ONLY_OUT);

	(void)state;
	asb_fake_delete(fake, "Sandbox", "default", "c");
	asb_fake_start_deletion(fake, "NetworkPolicy", "default", POLICY);
	asb_fake_forget(fake);
	world_settle(fake);
	world_assert_writes(fake, NULL);
	asb_fake_delete(fake, "NetworkPolicy", "default", POLICY);
	world_settle(fake);
	world_assert_writes(fake, MAKE_POLICY, MAKE_SANDBOX, NULL);
	asb_fake_destroy(fake);
}

static void refused_rules_are_reported_and_no_pod_is_taken(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_template(fake, "t", ONLY_OUT);
	world_pool(fake, "p", "t");
	world_pod(fake, "p", "p-1", "2026-01-01T00:00:00Z", WORLD_HASH);
	/* The status that says so wakes the claim once more. */
	for (int i = 0; i < 2; i++) {
		asb_fake_fail(fake, ASB_CREATE, "NetworkPolicy", ASB_INVALID,
			      "spec.egress: Invalid value", false);
	}
	world_claim(fake, "c", "");
	world_settle(fake);
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: cannot create the NetworkPolicy: spec.egress: Invalid value");
	assert_null(asb_fake_reserved(fake, "Pod", "default", "p-1"));
	world_assert_writes(fake, MAKE_POLICY, STATUS, MAKE_POLICY, NULL);
	assert_int_not_equal(asb_fake_advance(fake, 1000), -1);
	world_assert_writes(fake, MAKE_POLICY, MAKE_SANDBOX, NULL);
	asb_fake_destroy(fake);
}

static void a_failed_update_keeps_the_sandboxs_name_in_the_status(void **state)
{
	struct asb_fake *fake = claim_create(IN_AND_OUT);

	(void)state;
	world_sandbox_ready(fake, "c");
	for (int i = 0; i < 2; i++) {
		asb_fake_fail(fake, ASB_PATCH_JSON, "NetworkPolicy", ASB_INVALID, "no", false);
	}
	world_template(fake, "t", ONLY_OUT);
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "ReconcilerError",
			   "Error seen: cannot update the NetworkPolicy: no");
	assert_string_equal(
		asb_str(world_get(fake, "SandboxClaim", "c"), "status", "sandbox", "Name"), "c");
	assert_int_not_equal(asb_fake_advance(fake, 1000), -1);
	assert_null(asb_at(spec_of(fake), "ingress"));
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policy_is_there_before_the_pod_is_taken),
		cmocka_unit_test(a_policy_without_rules_closes_both_directions),
		cmocka_unit_test(without_rules_in_the_template_there_is_no_call_at_all),
		cmocka_unit_test(changed_rules_replace_the_old_ones),
		cmocka_unit_test(the_last_rule_of_a_direction_really_vanishes),
		cmocka_unit_test(the_policy_goes_with_the_templates_rules_and_comes_back),
		cmocka_unit_test(a_policy_that_someone_deletes_is_made_again_at_once),
		cmocka_unit_test(a_policy_that_someone_opens_is_closed_again),
		cmocka_unit_test(defaults_that_the_server_adds_are_no_difference),
		cmocka_unit_test(empty_lists_in_the_template_are_no_difference),
		cmocka_unit_test(a_foreign_policy_is_never_touched_and_no_pod_is_taken),
		cmocka_unit_test(a_former_claims_policy_wakes_the_claim_when_it_goes),
		cmocka_unit_test(the_error_says_whose_the_foreign_policy_is),
		cmocka_unit_test(a_foreign_policy_outlives_a_template_without_rules),
		cmocka_unit_test(the_policy_stays_when_the_template_is_gone),
		cmocka_unit_test(a_policy_on_its_way_out_is_waited_for),
		cmocka_unit_test(refused_rules_are_reported_and_no_pod_is_taken),
		cmocka_unit_test(a_failed_update_keeps_the_sandboxs_name_in_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
