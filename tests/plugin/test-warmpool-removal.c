/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests what a warm pool deletes, and what it never does: surplus, pods that have ended, pods of an
 * old template. Run by `make check`, on the fake host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/warmpool-world.h"

static void surplus_goes_newest_first(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char first[254];

	(void)state;
	asb_fake_settle(fake);
	snprintf(first, sizeof(first), "%s", live_name(fake, 0));
	for (int replicas = 2; replicas <= 9; replicas++) {
		asb_fake_advance(fake, 1000);
		scale(fake, replicas);
		asb_fake_settle(fake);
	}
	assert_int_equal(live_pods(fake), 9);
	scale(fake, 1);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 1);
	assert_string_equal(live_name(fake, 0), first);
	assert_int_equal(spy.bad_removes, 0);
	scale(fake, 0);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 0);
	asb_fake_destroy(fake);
}

static void reserved_pod_is_never_surplus(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");
	char newest[254];

	(void)state;
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	scale(fake, 3);
	asb_fake_settle(fake);
	snprintf(newest, sizeof(newest), "%s", live_name(fake, 2));
	asb_fake_reserve(fake, "Pod", "ns", newest, "ns/claim");
	scale(fake, 2);
	asb_fake_settle(fake);
	assert_int_equal(live_pods(fake), 2);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", newest));
	assert_string_equal(asb_fake_reserved(fake, "Pod", "ns", newest), "ns/claim");
	asb_fake_destroy(fake);
}

static void pool_looks_again_when_all_surplus_is_reserved(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	uint64_t after = 0;

	(void)state;
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_reserve(fake, "Pod", "ns", live_name(fake, 0), "ns/claim");
	asb_fake_merge(fake, POOL_KIND, "ns", "pool", "{ spec: { replicas: 0 } }");
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", &after), ASB_REQUEUE_AFTER);
	assert_int_equal(after, 1000);
	assert_int_equal(live_pods(fake), 1);
	asb_fake_destroy(fake);
}

/* A claim may have the name of the pool: what it reserved is its own nevertheless. */
static void claim_of_the_pools_name_keeps_its_pod(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_settle(fake);
	scale(fake, 0);
	spy.racing = fake; /* just before the pool would delete it */
	asb_fake_settle(fake);
	assert_null(spy.racing);
	assert_int_equal(live_pods(fake), 1);
	assert_string_equal(asb_fake_reserved(fake, "Pod", "ns", live_name(fake, 0)), "ns/pool");
	asb_fake_destroy(fake);
}

static void try_to_reserve(struct asb_fake *fake, void *arg)
{
	int32_t *result = (int32_t *)arg;

	if (live_pod(fake, 0) != NULL) {
		*result = asb_fake_reserve(fake, "Pod", "ns", live_name(fake, 0), "ns/claim");
	}
}

static void no_claim_can_take_a_pod_while_it_is_deleted(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	int32_t result = ASB_OK;

	(void)state;
	asb_fake_settle(fake);
	scale(fake, 0);
	asb_fake_before_write(fake, try_to_reserve, &result);
	asb_fake_fail(fake, ASB_DELETE, "Pod", ASB_FORBIDDEN, "no", false);
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	assert_int_equal(result, ASB_ALREADY_EXISTS);
	asb_fake_before_write(fake, NULL, NULL);
	assert_null(asb_fake_reserved(fake, "Pod", "ns", live_name(fake, 0)));
	asb_fake_destroy(fake);
}

static void take_first(struct asb_fake *fake, void *arg)
{
	bool *taken = (bool *)arg;

	if (!*taken) {
		*taken = true;
		take_pod(fake, live_name(fake, 0));
	}
}

static void pod_that_is_adopted_meanwhile_stays(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	bool taken = false;

	(void)state;
	asb_fake_settle(fake);
	scale(fake, 0);
	asb_fake_before_write(fake, take_first, &taken);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_true(taken);
	assert_int_equal(live_pods(fake), 1);
	asb_fake_advance(fake, 2000);
	assert_int_equal(live_pods(fake), 1);
	assert_int_equal(status_of(fake, "replicas"), 0);
	asb_fake_destroy(fake);
}

static void ended_pods_are_replaced_and_never_counted(void **state)
{
	struct asb_fake *fake = world_with_pool(3, "one");
	char failed[254], succeeded[254];

	(void)state;
	asb_fake_settle(fake);
	ready_all(fake);
	asb_fake_advance(fake, 1000);
	snprintf(failed, sizeof(failed), "%s", live_name(fake, 0));
	snprintf(succeeded, sizeof(succeeded), "%s", live_name(fake, 1));
	set_phase(fake, failed, "Failed");
	set_phase(fake, succeeded, "Succeeded");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_null(asb_fake_get(fake, "Pod", "ns", failed));
	assert_null(asb_fake_get(fake, "Pod", "ns", succeeded));
	assert_int_equal(live_pods(fake), 3);
	asb_fake_advance(fake, 1000);
	assert_int_equal(status_of(fake, "replicas"), 3);
	assert_int_equal(status_of(fake, "readyReplicas"), 1);
	assert_int_equal(spy.bad_removes, 0);
	asb_fake_destroy(fake);
}

static void ended_pod_is_replaced_only_once_it_is_deleted(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_fail(fake, ASB_DELETE, "Pod", ASB_UNREACHABLE, "no response", false);
	set_phase(fake, live_name(fake, 0), "Failed");
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	asb_fake_advance(fake, 1000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	assert_int_equal(live_pods(fake), 2);
	asb_fake_destroy(fake);
}

static void ended_pod_that_a_claim_holds_is_left_to_it(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char name[254];

	(void)state;
	asb_fake_settle(fake);
	snprintf(name, sizeof(name), "%s", live_name(fake, 0));
	asb_fake_reserve(fake, "Pod", "ns", name, "ns/claim");
	set_phase(fake, name, "Failed");
	asb_fake_settle(fake);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", name));
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	asb_fake_destroy(fake);
}

/* The pool has replicas Ready pods of image "one"; then the template says "two". */
static struct asb_fake *world_in_rollout(int replicas)
{
	struct asb_fake *fake = world_with_pool(replicas, "one");

	asb_fake_settle(fake);
	ready_all(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	put_template(fake, "two");
	assert_int_equal(asb_fake_settle(fake), 0);
	return fake;
}

static void old_pods_stay_until_new_ones_are_ready(void **state)
{
	struct asb_fake *fake = world_in_rollout(3);

	(void)state;
	assert_int_equal(pods_of(fake, "one"), 3);
	assert_int_equal(pods_of(fake, "two"), 1);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	ready_all(fake);
	asb_fake_settle(fake);
	assert_int_equal(pods_of(fake, "one"), 2);
	assert_int_equal(pods_of(fake, "two"), 2);
	asb_fake_destroy(fake);
}

static void rollout_ends_and_never_exceeds_its_surge(void **state)
{
	struct asb_fake *fake = world_in_rollout(30);

	(void)state;
	for (unsigned int round = 0; round < 40 && pods_of(fake, "one") > 0; round++) {
		assert_true(live_pods(fake) <= 33);
		ready_all(fake);
		assert_int_equal(asb_fake_settle(fake), 0);
		assert_true(live_pods(fake) >= 30);
	}
	assert_int_equal(pods_of(fake, "one"), 0);
	assert_int_equal(pods_of(fake, "two"), 30);
	assert_int_equal(wrote(fake, "CREATE Pod"), 30);
	assert_int_equal(wrote(fake, "REMOVE Pod"), 30);
	assert_int_equal(spy.bad_removes, 0);
	asb_fake_destroy(fake);
}

static void surge_is_a_tenth_and_at_least_one(void **state)
{
	struct asb_fake *fake = world_in_rollout(40);

	(void)state;
	assert_int_equal(pods_of(fake, "two"), 4);
	asb_fake_destroy(fake);
	fake = world_in_rollout(1);
	assert_int_equal(pods_of(fake, "two"), 1);
	assert_int_equal(pods_of(fake, "one"), 1);
	asb_fake_destroy(fake);
	fake = world_in_rollout(0);
	assert_int_equal(live_pods(fake), 0);
	asb_fake_destroy(fake);
}

static void broken_template_costs_no_adoptable_pod(void **state)
{
	struct asb_fake *fake = world_in_rollout(4);

	(void)state;
	put_template(fake, "three"); /* "two" was never Ready */
	asb_fake_settle(fake);
	assert_int_equal(pods_of(fake, "one"), 4);
	assert_int_equal(pods_of(fake, "two"), 0);
	assert_int_equal(pods_of(fake, "three"), 1);
	asb_fake_destroy(fake);
}

static void template_that_is_changed_back_keeps_its_pods(void **state)
{
	struct asb_fake *fake = world_in_rollout(4);

	(void)state;
	ready_all(fake);
	asb_fake_settle(fake);
	assert_int_equal(pods_of(fake, "two"), 2);
	put_template(fake, "one");
	for (unsigned int round = 0; round < 20; round++) {
		ready_all(fake);
		assert_int_equal(asb_fake_settle(fake), 0);
		assert_true(pods_of(fake, "one") >= 3);
	}
	assert_int_equal(pods_of(fake, "one"), 4);
	assert_int_equal(live_pods(fake), 4);
	asb_fake_destroy(fake);
}

static void pods_without_a_hash_are_current(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char owner[256];

	(void)state;
	owner_text(owner, "extensions.agents.x-k8s.io/v1alpha1", POOL_KIND,
		   asb_fake_get(fake, POOL_KIND, "ns", "pool"));
	put_pod(fake, "from-go", "agents.x-k8s.io/pool: x", "", owner);
	asb_fake_settle(fake);
	put_template(fake, "two");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_int_equal(wrote(fake, "CREATE"), 0);
	asb_fake_destroy(fake);
}

static void old_pod_that_a_claim_holds_is_left_to_it(void **state)
{
	struct asb_fake *fake = world_in_rollout(3);
	const char *first = live_name(fake, 0);

	(void)state;
	for (unsigned int n = 1; n < 3;
	     n++) { /* the one that would go first: the index is by name */
		first = strcmp(live_name(fake, n), first) < 0 ? live_name(fake, n) : first;
	}
	asb_fake_reserve(fake, "Pod", "ns", first, "ns/claim");
	ready_all(fake);
	asb_fake_settle(fake);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", first));
	assert_int_equal(pods_of(fake, "one"), 2); /* another one went instead */
	asb_fake_destroy(fake);
}

static void lost_answer_in_a_rollout_does_not_exceed_the_surge(void **state)
{
	struct asb_fake *fake = world_with_pool(3, "one");
	char name[254];

	(void)state;
	asb_fake_settle(fake);
	ready_all(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	put_template(fake, "two");
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", true);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	snprintf(name, sizeof(name), "%s", strrchr(asb_fake_write(fake, 0), '/') + 1);
	spy.hides = name;
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_REQUEUE_AFTER);
	}
	assert_int_equal(live_pods(fake), 4);
	asb_fake_destroy(fake);
}

static void shrinking_pool_lets_old_pods_go_first_where_new_ones_are_ready(void **state)
{
	struct asb_fake *fake = world_in_rollout(3);

	(void)state;
	ready_all(fake);
	asb_fake_settle(fake);
	ready_all(fake);
	scale(fake, 2);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(pods_of(fake, "one"), 0);
	assert_int_equal(pods_of(fake, "two"), 2);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(surplus_goes_newest_first),
		cmocka_unit_test(reserved_pod_is_never_surplus),
		cmocka_unit_test(pool_looks_again_when_all_surplus_is_reserved),
		cmocka_unit_test(claim_of_the_pools_name_keeps_its_pod),
		cmocka_unit_test(no_claim_can_take_a_pod_while_it_is_deleted),
		cmocka_unit_test(pod_that_is_adopted_meanwhile_stays),
		cmocka_unit_test(ended_pods_are_replaced_and_never_counted),
		cmocka_unit_test(ended_pod_is_replaced_only_once_it_is_deleted),
		cmocka_unit_test(ended_pod_that_a_claim_holds_is_left_to_it),
		cmocka_unit_test(old_pods_stay_until_new_ones_are_ready),
		cmocka_unit_test(rollout_ends_and_never_exceeds_its_surge),
		cmocka_unit_test(surge_is_a_tenth_and_at_least_one),
		cmocka_unit_test(broken_template_costs_no_adoptable_pod),
		cmocka_unit_test(template_that_is_changed_back_keeps_its_pods),
		cmocka_unit_test(pods_without_a_hash_are_current),
		cmocka_unit_test(old_pod_that_a_claim_holds_is_left_to_it),
		cmocka_unit_test(lost_answer_in_a_rollout_does_not_exceed_the_surge),
		cmocka_unit_test(shrinking_pool_lets_old_pods_go_first_where_new_ones_are_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
