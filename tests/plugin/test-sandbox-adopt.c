/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Sandbox that names a pool's pod: when it is taken and how, when it is not believed, and what
 * happens when it is lost. Run by make check.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

static void a_warm_start_is_three_writes_and_ready_at_once(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	world_claimed_sandbox(fake, "a", "x");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_writes(fake, "PATCH_JSON Pod ns/x", "CREATE Service ns/a", "SET_STATUS Sandbox ns/a",
		      NULL);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	assert_replicas(fake, "a", 1);
	assert_false(world_exists(fake, "Pod", "a"));
}

static void an_adopted_pod_changes_its_owner_and_labels_only(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;
	char hash[9];

	asb_name_hash("a", hash);
	world_adopted(fake, "a", "x");
	pod = asb_fake_get(fake, "Pod", "ns", "x");
	assert_int_equal(asb_length(asb_array(pod, "metadata", "ownerReferences")), 1);
	assert_null(asb_label(pod, POOL_LABEL));
	assert_null(asb_label(pod, TEMPLATE_LABEL));
	assert_string_equal(asb_label(pod, "app"), "python");
	assert_string_equal(asb_label(pod, NAME_HASH), hash);
	assert_string_equal(asb_label(pod, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
	assert_string_equal(asb_label(pod, CLAIM_UID), world_uid(fake, "SandboxClaim", "a"));
}

/* Puts another owner that is no controller before the pool. */
static void put_owner_before_pool(struct asb_fake *fake, const char *pod)
{
	struct json_object *object = asb_copy(asb_fake_get(fake, "Pod", "ns", pod));
	struct json_object *owners = json_object_new_array(), *first = json_object_new_object();

	asb_set_str(first, "apiVersion", "v1");
	asb_set_str(first, "kind", "ConfigMap");
	asb_set_str(first, "name", "other");
	asb_set_str(first, "uid", "77777777-0000-0000-0000-000000000000");
	json_object_array_add(owners, first);
	json_object_array_add(owners, asb_copy(asb_controller(object, NULL)));
	json_object_object_add(asb_object_in(object, "metadata"), "ownerReferences", owners);
	asb_fake_put(fake, json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void a_pool_that_is_not_the_first_owner_is_replaced_in_its_place(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	world_pool_pod(fake, "x");
	put_owner_before_pool(fake, "x");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "x");
	assert_int_equal(asb_length(asb_array(pod, "metadata", "ownerReferences")), 2);
	assert_true(world_owns(fake, "a", "Pod", "x"));
}

static void a_plain_sandbox_never_takes_a_pools_pod(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_sandbox(fake, "a", "");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": x}}");
	asb_fake_settle(fake);
	assert_false(world_owns(fake, "a", "Pod", "x"));
	assert_non_null(asb_label(asb_fake_get(fake, "Pod", "ns", "x"), POOL_LABEL));
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"x\" belongs to SandboxWarmPool \"pool\"");
	assert_replicas(fake, "a", 0);
}

static void a_claim_that_is_not_in_the_store_is_not_believed(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_pause_garbage_collector(fake, true);
	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	world_change_owner(fake, "Sandbox", "a", world_other_uid(fake));
	asb_fake_settle(fake);
	assert_false(world_owns(fake, "a", "Pod", "x"));
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"x\" belongs to SandboxWarmPool \"pool\"");
}

/* The Sandbox of a claim that may not have the pod "x" runs its own, and "x" is as it was. */
static void assert_cold_start(struct asb_fake *fake)
{
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
	assert_null(asb_fake_event(fake, 0));
	if (world_exists(fake, "Pod", "x")) {
		assert_false(world_owns(fake, "a", "Pod", "x"));
	}
}

static void a_pool_of_another_template_is_left_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	asb_fake_merge(fake, "SandboxWarmPool", "ns", "pool",
		       "spec: {sandboxTemplateRef: {name: other}}");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void a_pool_is_believed_by_uid_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_change_owner(fake, "Pod", "x", world_other_uid(fake));
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void a_label_without_an_owner_makes_no_pools_pod(void **state)
{
	struct asb_fake *fake = *state;

	world_put(fake,
		  "apiVersion: v1\n"
		  "kind: Pod\n"
		  "metadata: {namespace: ns, name: x, labels: {%s: aaaaaaaa}}\n"
		  "spec: {containers: [{name: c, image: i}]}\n",
		  POOL_LABEL);
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
	assert_null(asb_controller(asb_fake_get(fake, "Pod", "ns", "x"), NULL));
}

static void a_pod_reserved_for_another_claim_is_left_to_it(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	asb_fake_reserve(fake, "Pod", "ns", "x", "ns/b");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void a_pod_reserved_for_its_own_claim_is_taken(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	asb_fake_reserve(fake, "Pod", "ns", "x", "ns/a");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "x"));
}

static void a_pod_gone_before_it_was_taken_is_a_cold_start(void **state)
{
	struct asb_fake *fake = *state;

	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void a_pod_that_ends_before_it_was_taken_is_a_cold_start(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	asb_fake_start_deletion(fake, "Pod", "ns", "x");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void a_failed_pod_of_a_pool_is_never_taken(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_phase(fake, "x", "Failed", "False");
	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "x");
	assert_cold_start(fake);
}

static void of_two_claims_for_one_pod_one_wins_and_one_starts_cold(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	world_claim(fake, "b");
	world_claimed_sandbox(fake, "a", "x");
	world_claimed_sandbox(fake, "b", "x");
	asb_fake_settle(fake);
	assert_int_equal(world_owns(fake, "a", "Pod", "x") + world_owns(fake, "b", "Pod", "x"), 1);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
}

/* What somebody else does to the pod between the look at the store and the patch, once. */
struct meddling {
	void (*act)(struct asb_fake *fake);
	bool done;
};

static void meddle(struct asb_fake *fake, void *arg)
{
	struct meddling *meddling = arg;

	if (!meddling->done) {
		meddling->done = true;
		meddling->act(fake);
	}
}

static void start_meddled(struct asb_fake *fake, struct meddling *meddling)
{
	world_pool_pod(fake, "x");
	world_claim(fake, "a");
	asb_fake_settle(fake);
	world_claimed_sandbox(fake, "a", "x");
	asb_fake_before_write(fake, meddle, meddling);
	asb_fake_settle(fake);
	asb_fake_before_write(fake, NULL, NULL);
	assert_true(meddling->done);
}

static void delete_x(struct asb_fake *fake)
{
	asb_fake_delete(fake, "Pod", "ns", "x");
}

static void end_x(struct asb_fake *fake)
{
	asb_fake_start_deletion(fake, "Pod", "ns", "x");
}

static void move_owner_of_x(struct asb_fake *fake)
{
	put_owner_before_pool(fake, "x");
}

static void give_x_away(struct asb_fake *fake)
{
	world_change_owner(fake, "Pod", "x", world_other_uid(fake));
}

static void unlabel_x(struct asb_fake *fake)
{
	asb_fake_merge(fake, "Pod", "ns", "x", "metadata: {labels: {" POOL_LABEL ": null}}");
}

static void replace_x(struct asb_fake *fake)
{
	asb_fake_delete(fake, "Pod", "ns", "x");
	world_unowned(fake, "Pod", "x");
}

static void a_pod_that_changes_under_the_patch_is_looked_at_live(void **state)
{
	static const struct {
		void (*act)(struct asb_fake *fake);
		bool taken;
	} cases[] = {
		{ delete_x, false },  { end_x, false },    { give_x_away, false },
		{ replace_x, false }, { unlabel_x, true }, { move_owner_of_x, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
		struct meddling meddling = { .act = cases[i].act };

		start_meddled(fake, &meddling);
		if (cases[i].taken) {
			assert_true(world_owns(fake, "a", "Pod", "x"));
			assert_false(world_exists(fake, "Pod", "a"));
		} else {
			assert_cold_start(fake);
		}
		asb_fake_destroy(fake);
	}
}

static void a_lost_adopted_pod_is_said_at_once_and_replaced_after_two_seconds(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod does not exist; Service Exists");
	assert_replicas(fake, "a", 0);
	assert_status_str(fake, "a", "selector", NULL);
	assert_int_equal(world_events(fake, "Warning PodLost Sandbox ns/a"), 1);
	asb_fake_advance(fake, 1900);
	assert_false(world_exists(fake, "Pod", "a"));
	asb_fake_advance(fake, 200);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
	assert_int_equal(world_events(fake, "Warning PodLost"), 1);
	assert_int_equal(world_events(fake, "Normal PodRecreated Sandbox ns/a"), 1);
	assert_true(asb_fake_metric(fake, "agent_sandbox_pods_lost_total") > 0.5);
}

static void nothing_else_shortens_the_two_seconds(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	world_refuse(fake, "Service", ASB_FORBIDDEN, "no", 3);
	asb_fake_delete(fake, "Service", "ns", "a");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError", "Error seen: no");
	asb_fake_advance(fake, 1900);
	assert_false(world_exists(fake, "Pod", "a"));
	assert_true(world_exists(fake, "Service", "a"));
	asb_fake_advance(fake, 200);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_int_equal(world_events(fake, "Warning PodLost"), 1);
}

static void a_lost_pod_that_is_seen_again_was_not_made_anew(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	world_adopted(fake, "a", "x");
	pod = asb_copy(asb_fake_get(fake, "Pod", "ns", "x"));
	json_object_object_del(asb_at(pod, "metadata"), "resourceVersion");
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	asb_fake_put(fake, json_object_to_json_string_ext(pod, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(pod);
	asb_fake_settle(fake);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	asb_fake_advance(fake, 5000);
	assert_false(world_exists(fake, "Pod", "a"));
	assert_int_equal(world_events(fake, "Normal PodRecreated"), 0);
}

static void a_foreign_pod_that_an_annotation_names_wakes_the_sandbox_when_it_goes(void **state)
{
	struct asb_fake *fake = *state;

	world_pool_pod(fake, "x");
	world_sandbox(fake, "a", "");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": x}}");
	asb_fake_settle(fake);
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
}

static void a_restart_does_not_forget_that_a_pod_was_lost(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_delete(fake, "Pod", "ns", "x");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_restart(fake);
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "a"));
	asb_fake_advance(fake, 2000);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_int_equal(world_events(fake, "Warning PodLost"), 1);
	assert_int_equal(world_events(fake, "Normal PodRecreated"), 1);
}

static void a_lost_pod_whose_name_another_took_is_lost_all_the_same(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	replace_x(fake);
	asb_fake_settle(fake);
	assert_int_equal(world_events(fake, "Warning PodLost"), 1);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod does not exist; Service Exists");
	asb_fake_advance(fake, 2100);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_null(asb_controller(asb_fake_get(fake, "Pod", "ns", "x"), NULL));
}

static void an_annotation_to_nothing_is_dropped(void **state)
{
	static const char *const names[] = { "gone", "../services/x", "No_Name", "", NULL };

	(void)state;
	for (int i = 0; names[i] != NULL; i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
		char text[96];

		world_sandbox(fake, "a", "");
		snprintf(text, sizeof(text), "metadata: {annotations: {%s: \"%s\", keep: me}}",
			 POD_NAME, names[i]);
		asb_fake_merge(fake, "Sandbox", "ns", "a", text);
		asb_fake_settle(fake);
		assert_true(world_owns(fake, "a", "Pod", "a"));
		assert_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME));
		assert_non_null(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), "keep"));
		asb_fake_destroy(fake);
	}
}

static void an_annotation_that_is_lost_is_put_back(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": null}}");
	asb_fake_settle(fake);
	assert_string_equal(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME),
			    "x");
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
}

static void an_annotation_moved_to_a_foreign_pod_is_not_followed(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "a", "x");
	world_pool_pod(fake, "y");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": y}}");
	asb_fake_settle(fake);
	assert_false(world_owns(fake, "a", "Pod", "y"));
	assert_string_equal(asb_annotation(asb_fake_get(fake, "Sandbox", "ns", "a"), POD_NAME),
			    "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_warm_start_is_three_writes_and_ready_at_once),
		WORLD_TEST(an_adopted_pod_changes_its_owner_and_labels_only),
		WORLD_TEST(a_pool_that_is_not_the_first_owner_is_replaced_in_its_place),
		WORLD_TEST(a_plain_sandbox_never_takes_a_pools_pod),
		WORLD_TEST(a_claim_that_is_not_in_the_store_is_not_believed),
		WORLD_TEST(a_pool_of_another_template_is_left_alone),
		WORLD_TEST(a_pool_is_believed_by_uid_alone),
		WORLD_TEST(a_label_without_an_owner_makes_no_pools_pod),
		WORLD_TEST(a_pod_reserved_for_another_claim_is_left_to_it),
		WORLD_TEST(a_pod_reserved_for_its_own_claim_is_taken),
		WORLD_TEST(a_pod_gone_before_it_was_taken_is_a_cold_start),
		WORLD_TEST(a_pod_that_ends_before_it_was_taken_is_a_cold_start),
		WORLD_TEST(a_failed_pod_of_a_pool_is_never_taken),
		WORLD_TEST(of_two_claims_for_one_pod_one_wins_and_one_starts_cold),
		cmocka_unit_test(a_pod_that_changes_under_the_patch_is_looked_at_live),
		WORLD_TEST(a_lost_adopted_pod_is_said_at_once_and_replaced_after_two_seconds),
		WORLD_TEST(nothing_else_shortens_the_two_seconds),
		WORLD_TEST(a_lost_pod_that_is_seen_again_was_not_made_anew),
		WORLD_TEST(a_foreign_pod_that_an_annotation_names_wakes_the_sandbox_when_it_goes),
		WORLD_TEST(a_restart_does_not_forget_that_a_pod_was_lost),
		WORLD_TEST(a_lost_pod_whose_name_another_took_is_lost_all_the_same),
		cmocka_unit_test(an_annotation_to_nothing_is_dropped),
		WORLD_TEST(an_annotation_that_is_lost_is_put_back),
		WORLD_TEST(an_annotation_moved_to_a_foreign_pod_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
