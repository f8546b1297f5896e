/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that another controller took out of a pool for a claim and never handed over: which are
 * deleted, and which are left alone. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define GONE "00000000-1111-2222-3333-444444444444"
#define PAUSE_MS 5000
#define EVENT "Warning OrphanedPodDeleted Pod default/x: Pod \"x\""

/* A pod with this claim UID and the name hash of this Sandbox name; more: further labels, as
 * ", k: v". */
static void orphan(struct asb_fake *fake, const char *name, const char *claim_uid,
		   const char *sandbox, const char *more)
{
	char hash[9];

	asb_name_hash(sandbox, hash);
	world_put(
		fake,
		"{ apiVersion: v1, kind: Pod, metadata: { namespace: default, name: %s, labels: { agents.x-k8s.io/claim-uid: '%s', agents.x-k8s.io/sandbox-name-hash: '%s'%s } }, spec: {}, status: { phase: Running } }",
		name, claim_uid, hash, more);
}

/* A Sandbox of a claim; pod: what its annotation names, or NULL. */
static void sandbox_of(struct asb_fake *fake, const char *claim, const char *pod)
{
	char owner[WORLD_OWNER_SIZE], annotation[256] = "";

	world_owner(owner, WORLD_EXTENSIONS, "SandboxClaim",
		    asb_uid(world_get(fake, "SandboxClaim", claim)), true);
	if (pod != NULL) {
		snprintf(annotation, sizeof(annotation),
			 ", annotations: { agents.x-k8s.io/pod-name: '%s' }", pod);
	}
	world_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: default, name: %s%s, ownerReferences: [ %s ] }, spec: { origin: v1alpha1, service: true, replicas: 1, podTemplate: { spec: {} } } }",
		claim, annotation, owner);
}

static const char *uid_of(struct asb_fake *fake, const char *claim)
{
	return asb_uid(world_get(fake, "SandboxClaim", claim));
}

static void rest(struct asb_fake *fake)
{
	world_settle(fake);
	assert_int_not_equal(asb_fake_advance(fake, 2 * PAUSE_MS), -1);
}

static void assert_deleted(struct asb_fake *fake)
{
	rest(fake);
	assert_false(world_has(fake, "Pod", "x"));
	assert_int_equal(world_events(fake, EVENT), 1);
}

static void assert_kept(struct asb_fake *fake)
{
	rest(fake);
	assert_true(world_has(fake, "Pod", "x"));
	assert_false(asb_deleting(world_get(fake, "Pod", "x")));
	assert_int_equal(world_events(fake, "OrphanedPodDeleted"), 0);
}

static void the_pod_that_the_claims_sandbox_names_is_kept(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	sandbox_of(fake, "c", "x");
	assert_kept(fake);
	asb_fake_destroy(fake);
}

static void a_pod_whose_claim_has_a_sandbox_with_another_pod_is_deleted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	sandbox_of(fake, "c", "y");
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void a_pod_whose_claim_had_no_sandbox_yet_is_deleted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	assert_deleted(fake);
	assert_string_equal(world_pod_of(fake, "c"), "");
	asb_fake_destroy(fake);
}

static void a_pod_whose_claim_waits_for_its_template_is_deleted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	asb_fake_delete(fake, "SandboxTemplate", "default", "t");
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void a_pod_whose_claim_is_gone_is_deleted_after_a_pause(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	orphan(fake, "x", GONE, "c", "");
	world_settle(fake);
	assert_true(world_has(fake, "Pod", "x"));
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void a_pod_is_deleted_at_once_when_its_claim_goes(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	sandbox_of(fake, "c", "x");
	rest(fake);
	assert_true(world_has(fake, "Pod", "x"));
	asb_fake_delete(fake, "SandboxClaim", "default", "c");
	world_settle(fake);
	assert_false(world_has(fake, "Pod", "x"));
	asb_fake_destroy(fake);
}

static void a_pod_of_an_earlier_claim_of_that_name_is_deleted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", GONE, "c", "");
	sandbox_of(fake, "c", "x"); /* even where the new Sandbox names it */
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void of_two_pods_for_one_claim_the_one_that_is_named_stays(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	orphan(fake, "y", uid_of(fake, "c"), "c", "");
	sandbox_of(fake, "c", "y");
	assert_deleted(fake);
	assert_true(world_has(fake, "Pod", "y"));
	asb_fake_destroy(fake);
}

static void a_pod_that_an_expired_sandbox_names_is_deleted(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "c", "");
	orphan(fake, "x", uid_of(fake, "c"), "c", "");
	sandbox_of(fake, "c", "x");
	world_report(fake, "c", "False", "SandboxExpired", "Sandbox has expired");
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void a_pod_that_is_being_deleted_is_not_deleted_again(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	orphan(fake, "x", GONE, "c", "");
	asb_fake_start_deletion(fake, "Pod", "default", "x");
	rest(fake);
	world_assert_writes(fake, NULL);
	asb_fake_destroy(fake);
}

static void a_pod_without_full_proof_is_kept(void **state)
{
	static const char *const labels[] = {
		"agents.x-k8s.io/claim-uid: '" GONE "'",
		"agents.x-k8s.io/sandbox-name-hash: 'aaaaaaaa'",
		"agents.x-k8s.io/claim-uid: '" GONE
		"', agents.x-k8s.io/sandbox-name-hash: 'aaaaaaaa', agents.x-k8s.io/sandbox-uid: 'u'",
		"agents.x-k8s.io/claim-uid: '" GONE
		"', agents.x-k8s.io/sandbox-name-hash: 'aaaaaaaa', agents.x-k8s.io/pool: 'bbbbbbbb'",
		"app: x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		struct asb_fake *fake = world_create();

		world_put(
			fake,
			"{ apiVersion: v1, kind: Pod, metadata: { namespace: default, name: x, labels: { %s } }, spec: {} }",
			labels[i]);
		assert_kept(fake);
		asb_fake_destroy(fake);
	}
}

static void a_pod_with_any_owner_is_kept(void **state)
{
	(void)state;
	for (int controller = 0; controller <= 1; controller++) {
		struct asb_fake *fake = world_create();
		char owner[WORLD_OWNER_SIZE];

		world_owner(owner, "apps/v1", "ReplicaSet",
			    asb_uid(world_get(fake, "SandboxTemplate", "t")), controller == 1);
		world_put(
			fake,
			"{ apiVersion: v1, kind: Pod, metadata: { namespace: default, name: x, labels: { agents.x-k8s.io/claim-uid: '" GONE
			"', agents.x-k8s.io/sandbox-name-hash: 'aaaaaaaa' }, ownerReferences: [ %s ] }, spec: {} }",
			owner);
		assert_kept(fake);
		asb_fake_destroy(fake);
	}
}

static void a_pod_with_the_name_of_a_sandbox_is_left_to_that(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_claim(fake, "x", "");
	sandbox_of(fake, "x", NULL);
	orphan(fake, "x", GONE, "x", "");
	assert_kept(fake);
	asb_fake_destroy(fake);
}

static void adopt_pod(struct asb_fake *fake, void *arg)
{
	bool *done = arg;
	char owner[WORLD_OWNER_SIZE], text[WORLD_OWNER_SIZE + 64];

	if (*done || !world_has(fake, "Pod", "x")) {
		return;
	}
	*done = true;
	world_owner(owner, "apps/v1", "ReplicaSet",
		    asb_uid(world_get(fake, "SandboxTemplate", "t")), true);
	snprintf(text, sizeof(text), "{ metadata: { ownerReferences: [ %s ] } }", owner);
	asb_fake_merge(fake, "Pod", "default", "x", text);
}

static void a_pod_that_is_adopted_under_the_deletion_is_kept(void **state)
{
	struct asb_fake *fake = world_create();
	bool done = false;

	(void)state;
	orphan(fake, "x", GONE, "c", "");
	asb_fake_before_write(fake, adopt_pod, &done);
	assert_kept(fake);
	assert_true(done);
	asb_fake_destroy(fake);
}

static void a_deletion_that_fails_is_tried_again(void **state)
{
	static const int32_t results[] = { ASB_UNREACHABLE, ASB_FORBIDDEN };

	(void)state;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct asb_fake *fake = world_create();

		orphan(fake, "x", GONE, "c", "");
		asb_fake_fail(fake, ASB_DELETE, "Pod", results[i], "not now", false);
		assert_deleted(fake);
		asb_fake_destroy(fake);
	}
}

static void a_restart_finds_the_pod_again(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	orphan(fake, "x", GONE, "c", "");
	asb_fake_restart(fake);
	assert_deleted(fake);
	asb_fake_destroy(fake);
}

static void more_pods_than_one_pass_takes_are_all_deleted(void **state)
{
	struct asb_fake *fake = world_create();
	char name[16];

	(void)state;
	world_claim(fake, "c", "");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		orphan(fake, name, uid_of(fake, "c"), "c", "");
	}
	rest(fake);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pod_that_the_claims_sandbox_names_is_kept),
		cmocka_unit_test(a_pod_whose_claim_has_a_sandbox_with_another_pod_is_deleted),
		cmocka_unit_test(a_pod_whose_claim_had_no_sandbox_yet_is_deleted),
		cmocka_unit_test(a_pod_whose_claim_waits_for_its_template_is_deleted),
		cmocka_unit_test(a_pod_whose_claim_is_gone_is_deleted_after_a_pause),
		cmocka_unit_test(a_pod_is_deleted_at_once_when_its_claim_goes),
		cmocka_unit_test(a_pod_of_an_earlier_claim_of_that_name_is_deleted),
		cmocka_unit_test(of_two_pods_for_one_claim_the_one_that_is_named_stays),
		cmocka_unit_test(a_pod_that_an_expired_sandbox_names_is_deleted),
		cmocka_unit_test(a_pod_that_is_being_deleted_is_not_deleted_again),
		cmocka_unit_test(a_pod_without_full_proof_is_kept),
		cmocka_unit_test(a_pod_with_any_owner_is_kept),
		cmocka_unit_test(a_pod_with_the_name_of_a_sandbox_is_left_to_that),
		cmocka_unit_test(a_pod_that_is_adopted_under_the_deletion_is_kept),
		cmocka_unit_test(a_deletion_that_fails_is_tried_again),
		cmocka_unit_test(a_restart_finds_the_pod_again),
		cmocka_unit_test(more_pods_than_one_pass_takes_are_all_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
