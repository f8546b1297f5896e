/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests claims of v1beta1, which name a pool: the Sandbox that is made for them, what they may add to
 * it, their status and their end. Run by `make check`, on the fake host.
 */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#include "plugins/claim/additions.h"

#define TEMPLATE_HASH "agents.x-k8s.io/sandbox-template-ref-hash"
#define CLAIM_UID "agents.x-k8s.io/claim-uid"
#define OBSERVED_AT "agents.x-k8s.io/controller-first-observed-at"

/* A template "b" of v1beta1 with two containers and this further spec. */
static void beta_template(struct asb_fake *fake, const char *more)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxTemplate, metadata: { namespace: default, name: b }, spec: { podTemplate: { metadata: { labels: { app: x } }, spec: { containers: [ { name: main, image: img, env: [ { name: A, value: a } ] }, { name: side, image: img, envFrom: [ { configMapRef: { name: m } } ] } ] } }%s } }",
		more);
}

static void beta_pool(struct asb_fake *fake)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, metadata: { namespace: default, name: p }, spec: { replicas: 0, members: Sandboxes, sandboxTemplateRef: { name: b } } }");
}

static void beta_claim(struct asb_fake *fake, const char *more)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: c, labels: { agents.x-k8s.io/created-by: python-client } }, spec: { warmPoolRef: { name: p }%s } }",
		more);
	world_settle(fake);
}

/* Template, pool and claim. */
static struct asb_fake *beta_world(const char *of_template, const char *of_claim)
{
	struct asb_fake *fake = world_create();

	beta_template(fake, of_template);
	beta_pool(fake);
	beta_claim(fake, of_claim);
	return fake;
}

static void a_cold_sandbox_is_made_from_the_pools_template(void **state)
{
	struct asb_fake *fake = beta_world(", service: true", "");
	struct json_object *sandbox = world_get(fake, "Sandbox", "c"),
			   *claim = world_get(fake, "SandboxClaim", "c");
	const char *uid = asb_uid(claim), *observed;
	char hash[9];

	(void)state;
	asb_name_hash("b", hash);
	assert_string_equal(hash, asb_label(sandbox, TEMPLATE_HASH));
	assert_string_equal(uid, asb_label(sandbox, CLAIM_UID));
	assert_string_equal("cold", asb_label(sandbox, "agents.x-k8s.io/launch-type"));
	assert_string_equal("python-client", asb_label(sandbox, "agents.x-k8s.io/created-by"));
	assert_string_equal("b", asb_annotation(sandbox, "agents.x-k8s.io/sandbox-template-ref"));
	assert_string_equal("v1beta1", asb_str(sandbox, "spec", "origin"));
	assert_null(asb_at(sandbox, "spec", "replicas"));
	assert_true(asb_true(asb_at(sandbox, "spec", "service")));
	assert_string_equal(uid, asb_label(asb_at(sandbox, "spec", "podTemplate"), CLAIM_UID));
	assert_string_equal(hash, asb_label(asb_at(sandbox, "spec", "podTemplate"), TEMPLATE_HASH));
	assert_string_equal("x", asb_label(asb_at(sandbox, "spec", "podTemplate"), "app"));
	assert_string_equal("None", asb_str(sandbox, "spec", "podTemplate", "spec", "dnsPolicy"));
	assert_string_equal("extensions.agents.x-k8s.io/v1beta1",
			    asb_str(asb_controller(sandbox, NULL), "apiVersion"));
	assert_int_equal(1, world_events(fake, "Created Sandbox \"c\""));
	/* A template of v1beta1 has a policy of its own. */
	assert_false(world_has(fake, "NetworkPolicy", "c-network-policy"));
	observed = asb_annotation(claim, OBSERVED_AT);
	assert_non_null(observed);
	assert_int_equal(30, strlen(observed));
	asb_fake_destroy(fake);
}

static void status_names_the_sandbox_with_ready(void **state)
{
	struct asb_fake *fake = beta_world("", "");
	struct json_object *status;

	(void)state;
	asb_fake_merge(
		fake, "Sandbox", "default", "c",
		"{ status: { podIPs: [ 10.0.0.7 ], serviceFQDN: c.default.svc.cluster.local, conditions: [ { type: Ready, status: 'True', reason: DependenciesReady, message: Pod is Ready } ] } }");
	world_settle(fake);
	status = asb_at(world_get(fake, "SandboxClaim", "c"), "status");
	world_assert_ready(fake, "c", "True", "DependenciesReady", "Pod is Ready");
	assert_string_equal("c", asb_str(status, "sandbox", "name"));
	assert_string_equal("c", asb_str(status, "sandbox", "Name"));
	assert_string_equal("c.default.svc.cluster.local",
			    asb_str(status, "sandbox", "serviceFQDN"));
	assert_int_equal(1, asb_length(asb_array(status, "sandbox", "podIPs")));
	assert_string_equal("c", asb_annotation(world_get(fake, "SandboxClaim", "c"),
						"agents.x-k8s.io/sandbox-name"));
	asb_fake_forget(fake);
	world_settle(fake);
	assert_int_equal(0, asb_fake_writes(fake));
	asb_fake_destroy(fake);
}

static void what_is_missing_is_told_and_waited_for(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	beta_claim(fake, "");
	world_assert_ready(fake, "c", "False", "WarmPoolNotFound",
			   "SandboxWarmPool \"p\" not found");
	assert_in_range(asb_fake_next_ms(fake), 1, 60000);
	beta_pool(fake);
	world_settle(fake);
	world_assert_ready(fake, "c", "False", "TemplateNotFound",
			   "SandboxTemplate \"b\" not found");
	beta_template(fake, "");
	world_settle(fake);
	assert_true(world_has(fake, "Sandbox", "c"));
	asb_fake_destroy(fake);
}

static void a_foreign_sandbox_is_left_alone(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: c }, spec: { podTemplate: { spec: {} } } }");
	beta_template(fake, "");
	beta_pool(fake);
	beta_claim(fake, "");
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: sandbox \"c\" is not controlled by claim \"c\". Please use a different claim name or delete the sandbox manually");
	asb_fake_destroy(fake);
}

/* As another controller leaves it: the Sandbox has the name of its pool. */
static void an_adopted_sandbox_of_another_name_is_kept(void **state)
{
	static const char *const marks[] = {
		"{ status: { sandbox: { name: p-abc } } }",
		"{ status: { sandbox: { Name: p-abc } } }",
		"{ metadata: { annotations: { agents.x-k8s.io/sandbox-name: p-abc } } }",
		"{ metadata: { annotations: { agents.x-k8s.io/sandbox-name: gone } } }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct asb_fake *fake = world_create();

		world_put(
			fake,
			"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: c }, spec: { warmPoolRef: { name: p } } }");
		asb_fake_merge(fake, "SandboxClaim", "default", "c", marks[i]);
		world_put(
			fake,
			"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: p-abc, ownerReferences: [ { apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, name: c, uid: '%s', controller: true } ] }, spec: { podTemplate: { metadata: { labels: {} }, spec: {} } }, status: { conditions: [ { type: Ready, status: 'True', reason: DependenciesReady, message: Pod is Ready } ] } }",
			asb_uid(world_get(fake, "SandboxClaim", "c")));
		beta_template(fake, "");
		beta_pool(fake);
		world_settle(fake);
		assert_false(world_has(fake, "Sandbox", "c"));
		assert_string_equal("p-abc", asb_str(world_get(fake, "SandboxClaim", "c"), "status",
						     "sandbox", "name"));
		world_assert_ready(fake, "c", "True", "DependenciesReady", NULL);
		asb_fake_destroy(fake);
	}
}

static void what_a_claim_adds_is_checked(void **state)
{
	static const struct {
		const char *of_template, *of_claim, *reason, *message;
	} cases[] = {
		{ "", "additionalPodMetadata: { labels: { app: y } }", REASON_METADATA,
		  "invalid additionalPodMetadata: failed to validate label \"app\": its key must have one of the allowed domains (sandbox.users.io)" },
		{ "", "additionalPodMetadata: { labels: { xsandbox.users.io/a: y } }",
		  REASON_METADATA, NULL },
		{ "", "additionalPodMetadata: { annotations: { a.kubernetes.io/b: y } }",
		  REASON_METADATA,
		  "invalid additionalPodMetadata: failed to validate annotation \"a.kubernetes.io/b\": its key has a domain of the system" },
		{ "", "additionalPodMetadata: { annotations: { extensions.agents.x-k8s.io/b: y } }",
		  REASON_METADATA, NULL },
		{ "", "env: [ { name: X, value: y } ]", REASON_ENV,
		  "environment variable injection rejected: environment variable injection is not allowed by the template policy" },
		{ ", envVarsInjectionPolicy: Allowed", "env: [ { name: A, value: y } ]",
		  REASON_ERROR,
		  "Error seen: environment variable override is not allowed by the template policy for variable \"A\"" },
		{ ", envVarsInjectionPolicy: Allowed",
		  "env: [ { name: X, value: y, containerName: side } ]", REASON_ENV,
		  "environment variable injection rejected: container \"side\" uses EnvFrom sources; Allowed policy cannot safely prevent overriding EnvFrom-provided variables" },
		{ ", envVarsInjectionPolicy: Overrides",
		  "env: [ { name: X, value: y, containerName: none } ]", REASON_ERROR,
		  "Error seen: target container \"none\" not found in template for environment variable \"X\"" },
		{ "", "volumeClaimTemplates: [ { metadata: { name: v }, spec: {} } ]",
		  REASON_VOLUMES, "volume claim templates are disallowed by the template" },
		{ ", volumeClaimTemplatesPolicy: Allowed, volumeClaimTemplates: [ { metadata: { name: v }, spec: {} } ]",
		  "volumeClaimTemplates: [ { metadata: { name: v }, spec: {} } ]", REASON_VOLUMES,
		  "overriding volume claim templates is forbidden by the template: cannot override template volume \"v\"" },
		{ ", volumeClaimTemplatesPolicy: Overrides",
		  "volumeClaimTemplates: [ { metadata: { name: v }, spec: {} }, { metadata: { name: v }, spec: {} } ]",
		  REASON_VOLUMES, "invalid volume claim templates: the name \"v\" occurs twice" },
		{ ", volumeClaimTemplatesPolicy: Overrides",
		  "volumeClaimTemplates: [ { spec: {} } ]", REASON_VOLUMES,
		  "invalid volume claim templates: a template has no name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char more[512];
		struct asb_fake *fake;

		snprintf(more, sizeof(more), ", %s", cases[i].of_claim);
		fake = beta_world(cases[i].of_template, more);
		world_assert_ready(fake, "c", "False", cases[i].reason, cases[i].message);
		assert_false(world_has(fake, "Sandbox", "c"));
		assert_int_equal(-1, asb_fake_next_ms(fake));
		asb_fake_destroy(fake);
	}
}

static void metadata_that_the_template_has_too_must_agree(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	beta_template(fake, "");
	asb_fake_merge(
		fake, "SandboxTemplate", "default", "b",
		"{ spec: { podTemplate: { metadata: { labels: { sandbox.users.io/k: a } } } } }");
	beta_pool(fake);
	beta_claim(fake, ", additionalPodMetadata: { labels: { sandbox.users.io/k: b } }");
	world_assert_ready(
		fake, "c", "False", "ReconcilerError",
		"Error seen: metadata override conflict: label \"sandbox.users.io/k\" is defined in template with value \"a\", but claim requests \"b\"");
	/* The template's change is seen. */
	asb_fake_merge(
		fake, "SandboxTemplate", "default", "b",
		"{ spec: { podTemplate: { metadata: { labels: { sandbox.users.io/k: b } } } } }");
	world_settle(fake);
	assert_true(world_has(fake, "Sandbox", "c"));
	asb_fake_destroy(fake);
}

static void what_is_allowed_is_added(void **state)
{
	struct asb_fake *fake = beta_world(
		", envVarsInjectionPolicy: Overrides, volumeClaimTemplatesPolicy: Overrides, volumeClaimTemplates: [ { metadata: { name: v }, spec: { accessModes: [ ReadWriteOnce ] } } ]",
		", additionalPodMetadata: { labels: { team.sandbox.users.io/a: b }, annotations: { note: n, cluster-autoscaler.kubernetes.io/safe-to-evict: 'false' } }, env: [ { name: A, value: '1' }, { name: A, value: '2' }, { name: B, value: '3' }, { name: C, value: '4', containerName: side } ], volumeClaimTemplates: [ { metadata: { name: v }, spec: { accessModes: [ ReadOnlyMany ] } }, { metadata: { name: w }, spec: {} } ]");
	struct json_object *spec = asb_at(world_get(fake, "Sandbox", "c"), "spec"), *containers,
			   *pod;

	(void)state;
	pod = asb_at(spec, "podTemplate");
	containers = asb_array(pod, "spec", "containers");
	assert_string_equal("b", asb_label(pod, "team.sandbox.users.io/a"));
	assert_string_equal("n", asb_annotation(pod, "note"));
	assert_string_equal("false",
			    asb_annotation(pod, "cluster-autoscaler.kubernetes.io/safe-to-evict"));
	assert_string_equal(
		"[ { \"name\": \"A\", \"value\": \"2\" }, { \"name\": \"B\", \"value\": \"3\" } ]",
		json_object_to_json_string(
			asb_at(json_object_array_get_idx(containers, 0), "env")));
	assert_string_equal("[ { \"name\": \"C\", \"value\": \"4\" } ]",
			    json_object_to_json_string(
				    asb_at(json_object_array_get_idx(containers, 1), "env")));
	assert_int_equal(2, asb_length(asb_array(spec, "volumeClaimTemplates")));
	assert_non_null(strstr(json_object_to_json_string(asb_at(spec, "volumeClaimTemplates")),
			       "ReadOnlyMany"));
	asb_fake_destroy(fake);
}

static void metadata_that_is_added_later_goes_on(void **state)
{
	struct asb_fake *fake = beta_world("", "");

	(void)state;
	asb_fake_merge(
		fake, "SandboxClaim", "default", "c",
		"{ spec: { additionalPodMetadata: { labels: { sandbox.users.io/late: y } } } }");
	world_settle(fake);
	assert_string_equal(
		"y", asb_label(asb_at(world_get(fake, "Sandbox", "c"), "spec", "podTemplate"),
			       "sandbox.users.io/late"));
	asb_fake_destroy(fake);
}

static void the_domains_of_labels_are_an_option(void **state)
{
	static const char *const options[] = { "allowed-label-domains", "one.io,\nother.io\n",
					       NULL };
	static const char *const none[] = { "allowed-label-domains", "", NULL };
	struct refusal refusal;
	struct json_object *metadata = json_tokener_parse("{\"labels\":{\"a.other.io/x\":\"y\"}}");

	(void)state;
	assert_true(metadata_check(metadata, NULL, options[1], &refusal));
	assert_false(metadata_check(metadata, NULL, none[1], &refusal));
	assert_false(metadata_check(metadata, NULL, "b.other.io", &refusal));
	json_object_put(metadata);
	for (int i = 0; i < 2; i++) {
		struct asb_fake *fake =
			asb_fake_create_with(asb_plugin_entry(), i == 0 ? options : none);

		beta_template(fake, "");
		beta_pool(fake);
		beta_claim(fake, ", additionalPodMetadata: { labels: { one.io/x: y } }");
		assert_int_equal(i == 0, world_has(fake, "Sandbox", "c"));
		asb_fake_destroy(fake);
	}
}

/* The time of the work grows with the number of variables, not with its square. */
static void many_variables_are_added_in_time(void **state)
{
	struct json_object *env = json_object_new_array(),
			   *pod = json_tokener_parse("{\"containers\":[{\"name\":\"c\"}]}");
	struct refusal refusal;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct json_object *variable = json_object_new_object();
		char name[16];

		snprintf(name, sizeof(name), "V%d", i % 50000);
		asb_set_str(variable, "name", name);
		asb_set_str(variable, "value", "v");
		json_object_array_add(env, variable);
	}
	assert_true(env_apply(env, "Allowed", pod, &refusal));
	assert_int_equal(
		50000, asb_length(asb_array(
			       json_object_array_get_idx(asb_array(pod, "containers"), 0), "env")));
	json_object_put(env);
	json_object_put(pod);
}

static void finished(struct asb_fake *fake)
{
	asb_fake_merge(
		fake, "Sandbox", "default", "c",
		"{ status: { conditions: [ { type: Ready, status: 'False', reason: PodSucceeded, message: Pod completed successfully }, { type: Finished, status: 'True', reason: PodSucceeded, message: Pod completed successfully, lastTransitionTime: '2026-01-02T03:04:05Z' } ] } }");
	world_settle(fake);
}

static void ttl_counts_from_the_end_of_the_pod(void **state)
{
	struct asb_fake *fake = beta_world(
		"", ", lifecycle: { ttlSecondsAfterFinished: 60, shutdownPolicy: Retain }");

	(void)state;
	finished(fake);
	assert_true(asb_condition_is(world_get(fake, "SandboxClaim", "c"), "Finished", "True"));
	world_assert_ready(fake, "c", "False", "PodSucceeded", NULL);
	asb_fake_advance(fake, 59000);
	assert_true(world_has(fake, "Sandbox", "c"));
	asb_fake_advance(fake, 2000);
	assert_false(world_has(fake, "Sandbox", "c"));
	world_assert_ready(fake, "c", "False", "ClaimExpired",
			   "Claim expired. Sandbox cleanup initiated.");
	assert_true(asb_condition_is(world_get(fake, "SandboxClaim", "c"), "Finished", "True"));
	assert_int_equal(1, world_events(fake, "Claim expired"));
	asb_fake_destroy(fake);
}

static void a_ttl_without_end_does_not_end(void **state)
{
	static const char *const ttls[] = { "9223372036854775807", "-1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char more[128];
		struct asb_fake *fake;

		snprintf(more, sizeof(more), ", lifecycle: { ttlSecondsAfterFinished: %s }",
			 ttls[i]);
		fake = beta_world("", more);
		finished(fake);
		assert_true(world_has(fake, "Sandbox", "c"));
		world_assert_ready(fake, "c", "False", "PodSucceeded", NULL);
		asb_fake_destroy(fake);
	}
}

static void an_expired_claim_says_so_and_is_deleted(void **state)
{
	static const char *const policies[] = { "Delete", "DeleteForeground" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char more[128], event[80];
		struct asb_fake *fake;

		snprintf(
			more, sizeof(more),
			", lifecycle: { shutdownTime: '2001-01-01T00:00:00Z', shutdownPolicy: %s }",
			policies[i]);
		fake = beta_world("", more);
		asb_fake_advance(fake, 1);
		snprintf(event, sizeof(event), "Deleting Claim (ShutdownPolicy=%s)", policies[i]);
		assert_string_equal("SET_STATUS SandboxClaim default/c", asb_fake_write(fake, 0));
		assert_string_equal(i == 0 ? "REMOVE SandboxClaim default/c"
					   : "REMOVE SandboxClaim default/c (foreground)",
				    asb_fake_write(fake, 1));
		assert_int_equal(1, world_events(fake, event));
		assert_false(world_has(fake, "SandboxClaim", "c"));
		asb_fake_destroy(fake);
	}
}

static void a_sandbox_that_expired_by_itself_is_told(void **state)
{
	struct asb_fake *fake = beta_world("", "");

	(void)state;
	world_report(fake, "c", "False", "SandboxExpired", "Sandbox has expired");
	world_assert_ready(fake, "c", "False", "SandboxExpired",
			   "Underlying Sandbox resource has expired independently of the Claim.");
	asb_fake_destroy(fake);
}

/* A claim of v1alpha1 is no way around the policy of a template of v1beta1. */
static void claims_of_v1alpha1_get_the_rules_of_a_managed_template(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	beta_template(fake, ", networkPolicyManagement: Managed");
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: old }, spec: { sandboxTemplateRef: { name: b } } }");
	world_settle(fake);
	assert_non_null(strstr(json_object_to_json_string_ext(
				       world_get(fake, "NetworkPolicy", "old-network-policy"),
				       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			       "169.254.0.0/16"));
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cold_sandbox_is_made_from_the_pools_template),
		cmocka_unit_test(status_names_the_sandbox_with_ready),
		cmocka_unit_test(what_is_missing_is_told_and_waited_for),
		cmocka_unit_test(a_foreign_sandbox_is_left_alone),
		cmocka_unit_test(an_adopted_sandbox_of_another_name_is_kept),
		cmocka_unit_test(what_a_claim_adds_is_checked),
		cmocka_unit_test(metadata_that_the_template_has_too_must_agree),
		cmocka_unit_test(what_is_allowed_is_added),
		cmocka_unit_test(metadata_that_is_added_later_goes_on),
		cmocka_unit_test(the_domains_of_labels_are_an_option),
		cmocka_unit_test(many_variables_are_added_in_time),
		cmocka_unit_test(ttl_counts_from_the_end_of_the_pod),
		cmocka_unit_test(a_ttl_without_end_does_not_end),
		cmocka_unit_test(an_expired_claim_says_so_and_is_deleted),
		cmocka_unit_test(a_sandbox_that_expired_by_itself_is_told),
		cmocka_unit_test(claims_of_v1alpha1_get_the_rules_of_a_managed_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
