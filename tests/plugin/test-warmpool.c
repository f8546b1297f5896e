/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests how a warm pool fills: how many pods, what they look like, what it costs, and what happens
 * without a template. Run by `make check`, on the fake host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/warmpool-world.h"

#define EXTENSIONS "extensions.agents.x-k8s.io"
#define API "apiVersion: " EXTENSIONS "/v1beta1, "

static void pool_makes_as_many_pods_as_asked(void **state)
{
	struct asb_fake *fake = world_with_pool(3, "one");

	(void)state;
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(live_pods(fake), 3);
	assert_int_equal(wrote(fake, "CREATE Pod"), 3);
	scale(fake, 5);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 5);
	assert_int_equal(spy.priorities, 1u << ASB_PRIORITY_REFILL | 1u << ASB_PRIORITY_STATUS);
	asb_fake_destroy(fake);
}

static void pod_has_the_labels_annotations_and_owner_of_the_contract(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	struct json_object *pod, *pool;
	char hash[9];

	(void)state;
	asb_fake_settle(fake);
	pod = live_pod(fake, 0);
	pool = asb_fake_get(fake, POOL_KIND, "ns", "pool");
	assert_string_equal(asb_str(pod, "metadata", "generateName"), "pool-");
	assert_memory_equal(asb_name(pod), "pool-", 5);
	assert_int_equal(strlen(asb_name(pod)), 10);
	assert_string_equal(asb_label(pod, "app"), "web");
	asb_name_hash("pool", hash);
	assert_string_equal(asb_label(pod, "agents.x-k8s.io/pool"), hash);
	asb_name_hash("tmpl", hash);
	assert_string_equal(asb_label(pod, "agents.x-k8s.io/sandbox-template-ref-hash"), hash);
	assert_string_equal(asb_annotation(pod, "note"), "hi");
	assert_string_equal(asb_annotation(pod, HASH_ANNOTATION), spy.hash);
	assert_int_equal(asb_length(asb_array(pod, "metadata", "ownerReferences")), 1);
	assert_string_equal(asb_str(asb_controller(pod, NULL), "uid"), asb_uid(pool));
	assert_string_equal(asb_str(asb_controller(pod, NULL), "kind"), POOL_KIND);
	assert_true(asb_true(asb_at(asb_controller(pod, NULL), "blockOwnerDeletion")));
	asb_fake_destroy(fake);
}

static void labels_of_a_template_never_override_the_systems(void **state)
{
	struct asb_fake *fake = world_create();
	struct json_object *pod;
	char hash[9];

	(void)state;
	asb_fake_put(
		fake,
		"{ " API
		"kind: SandboxTemplate, metadata: { namespace: ns, name: tmpl }, spec: { podTemplate: { metadata: { labels: { agents.x-k8s.io/pool: mine, agents.x-k8s.io/sandbox-template-ref-hash: mine, "
		"agents.x-k8s.io/claim-uid: mine, agents.x-k8s.io/sandbox-uid: mine, agents.x-k8s.io/sandbox-name-hash: mine }, annotations: { agents.x-k8s.io/pod-template-hash: mine } }, "
		"spec: { containers: [ { name: c, image: one } ] } } } }");
	put_pool(fake, 1);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	pod = live_pod(fake, 0);
	asb_name_hash("pool", hash);
	assert_string_equal(asb_label(pod, "agents.x-k8s.io/pool"), hash);
	asb_name_hash("tmpl", hash);
	assert_string_equal(asb_label(pod, "agents.x-k8s.io/sandbox-template-ref-hash"), hash);
	assert_null(asb_label(pod, "agents.x-k8s.io/claim-uid"));
	assert_null(asb_label(pod, "agents.x-k8s.io/sandbox-uid"));
	assert_null(asb_label(pod, "agents.x-k8s.io/sandbox-name-hash"));
	assert_string_equal(asb_annotation(pod, HASH_ANNOTATION), spy.hash);
	asb_fake_destroy(fake);
}

static void unknown_fields_of_the_spec_survive(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_merge(fake, "SandboxTemplate", "ns", "tmpl",
		       "{ spec: { podTemplate: { spec: { tomorrow: { deep: [ 1, x ] } } } } }");
	asb_fake_settle(fake);
	assert_int_equal(asb_length(asb_array(live_pod(fake, 0), "spec", "tomorrow", "deep")), 2);
	asb_fake_destroy(fake);
}

static void token_is_not_mounted_unless_the_template_says_so(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	struct json_object *mount;

	(void)state;
	asb_fake_settle(fake);
	mount = asb_at(live_pod(fake, 0), "spec", "automountServiceAccountToken");
	assert_true(json_object_is_type(mount, json_type_boolean));
	assert_false(asb_true(mount));
	asb_fake_destroy(fake);

	fake = world_with_pool(1, "one");
	asb_fake_merge(
		fake, "SandboxTemplate", "ns", "tmpl",
		"{ spec: { podTemplate: { spec: { automountServiceAccountToken: true } } } }");
	asb_fake_settle(fake);
	assert_true(asb_true(asb_at(live_pod(fake, 0), "spec", "automountServiceAccountToken")));
	asb_fake_destroy(fake);
}

static void longest_pool_name_makes_a_valid_pod_name(void **state)
{
	struct asb_fake *fake = world_create();
	char name[254], text[1024], generate[256];
	struct json_object *pod;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[253] = '\0';
	name[56] = '.'; /* where it is cut */
	snprintf(
		text, sizeof(text),
		"{ " API
		"kind: SandboxWarmPool, metadata: { namespace: ns, name: %s }, spec: { members: Pods, replicas: 1, sandboxTemplateRef: { name: tmpl } } }",
		name);
	put_template(fake, "one");
	asb_fake_put(fake, text);
	asb_fake_settle(fake);
	pod = live_pod(fake, 0);
	assert_non_null(pod);
	assert_true(strlen(asb_name(pod)) <= 63);
	assert_null(strstr(asb_name(pod), ".-"));
	snprintf(generate, sizeof(generate), "%s-", name);
	assert_string_equal(asb_str(pod, "metadata", "generateName"), generate);
	asb_fake_destroy(fake);
}

static void another_name_is_chosen_for_one_that_is_taken(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_ALREADY_EXISTS, "already exists", false);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	assert_int_equal(wrote(fake, "CREATE Pod"), 3);
	assert_string_equal(asb_fake_failure(fake), "");
	asb_fake_destroy(fake);
}

static void large_pool_gives_way_and_goes_on(void **state)
{
	struct asb_fake *fake = world_with_pool(100, "one");
	uint64_t after = 99;

	(void)state;
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", &after), ASB_REQUEUE_AFTER);
	assert_int_equal(after, 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 64);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 100);
	asb_fake_destroy(fake);
}

static void a_million_replicas_are_bounded_work(void **state)
{
	struct asb_fake *fake = world_with_pool(1000000, "one");

	(void)state;
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_REQUEUE_AFTER);
	assert_int_equal(wrote(fake, "CREATE Pod"), 64);
	asb_fake_merge(fake, POOL_KIND, "ns", "pool",
		       "{ spec: { replicas: 9223372036854775807 } }");
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_REQUEUE_AFTER);
	assert_int_equal(wrote(fake, "CREATE Pod"), 128);
	asb_fake_destroy(fake);
}

static void negative_replicas_count_as_none(void **state)
{
	struct asb_fake *fake = world_with_pool(-5, "one");

	(void)state;
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	assert_int_equal(status_of(fake, "replicas"), 0);
	asb_fake_destroy(fake);
}

static void missing_template_is_told_once_and_nothing_is_made(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	put_pool(fake, 2);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_DONE);
	scale(fake, 3);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	assert_int_equal(
		told(fake,
		     "Warning TemplateNotFound SandboxWarmPool ns/pool: SandboxTemplate \"tmpl\" not found"),
		1);
	assert_int_equal(told(fake, ""), 1);
	assert_int_equal(status_of(fake, "replicas"), 0);
	assert_int_equal(status_of(fake, "readyReplicas"), 0);
	asb_fake_destroy(fake);
}

static void pool_goes_on_at_once_when_the_template_appears(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	put_pool(fake, 2);
	asb_fake_settle(fake);
	put_template(fake, "one");
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	asb_fake_destroy(fake);
}

static void pods_stay_when_the_template_goes(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_delete(fake, "SandboxTemplate", "ns", "tmpl");
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	asb_fake_delete(fake, "Pod", "ns", live_name(fake, 0));
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 1);
	put_template(fake, "one");
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	asb_fake_delete(fake, "SandboxTemplate", "ns", "tmpl");
	asb_fake_settle(fake);
	assert_int_equal(told(fake, "Warning TemplateNotFound"), 2); /* once for each absence */
	asb_fake_destroy(fake);
}

static void pool_that_is_deleted_does_nothing(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_start_deletion(fake, POOL_KIND, "ns", "pool");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_writes(fake), 0);
	asb_fake_destroy(fake);
}

static void pod_that_a_claim_takes_is_replaced_at_once(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");
	const char *taken;

	(void)state;
	asb_fake_settle(fake);
	taken = live_name(fake, 0);
	assert_int_equal(asb_fake_reserve(fake, "Pod", "ns", taken, "ns/claim"), ASB_OK);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_DONE);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2); /* reserved, it still is the pool's */
	asb_fake_forget(fake);
	take_pod(fake, taken);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "Pod"), 3);
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	assert_int_equal(asb_fake_writes(fake), 1); /* status has not changed */
	asb_fake_destroy(fake);
}

static void terminating_pod_is_replaced_and_not_counted(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_start_deletion(fake, "Pod", "ns", live_name(fake, 0));
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	assert_int_equal(asb_fake_count(fake, "Pod"), 3);
	assert_int_equal(status_of(fake, "replicas"), 2);
	asb_fake_destroy(fake);
}

static void pods_of_others_are_not_believed_for_their_labels(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	struct json_object *pool = asb_fake_get(fake, POOL_KIND, "ns", "pool");
	struct json_object *template = asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl");
	char label[64], hash[9], wrong_uid[256], wrong_kind[256], wrong_group[256];

	(void)state;
	asb_fake_pause_garbage_collector(fake, true);
	asb_name_hash("pool", hash);
	snprintf(label, sizeof(label), "agents.x-k8s.io/pool: \"%s\"", hash);
	owner_text(wrong_uid, EXTENSIONS "/v1alpha1", POOL_KIND, template);
	owner_text(wrong_kind, "apps/v1", "ReplicaSet", pool);
	owner_text(wrong_group, "example.com/v1alpha1", POOL_KIND, pool);
	put_pod(fake, "wrong-uid", label, "", wrong_uid);
	put_pod(fake, "wrong-kind", label, "", wrong_kind);
	put_pod(fake, "wrong-group", label, "", wrong_group);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "Pod"), 4);
	assert_int_equal(status_of(fake, "replicas"), 1);
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	assert_int_equal(wrote(fake, "PATCH"), 0);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	asb_fake_destroy(fake);
}

/* What one reconcile costs when a pod of so many is taken. */
static unsigned int cost_of_replacing(int replicas, unsigned int *ret_listed)
{
	struct asb_fake *fake = world_with_pool(replicas, "one");
	unsigned int calls;

	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_advance(fake, 600), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), replicas);
	take_pod(fake, live_name(fake, 0));
	spy.calls = spy.listed = 0;
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), replicas + 1);
	calls = spy.calls;
	*ret_listed = spy.listed;
	asb_fake_destroy(fake);
	return calls;
}

static void reconcile_costs_the_same_however_large_the_pool(void **state)
{
	unsigned int listed_small = 0, listed_large = 0;
	unsigned int small = cost_of_replacing(10, &listed_small);
	unsigned int large = cost_of_replacing(1000, &listed_large);

	(void)state;
	assert_int_equal(small, large);
	assert_int_equal(listed_small, 0);
	assert_int_equal(listed_large, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_makes_as_many_pods_as_asked),
		cmocka_unit_test(pod_has_the_labels_annotations_and_owner_of_the_contract),
		cmocka_unit_test(labels_of_a_template_never_override_the_systems),
		cmocka_unit_test(unknown_fields_of_the_spec_survive),
		cmocka_unit_test(token_is_not_mounted_unless_the_template_says_so),
		cmocka_unit_test(longest_pool_name_makes_a_valid_pod_name),
		cmocka_unit_test(another_name_is_chosen_for_one_that_is_taken),
		cmocka_unit_test(large_pool_gives_way_and_goes_on),
		cmocka_unit_test(a_million_replicas_are_bounded_work),
		cmocka_unit_test(negative_replicas_count_as_none),
		cmocka_unit_test(missing_template_is_told_once_and_nothing_is_made),
		cmocka_unit_test(pool_goes_on_at_once_when_the_template_appears),
		cmocka_unit_test(pods_stay_when_the_template_goes),
		cmocka_unit_test(pool_that_is_deleted_does_nothing),
		cmocka_unit_test(pod_that_a_claim_takes_is_replaced_at_once),
		cmocka_unit_test(terminating_pod_is_replaced_and_not_counted),
		cmocka_unit_test(pods_of_others_are_not_believed_for_their_labels),
		cmocka_unit_test(reconcile_costs_the_same_however_large_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
