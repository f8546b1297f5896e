/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of other people that stand where a Sandbox's should be: never changed or deleted, said in
 * the condition, looked at again when they go; and those of nobody, which are taken over. Run by
 * make check.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

/* The object is exactly as it was put. */
static void assert_untouched(struct asb_fake *fake, const char *kind, const char *name,
			     const char *version)
{
	struct json_object *object = asb_fake_get(fake, kind, "ns", name);

	assert_non_null(object);
	assert_string_equal(asb_resource_version(object), version);
}

static void keep_version(struct asb_fake *fake, const char *kind, const char *name, char ret[32])
{
	snprintf(ret, 32, "%s", asb_resource_version(asb_fake_get(fake, kind, "ns", name)));
}

static void a_foreign_pod_is_an_error_that_says_whose_it_is(void **state)
{
	struct asb_fake *fake = *state;
	char version[32];

	world_foreign(fake, "Pod", "a");
	keep_version(fake, "Pod", "a", version);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to ReplicaSet \"rs\"");
	assert_replicas(fake, "a", 0);
	assert_status_str(fake, "a", "service", "a");
	assert_untouched(fake, "Pod", "a", version);
}

static void foreign_objects_that_the_store_keeps_are_left_alone_too(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_foreign(fake, "Service", "a");
	world_show(fake, "Pod", "a");
	world_show(fake, "Service", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to ReplicaSet \"rs\"");
}

static void a_sandbox_goes_on_when_a_foreign_pod_goes(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_delete(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void a_foreign_pod_is_looked_at_again_within_a_minute(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_in_range(asb_fake_next_ms(fake), 1, 1000);
	for (int i = 0; i < 10; i++) {
		asb_fake_advance(fake, 60000);
		assert_in_range(asb_fake_next_ms(fake), 1, 60000);
	}
	assert_int_equal(asb_fake_writes(fake) > 0, 1);
	asb_fake_forget(fake);
	asb_fake_advance(fake, 60000);
	assert_writes(fake, "CREATE Pod ns/a", NULL); /* tried, and no status written */
}

static void a_pod_of_another_sandbox_is_foreign(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "b", "");
	asb_fake_settle(fake);
	world_sandbox(fake, "a", "");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": b}}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "b", "Pod", "b"));
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"b\" belongs to Sandbox \"b\"");
}

static void an_owner_of_the_right_name_and_wrong_uid_is_not_believed(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_pause_garbage_collector(fake, true);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	world_change_owner(fake, "Pod", "a", world_other_uid(fake));
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to Sandbox \"a\"");
}

static void an_owner_of_another_kind_or_group_is_not_believed(void **state)
{
	static const char *const owners[] = {
		"{apiVersion: agents.x-k8s.io/v1alpha1, kind: Sandpit, name: a, uid: %s, controller: true}",
		"{apiVersion: example.org/v1, kind: Sandbox, name: a, uid: %s, controller: true}",
		"{apiVersion: agents.x-k8s.io/v1alpha1, kind: Sandbox, name: a, uid: %s, controller: false}",
		NULL,
	};

	(void)state;
	for (int i = 0; owners[i] != NULL; i++) {
		struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
		char owner[256], text[320];

		world_sandbox(fake, "a", "replicas: 0");
		snprintf(owner, sizeof(owner), "%.*s%s%s",
			 (int)(strstr(owners[i], "%s") - owners[i]), owners[i],
			 world_uid(fake, "Sandbox", "a"), strstr(owners[i], "%s") + 2);
		world_unowned(fake, "Pod", "a");
		snprintf(text, sizeof(text), "metadata: {ownerReferences: [%s]}", owner);
		asb_fake_merge(fake, "Pod", "ns", "a", text);
		world_show(fake, "Pod", "a");
		asb_fake_settle(fake);
		/* Not ours: neither replicas 0 nor expiry deletes it. */
		assert_true(world_exists(fake, "Pod", "a"));
		assert_condition(fake, "a", "True", "DependenciesReady",
				 "Pod does not exist, replicas is 0; Service Exists");
		asb_fake_merge(fake, "Sandbox", "ns", "a",
			       "spec: {shutdownTime: \"2001-01-01T00:00:00Z\"}");
		asb_fake_settle(fake);
		assert_true(world_exists(fake, "Pod", "a"));
		asb_fake_destroy(fake);
	}
}

static void an_annotation_cannot_name_other_peoples_pods(void **state)
{
	struct asb_fake *fake = *state;
	char version[32], unowned_version[32];

	world_foreign(fake, "Pod", "x");
	world_unowned(fake, "Pod", "y");
	keep_version(fake, "Pod", "x", version);
	keep_version(fake, "Pod", "y", unowned_version);
	world_sandbox(fake, "a", "");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "metadata: {annotations: {" POD_NAME ": x}}");
	world_sandbox(fake, "b", "");
	asb_fake_merge(fake, "Sandbox", "ns", "b", "metadata: {annotations: {" POD_NAME ": y}}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"x\" belongs to ReplicaSet \"rs\"");
	assert_condition(
		fake, "b", "False", "ReconcilerError",
		"Error seen: Pod \"y\" belongs to nobody and was not made for this Sandbox");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "spec: {replicas: 0}");
	asb_fake_merge(fake, "Sandbox", "ns", "b",
		       "spec: {shutdownTime: \"2001-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	assert_untouched(fake, "Pod", "x", version);
	assert_untouched(fake, "Pod", "y", unowned_version);
}

static void a_foreign_service_is_an_error_and_the_pod_is_made(void **state)
{
	struct asb_fake *fake = *state;
	char version[32];

	world_foreign(fake, "Service", "a");
	keep_version(fake, "Service", "a", version);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Service \"a\" belongs to ReplicaSet \"rs\"");
	assert_replicas(fake, "a", 1);
	assert_status_str(fake, "a", "service", NULL);
	assert_status_str(fake, "a", "serviceFQDN", NULL);
	assert_untouched(fake, "Service", "a", version);
	asb_fake_delete(fake, "Service", "ns", "a");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Service", "a"));
	assert_status_str(fake, "a", "service", "a");
}

static void a_foreign_volume_is_an_error_and_no_pod_is_made(void **state)
{
	struct asb_fake *fake = *state;
	char version[32];

	world_unowned(fake, "PersistentVolumeClaim", "data-a");
	keep_version(fake, "PersistentVolumeClaim", "data-a", version);
	world_sandbox(fake, "a", "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "a"));
	assert_condition(
		fake, "a", "False", "ReconcilerError",
		"Error seen: PersistentVolumeClaim \"data-a\" belongs to nobody and was not made for this Sandbox");
	assert_untouched(fake, "PersistentVolumeClaim", "data-a", version);
	asb_fake_delete(fake, "PersistentVolumeClaim", "ns", "data-a");
	asb_fake_advance(fake, 1000);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_true(world_owns(fake, "a", "PersistentVolumeClaim", "data-a"));
}

static void a_pod_of_nobody_with_the_sandboxs_name_is_taken_over(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	world_unowned(fake, "Pod", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_non_null(asb_label(pod, NAME_HASH));
	assert_string_equal(asb_label(pod, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
}

static void other_owners_and_labels_of_a_pod_taken_over_stay(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;
	char text[256];

	world_unowned(fake, "Pod", "a");
	snprintf(
		text, sizeof(text),
		"metadata: {labels: {mine: stays}, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: m, uid: %s}]}",
		world_other_uid(fake));
	asb_fake_merge(fake, "Pod", "ns", "a", text);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_int_equal(asb_length(asb_array(pod, "metadata", "ownerReferences")), 2);
	assert_string_equal(asb_label(pod, "mine"), "stays");
}

static void take_a(struct asb_fake *fake, void *arg)
{
	bool *done = arg;
	const char *write = NULL;

	for (unsigned int i = 0; i < asb_fake_writes(fake); i++) {
		write = asb_fake_write(fake, i);
	}
	/* After the refused creation, before the patch that takes over. */
	if (!*done && write != NULL && strcmp(write, "CREATE Service ns/a") == 0) {
		*done = true;
		asb_fake_delete(fake, "Pod", "ns", "a");
		world_foreign(fake, "Pod", "a");
	}
}

static void a_pod_that_gets_an_owner_meanwhile_is_not_taken_over(void **state)
{
	struct asb_fake *fake = *state;
	bool done = false;

	world_unowned(fake, "Pod", "a");
	world_other_uid(fake);
	world_sandbox(fake, "a", "");
	asb_fake_before_write(fake, take_a, &done);
	asb_fake_settle(fake);
	asb_fake_before_write(fake, NULL, NULL);
	assert_true(done);
	assert_false(world_owns(fake, "a", "Pod", "a"));
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to ReplicaSet \"rs\"");
}

static void own_a(struct asb_fake *fake, void *arg)
{
	char text[256];

	(void)arg;
	if (asb_at(asb_fake_get(fake, "Pod", "ns", "a"), "metadata", "ownerReferences") == NULL) {
		snprintf(
			text, sizeof(text),
			"metadata: {ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: %s, controller: true}]}",
			world_uid(fake, "PersistentVolumeClaim", "stranger"));
		asb_fake_merge(fake, "Pod", "ns", "a", text);
	}
}

static void a_pod_claimed_by_another_meanwhile_keeps_its_one_controller(void **state)
{
	struct asb_fake *fake = *state;

	world_unowned(fake, "Pod", "a");
	world_show(fake, "Pod", "a");
	world_other_uid(fake);
	world_sandbox(fake, "a", "");
	asb_fake_before_write(fake, own_a, NULL);
	asb_fake_settle(fake);
	asb_fake_before_write(fake, NULL, NULL);
	assert_int_equal(asb_length(asb_array(asb_fake_get(fake, "Pod", "ns", "a"), "metadata",
					      "ownerReferences")),
			 1);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to ReplicaSet \"rs\"");
}

static void a_service_of_nobody_that_ends_is_waited_for(void **state)
{
	struct asb_fake *fake = *state;

	world_unowned(fake, "Service", "a");
	world_show(fake, "Service", "a");
	asb_fake_start_deletion(fake, "Service", "ns", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Service \"a\" belongs to nobody and is being deleted");
	asb_fake_delete(fake, "Service", "ns", "a");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Service", "a"));
}

static void a_pod_of_nobody_that_ends_is_waited_for(void **state)
{
	struct asb_fake *fake = *state;

	world_unowned(fake, "Pod", "a");
	asb_fake_start_deletion(fake, "Pod", "ns", "a");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "ReconcilerError",
			 "Error seen: Pod \"a\" belongs to nobody and is being deleted");
	asb_fake_delete(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
}

static void a_headless_service_of_nobody_is_left_alone(void **state)
{
	struct asb_fake *fake = *state;
	char version[32];

	world_unowned(fake, "Service", "a");
	keep_version(fake, "Service", "a", version);
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_untouched(fake, "Service", "a", version);
	assert_false(world_owns(fake, "a", "Service", "a"));
}

static void a_service_of_nobody_with_an_address_is_left_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_put(fake, "apiVersion: v1\n"
			"kind: Service\n"
			"metadata: {namespace: ns, name: a}\n"
			"spec: {clusterIP: 10.0.0.7, selector: {app: web}}\n");
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_condition(
		fake, "a", "False", "ReconcilerError",
		"Error seen: Service \"a\" belongs to nobody and was not made for this Sandbox");
	assert_null(asb_controller(asb_fake_get(fake, "Service", "ns", "a"), NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_foreign_pod_is_an_error_that_says_whose_it_is),
		WORLD_TEST(foreign_objects_that_the_store_keeps_are_left_alone_too),
		WORLD_TEST(a_sandbox_goes_on_when_a_foreign_pod_goes),
		WORLD_TEST(a_foreign_pod_is_looked_at_again_within_a_minute),
		WORLD_TEST(a_pod_of_another_sandbox_is_foreign),
		WORLD_TEST(an_owner_of_the_right_name_and_wrong_uid_is_not_believed),
		cmocka_unit_test(an_owner_of_another_kind_or_group_is_not_believed),
		WORLD_TEST(an_annotation_cannot_name_other_peoples_pods),
		WORLD_TEST(a_foreign_service_is_an_error_and_the_pod_is_made),
		WORLD_TEST(a_foreign_volume_is_an_error_and_no_pod_is_made),
		WORLD_TEST(a_pod_of_nobody_with_the_sandboxs_name_is_taken_over),
		WORLD_TEST(other_owners_and_labels_of_a_pod_taken_over_stay),
		WORLD_TEST(a_pod_that_gets_an_owner_meanwhile_is_not_taken_over),
		WORLD_TEST(a_pod_claimed_by_another_meanwhile_keeps_its_one_controller),
		WORLD_TEST(a_service_of_nobody_that_ends_is_waited_for),
		WORLD_TEST(a_pod_of_nobody_that_ends_is_waited_for),
		WORLD_TEST(a_headless_service_of_nobody_is_left_alone),
		WORLD_TEST(a_service_of_nobody_with_an_address_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
