/* SPDX-License-Identifier: Apache-2.0 */
/* The in-memory API: deletion, collection, the history. */
#include "config.h"

#include <stdio.h>

#include "tests/unit/apiserver/objects-fixture.h"

static struct json_object *get(struct world *world, const char *name)
{
	return objects_get(world->objects, &pod_kind, "ns", name);
}

/* ---- deletion ---- */

static void a_deletion_removes_at_once(void **state)
{
	struct world *world = *state;
	struct json_object *before = NULL;

	assert_int_equal(delete (world, &pod_kind, "p"), 404);
	create(world, &pod_kind, "{metadata: {name: p}}");
	assert_int_equal(objects_delete(world->objects, &pod_kind, "ns", "p", NULL, NULL, &before,
					&world->error),
			 200);
	assert_string_equal(asb_resource_version(before), "2");
	assert_null(get(world, "p"));
	assert_int_equal(objects_count(world->objects, &pod_kind), 0);
	assert_int_equal(objects_version(world->objects), 3);
	create(world, &pod_kind, "{metadata: {name: p}}");
}

static void a_deletion_has_preconditions(void **state)
{
	struct world *world = *state;
	struct json_object *pod = create(world, &pod_kind, "{metadata: {name: p}}");
	char uid[37];

	snprintf(uid, sizeof(uid), "%s", asb_uid(pod));
	assert_int_equal(objects_delete(world->objects, &pod_kind, "ns", "p", "another", NULL, NULL,
					&world->error),
			 409);
	assert_int_equal(
		objects_delete(world->objects, &pod_kind, "ns", "p", uid, "1", NULL, &world->error),
		409);
	assert_string_equal(objects_reason(409, world->error.code), "Conflict");
	assert_int_equal(
		objects_delete(world->objects, &pod_kind, "ns", "p", uid, "2", NULL, &world->error),
		200);
}

static void finalizers_hold_an_object(void **state)
{
	struct world *world = *state;

	create(world, &pod_kind, "{metadata: {name: p, finalizers: [a, b]}}");
	assert_int_equal(delete (world, &pod_kind, "p"), 200);
	assert_string_equal(asb_str(get(world, "p"), "metadata", "deletionTimestamp"),
			    "2026-01-02T03:04:05Z");
	assert_int_equal(asb_generation(get(world, "p")), 2);
	assert_int_equal(delete (world, &pod_kind, "p"), 200);
	assert_int_equal(objects_version(world->objects), 3);
	assert_int_equal(patch(world, "p", false, "{metadata: {finalizers: [a, c]}}", 0), 422);
	assert_int_equal(patch(world, "p", false,
			       "{metadata: {deletionTimestamp: null, finalizers: [a]}}", 0),
			 200);
	assert_true(asb_deleting(get(world, "p")));
	assert_int_equal(patch(world, "p", false, "{status: {a: 1}}", OBJECTS_STATUS), 200);
	assert_int_equal(patch(world, "p", false, "{metadata: {finalizers: null}}", 0), 200);
	assert_null(get(world, "p"));
	assert_int_equal(objects_version(world->objects), 6);
}

static void grace_holds_a_pod(void **state)
{
	struct world *world = *state;

	objects_set_graceful(world->objects, &pod_kind, true);
	create(world, &pod_kind, "{metadata: {name: p}}");
	create(world, &pod_kind,
	       "{metadata: {name: q, finalizers: [a]}, spec: {terminationGracePeriodSeconds: 5}}");
	delete (world, &pod_kind, "p");
	delete (world, &pod_kind, "q");
	assert_string_equal(asb_str(get(world, "p"), "metadata", "deletionTimestamp"),
			    "2026-01-02T03:04:35Z");
	assert_int_equal(
		asb_int(asb_at(get(world, "p"), "metadata", "deletionGracePeriodSeconds"), -1), 30);
	assert_int_equal(
		asb_int(asb_at(get(world, "q"), "metadata", "deletionGracePeriodSeconds"), -1), 5);
	merge(world, "p", "{status: {phase: Running}}", OBJECTS_STATUS);
	assert_non_null(get(world, "p"));
	objects_finish_deletion(world->objects, &pod_kind, "ns", "p");
	assert_null(get(world, "p"));
	objects_finish_deletion(world->objects, &pod_kind, "ns", "q");
	assert_non_null(get(world, "q"));
	patch(world, "q", false, "{metadata: {finalizers: []}}", 0);
	assert_null(get(world, "q"));
	create(world, &pod_kind, "{metadata: {name: r}}");
	objects_finish_deletion(world->objects, &pod_kind, "ns", "r");
	assert_non_null(get(world, "r"));
}

/* ---- collection ---- */

static const char *owned_by_a(const char *kind, const char *owner, const char *name,
			      const char *uid, char ret[256])
{
	snprintf(
		ret, 256,
		"{metadata: {name: %s, ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true}]}}",
		name, strcmp(kind, "Pod") == 0 ? "v1" : "example.com/v1", kind, owner, uid);
	return ret;
}

static const char *owned_by(const char *name, const char *uid, char ret[256])
{
	return owned_by_a("Widget", "w", name, uid, ret);
}

static void what_no_owner_holds_is_collected(void **state)
{
	struct world *world = *state;
	char text[256], uid[37];

	snprintf(uid, sizeof(uid), "%s",
		 asb_uid(create(world, &widget_kind, "{metadata: {name: w}}")));
	create(world, &pod_kind, owned_by("p", uid, text));
	create(world, &pod_kind, "{metadata: {name: free}}");
	snprintf(uid, sizeof(uid), "%s", asb_uid(get(world, "p")));
	create(world, &secret_kind, owned_by_a("Pod", "p", "s", uid, text));
	assert_int_equal(objects_collect(world->objects), 0);
	delete (world, &widget_kind, "w");
	assert_int_equal(objects_collect(world->objects), 1);
	assert_null(get(world, "p"));
	assert_int_equal(objects_collect(world->objects), 1);
	assert_int_equal(objects_count(world->objects, &secret_kind), 0);
	assert_int_equal(objects_collect(world->objects), 0);
	assert_non_null(get(world, "free"));
}

static void an_owner_that_never_was_holds_nothing(void **state)
{
	struct world *world = *state;
	char text[256];

	create(world, &pod_kind, owned_by("p", "nobody", text));
	assert_int_equal(objects_collect(world->objects), 1);
	create(world, &pod_kind, "{metadata: {name: q}}");
	assert_int_equal(objects_collect(world->objects), 0);
	patch(world, "q", false, owned_by("q", "nobody", text), 0);
	patch(world, "q", false, "{metadata: {ownerReferences: null}}", 0);
	assert_int_equal(objects_collect(world->objects), 0);
	patch(world, "q", false, owned_by("q", "nobody", text), 0);
	assert_int_equal(objects_collect(world->objects), 1);
}

static void owners_may_change_in_time(void **state)
{
	struct world *world = *state;
	char text[256], uid[37];

	create(world, &widget_kind, "{metadata: {name: w}}");
	snprintf(uid, sizeof(uid), "%s",
		 asb_uid(create(world, &widget_kind, "{metadata: {name: v}}")));
	create(world, &pod_kind,
	       owned_by("p", asb_uid(objects_get(world->objects, &widget_kind, "ns", "w")), text));
	patch(world, "p", false, owned_by_a("Widget", "v", "p", uid, text), 0);
	delete (world, &widget_kind, "w");
	assert_int_equal(objects_collect(world->objects), 0);
	delete (world, &widget_kind, "v");
	patch(world, "p", false, "{metadata: {ownerReferences: null}}", 0);
	assert_int_equal(objects_collect(world->objects), 0);
	assert_non_null(get(world, "p"));
}

static void an_owner_elsewhere_holds_nothing(void **state)
{
	struct world *world = *state;
	struct json_object *widget = NULL;
	char text[256];

	assert_int_equal(objects_create_object(world->objects, &widget_kind, "other",
					       tree("{metadata: {name: w}}"), 0, &widget,
					       &world->error),
			 201);
	create(world, &pod_kind, owned_by("p", asb_uid(widget), text));
	assert_int_equal(objects_collect(world->objects), 1);
	assert_int_equal(objects_create_object(world->objects, &widget_kind, "",
					       tree("{metadata: {name: w}}"), 0, &widget,
					       &world->error),
			 201);
	create(world, &pod_kind, owned_by("p", asb_uid(widget), text));
	assert_int_equal(objects_collect(world->objects), 0);
}

static void collection_is_marked_by_finalizers_once(void **state)
{
	struct world *world = *state;

	create(world, &pod_kind,
	       "{metadata: {name: p, finalizers: [a], ownerReferences: [{apiVersion: v1, kind: Pod, name: x, uid: u}]}}");
	assert_int_equal(objects_collect(world->objects), 1);
	assert_true(asb_deleting(get(world, "p")));
	assert_int_equal(objects_collect(world->objects), 0);
	patch(world, "p", false, "{metadata: {finalizers: null, ownerReferences: null}}", 0);
	assert_null(get(world, "p"));
}

static void thousands_are_collected_in_one_pass(void **state)
{
	struct world *world = *state;
	char text[256], name[16], uid[37];

	snprintf(uid, sizeof(uid), "%s",
		 asb_uid(create(world, &widget_kind, "{metadata: {name: w}}")));
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		create(world, &pod_kind, owned_by(name, uid, text));
	}
	for (size_t i = 0; i < 3000; i += 500) {
		snprintf(name, sizeof(name), "p%zu", i);
		assert_string_equal(asb_name(objects_nth(world->objects, &pod_kind, i)), name);
	}
	delete (world, &widget_kind, "w");
	assert_int_equal(objects_collect(world->objects), 3000);
	assert_int_equal(objects_count(world->objects, &pod_kind), 0);
}

/* ---- history ---- */

static void changes_are_told_in_order(void **state)
{
	struct world *world = *state;
	struct objects_change change;

	assert_false(objects_next_any(world->objects, 0, &change));
	create(world, &pod_kind, "{metadata: {name: p}}");
	create(world, &widget_kind, "{metadata: {name: w}}");
	merge(world, "p", "{spec: {a: 1}}", 0);
	delete (world, &pod_kind, "p");
	assert_true(objects_next_change(world->objects, &pod_kind, 1, &change));
	assert_int_equal(change.version, 2);
	assert_int_equal(change.type, OBJECTS_ADDED);
	assert_string_equal(change.name, "p");
	assert_string_equal(change.ns, "ns");
	assert_string_equal(asb_resource_version(change.object), "2");
	assert_true(objects_next_change(world->objects, &pod_kind, 2, &change));
	assert_int_equal(change.version, 4);
	assert_int_equal(change.type, OBJECTS_MODIFIED);
	assert_true(objects_next_change(world->objects, &pod_kind, 4, &change));
	assert_int_equal(change.version, 5);
	assert_int_equal(change.type, OBJECTS_DELETED);
	assert_string_equal(asb_resource_version(change.object), "5");
	assert_int_equal(asb_int(asb_at(change.object, "spec", "a"), 0), 1);
	assert_false(objects_next_change(world->objects, &pod_kind, 5, &change));
	assert_true(objects_next_any(world->objects, 2, &change));
	assert_int_equal(change.version, 3);
	assert_string_equal(change.kind->kind, "Widget");
	assert_false(objects_next_any(world->objects, 5, &change));
}

static void a_compacted_past_is_gone(void **state)
{
	struct world *world = *state;
	struct objects_change change;

	create(world, &pod_kind, "{metadata: {name: p}}");
	create(world, &widget_kind, "{metadata: {name: w}}");
	create(world, &pod_kind, "{metadata: {name: q}}");
	objects_compact(world->objects, 3);
	assert_int_equal(objects_compacted(world->objects), 3);
	assert_true(objects_next_change(world->objects, &pod_kind, 3, &change));
	assert_string_equal(change.name, "q");
	assert_true(objects_next_any(world->objects, 0, &change));
	assert_int_equal(change.version, 4);
	assert_false(objects_next_change(world->objects, &widget_kind, 3, &change));
	objects_compact(world->objects, 2);
	assert_int_equal(objects_compacted(world->objects), 3);
	objects_compact(world->objects, 99);
	assert_int_equal(objects_compacted(world->objects), 4);
	create(world, &widget_kind, "{metadata: {name: v}}");
	assert_true(objects_next_change(world->objects, &widget_kind, 4, &change));
	assert_string_equal(change.name, "v");
	assert_non_null(get(world, "p"));
}

static void objects_are_counted_in_order_of_creation(void **state)
{
	static const char *const names[] = { "c", "a", "d", "b" };
	struct world *world = *state;
	char text[64];

	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "{metadata: {name: %s}}", names[i]);
		create(world, &pod_kind, text);
	}
	delete (world, &pod_kind, "a");
	merge(world, "c", "{spec: {a: 1}}", 0);
	assert_int_equal(objects_count(world->objects, &pod_kind), 3);
	assert_string_equal(asb_name(objects_nth(world->objects, &pod_kind, 0)), "c");
	assert_string_equal(asb_name(objects_nth(world->objects, &pod_kind, 1)), "d");
	assert_string_equal(asb_name(objects_nth(world->objects, &pod_kind, 2)), "b");
	assert_null(objects_nth(world->objects, &pod_kind, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_deletion_removes_at_once),
		WORLD_TEST(a_deletion_has_preconditions),
		WORLD_TEST(finalizers_hold_an_object),
		WORLD_TEST(grace_holds_a_pod),
		WORLD_TEST(what_no_owner_holds_is_collected),
		WORLD_TEST(an_owner_that_never_was_holds_nothing),
		WORLD_TEST(owners_may_change_in_time),
		WORLD_TEST(an_owner_elsewhere_holds_nothing),
		WORLD_TEST(collection_is_marked_by_finalizers_once),
		WORLD_TEST(thousands_are_collected_in_one_pass),
		WORLD_TEST(changes_are_told_in_order),
		WORLD_TEST(a_compacted_past_is_gone),
		WORLD_TEST(objects_are_counted_in_order_of_creation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
