/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods that another controller took out of a pool for a claim and never handed over: which of them
 * a Sandbox that names one adopts. Run by make check.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

/* A claim "a", its Sandbox that names the pod "x", and that pod without an owner, labelled with
 * this claim UID (NULL: the claim's) and the name hash of this Sandbox name; labels is more. */
static void half_taken(struct asb_fake *fake, const char *claim_uid, const char *sandbox,
		       const char *labels)
{
	char uid[64], hash[9];

	world_claim(fake, "a");
	snprintf(uid, sizeof(uid), "%s",
		 claim_uid != NULL ? claim_uid : world_uid(fake, "SandboxClaim", "a"));
	asb_name_hash(sandbox, hash);
	world_put(
		fake,
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata: {namespace: ns, name: x, labels: {%s: '%s', %s: '%s', app: python%s}}\n"
		"spec: {containers: [{name: c, image: i}]}\n",
		CLAIM_UID, uid, NAME_HASH, hash, labels);
	asb_fake_pod_ready(fake, "ns", "x");
	world_claimed_sandbox(fake, "a", "x");
}

static void assert_left_alone(struct asb_fake *fake)
{
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Pod", "x"));
	assert_false(world_owns(fake, "a", "Pod", "x"));
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
}

static void the_pod_of_a_takeover_that_stopped_half_way_is_adopted(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	half_taken(fake, NULL, "a", "");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "x"));
	assert_false(world_exists(fake, "Pod", "a"));
	pod = asb_fake_get(fake, "Pod", "ns", "x");
	assert_string_equal(asb_label(pod, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
	assert_string_equal(asb_label(pod, "app"), "python");
	assert_writes(fake, "PATCH_JSON Pod ns/x", "CREATE Service ns/a", "SET_STATUS Sandbox ns/a",
		      NULL);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
}

static void a_pod_with_the_uid_of_another_claim_is_not_adopted(void **state)
{
	half_taken(*state, "00000000-1111-2222-3333-444444444444", "a", "");
	assert_left_alone(*state);
}

static void a_pod_with_the_name_hash_of_another_sandbox_is_not_adopted(void **state)
{
	half_taken(*state, NULL, "b", "");
	assert_left_alone(*state);
}

static void a_pod_that_another_sandbox_has_had_is_not_adopted(void **state)
{
	half_taken(*state, NULL, "a", ", " SANDBOX_UID ": other");
	assert_left_alone(*state);
}

static void a_pod_that_still_has_the_pools_label_is_not_adopted(void **state)
{
	half_taken(*state, NULL, "a", ", " POOL_LABEL ": aaaaaaaa");
	assert_left_alone(*state);
}

static void a_pod_that_has_ended_is_not_adopted(void **state)
{
	struct asb_fake *fake = *state;

	half_taken(fake, NULL, "a", "");
	world_phase(fake, "x", "Failed", "False");
	assert_left_alone(fake);
}

static void a_pod_that_is_being_deleted_is_not_adopted(void **state)
{
	struct asb_fake *fake = *state;

	half_taken(fake, NULL, "a", "");
	asb_fake_start_deletion(fake, "Pod", "ns", "x");
	assert_left_alone(fake);
}

static void a_pod_with_a_foreign_controller_is_not_adopted(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;
	char uid[64], hash[9];

	world_foreign(fake, "Pod", "x");
	half_taken(fake, NULL, "a", "");
	world_foreign(fake, "Pod", "x");
	snprintf(uid, sizeof(uid), "%s", world_uid(fake, "SandboxClaim", "a"));
	asb_name_hash("a", hash);
	pod = asb_copy(asb_fake_get(fake, "Pod", "ns", "x"));
	asb_set_label(pod, CLAIM_UID, uid);
	asb_set_label(pod, NAME_HASH, hash);
	asb_fake_put(fake, json_object_to_json_string_ext(pod, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(pod);
	assert_left_alone(fake);
}

static void a_pod_reserved_for_another_claim_is_not_adopted(void **state)
{
	struct asb_fake *fake = *state;

	half_taken(fake, NULL, "a", "");
	asb_fake_reserve(fake, "Pod", "ns", "x", "ns/b");
	assert_left_alone(fake);
}

static void without_the_claim_in_the_store_nothing_is_adopted(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_pause_garbage_collector(fake, true);
	half_taken(fake, NULL, "a", "");
	world_change_owner(fake, "Sandbox", "a", world_other_uid(fake));
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Pod", "x"));
	assert_false(world_owns(fake, "a", "Pod", "x"));
	assert_condition(
		fake, "a", "False", "ReconcilerError",
		"Error seen: Pod \"x\" belongs to nobody and was not made for this Sandbox");
}

/* Another controller takes the pod at the moment of our patch. */
static void take_pod(struct asb_fake *fake, void *arg)
{
	bool *done = arg;
	char text[512];

	if (*done || asb_controller(asb_fake_get(fake, "Pod", "ns", "x"), NULL) != NULL) {
		return;
	}
	*done = true;
	snprintf(
		text, sizeof(text),
		"metadata: {ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: %s, controller: true}]}",
		world_other_uid(fake));
	asb_fake_merge(fake, "Pod", "ns", "x", text);
}

static void a_pod_that_somebody_takes_under_the_patch_is_left_to_them(void **state)
{
	struct asb_fake *fake = *state;
	bool done = false;

	world_other_uid(fake);
	half_taken(fake, NULL, "a", "");
	asb_fake_before_write(fake, take_pod, &done);
	assert_left_alone(fake);
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_pod_of_a_takeover_that_stopped_half_way_is_adopted),
		WORLD_TEST(a_pod_with_the_uid_of_another_claim_is_not_adopted),
		WORLD_TEST(a_pod_with_the_name_hash_of_another_sandbox_is_not_adopted),
		WORLD_TEST(a_pod_that_another_sandbox_has_had_is_not_adopted),
		WORLD_TEST(a_pod_that_still_has_the_pools_label_is_not_adopted),
		WORLD_TEST(a_pod_that_has_ended_is_not_adopted),
		WORLD_TEST(a_pod_that_is_being_deleted_is_not_adopted),
		WORLD_TEST(a_pod_with_a_foreign_controller_is_not_adopted),
		WORLD_TEST(a_pod_reserved_for_another_claim_is_not_adopted),
		WORLD_TEST(without_the_claim_in_the_store_nothing_is_adopted),
		WORLD_TEST(a_pod_that_somebody_takes_under_the_patch_is_left_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
