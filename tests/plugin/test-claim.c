/* SPDX-License-Identifier: Apache-2.0 */
/* From a claim to its Sandbox and back to the claim's status: the sentences of the contract's part
 * on SandboxClaim that are not about pools, policies, ends or errors. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define CREATE "CREATE Sandbox default/c"
#define STATUS "SET_STATUS SandboxClaim default/c"

static void a_claim_served_from_a_pool_costs_two_writes(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_pool(fake, "p", "t");
	world_pod(fake, "p", "p-1", "2026-01-01T00:00:00Z", WORLD_HASH);
	world_claim(fake, "c", "");
	world_settle(fake);
	world_assert_writes(fake, CREATE, NULL);
	assert_string_equal(world_pod_of(fake, "c"), "p-1");
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "Normal SandboxProvisioned SandboxClaim default/c"), 1);
	world_assert_writes(fake, STATUS, NULL);
	world_assert_ready(fake, "c", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	assert_string_equal(
		asb_str(world_get(fake, "SandboxClaim", "c"), "status", "sandbox", "Name"), "c");
	asb_fake_destroy(fake);
}

static void a_cold_start_is_passed_on_as_the_sandbox_reports_it(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_assert_writes(fake, CREATE, NULL);
	assert_string_equal(world_pod_of(fake, "c"), "");
	world_report(fake, "c", "False", "DependenciesNotReady",
		     "Pod exists with phase: Pending; Service Exists");
	world_assert_ready(fake, "c", "False", "DependenciesNotReady",
			   "Pod exists with phase: Pending; Service Exists");
	assert_string_equal(
		asb_str(world_get(fake, "SandboxClaim", "c"), "status", "sandbox", "Name"), "c");
	world_assert_writes(fake, STATUS, NULL);
	assert_null(asb_fake_event(fake, 0));
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	world_assert_writes(fake, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void the_sandbox_has_the_claims_name_owner_and_the_templates_pod(void **state)
{
	struct asb_fake *fake = world_create();
	struct json_object *sandbox, *owner, *labels;

	(void)state;
	asb_fake_merge(
		fake, "SandboxTemplate", "default", "t",
		"{ spec: { podTemplate: { metadata: { annotations: { a: b } }, spec: { fieldOfTomorrow: { deep: [ 1, two ] } } } } }");
	world_claim(fake, "c", "");
	world_settle(fake);
	sandbox = world_get(fake, "Sandbox", "c");
	owner = asb_controller(sandbox, NULL);
	assert_string_equal(asb_str(owner, "kind"), "SandboxClaim");
	assert_string_equal(asb_str(owner, "apiVersion"), "extensions.agents.x-k8s.io/v1alpha1");
	assert_string_equal(asb_str(owner, "uid"), asb_uid(world_get(fake, "SandboxClaim", "c")));
	assert_true(asb_true(asb_at(owner, "blockOwnerDeletion")));
	assert_int_equal(asb_int(asb_at(sandbox, "spec", "replicas"), -1), 1);
	assert_null(asb_at(sandbox, "spec", "shutdownTime"));
	labels = asb_at(sandbox, "spec", "podTemplate", "metadata", "labels");
	assert_string_equal(asb_str(labels, "app"), "x");
	assert_string_equal(asb_str(sandbox, "spec", "podTemplate", "metadata", "annotations", "a"),
			    "b");
	assert_int_equal(asb_length(asb_at(sandbox, "spec", "podTemplate", "spec",
					   "fieldOfTomorrow", "deep")),
			 2);
	asb_fake_destroy(fake);
}

static void a_template_cannot_override_the_claim_uid_label(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	asb_fake_merge(
		fake, "SandboxTemplate", "default", "t",
		"{ spec: { podTemplate: { metadata: { labels: { agents.x-k8s.io/claim-uid: forged } } } } }");
	world_claim(fake, "c", "");
	world_settle(fake);
	assert_string_equal(asb_str(world_get(fake, "Sandbox", "c"), "spec", "podTemplate",
				    "metadata", "labels", "agents.x-k8s.io/claim-uid"),
			    asb_uid(world_get(fake, "SandboxClaim", "c")));
	asb_fake_destroy(fake);
}

static struct json_object *token_of(struct asb_fake *fake, const char *sandbox)
{
	return asb_at(world_get(fake, "Sandbox", sandbox), "spec", "podTemplate", "spec",
		      "automountServiceAccountToken");
}

static void there_is_no_token_unless_the_template_says_so(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	assert_true(json_object_is_type(token_of(fake, "c"), json_type_boolean));
	assert_false(asb_true(token_of(fake, "c")));
	asb_fake_merge(
		fake, "SandboxTemplate", "default", "t",
		"{ spec: { podTemplate: { spec: { automountServiceAccountToken: true } } } }");
	world_claim(fake, "d", "");
	world_settle(fake);
	assert_true(asb_true(token_of(fake, "d")));
	asb_fake_destroy(fake);
}

static void a_trace_context_is_handed_on(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: c, annotations: { opentelemetry.io/trace-context: '{\"traceparent\":\"00-ab-cd-01\"}', other: x } },"
		" spec: { sandboxTemplateRef: { name: t } } }");
	world_settle(fake);
	assert_string_equal(
		asb_annotation(world_get(fake, "Sandbox", "c"), "opentelemetry.io/trace-context"),
		"{\"traceparent\":\"00-ab-cd-01\"}");
	assert_null(asb_annotation(world_get(fake, "Sandbox", "c"), "other"));
	asb_fake_destroy(fake);
}

static void a_missing_template_is_said_once_and_causes_no_retries(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_claim(fake, "c", "");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "TemplateNotFound",
			   "SandboxTemplate \"t\" not found");
	assert_null(asb_at(world_get(fake, "SandboxClaim", "c"), "status", "sandbox"));
	world_assert_writes(fake, STATUS, NULL);
	assert_int_equal(asb_fake_next_ms(fake), -1);
	assert_int_equal(asb_fake_advance(fake, 3600000), 0);
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void a_claim_goes_on_at_once_when_its_template_appears(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_claim(fake, "c", "");
	world_settle(fake);
	asb_fake_forget(fake);
	world_template(fake, "u", NULL);
	world_settle(fake);
	world_assert_writes(fake, NULL);
	world_template(fake, "t", NULL);
	world_settle(fake);
	world_assert_writes(fake, CREATE, NULL);
	asb_fake_destroy(fake);
}

static void a_claim_that_has_its_sandbox_needs_no_template(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_sandbox_ready(fake, "c");
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	world_assert_writes(fake, CREATE, STATUS, NULL);
	asb_fake_destroy(fake);
}

static void a_claim_without_a_template_name_waits(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: c }, spec: { sandboxTemplateRef: { name: %0300d } } }",
		7);
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: d }, spec: {} }");
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "TemplateNotFound", NULL);
	world_assert_ready(fake, "d", "False", "TemplateNotFound", NULL);
	asb_fake_destroy(fake);
}

static void observed_generation_is_the_claims_own(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_merge(fake, "SandboxClaim", "default", "c",
		       "{ spec: { lifecycle: { shutdownPolicy: Retain } } }");
	world_settle(fake);
	assert_int_equal(asb_generation(world_get(fake, "SandboxClaim", "c")), 2);
	world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
	asb_fake_destroy(fake);
}

static void what_is_said_already_is_not_written_again(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	asb_fake_forget(fake);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(asb_fake_reconcile(fake, "default", "c", NULL), ASB_DONE);
	}
	asb_fake_restart(fake);
	world_settle(fake);
	assert_null(asb_fake_event(fake, 0));
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void what_others_write_into_the_status_stays(void **state)
{
	struct asb_fake *fake = world_create();
	struct json_object *claim;

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	asb_fake_merge(
		fake, "SandboxClaim", "default", "c",
		"{ status: { future: 1, conditions: [ { type: Audited, status: 'True', reason: Yes, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' } ] } }");
	world_sandbox_ready(fake, "c");
	claim = world_get(fake, "SandboxClaim", "c");
	assert_true(asb_condition_is(claim, "Audited", "True"));
	assert_true(asb_condition_is(claim, "Ready", "True"));
	assert_int_equal(asb_int(asb_at(claim, "status", "future"), 0), 1);
	asb_fake_destroy(fake);
}

static void provisioned_is_told_once_however_readiness_flaps(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	world_report(fake, "c", "False", "DependenciesNotReady",
		     "Pod is Running but not Ready; Service Exists");
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	asb_fake_restart(fake);
	world_settle(fake);
	world_report(fake, "c", "False", "DependenciesNotReady",
		     "Pod is Running but not Ready; Service Exists");
	world_sandbox_ready(fake, "c");
	assert_int_equal(world_events(fake, "SandboxProvisioned"), 1);
	asb_fake_destroy(fake);
}

static void a_claim_being_deleted_is_left_alone(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	asb_fake_start_deletion(fake, "SandboxClaim", "default", "c");
	world_settle(fake);
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void the_crd_is_that_of_the_plugins_own_kind(void **state)
{
	const struct asb_plugin *plugin = asb_plugin_entry();

	(void)state;
	assert_string_equal(plugin->watches[0].kind.kind, "SandboxClaim");
	assert_non_null(strstr(plugin->crd, "name: sandboxclaims.extensions.agents.x-k8s.io"));
	assert_non_null(strstr(plugin->crd, "Name:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_served_from_a_pool_costs_two_writes),
		cmocka_unit_test(a_cold_start_is_passed_on_as_the_sandbox_reports_it),
		cmocka_unit_test(the_sandbox_has_the_claims_name_owner_and_the_templates_pod),
		cmocka_unit_test(a_template_cannot_override_the_claim_uid_label),
		cmocka_unit_test(there_is_no_token_unless_the_template_says_so),
		cmocka_unit_test(a_trace_context_is_handed_on),
		cmocka_unit_test(a_missing_template_is_said_once_and_causes_no_retries),
		cmocka_unit_test(a_claim_goes_on_at_once_when_its_template_appears),
		cmocka_unit_test(a_claim_that_has_its_sandbox_needs_no_template),
		cmocka_unit_test(a_claim_without_a_template_name_waits),
		cmocka_unit_test(observed_generation_is_the_claims_own),
		cmocka_unit_test(what_is_said_already_is_not_written_again),
		cmocka_unit_test(what_others_write_into_the_status_stays),
		cmocka_unit_test(provisioned_is_told_once_however_readiness_flaps),
		cmocka_unit_test(a_claim_being_deleted_is_left_alone),
		cmocka_unit_test(the_crd_is_that_of_the_plugins_own_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
