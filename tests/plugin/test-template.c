/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests what the template plugin asks the API server about a template, how often, and what it
 * tells. Run by `make check`, on the fake host.
 */
#include "config.h"

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define KIND "SandboxTemplate"
#define HEAD "apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: " KIND ", "
#define POLICY "networkPolicy: { ingress: [ { from: [] } ] }"

const struct asb_plugin *asb_plugin_entry(void);

/* The body of the last pod and policy that were sent. */
static struct json_object *sent_pod, *sent_policy;
static uint32_t sent_lane;
static const struct asb_host *real;
static struct asb_host ours;
static struct asb_plugin spied;

static int32_t spy_write_all(struct asb_call *call, struct asb_write *writes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct json_object **sent = writes[i].watch == 1 ? &sent_pod : &sent_policy;

		json_object_put(*sent);
		*sent = asb_copy(writes[i].take_body);
		sent_lane = writes[i].priority;
	}
	return real->write_all(call, writes, count);
}

static int32_t spied_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	int32_t result;

	real = call->host;
	ours = *real;
	ours.write_all = spy_write_all;
	call->host = &ours;
	result = asb_plugin_entry()->reconcile(state, call, key, ret_requeue_after_ms);
	call->host = real;
	return result;
}

/* A world with template "t", of this further spec. */
static struct asb_fake *world(const char *rest)
{
	struct asb_fake *fake;
	char text[1024];

	spied = *asb_plugin_entry();
	spied.reconcile = spied_reconcile;
	fake = asb_fake_create(&spied);
	snprintf(
		text, sizeof(text),
		"{ " HEAD
		"metadata: { namespace: ns, name: t }, spec: { networkPolicyManagement: PerClaim, podTemplate: { metadata: { labels: { app: web } }, spec: { containers: [ { name: c, image: one } ], tomorrow: 1 } } %s } }",
		rest);
	asb_fake_put(fake, text);
	return fake;
}

static void finish(struct asb_fake *fake)
{
	asb_fake_destroy(fake);
	json_object_put(sent_pod);
	json_object_put(sent_policy);
	sent_pod = sent_policy = NULL;
}

static void change(struct asb_fake *fake)
{
	asb_fake_merge(fake, KIND, "ns", "t",
		       "{ spec: { podTemplate: { metadata: { labels: { app: db } } } } }");
}

static void generation_is_checked_once_with_dry_runs(void **state)
{
	struct asb_fake *fake = world(", " POLICY);

	(void)state;
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_writes(fake), 2);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE Pod ns/t-check (dry run)");
	assert_string_equal(asb_fake_write(fake, 1), "CREATE NetworkPolicy ns/t-check (dry run)");
	assert_int_equal(sent_lane, ASB_PRIORITY_EVENT);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_DONE);
	asb_fake_merge(fake, KIND, "ns", "t", "{ metadata: { labels: { a: b } } }");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 2);
	assert_null(asb_fake_event(fake, 0));
	change(fake);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 4);
	finish(fake);
}

static void template_without_rules_needs_no_policy(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 1);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE Pod ns/t-check (dry run)");
	finish(fake);
}

static void pod_is_made_from_the_template(void **state)
{
	struct asb_fake *fake = world("");
	struct json_object *mount;

	(void)state;
	asb_fake_settle(fake);
	assert_string_equal(asb_label(sent_pod, "app"), "web");
	assert_int_equal(asb_int(asb_at(sent_pod, "spec", "tomorrow"), 0), 1);
	mount = asb_at(sent_pod, "spec", "automountServiceAccountToken");
	assert_true(json_object_is_type(mount, json_type_boolean));
	assert_false(asb_true(mount));
	asb_fake_merge(
		fake, KIND, "ns", "t",
		"{ spec: { podTemplate: { spec: { automountServiceAccountToken: true } } } }");
	asb_fake_settle(fake);
	assert_true(asb_true(asb_at(sent_pod, "spec", "automountServiceAccountToken")));
	finish(fake);
}

static void pod_is_checked_as_a_pool_makes_it(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_merge(
		fake, KIND, "ns", "t",
		"{ spec: { podTemplate: { metadata: { labels: { agents.x-k8s.io/sandbox-uid: 'not a label!' }, annotations: { a: b } } } } }");
	asb_fake_settle(fake);
	assert_null(asb_label(sent_pod, "agents.x-k8s.io/sandbox-uid"));
	assert_non_null(asb_label(sent_pod, "agents.x-k8s.io/pool"));
	assert_non_null(asb_label(sent_pod, "agents.x-k8s.io/sandbox-template-ref-hash"));
	assert_non_null(asb_annotation(sent_pod, "agents.x-k8s.io/pod-template-hash"));
	assert_string_equal(asb_annotation(sent_pod, "a"), "b");
	finish(fake);
}

static void policy_is_made_from_the_rules(void **state)
{
	struct asb_fake *fake = world(", " POLICY);

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(asb_length(asb_array(sent_policy, "spec", "ingress")), 1);
	assert_null(asb_at(sent_policy, "spec", "egress"));
	assert_int_equal(asb_length(asb_array(sent_policy, "spec", "policyTypes")), 2);
	assert_non_null(asb_str(sent_policy, "spec", "podSelector", "matchLabels",
				"agents.x-k8s.io/claim-uid"));
	finish(fake);
}

static void refused_template_is_told_once_in_the_servers_words(void **state)
{
	struct asb_fake *fake = world(", " POLICY);

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_INVALID, "image: 100% wrong", false);
	asb_fake_fail(fake, ASB_CREATE, "NetworkPolicy", ASB_INVALID, "port: wrong", false);
	assert_int_equal(asb_fake_settle(fake), 0);
	asb_fake_advance(fake, 100000);
	assert_int_equal(asb_fake_writes(fake), 2);
	assert_string_equal(asb_fake_event(fake, 0),
			    "Warning InvalidTemplate SandboxTemplate ns/t: image: 100% wrong");
	assert_string_equal(asb_fake_event(fake, 1),
			    "Warning InvalidTemplate SandboxTemplate ns/t: port: wrong");
	assert_null(asb_fake_event(fake, 2));
	finish(fake);
}

static void quota_says_nothing_about_the_template(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_FORBIDDEN, "exceeded quota", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_ERROR);
	assert_non_null(strstr(asb_fake_failure(fake), "exceeded quota"));
	assert_null(asb_fake_event(fake, 0));
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_DONE);
	assert_int_equal(asb_fake_writes(fake), 2);
	finish(fake);
}

static void only_what_had_no_answer_is_asked_again(void **state)
{
	struct asb_fake *fake = world(", " POLICY);

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_INVALID, "wrong", false);
	asb_fake_fail(fake, ASB_CREATE, "NetworkPolicy", ASB_UNREACHABLE, "no response", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_ERROR);
	asb_fake_forget(fake);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_DONE);
	assert_int_equal(asb_fake_writes(fake), 1);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE NetworkPolicy ns/t-check (dry run)");
	assert_null(asb_fake_event(fake, 0));
	finish(fake);
}

static void name_that_is_taken_is_no_fault_of_the_template(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_ALREADY_EXISTS, "already exists", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_DONE);
	assert_null(asb_fake_event(fake, 0));
	finish(fake);
}

static void longest_template_name_makes_a_valid_name(void **state)
{
	struct asb_fake *fake = world("");
	char name[254], text[512], expected[320];

	(void)state;
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	memset(name, 'a', sizeof(name) - 1);
	name[253] = '\0';
	name[246] = '.'; /* where it is cut */
	snprintf(
		text, sizeof(text),
		"{ " HEAD
		"metadata: { namespace: ns, name: %s }, spec: { networkPolicyManagement: PerClaim, podTemplate: { spec: {} } } }",
		name);
	asb_fake_put(fake, text);
	asb_fake_settle(fake);
	snprintf(expected, sizeof(expected), "CREATE Pod ns/%.246s-check (dry run)", name);
	assert_string_equal(asb_fake_write(fake, 0), expected);
	finish(fake);
}

static void restart_checks_again_and_a_new_template_of_the_name_too(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_restart(fake);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 2);
	asb_fake_delete(fake, KIND, "ns", "t");
	asb_fake_put(
		fake,
		"{ " HEAD
		"metadata: { namespace: ns, name: t }, spec: { networkPolicyManagement: PerClaim, podTemplate: { spec: {} } } }");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 3);
	finish(fake);
}

static void deleted_template_is_not_checked_and_status_is_never_written(void **state)
{
	struct asb_fake *fake = world("");

	(void)state;
	asb_fake_start_deletion(fake, KIND, "ns", "t");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 0);
	asb_fake_delete(fake, KIND, "ns", "t");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_writes(fake), 0);
	finish(fake);
}

/* ---- templates of v1beta1 ---- */

#define POLICY_NAME "t-network-policy"

static struct asb_fake *beta(const char *rest)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
	char text[1024];

	snprintf(
		text, sizeof(text),
		"{ " HEAD
		"metadata: { namespace: ns, name: t }, spec: { podTemplate: { spec: { containers: [ { name: c, image: one } ] } } %s } }",
		rest);
	asb_fake_put(fake, text);
	assert_int_equal(asb_fake_settle(fake), 0);
	return fake;
}

static struct json_object *policy_of(struct asb_fake *fake)
{
	return asb_fake_get(fake, "NetworkPolicy", "ns", POLICY_NAME);
}

static void managed_template_has_one_policy(void **state)
{
	struct asb_fake *fake = beta("");
	struct json_object *policy = policy_of(fake);
	char hash[9];

	(void)state;
	asb_name_hash("t", hash);
	assert_non_null(policy);
	assert_string_equal("extensions.agents.x-k8s.io/v1beta1",
			    asb_str(asb_controller(policy, NULL), "apiVersion"));
	assert_string_equal(hash, asb_str(policy, "spec", "podSelector", "matchLabels",
					  "agents.x-k8s.io/sandbox-template-ref-hash"));
	assert_string_equal(hash, asb_label(asb_fake_get(fake, KIND, "ns", "t"),
					    "agents.x-k8s.io/sandbox-template-ref-hash"));
	assert_non_null(strstr(
		json_object_to_json_string_ext(policy, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE),
		"{\"cidr\":\"0.0.0.0/0\",\"except\":[\"10.0.0.0/8\",\"172.16.0.0/12\",\"192.168.0.0/16\",\"169.254.0.0/16\"]}"));
	/* The pod is still checked; a policy that is made needs no check. */
	assert_string_equal(asb_fake_write(fake, 0), "CREATE Pod ns/t-check (dry run)");
	asb_fake_forget(fake);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "t", NULL), ASB_DONE);
	assert_int_equal(asb_fake_writes(fake), 0);
	asb_fake_destroy(fake);
}

static void policy_follows_the_rules_and_is_repaired(void **state)
{
	struct asb_fake *fake = beta(", networkPolicy: { egress: [] }");

	(void)state;
	assert_null(asb_at(policy_of(fake), "spec", "ingress"));
	assert_null(asb_at(policy_of(fake), "spec", "egress"));
	assert_int_equal(2, asb_length(asb_array(policy_of(fake), "spec", "policyTypes")));
	asb_fake_merge(fake, KIND, "ns", "t",
		       "{ spec: { networkPolicy: { ingress: [ { ports: [ { port: 80 } ] } ] } } }");
	asb_fake_settle(fake);
	assert_int_equal(1, asb_length(asb_array(policy_of(fake), "spec", "ingress")));
	asb_fake_merge(fake, "NetworkPolicy", "ns", POLICY_NAME, "{ spec: { ingress: [ {} ] } }");
	asb_fake_settle(fake);
	assert_non_null(
		asb_at(json_object_array_get_idx(asb_array(policy_of(fake), "spec", "ingress"), 0),
		       "ports"));
	asb_fake_delete(fake, "NetworkPolicy", "ns", POLICY_NAME);
	asb_fake_settle(fake);
	assert_non_null(policy_of(fake));
	asb_fake_destroy(fake);
}

static void unmanaged_template_loses_its_policy(void **state)
{
	static const char *const others[] = { "Unmanaged", "PerClaim" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct asb_fake *fake = beta("");
		char text[80];

		snprintf(text, sizeof(text), "{ spec: { networkPolicyManagement: %s } }",
			 others[i]);
		asb_fake_merge(fake, KIND, "ns", "t", text);
		asb_fake_settle(fake);
		assert_null(policy_of(fake));
		asb_fake_destroy(fake);
	}
}

static void policy_of_others_is_not_touched(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
	static const char *const managements[] = { "Managed", "Unmanaged" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[512];

		asb_fake_put(
			fake,
			"{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { namespace: ns, name: " POLICY_NAME
			" }, spec: { podSelector: {} } }");
		snprintf(
			text, sizeof(text),
			"{ " HEAD
			"metadata: { namespace: ns, name: t }, spec: { networkPolicyManagement: %s, podTemplate: { spec: {} } } }",
			managements[i]);
		asb_fake_put(fake, text);
		asb_fake_settle(fake);
		assert_null(asb_at(policy_of(fake), "spec", "policyTypes"));
		if (i == 0) {
			assert_string_equal(
				"refusing to update NetworkPolicy \"t-network-policy\" as it is not controlled by SandboxTemplate \"t\"",
				asb_fake_failure(fake));
		}
	}
	asb_fake_destroy(fake);
}

static void refused_policy_is_told_once(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "NetworkPolicy", ASB_INVALID, "bad port", false);
	asb_fake_put(fake,
		     "{ " HEAD
		     "metadata: { namespace: ns, name: t }, spec: { podTemplate: { spec: {} } } }");
	asb_fake_settle(fake);
	assert_int_equal(-1, asb_fake_next_ms(fake));
	assert_non_null(asb_fake_event(fake, 0));
	assert_null(asb_fake_event(fake, 1));
	asb_fake_merge(fake, KIND, "ns", "t", "{ spec: { networkPolicy: {} } }");
	asb_fake_settle(fake);
	assert_non_null(policy_of(fake));
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(managed_template_has_one_policy),
		cmocka_unit_test(policy_follows_the_rules_and_is_repaired),
		cmocka_unit_test(unmanaged_template_loses_its_policy),
		cmocka_unit_test(policy_of_others_is_not_touched),
		cmocka_unit_test(refused_policy_is_told_once),
		cmocka_unit_test(generation_is_checked_once_with_dry_runs),
		cmocka_unit_test(template_without_rules_needs_no_policy),
		cmocka_unit_test(pod_is_made_from_the_template),
		cmocka_unit_test(pod_is_checked_as_a_pool_makes_it),
		cmocka_unit_test(policy_is_made_from_the_rules),
		cmocka_unit_test(refused_template_is_told_once_in_the_servers_words),
		cmocka_unit_test(quota_says_nothing_about_the_template),
		cmocka_unit_test(only_what_had_no_answer_is_asked_again),
		cmocka_unit_test(name_that_is_taken_is_no_fault_of_the_template),
		cmocka_unit_test(longest_template_name_makes_a_valid_name),
		cmocka_unit_test(restart_checks_again_and_a_new_template_of_the_name_too),
		cmocka_unit_test(deleted_template_is_not_checked_and_status_is_never_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
