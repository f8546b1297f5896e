/* SPDX-License-Identifier: Apache-2.0 */
/* The in-memory API: create, replace, patch, status. */
#include "config.h"

#include <errno.h>

#include "tests/unit/apiserver/objects-fixture.h"

static void a_create_is_stamped_by_the_server(void **state)
{
	struct world *world = *state;
	struct json_object *pod = NULL;
	struct error error = { 0 };

	assert_int_equal(
		objects_create_object(
			world->objects, &pod_kind, "ns",
			tree("{metadata: {name: p, uid: mine, generation: 7, deletionTimestamp: x, creationTimestamp: x}, spec: {a: 1}, status: {phase: x}}"),
			0, &pod, &error),
		201);
	assert_ptr_equal(pod, objects_get(world->objects, &pod_kind, "ns", "p"));
	assert_string_equal(asb_str(pod, "kind"), "Pod");
	assert_string_equal(asb_str(pod, "apiVersion"), "v1");
	assert_string_equal(asb_ns(pod), "ns");
	assert_string_not_equal(asb_uid(pod), "mine");
	assert_int_equal(strlen(asb_uid(pod)), 36);
	assert_int_equal(strcspn(asb_uid(pod), "-"), 8);
	assert_int_equal(asb_generation(pod), 1);
	assert_string_equal(asb_str(pod, "metadata", "creationTimestamp"), "2026-01-02T03:04:05Z");
	assert_string_equal(asb_resource_version(pod), "2");
	assert_null(asb_at(pod, "status"));
	assert_null(asb_at(pod, "metadata", "deletionTimestamp"));
	assert_int_equal(objects_version(world->objects), 2);
	assert_int_equal(objects_count(world->objects, &pod_kind), 1);
}

static void a_create_of_an_existing_name_is_refused(void **state)
{
	struct world *world = *state;

	create(world, &widget_kind, "{metadata: {name: w}}");
	assert_int_equal(try_create(world, &widget_kind, "{metadata: {name: w}}"), 409);
	assert_string_equal(world->error.text, "widgets.example.com \"w\" already exists");
	assert_int_equal(world->error.code, OBJECTS_ALREADY_EXISTS);
	assert_string_equal(objects_reason(409, world->error.code), "AlreadyExists");
	assert_int_equal(objects_version(world->objects), 2);
}

static void what_is_no_object_of_the_kind_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} wrong[] = {
		{ "[]", 400 },
		{ "{metadata: x}", 400 },
		{ "{kind: Service, metadata: {name: p}}", 400 },
		{ "{metadata: {name: p, namespace: other}}", 400 },
		{ "{metadata: {name: p, resourceVersion: '5'}}", 400 },
		{ "{metadata: {}}", 422 },
		{ "{}", 422 },
		{ "{metadata: {name: a/b}}", 422 },
		{ "{metadata: {name: ..}}", 422 },
		{ "{metadata: {name: p, ownerReferences: [{apiVersion: v1, kind: X, name: x}]}}",
		  422 },
		{ "{metadata: {name: p, ownerReferences: [{apiVersion: v1, kind: X, name: x, uid: a, controller: true}, {apiVersion: v1, kind: X, name: y, uid: b, controller: true}]}}",
		  422 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(try_create(world, &pod_kind, wrong[i].text), wrong[i].status);
	}
	assert_int_equal(objects_version(world->objects), 1);
	assert_int_equal(try_create(world, &(struct asb_kind){ "", "v1", "things", "Thing" },
				    "{metadata: {name: x}}"),
			 404);
}

static void names_are_generated_where_none_is_chosen(void **state)
{
	struct world *world = *state;
	struct json_object *pod = create(world, &pod_kind, "{metadata: {generateName: pool-}}");

	assert_int_equal(strncmp(asb_name(pod), "pool-", 5), 0);
	assert_int_equal(strlen(asb_name(pod)), 10);
	pod = create(world, &pod_kind, "{metadata: {generateName: pool-, name: chosen}}");
	assert_string_equal(asb_name(pod), "chosen");
	assert_string_equal(asb_str(pod, "metadata", "generateName"), "pool-");
}

static void a_dry_run_stores_nothing(void **state)
{
	struct world *world = *state;
	struct json_object *pod = NULL;
	struct error error = { 0 };

	assert_int_equal(objects_create_object(world->objects, &pod_kind, "ns",
					       tree("{metadata: {name: p}}"), OBJECTS_DRY_RUN, &pod,
					       &error),
			 201);
	assert_string_equal(asb_name(pod), "p");
	assert_null(objects_get(world->objects, &pod_kind, "ns", "p"));
	create(world, &pod_kind, "{metadata: {name: p}}");
	assert_int_equal(objects_patch(world->objects, &pod_kind, "ns", "p", false,
				       keep(world, "{spec: {a: 1}}"), OBJECTS_DRY_RUN, &pod,
				       &error),
			 200);
	assert_int_equal(asb_int(asb_at(pod, "spec", "a"), 0), 1);
	assert_null(asb_at(objects_get(world->objects, &pod_kind, "ns", "p"), "spec"));
	assert_int_equal(objects_version(world->objects), 2);
}

static void generations_count_changes_of_what_is_wanted(void **state)
{
	struct world *world = *state;

	create(world, &pod_kind, "{metadata: {name: p}, spec: {a: 1}}");
	assert_int_equal(asb_generation(merge(world, "p", "{metadata: {labels: {a: b}}}", 0)), 1);
	assert_int_equal(asb_generation(merge(world, "p", "{status: {phase: x}}", OBJECTS_STATUS)),
			 1);
	assert_int_equal(asb_generation(merge(world, "p", "{spec: {a: 2}}", 0)), 2);
	assert_int_equal(
		asb_generation(merge(world, "p", "{spec: {a: 2}, metadata: {generation: 9}}", 0)),
		2);
	assert_int_equal(asb_generation(merge(world, "p", "{data: {}}", 0)), 3);
}

static void the_main_resource_keeps_its_status(void **state)
{
	struct world *world = *state;
	struct json_object *pod;

	create(world, &pod_kind, "{metadata: {name: p}}");
	merge(world, "p", "{status: {phase: Running}}", OBJECTS_STATUS);
	pod = merge(world, "p", "{status: {phase: no}, spec: {a: 1}}", 0);
	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_int_equal(replace(world, "p", "{spec: {a: 2}, status: {phase: no}}", 0), 200);
	pod = objects_get(world->objects, &pod_kind, "ns", "p");
	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_int_equal(asb_int(asb_at(pod, "spec", "a"), 0), 2);
	assert_int_equal(replace(world, "p", "{spec: {a: 3}}", OBJECTS_STATUS), 200);
	pod = objects_get(world->objects, &pod_kind, "ns", "p");
	assert_null(asb_at(pod, "status"));
	assert_int_equal(asb_int(asb_at(pod, "spec", "a"), 0), 2);
}

static void the_status_resource_changes_nothing_else(void **state)
{
	struct world *world = *state;
	struct json_object *pod;

	create(world, &pod_kind, "{metadata: {name: p, labels: {a: b}}}");
	/* A merge patch's uid is ignored there. */
	pod = merge(world, "p",
		    "{metadata: {uid: another, labels: {a: c}}, spec: {a: 1}, status: {phase: x}}",
		    OBJECTS_STATUS);
	assert_string_equal(asb_label(pod, "a"), "b");
	assert_null(asb_at(pod, "spec"));
	assert_string_equal(asb_str(pod, "status", "phase"), "x");
	assert_int_equal(patch(world, "p", false,
			       "{metadata: {resourceVersion: '1'}, status: {phase: y}}",
			       OBJECTS_STATUS),
			 409);
	assert_string_equal(objects_reason(409, world->error.code), "Conflict");
	assert_int_equal(
		patch(world, "p", true,
		      "[{op: test, path: /metadata/uid, value: x}, {op: add, path: /status, value: {}}]",
		      OBJECTS_STATUS),
		422);
}

static void kinds_without_status_have_no_such_resource(void **state)
{
	struct world *world = *state;
	struct json_object *secret =
		create(world, &secret_kind, "{metadata: {name: s}, status: {a: 1}}");
	struct error error = { 0 };

	assert_int_equal(asb_int(asb_at(secret, "status", "a"), 0), 1);
	assert_int_equal(objects_patch(world->objects, &secret_kind, "ns", "s", false,
				       keep(world, "{status: {}}"), OBJECTS_STATUS, NULL, &error),
			 404);
	assert_int_equal(objects_patch(world->objects, &secret_kind, "ns", "s", false,
				       keep(world, "{status: {a: 2}}"), 0, &secret, &error),
			 200);
	assert_int_equal(asb_int(asb_at(secret, "status", "a"), 0), 2);
}

static void uids_and_versions_are_preconditions(void **state)
{
	struct world *world = *state;

	assert_int_equal(patch(world, "p", false, "{}", 0), 404);
	assert_string_equal(world->error.text, "pods \"p\" not found");
	assert_int_equal(replace(world, "p", "{}", 0), 404);
	create(world, &pod_kind, "{metadata: {name: p}}");
	assert_int_equal(patch(world, "p", false, "{metadata: {uid: another}}", 0), 422);
	assert_int_equal(replace(world, "p", "{metadata: {uid: another}}", 0), 409);
	assert_int_equal(
		patch(world, "p", false, "{metadata: {resourceVersion: '1', labels: {a: b}}}", 0),
		409);
	assert_int_equal(replace(world, "p", "{metadata: {resourceVersion: '1'}}", 0), 409);
	assert_int_equal(
		patch(world, "p", false, "{metadata: {resourceVersion: '2', labels: {a: b}}}", 0),
		200);
	assert_int_equal(patch(world, "p", false, "{metadata: {name: q}}", 0), 400);
	assert_int_equal(patch(world, "p", false, "{metadata: {namespace: other}}", 0), 400);
	assert_int_equal(objects_version(world->objects), 3);
}

static void json_patches_fail_as_a_whole(void **state)
{
	static const char gone[] =
		"[{op: test, path: /metadata/deletionTimestamp, value: null}, {op: add, path: /metadata/labels, value: {a: b}}]";
	struct world *world = *state;

	create(world, &pod_kind, "{metadata: {name: p}}");
	assert_int_equal(patch(world, "p", true, gone, 0), 200);
	assert_int_equal(
		patch(world, "p", true,
		      "[{op: replace, path: /metadata/labels/a, value: c}, {op: test, path: /metadata/labels/a, value: b}]",
		      0),
		422);
	assert_string_equal(world->error.text,
			    "the server rejected our request due to an error in our request");
	assert_string_equal(asb_label(objects_get(world->objects, &pod_kind, "ns", "p"), "a"), "b");
	assert_int_equal(patch(world, "p", true, "[{op: x, path: /a}]", 0), 400);
	assert_int_equal(patch(world, "p", true, "{}", 0), 400);
	assert_int_equal(patch(world, "p", false, "[]", 0), 400);
	assert_int_equal(patch(world, "p", true, "[{op: remove, path: /metadata}]", 0), 200);
	assert_string_equal(asb_name(objects_get(world->objects, &pod_kind, "ns", "p")), "p");
	assert_int_equal(patch(world, "p", true, "[{op: replace, path: '', value: 7}]", 0), 400);
}

static void what_changes_nothing_is_not_written(void **state)
{
	struct world *world = *state;
	struct json_object *pod = create(
		world, &pod_kind, "{metadata: {name: p, labels: {a: b}}, spec: {x: 1, y: 2}}");

	assert_ptr_equal(merge(world, "p", "{spec: {y: 2, x: 1}}", 0), pod);
	assert_ptr_equal(merge(world, "p", "{}", OBJECTS_STATUS), pod);
	assert_int_equal(replace(world, "p", "{spec: {y: 2, x: 1}, metadata: {labels: {a: b}}}", 0),
			 200);
	assert_int_equal(objects_version(world->objects), 2);
}

static void a_stored_tree_is_never_changed(void **state)
{
	struct world *world = *state;
	struct json_object *first =
		json_object_get(create(world, &pod_kind, "{metadata: {name: p}, spec: {a: 1}}"));
	struct json_object *copy = asb_copy(first);

	merge(world, "p", "{metadata: {labels: {a: b}}, spec: {a: 2}}", 0);
	merge(world, "p", "{status: {a: 2}}", OBJECTS_STATUS);
	patch(world, "p", true, "[{op: add, path: /spec/b, value: 3}]", 0);
	objects_delete(world->objects, &pod_kind, "ns", "p", NULL, NULL, NULL, NULL);
	assert_true(json_object_equal(first, copy));
	json_object_put(first);
	json_object_put(copy);
}

static void a_restore_keeps_uid_and_age(void **state)
{
	struct world *world = *state;
	static const char text[] =
		"{metadata: {name: p, uid: u, creationTimestamp: '2020-01-01T00:00:00Z'}}";
	struct json_object *pod = NULL;
	struct error error = { 0 };

	assert_int_equal(objects_create_object(world->objects, &pod_kind, "ns", tree(text),
					       OBJECTS_AS_GIVEN, &pod, &error),
			 201);
	assert_string_equal(asb_uid(pod), "u");
	assert_string_equal(asb_str(pod, "metadata", "creationTimestamp"), "2020-01-01T00:00:00Z");
	assert_int_equal(objects_create_object(world->objects, &widget_kind, "ns",
					       tree("{metadata: {name: w, uid: u}}"),
					       OBJECTS_AS_GIVEN, NULL, &error),
			 409);
}

static void reasons_are_those_of_the_api(void **state)
{
	(void)state;
	assert_string_equal(objects_reason(404, 0), "NotFound");
	assert_string_equal(objects_reason(409, -409), "Conflict");
	assert_string_equal(objects_reason(410, 0), "Expired");
	assert_string_equal(objects_reason(422, 0), "Invalid");
	assert_string_equal(objects_reason(200, 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_create_is_stamped_by_the_server),
		WORLD_TEST(a_create_of_an_existing_name_is_refused),
		WORLD_TEST(what_is_no_object_of_the_kind_is_refused),
		WORLD_TEST(names_are_generated_where_none_is_chosen),
		WORLD_TEST(a_dry_run_stores_nothing),
		WORLD_TEST(generations_count_changes_of_what_is_wanted),
		WORLD_TEST(the_main_resource_keeps_its_status),
		WORLD_TEST(the_status_resource_changes_nothing_else),
		WORLD_TEST(kinds_without_status_have_no_such_resource),
		WORLD_TEST(uids_and_versions_are_preconditions),
		WORLD_TEST(json_patches_fail_as_a_whole),
		WORLD_TEST(what_changes_nothing_is_not_written),
		WORLD_TEST(a_stored_tree_is_never_changed),
		WORLD_TEST(a_restore_keeps_uid_and_age),
		WORLD_TEST(reasons_are_those_of_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
