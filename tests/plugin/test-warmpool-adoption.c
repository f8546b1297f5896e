/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests which pods without a controller a warm pool takes in, and which it leaves alone. Run by
 * `make check`, on the fake host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/warmpool-world.h"

/* A pod with the pool's label and the current hash. The pool must have been reconciled once. */
static void put_orphan(struct asb_fake *fake, const char *name, const char *owners)
{
	char label[64], annotation[160], hash[9];

	asb_name_hash("pool", hash);
	snprintf(label, sizeof(label), "agents.x-k8s.io/pool: \"%s\"", hash);
	snprintf(annotation, sizeof(annotation), "%s: \"%s\"", HASH_ANNOTATION, spy.hash);
	put_pod(fake, name, label, annotation, owners);
}

/* A pool of none, so that its hash is known; the test scales it. */
static struct asb_fake *world_with_empty_pool(void)
{
	struct asb_fake *fake = world_with_pool(0, "one");

	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	return fake;
}

static bool is_ours(struct asb_fake *fake, const char *pod)
{
	return asb_streq(asb_str(asb_controller(asb_fake_get(fake, "Pod", "ns", pod), NULL), "uid"),
			 asb_uid(asb_fake_get(fake, POOL_KIND, "ns", "pool")));
}

static void pod_without_a_controller_is_taken_in_before_any_is_made(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();

	(void)state;
	put_orphan(fake, "lost", "");
	asb_fake_settle(fake);
	assert_false(is_ours(fake, "lost"));
	scale(fake, 2);
	asb_fake_settle(fake);
	assert_true(is_ours(fake, "lost"));
	assert_int_equal(live_pods(fake), 2);
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	assert_int_equal(wrote(fake, "PATCH"), 1);
	asb_fake_destroy(fake);
}

static void pod_that_loses_its_controller_wakes_the_pool(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char first[254];

	(void)state;
	asb_fake_settle(fake);
	snprintf(first, sizeof(first), "%s", live_name(fake, 0));
	asb_fake_forget(fake);
	asb_fake_merge(fake, "Pod", "ns", first, "{ metadata: { ownerReferences: null } }");
	asb_fake_settle(fake);
	assert_true(is_ours(fake, first));
	assert_int_equal(wrote(fake, "CREATE"), 0);
	asb_fake_delete(fake, "Pod", "ns", first);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 1);
	asb_fake_destroy(fake);
}

static void pod_without_a_controller_wakes_the_pool_of_its_label(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_FORBIDDEN, "quota", false);
	scale(fake, 1);
	asb_fake_settle(fake);
	put_orphan(fake, "lost", "");
	asb_fake_settle(fake); /* no time goes by: it is not the retry that finds it */
	assert_true(is_ours(fake, "lost"));
	asb_fake_destroy(fake);
}

static void pods_are_taken_in_only_up_to_replicas(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();
	unsigned int ours;

	(void)state;
	put_orphan(fake, "a", "");
	put_orphan(fake, "b", "");
	put_orphan(fake, "c", "");
	scale(fake, 2);
	asb_fake_settle(fake);
	ours = is_ours(fake, "a") + is_ours(fake, "b") + is_ours(fake, "c");
	assert_int_equal(ours, 2);
	assert_int_equal(asb_fake_count(fake, "Pod"), 3);
	asb_fake_destroy(fake);
}

static void owners_that_are_no_controllers_are_kept(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();
	struct json_object *pod;
	char owner[256];

	(void)state;
	snprintf(
		owner, sizeof(owner),
		"{ apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxTemplate, name: tmpl, uid: %s }",
		asb_uid(asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl")));
	put_orphan(fake, "lost", owner);
	scale(fake, 1);
	asb_fake_settle(fake);
	assert_true(is_ours(fake, "lost"));
	pod = asb_fake_get(fake, "Pod", "ns", "lost");
	assert_int_equal(asb_length(asb_array(pod, "metadata", "ownerReferences")), 2);
	asb_fake_destroy(fake);
}

static void other_pods_are_left_alone(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();
	char label[64], annotation[160], hash[9], owner[256];

	(void)state;
	asb_name_hash("pool", hash);
	snprintf(label, sizeof(label), "agents.x-k8s.io/pool: \"%s\"", hash);
	snprintf(annotation, sizeof(annotation), "%s: \"%s\"", HASH_ANNOTATION, spy.hash);
	put_pod(fake, "no-hash", label, "", "");
	put_pod(fake, "old-hash", label, HASH_ANNOTATION ": old", "");
	put_pod(fake, "no-label", "", annotation, "");
	put_pod(fake, "other-label", "agents.x-k8s.io/pool: other", annotation, "");
	owner_text(owner, "apps/v1", "ReplicaSet",
		   asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl"));
	put_pod(fake, "owned", label, annotation, owner);
	put_orphan(fake, "deleting", "");
	asb_fake_start_deletion(fake, "Pod", "ns", "deleting");
	put_orphan(fake, "ended", "");
	set_phase(fake, "ended", "Failed");
	scale(fake, 3);
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "PATCH"), 0);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	assert_int_equal(wrote(fake, "CREATE Pod"), 3);
	assert_int_equal(asb_fake_count(fake, "Pod"), 10);
	asb_fake_destroy(fake);
}

static void take_orphan(struct asb_fake *fake, void *arg)
{
	bool *taken = (bool *)arg;

	if (!*taken) {
		char owner[256], text[320];

		*taken = true;
		owner_text(owner, "apps/v1", "ReplicaSet",
			   asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl"));
		snprintf(text, sizeof(text), "{ metadata: { ownerReferences: [ %s ] } }", owner);
		asb_fake_merge(fake, "Pod", "ns", "lost", text);
	}
}

static void pod_that_another_takes_first_is_replaced_by_a_new_one(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();
	bool taken = false;

	(void)state;
	put_orphan(fake, "lost", "");
	scale(fake, 1);
	asb_fake_before_write(fake, take_orphan, &taken);
	asb_fake_settle(fake);
	assert_true(taken);
	assert_false(is_ours(fake, "lost"));
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	assert_int_equal(status_of(fake, "replicas"), 1);
	asb_fake_destroy(fake);
}

static void lost_answer_to_an_adoption_makes_no_second_pod(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();

	(void)state;
	put_orphan(fake, "lost", "");
	scale(fake, 1);
	asb_fake_fail(fake, ASB_PATCH_JSON, "Pod", ASB_UNREACHABLE, "no response", true);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	spy.store_is_blind = true; /* it shows none of it yet */
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	spy.store_is_blind = false;
	asb_fake_advance(fake, 5000);
	assert_true(is_ours(fake, "lost"));
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_int_equal(wrote(fake, "CREATE"), 0);
	asb_fake_destroy(fake);
}

static void adoption_that_was_not_done_is_done_again(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();

	(void)state;
	put_orphan(fake, "lost", "");
	scale(fake, 2);
	asb_fake_fail(fake, ASB_PATCH_JSON, "Pod", ASB_UNREACHABLE, "no response", false);
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "CREATE"), 0); /* nobody answers: later */
	asb_fake_advance(fake, 5000);
	assert_true(is_ours(fake, "lost"));
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	asb_fake_destroy(fake);
}

static void refused_adoption_does_not_hold_up_the_pool(void **state)
{
	struct asb_fake *fake = world_with_empty_pool();

	(void)state;
	put_orphan(fake, "lost", "");
	scale(fake, 2);
	asb_fake_fail(fake, ASB_PATCH_JSON, "Pod", ASB_FORBIDDEN, "no", false);
	asb_fake_settle(fake);
	assert_false(is_ours(fake, "lost"));
	assert_int_equal(status_of(fake, "replicas"), 2);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_without_a_controller_is_taken_in_before_any_is_made),
		cmocka_unit_test(pod_that_loses_its_controller_wakes_the_pool),
		cmocka_unit_test(pod_without_a_controller_wakes_the_pool_of_its_label),
		cmocka_unit_test(pods_are_taken_in_only_up_to_replicas),
		cmocka_unit_test(owners_that_are_no_controllers_are_kept),
		cmocka_unit_test(other_pods_are_left_alone),
		cmocka_unit_test(pod_that_another_takes_first_is_replaced_by_a_new_one),
		cmocka_unit_test(lost_answer_to_an_adoption_makes_no_second_pod),
		cmocka_unit_test(adoption_that_was_not_done_is_done_again),
		cmocka_unit_test(refused_adoption_does_not_hold_up_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
