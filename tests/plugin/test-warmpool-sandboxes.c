/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests how a pool of Sandboxes fills: what its members look like, how many there are, in which
 * steps and how fast they are created, and what its status says. Run by `make check`, on the fake
 * host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/sandbox-pool-world.h"

static void pool_of_sandboxes_makes_sandboxes_and_no_pods(void **state)
{
	struct asb_fake *fake = beta_world(3, "one", NULL);

	(void)state;
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(members(fake), 3);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 3);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	asb_fake_destroy(fake);
}

static void member_is_as_the_contract_says(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);
	struct json_object *sandbox, *owner, *template;
	char pool[9], template_hash[9];

	(void)state;
	asb_fake_settle(fake);
	sandbox = member(fake, 0);
	asb_name_hash("pool", pool);
	asb_name_hash("tmpl", template_hash);
	assert_memory_equal(asb_name(sandbox), "pool-", 5);
	assert_int_equal(strlen(asb_name(sandbox)), 10);
	assert_string_equal(asb_str(sandbox, "metadata", "generateName"), "pool-");
	assert_string_equal(asb_label(sandbox, "agents.x-k8s.io/warm-pool-sandbox"), pool);
	assert_string_equal(asb_label(sandbox, "agents.x-k8s.io/sandbox-template-ref-hash"),
			    template_hash);
	assert_string_equal(asb_label(sandbox, "agents.x-k8s.io/created-by"), "controller");
	assert_true(strlen(asb_label(sandbox, "agents.x-k8s.io/sandbox-template-hash")) <= 63);
	assert_true(strlen(asb_label(sandbox, "agents.x-k8s.io/sandbox-pod-template-hash")) <= 63);
	assert_string_equal(asb_annotation(sandbox, "agents.x-k8s.io/sandbox-template-ref"),
			    "tmpl");
	assert_string_equal(asb_str(sandbox, "spec", "origin"), "v1beta1");
	assert_null(asb_at(sandbox, "spec", "replicas"));
	assert_null(asb_at(sandbox, "spec", "service"));

	assert_int_equal(asb_length(asb_array(sandbox, "metadata", "ownerReferences")), 1);
	owner = asb_controller(sandbox, NULL);
	assert_string_equal(asb_str(owner, "apiVersion"), "extensions.agents.x-k8s.io/v1beta1");
	assert_string_equal(asb_str(owner, "kind"), POOL_KIND);
	assert_string_equal(asb_str(owner, "name"), "pool");
	assert_true(asb_true(asb_at(owner, "blockOwnerDeletion")));

	template = asb_at(sandbox, "spec", "podTemplate");
	assert_string_equal(asb_label(template, "app"), "web");
	assert_string_equal(asb_label(template, "agents.x-k8s.io/warm-pool-sandbox"), pool);
	assert_string_equal(asb_label(template, "agents.x-k8s.io/sandbox-template-ref-hash"),
			    template_hash);
	assert_string_equal(asb_label(template, "agents.x-k8s.io/sandbox-template-hash"),
			    asb_label(sandbox, "agents.x-k8s.io/sandbox-template-hash"));
	assert_string_equal(asb_annotation(template, "note"), "hi");
	assert_string_equal(
		asb_annotation(template, "cluster-autoscaler.kubernetes.io/safe-to-evict"), "true");
	asb_fake_destroy(fake);
}

static void member_has_the_secure_defaults(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);
	struct json_object *spec;

	(void)state;
	asb_fake_settle(fake);
	spec = asb_at(member(fake, 0), "spec", "podTemplate", "spec");
	assert_false(json_object_get_boolean(asb_at(spec, "automountServiceAccountToken")));
	assert_non_null(asb_at(spec, "automountServiceAccountToken"));
	assert_string_equal(asb_str(spec, "dnsPolicy"), "None");
	assert_int_equal(asb_length(asb_array(spec, "dnsConfig", "nameservers")), 2);
	asb_fake_destroy(fake);

	fake = beta_world(1, "one", NULL);
	asb_fake_merge(
		fake, "SandboxTemplate", "ns", "tmpl",
		"{ spec: { networkPolicyManagement: Unmanaged, podTemplate: { spec: { automountServiceAccountToken: true } } } }");
	asb_fake_settle(fake);
	spec = asb_at(member(fake, 0), "spec", "podTemplate", "spec");
	assert_true(asb_true(asb_at(spec, "automountServiceAccountToken")));
	assert_null(asb_at(spec, "dnsPolicy"));
	asb_fake_destroy(fake);
}

static void blueprint_has_volumes_and_service(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);
	struct json_object *spec;

	(void)state;
	asb_fake_merge(
		fake, "SandboxTemplate", "ns", "tmpl",
		"{ spec: { service: true, volumeClaimTemplates: [ { metadata: { name: data }, spec: { accessModes: [ ReadWriteOnce ] } } ] } }");
	asb_fake_settle(fake);
	spec = asb_at(member(fake, 0), "spec");
	assert_true(asb_true(asb_at(spec, "service")));
	assert_int_equal(asb_length(asb_array(spec, "volumeClaimTemplates")), 1);
	asb_fake_destroy(fake);
}

static void eviction_is_the_templates_or_the_options(void **state)
{
	static const char *const off[] = { "eviction", "false", NULL };
	static const char key[] = "cluster-autoscaler.kubernetes.io/safe-to-evict";
	struct asb_fake *fake = beta_world(1, "one", off);

	(void)state;
	asb_fake_settle(fake);
	assert_null(asb_annotation(asb_at(member(fake, 0), "spec", "podTemplate"), key));
	asb_fake_destroy(fake);

	fake = beta_world(1, "one", NULL);
	asb_fake_merge(
		fake, "SandboxTemplate", "ns", "tmpl",
		"{ spec: { podTemplate: { metadata: { annotations: { cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\" } } } } }");
	asb_fake_settle(fake);
	assert_string_equal(asb_annotation(asb_at(member(fake, 0), "spec", "podTemplate"), key),
			    "false");
	asb_fake_destroy(fake);
}

static void status_has_the_selector_and_the_generation(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	struct json_object *status;
	char hash[9], selector[64];

	(void)state;
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	make_ready(fake, member_name(fake, 0));
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	assert_int_equal(wrote(fake, "SET_STATUS"), 1);
	status = asb_at(asb_fake_get(fake, POOL_KIND, "ns", "pool"), "status");
	asb_name_hash("pool", hash);
	snprintf(selector, sizeof(selector), "agents.x-k8s.io/warm-pool-sandbox=%s", hash);
	assert_string_equal(asb_str(status, "selector"), selector);
	assert_int_equal(status_of(fake, "replicas"), 2);
	assert_int_equal(status_of(fake, "readyReplicas"), 1);
	assert_int_equal(status_of(fake, "observedGeneration"), 1);
	assert_int_equal(json_object_object_length(status), 4);
	asb_fake_destroy(fake);
}

/* ---- how many ---- */

static void terminating_member_counts_until_it_is_gone(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);

	(void)state;
	asb_fake_settle(fake);
	asb_fake_start_deletion(fake, "Sandbox", "ns", member_name(fake, 0));
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(members(fake), 2);
	assert_int_equal(status_of(fake, "replicas"), 1);
	asb_fake_delete(fake, "Sandbox", "ns", member_name(fake, 0));
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 2);
	asb_fake_destroy(fake);
}

static void claimed_sandbox_is_replaced_and_not_touched(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	char taken[254];

	(void)state;
	asb_fake_settle(fake);
	make_all_ready(fake);
	asb_fake_settle(fake);
	snprintf(taken, sizeof(taken), "%s", member_name(fake, 0));
	asb_fake_forget(fake);
	claim_sandbox(fake, taken);
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 2);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 1);
	scale(fake, 0);
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 0);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", taken));
	asb_fake_destroy(fake);
}

static void lost_response_makes_no_second_sandbox(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "no response", true);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 2);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 2);
	asb_fake_destroy(fake);
}

static void sandbox_that_a_late_store_does_not_show_is_counted(void **state)
{
	struct asb_fake *fake = world_create();
	uint64_t after = 0;

	(void)state;
	put_beta_template(fake, "one");
	put_beta_pool(fake, 1, "");
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_UNREACHABLE, "no response", true);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	spy.store_is_blind = true;
	/* While it is being deleted it takes up room too. */
	asb_fake_start_deletion(fake, "Sandbox", "ns", member_name(fake, 0));
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", &after), ASB_REQUEUE_AFTER);
		assert_true(after <= 1000);
	}
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 1);
	asb_fake_delete(fake, "Sandbox", "ns", member_name(fake, 0));
	spy.store_is_blind = false;
	asb_fake_advance(fake, 5000);
	assert_int_equal(members(fake), 1);
	asb_fake_destroy(fake);
}

static void late_change_of_members_forgets_the_other_kind(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	(void)state;
	put_beta_template(fake, "one");
	put_beta_pool(fake, 1, "members: Pods");
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	put_beta_pool(fake, 1, "");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(members(fake), 1);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	asb_fake_destroy(fake);
}

static void count_most(struct asb_fake *fake, void *arg)
{
	unsigned int *most = arg, now = members(fake);

	*most = now > *most ? now : *most;
}

static void members_are_never_above_replicas(void **state)
{
	struct asb_fake *fake = beta_world(5, "one", NULL);
	unsigned int most = 0;

	(void)state;
	asb_fake_before_write(fake, count_most, &most);
	put_beta_pool(fake, 5, "updateStrategy: { type: Recreate }");
	asb_fake_settle(fake);
	put_beta_template(fake, "two");
	asb_fake_settle(fake);
	claim_sandbox(fake, member_name(fake, 1));
	asb_fake_settle(fake);
	put_beta_template(fake, "three");
	asb_fake_settle(fake);
	count_most(fake, &most);
	assert_int_equal(most, 5);
	assert_int_equal(members_of(fake, "three"), 5);
	asb_fake_destroy(fake);
}

/* ---- how fast ---- */

static void first_step_creates_one_and_stops_when_it_is_refused(void **state)
{
	struct asb_fake *fake = beta_world(20, "one", NULL);

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_FORBIDDEN, "quota", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 1);
	assert_int_equal(told(fake, "Warning FailedCreate SandboxWarmPool ns/pool: quota"), 1);
	asb_fake_advance(fake, 5000);
	assert_int_equal(members(fake), 20);
	asb_fake_destroy(fake);
}

static void second_step_creates_two(void **state)
{
	struct asb_fake *fake = beta_world(20, "one", NULL);

	(void)state;
	/* The second Sandbox is the first of the second step: of that step two are sent. */
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_ALREADY_EXISTS, "there", false);
	asb_fake_fail(fake, ASB_CREATE, "Sandbox", ASB_FORBIDDEN, "quota", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 3);
	asb_fake_destroy(fake);
}

static void reconcile_creates_no_more_than_the_largest_batch(void **state)
{
	static const char *const options[] = { "max-batch-size", "3", NULL };
	struct asb_fake *fake = beta_world(10, "one", options);
	uint64_t after = 99;

	(void)state;
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", &after), ASB_REQUEUE_AFTER);
	assert_int_equal(after, 0);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 3);
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 10);
	asb_fake_destroy(fake);
}

static void lost_member_is_replaced_after_the_delay(void **state)
{
	static const char *const options[] = { "replenish-delay-ms", "10000", NULL };
	struct asb_fake *fake = beta_world(3, "one", options);

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 3); /* the first time the pool does not wait */
	claim_sandbox(fake, member_name(fake, 0));
	asb_fake_settle(fake);
	asb_fake_advance(fake, 6000);
	claim_sandbox(fake, member_name(fake, 0));
	asb_fake_settle(fake);
	asb_fake_advance(fake, 9000);
	assert_int_equal(members(fake), 1); /* the second loss starts the delay again */
	asb_fake_advance(fake, 1000);
	assert_int_equal(members(fake), 3);
	asb_fake_destroy(fake);
}

static void rate_limits_creation(void **state)
{
	static const char *const options[] = { "max-refill-rate", "2", NULL };
	struct asb_fake *fake = beta_world(10, "one", options);

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 2);
	asb_fake_advance(fake, 500);
	assert_int_equal(members(fake), 3);
	asb_fake_advance(fake, 1000);
	assert_int_equal(members(fake), 5);
	asb_fake_advance(fake, 10000);
	assert_int_equal(members(fake), 10);
	asb_fake_destroy(fake);
}

static void slow_rate_still_creates(void **state)
{
	static const char *const options[] = { "max-refill-rate", "0.5", NULL };
	struct asb_fake *fake = beta_world(3, "one", options);

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 1);
	asb_fake_advance(fake, 1900);
	assert_int_equal(members(fake), 1);
	asb_fake_advance(fake, 200);
	assert_int_equal(members(fake), 2);
	asb_fake_advance(fake, 2000);
	assert_int_equal(members(fake), 3);
	asb_fake_destroy(fake);
}

/* ---- the template, and the kind of members ---- */

static void nothing_is_made_without_a_template(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	(void)state;
	put_beta_pool(fake, 2, "");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 0);
	assert_int_equal(told(fake, "Warning TemplateNotFound"), 1);
	put_beta_template(fake, "one");
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 2);
	asb_fake_destroy(fake);
}

static void old_pods_stay_until_as_many_sandboxes_are_ready(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	(void)state;
	put_beta_template(fake, "one");
	put_beta_pool(fake, 3, "members: Pods");
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 3);
	assert_int_equal(asb_fake_count(fake, "Sandbox"), 0);
	put_beta_pool(fake, 3, "");
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 3);
	assert_int_equal(live_pods(fake), 3);
	make_ready(fake, member_name(fake, 0));
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	make_all_ready(fake);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 0);
	assert_int_equal(members(fake), 3);
	asb_fake_destroy(fake);
}

static void old_sandboxes_stay_until_as_many_pods_are_ready(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);

	(void)state;
	asb_fake_settle(fake);
	make_all_ready(fake);
	asb_fake_settle(fake);
	put_beta_pool(fake, 2, "members: Pods");
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	assert_int_equal(members(fake), 2);
	ready_all(fake);
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 0);
	assert_int_equal(live_pods(fake), 2);
	asb_fake_advance(fake, 1000);
	assert_int_equal(status_of(fake, "readyReplicas"), 2);
	assert_null(asb_at(asb_fake_get(fake, POOL_KIND, "ns", "pool"), "status", "selector"));
	asb_fake_destroy(fake);
}

static void reserved_pod_of_before_is_not_deleted(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
	char taken[254];

	(void)state;
	put_beta_template(fake, "one");
	put_beta_pool(fake, 1, "members: Pods");
	asb_fake_settle(fake);
	snprintf(taken, sizeof(taken), "%s", live_name(fake, 0));
	assert_int_equal(asb_fake_reserve(fake, "Pod", "ns", taken, "ns/claim"), ASB_OK);
	put_beta_pool(fake, 1, "");
	asb_fake_settle(fake);
	make_all_ready(fake);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", taken));
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_of_sandboxes_makes_sandboxes_and_no_pods),
		cmocka_unit_test(member_is_as_the_contract_says),
		cmocka_unit_test(member_has_the_secure_defaults),
		cmocka_unit_test(blueprint_has_volumes_and_service),
		cmocka_unit_test(eviction_is_the_templates_or_the_options),
		cmocka_unit_test(status_has_the_selector_and_the_generation),
		cmocka_unit_test(terminating_member_counts_until_it_is_gone),
		cmocka_unit_test(claimed_sandbox_is_replaced_and_not_touched),
		cmocka_unit_test(lost_response_makes_no_second_sandbox),
		cmocka_unit_test(sandbox_that_a_late_store_does_not_show_is_counted),
		cmocka_unit_test(late_change_of_members_forgets_the_other_kind),
		cmocka_unit_test(members_are_never_above_replicas),
		cmocka_unit_test(first_step_creates_one_and_stops_when_it_is_refused),
		cmocka_unit_test(second_step_creates_two),
		cmocka_unit_test(reconcile_creates_no_more_than_the_largest_batch),
		cmocka_unit_test(lost_member_is_replaced_after_the_delay),
		cmocka_unit_test(rate_limits_creation),
		cmocka_unit_test(slow_rate_still_creates),
		cmocka_unit_test(nothing_is_made_without_a_template),
		cmocka_unit_test(old_pods_stay_until_as_many_sandboxes_are_ready),
		cmocka_unit_test(old_sandboxes_stay_until_as_many_pods_are_ready),
		cmocka_unit_test(reserved_pod_of_before_is_not_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
