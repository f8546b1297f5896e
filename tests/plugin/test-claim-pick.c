/* SPDX-License-Identifier: Apache-2.0 */
/* Which warm pod a claim is given, which it never is, and how long a pod stays reserved. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define OLDEST "2026-01-01T00:00:00Z"
#define OLDER "2026-01-01T10:00:00Z"
#define YOUNG "2026-01-01T20:00:00Z"

/* A world with one pool "p" of template "t". */
static struct asb_fake *pool_create(void)
{
	struct asb_fake *fake = world_create();

	world_pool(fake, "p", "t");
	return fake;
}

/* The pod that a new claim gets. */
static const char *claim_gets(struct asb_fake *fake, const char *claim)
{
	world_claim(fake, claim, "");
	world_settle(fake);
	return world_pod_of(fake, claim);
}

static void the_longest_ready_pod_goes_first(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", OLDER, WORLD_HASH);
	world_pod(fake, "p", "b", OLDEST, WORLD_HASH);
	world_pod(fake, "p", "c", YOUNG, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "b");
	assert_string_equal(claim_gets(fake, "y"), "a");
	assert_string_equal(claim_gets(fake, "z"), "c");
	assert_string_equal(claim_gets(fake, "cold"), "");
	asb_fake_destroy(fake);
}

static void a_pod_that_is_not_ready_goes_after_all_that_are_and_before_a_cold_start(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", NULL, WORLD_HASH);
	world_pod(fake, "p", "b", YOUNG, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "b");
	assert_string_equal(claim_gets(fake, "y"), "a");
	asb_fake_destroy(fake);
}

static void a_pod_that_becomes_ready_moves_up(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", NULL, WORLD_HASH);
	world_pod(fake, "p", "b", NULL, WORLD_HASH);
	asb_fake_pod_ready(fake, "default", "b");
	assert_string_equal(claim_gets(fake, "x"), "b");
	asb_fake_destroy(fake);
}

static void the_current_template_goes_first(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "old", OLDEST, WORLD_OLD_HASH);
	world_pod(fake, "p", "new", YOUNG, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "new");
	assert_string_equal(claim_gets(fake, "y"), "old");
	asb_fake_destroy(fake);
}

static void a_pod_without_the_annotation_counts_as_current(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "old", OLDEST, WORLD_OLD_HASH);
	world_pod(fake, "p", "go", OLDER, NULL);
	world_pod(fake, "p", "new", YOUNG, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "go");
	asb_fake_destroy(fake);
}

static void a_changed_template_makes_its_pods_old(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "was", OLDEST, WORLD_HASH);
	world_pod(fake, "p", "go", OLDER, NULL);
	asb_fake_merge(fake, "SandboxTemplate", "default", "t",
		       "{ spec: { podTemplate: { metadata: { labels: { app: y } } } } }");
	assert_string_equal(claim_gets(fake, "x"), "go");
	asb_fake_destroy(fake);
}

static void a_dying_or_dead_pod_is_never_taken(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "leaving", OLDEST, WORLD_HASH);
	asb_fake_start_deletion(fake, "Pod", "default", "leaving");
	world_pod(fake, "p", "failed", OLDEST, WORLD_HASH);
	asb_fake_merge(fake, "Pod", "default", "failed", "{ status: { phase: Failed } }");
	world_pod(fake, "p", "done", OLDEST, WORLD_HASH);
	asb_fake_merge(fake, "Pod", "default", "done", "{ status: { phase: Succeeded } }");
	assert_string_equal(claim_gets(fake, "x"), "");
	asb_fake_destroy(fake);
}

static void put_pod(struct asb_fake *fake, const char *ns, const char *name, const char *owner)
{
	world_put(
		fake,
		"{ apiVersion: v1, kind: Pod, metadata: { namespace: %s, name: %s, labels: { agents.x-k8s.io/pool: '12345678', agents.x-k8s.io/sandbox-template-ref-hash: '87654321' },"
		" annotations: { agents.x-k8s.io/pod-template-hash: '" WORLD_HASH
		"' }, ownerReferences: [ %s ] }, spec: {}, status: { phase: Running, conditions: [ { type: Ready, status: 'True', lastTransitionTime: '" OLDEST
		"' } ] } }",
		ns, name, owner);
}

static void put_owned_pod(struct asb_fake *fake, const char *ns, const char *name,
			  const char *version, const char *kind, const char *uid, bool controller)
{
	char owner[WORLD_OWNER_SIZE];

	world_owner(owner, version, kind, uid, controller);
	put_pod(fake, ns, name, owner);
}

static void labels_and_forged_owners_are_not_believed(void **state)
{
	struct asb_fake *fake = pool_create();
	char pool[64], other[64];

	(void)state;
	asb_fake_pause_garbage_collector(fake, true);
	snprintf(pool, sizeof(pool), "%s", asb_uid(world_get(fake, "SandboxWarmPool", "p")));
	snprintf(other, sizeof(other), "%s", asb_uid(world_get(fake, "SandboxTemplate", "t")));
	put_pod(fake, "default", "slipped-in", "");
	put_owned_pod(fake, "default", "wrong-uid", WORLD_EXTENSIONS, "SandboxWarmPool", other,
		      true);
	put_owned_pod(fake, "default", "wrong-kind", "apps/v1", "ReplicaSet", pool, true);
	put_owned_pod(fake, "default", "wrong-group", "example.com/v1", "SandboxWarmPool", pool,
		      true);
	put_owned_pod(fake, "default", "no-controller", WORLD_EXTENSIONS, "SandboxWarmPool", pool,
		      false);
	assert_string_equal(claim_gets(fake, "x"), "");
	assert_int_equal(asb_fake_count(fake, "Pod"), 5);
	asb_fake_destroy(fake);
}

static void a_pod_of_another_namespace_that_speaks_of_the_pool_is_not_believed(void **state)
{
	struct asb_fake *fake = pool_create();
	char forged[WORLD_OWNER_SIZE], real[WORLD_OWNER_SIZE], owners[2 * WORLD_OWNER_SIZE];

	(void)state;
	asb_fake_pause_garbage_collector(fake, true);
	/* A second owner, which exists, keeps it from being collected. */
	world_put(
		fake,
		"{ apiVersion: " WORLD_EXTENSIONS
		", kind: SandboxTemplate, metadata: { namespace: elsewhere, name: t }, spec: {} }");
	world_owner(real, WORLD_EXTENSIONS, "SandboxTemplate",
		    asb_uid(asb_fake_get(fake, "SandboxTemplate", "elsewhere", "t")), false);
	world_owner(forged, WORLD_EXTENSIONS, "SandboxWarmPool",
		    asb_uid(world_get(fake, "SandboxWarmPool", "p")), true);
	snprintf(owners, sizeof(owners), "%s, %s", forged, real);
	put_pod(fake, "elsewhere", "forged", owners);
	assert_string_equal(claim_gets(fake, "x"), "");
	assert_non_null(asb_fake_get(fake, "Pod", "elsewhere", "forged"));
	asb_fake_destroy(fake);
}

static void pools_of_other_templates_and_pools_being_deleted_give_nothing(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_template(fake, "u", NULL);
	world_pool(fake, "other", "u");
	world_pod(fake, "other", "a", OLDEST, WORLD_HASH);
	world_pool(fake, "leaving", "t");
	world_pod(fake, "leaving", "b", OLDEST, WORLD_HASH);
	asb_fake_start_deletion(fake, "SandboxWarmPool", "default", "leaving");
	assert_string_equal(claim_gets(fake, "x"), "");
	asb_fake_destroy(fake);
}

static void a_pool_being_deleted_gives_nothing_beside_one_that_stays(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pool(fake, "leaving", "t");
	world_pod(fake, "leaving", "b", OLDEST, WORLD_HASH);
	world_pod(fake, "p", "a", NULL, WORLD_HASH);
	asb_fake_start_deletion(fake, "SandboxWarmPool", "default", "leaving");
	assert_string_equal(claim_gets(fake, "x"), "a");
	assert_string_equal(claim_gets(fake, "y"), "");
	asb_fake_destroy(fake);
}

static void of_several_pools_the_one_with_a_ready_pod_serves(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_pool(fake, "p", "t");
	world_pool(fake, "q", "t");
	world_pool(fake, "r", "t");
	world_pod(fake, "p", "a", NULL, WORLD_HASH);
	world_pod(fake, "q", "b", YOUNG, WORLD_HASH);
	world_pod(fake, "r", "c", OLDER, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "c");
	assert_string_equal(claim_gets(fake, "y"), "b");
	assert_string_equal(claim_gets(fake, "z"), "a");
	asb_fake_destroy(fake);
}

static void a_reserved_pod_is_left_to_its_holder(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	world_pod(fake, "p", "b", YOUNG, WORLD_HASH);
	assert_int_equal(asb_fake_reserve(fake, "Pod", "default", "a", "default/somebody"), ASB_OK);
	assert_string_equal(claim_gets(fake, "x"), "b");
	assert_string_equal(asb_fake_reserved(fake, "Pod", "default", "a"), "default/somebody");
	asb_fake_destroy(fake);
}

static void what_a_claims_sandbox_names_stays_reserved_over_a_restart(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	world_pod(fake, "p", "b", YOUNG, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "a");
	asb_fake_restart(fake);
	world_settle(fake);
	assert_string_equal(asb_fake_reserved(fake, "Pod", "default", "a"), "default/x");
	assert_string_equal(claim_gets(fake, "y"), "b");
	asb_fake_destroy(fake);
}

static void a_reservation_ends_with_the_sandbox(void **state)
{
	struct asb_fake *fake = pool_create();

	(void)state;
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	assert_string_equal(claim_gets(fake, "x"), "a");
	asb_fake_delete(fake, "SandboxClaim", "default", "x");
	world_settle(fake);
	assert_false(world_has(fake, "Sandbox", "x"));
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	assert_string_equal(claim_gets(fake, "y"), "a");
	asb_fake_destroy(fake);
}

static void only_a_claims_sandbox_reserves(void **state)
{
	struct asb_fake *fake = pool_create();
	char owner[WORLD_OWNER_SIZE];

	(void)state;
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	world_owner(owner, WORLD_EXTENSIONS, "SandboxTemplate",
		    asb_uid(world_get(fake, "SandboxTemplate", "t")), true);
	for (int owned = 0; owned < 2; owned++) {
		world_put(
			fake,
			"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: plain-%d, ownerReferences: [ %s ], annotations: { agents.x-k8s.io/pod-name: a } }, spec: {origin: v1alpha1, service: true} }",
			owned, owned ? owner : "");
	}
	assert_null(asb_fake_reserved(fake, "Pod", "default", "a"));
	assert_string_equal(claim_gets(fake, "x"), "a");
	asb_fake_destroy(fake);
}

static void take_it_first(struct asb_fake *fake, void *arg)
{
	bool *taken = (bool *)arg;

	if (!*taken) {
		*taken = true;
		(void)asb_fake_reserve(fake, "Pod", "default", "a", "default/faster");
	}
}

static void the_pod_is_reserved_before_the_sandbox_is_written(void **state)
{
	struct asb_fake *fake = pool_create();
	bool taken = false;

	(void)state;
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	asb_fake_before_write(fake, take_it_first, &taken);
	assert_string_equal(claim_gets(fake, "x"), "a");
	assert_true(taken);
	assert_string_equal(asb_fake_reserved(fake, "Pod", "default", "a"), "default/x");
	asb_fake_destroy(fake);
}

static void hits_and_misses_are_counted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	(void)claim_gets(fake, "no-pool");
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_misses_total") == 0);
	world_pool(fake, "p", "t");
	world_pod(fake, "p", "a", OLDEST, WORLD_HASH);
	(void)claim_gets(fake, "hit");
	(void)claim_gets(fake, "miss");
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_hits_total") == 1);
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_misses_total") == 1);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_ready_pod_goes_first),
		cmocka_unit_test(
			a_pod_that_is_not_ready_goes_after_all_that_are_and_before_a_cold_start),
		cmocka_unit_test(a_pod_that_becomes_ready_moves_up),
		cmocka_unit_test(the_current_template_goes_first),
		cmocka_unit_test(a_pod_without_the_annotation_counts_as_current),
		cmocka_unit_test(a_changed_template_makes_its_pods_old),
		cmocka_unit_test(a_dying_or_dead_pod_is_never_taken),
		cmocka_unit_test(labels_and_forged_owners_are_not_believed),
		cmocka_unit_test(
			a_pod_of_another_namespace_that_speaks_of_the_pool_is_not_believed),
		cmocka_unit_test(pools_of_other_templates_and_pools_being_deleted_give_nothing),
		cmocka_unit_test(a_pool_being_deleted_gives_nothing_beside_one_that_stays),
		cmocka_unit_test(of_several_pools_the_one_with_a_ready_pod_serves),
		cmocka_unit_test(a_reserved_pod_is_left_to_its_holder),
		cmocka_unit_test(what_a_claims_sandbox_names_stays_reserved_over_a_restart),
		cmocka_unit_test(a_reservation_ends_with_the_sandbox),
		cmocka_unit_test(only_a_claims_sandbox_reserves),
		cmocka_unit_test(the_pod_is_reserved_before_the_sandbox_is_written),
		cmocka_unit_test(hits_and_misses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
