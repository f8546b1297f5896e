/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an owner exists, and what the garbage collector makes of an object for it: only what is
 * proven to be without owners goes. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

static const struct asb_kind a_gadget = { "example.org", "v1", "gadgets", "Gadget" };

static bool there(struct store_world *world, const char *name)
{
	return objects_state_of(world->objects, &a_map, "default", name) != NULL;
}

/* Makes a ConfigMap that names owners, each "{apiVersion: .., kind: .., name: .., uid: ..}". */
static void make(struct store_world *world, const char *name, const char *owners)
{
	CLEANUP_FREE char *text =
		xprintf("metadata: {name: %s, ownerReferences: [%s]}", name, owners);

	assert_int_equal(store_create(world, &a_map, text), 201);
}

/* A reference to an object of the API, with its uid or another one; the caller's. */
static char *reference(struct store_world *world, const struct asb_kind *kind, const char *name,
		       const char *uid)
{
	CLEANUP_JSON struct json_object *tree = uid == NULL ? store_tree(world, kind, name) : NULL;

	return xprintf(
		"{apiVersion: %s%s%s, kind: %s, name: %s, uid: %s, blockOwnerDeletion: true}",
		kind->group, *kind->group != '\0' ? "/" : "", kind->version, kind->kind, name,
		uid != NULL ? uid : asb_uid(tree));
}

static size_t events_with(struct store_world *world, const char *reason)
{
	size_t count = 0;

	for (size_t i = 0; i < objects_count(world->objects, &an_event); i++) {
		struct json_object *event = objects_nth(world->objects, &an_event, i);

		count += asb_streq(asb_str(event, "reason"), reason) ? 1 : 0;
	}
	return count;
}

static void an_owner_that_cannot_be_looked_up_keeps(void **state)
{
	static const char *const owners[] = {
		/* no such group */
		"{apiVersion: runtime.example.com/v1alpha1, kind: AgentRuntime, name: rt, uid: u1}",
		/* another version of a kind that is served */
		"{apiVersion: example.com/v1beta1, kind: Widget, name: old, uid: u2}",
		/* the wrong group, the wrong case */
		"{apiVersion: v1, kind: deployment, name: web, uid: u3}",
		"{apiVersion: v1, kind: configmap, name: web, uid: u3}",
		"{apiVersion: example.org/v1, kind: Widget, name: old, uid: u4}",
		"{apiVersion: 'a/b/c', kind: Widget, name: old, uid: u5}",
		/* beside one that is proven absent, whichever comes first */
		"{apiVersion: v1, kind: ConfigMap, name: no, uid: u6}, {apiVersion: x/v1, kind: X, name: x, uid: u7}",
		"{apiVersion: x/v1, kind: X, name: x, uid: u7}, {apiVersion: v1, kind: ConfigMap, name: no, uid: u6}",
	};
	struct store_world *world = *state;
	char name[16];

	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		snprintf(name, sizeof(name), "m%zu", i);
		make(world, name, owners[i]);
	}
	store_settle(world);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		snprintf(name, sizeof(name), "m%zu", i);
		assert_true(there(world, name));
	}
	assert_int_equal(events_with(world, "OwnerRefUnknownKind"), ARRAY_LEN(owners));
	/* Told once, kept after a restart too. */
	store_settle(world);
	assert_int_equal(events_with(world, "OwnerRefUnknownKind"), ARRAY_LEN(owners));
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	store_settle(world);
	assert_true(there(world, "m0"));
}

static void an_owner_that_is_proven_absent_keeps_nothing(void **state)
{
	struct store_world *world = *state;
	CLEANUP_FREE char *other_uid = reference(world, &a_map, "owner", "another");
	CLEANUP_FREE char *own = NULL;
	CLEANUP_FREE char *other_kind = NULL;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: owner}"), 201);
	own = reference(world, &a_map, "owner", NULL);
	{
		CLEANUP_JSON struct json_object *owner = store_tree(world, &a_map, "owner");

		/* The uid is one that is there, of another kind. */
		other_kind = reference(world, &a_widget, "owner", asb_uid(owner));
	}
	make(world, "no-such-name", "{apiVersion: v1, kind: ConfigMap, name: no, uid: u}");
	make(world, "another-uid", other_uid);
	make(world, "another-kind", other_kind);
	make(world, "owned", own);
	store_settle(world);
	assert_false(there(world, "no-such-name"));
	assert_false(there(world, "another-uid"));
	assert_false(there(world, "another-kind"));
	assert_true(there(world, "owned"));
	assert_int_equal(store_delete(world, &a_map, "owner"), 200);
	store_settle(world);
	assert_false(there(world, "owned"));
}

static void owners_without_a_namespace_are_found(void **state)
{
	struct store_world *world = *state;
	CLEANUP_FREE char *own = reference(world, &a_namespace, "default", NULL);
	CLEANUP_FREE char *absent = reference(world, &a_namespace, "default", "another");

	make(world, "owned", own);
	make(world, "not-owned", absent);
	store_settle(world);
	assert_true(there(world, "owned"));
	assert_false(there(world, "not-owned"));
}

/* As Kubernetes: in another namespace it is absent, and the event tells; for an object in no
 * namespace it proves nothing. */
static void owners_in_a_wrong_namespace_are_told(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_map, "");
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *own = NULL;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: owner}"), 201);
	own = reference(world, &a_map, "owner", NULL);
	request.ns = "kube-system";
	text = xprintf("metadata: {name: far, ownerReferences: [%s]}", own);
	assert_int_equal(request_create(world->objects, &request, yaml(text), NULL, &world->error),
			 201);
	free(TAKE(text));
	text = xprintf("metadata: {name: space, ownerReferences: [%s]}", own);
	assert_int_equal(store_create(world, &a_namespace, text), 201);
	store_settle(world);
	assert_null(objects_state_of(world->objects, &a_map, "kube-system", "far"));
	assert_non_null(objects_state_of(world->objects, &a_namespace, "", "space"));
	assert_int_equal(events_with(world, "OwnerRefInvalidNamespace"), 2);
}

static void a_reference_to_an_absent_owner_goes_where_another_stays(void **state)
{
	struct store_world *world = *state;
	CLEANUP_FREE char *own = NULL;
	CLEANUP_FREE char *both = NULL;
	CLEANUP_JSON struct json_object *tree = NULL;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: owner}"), 201);
	own = reference(world, &a_map, "owner", NULL);
	both = xprintf("{apiVersion: v1, kind: ConfigMap, name: no, uid: u}, %s", own);
	make(world, "m", both);
	store_settle(world);
	tree = store_tree(world, &a_map, "m");
	assert_int_equal(asb_length(asb_array(tree, "metadata", "ownerReferences")), 1);
}

static void a_kind_that_goes_and_comes_again(void **state)
{
	static const struct objects_resource serving = { .namespaced = true, .custom = true };
	struct store_world *world = *state;
	CLEANUP_FREE char *own = NULL;

	make(world, "early", "{apiVersion: example.org/v1, kind: Gadget, name: g, uid: u}");
	store_settle(world);
	assert_int_equal(objects_install_with(world->objects, &a_gadget, &serving, NULL), 0);
	assert_int_equal(store_create(world, &a_gadget, "metadata: {name: g}"), 201);
	own = reference(world, &a_gadget, "g", NULL);
	make(world, "owned", own);
	/* Now it can be looked up: g has another uid. */
	store_settle(world);
	assert_false(there(world, "early"));
	assert_true(there(world, "owned"));
	/* The CRD's end removes g, which proves it: nobody has to look it up. */
	objects_uninstall(world->objects, &a_gadget);
	make(world, "late", own);
	store_settle(world);
	assert_false(there(world, "owned"));
	assert_true(there(world, "late"));
	assert_int_equal(objects_install_with(world->objects, &a_gadget, &serving, NULL), 0);
	store_settle(world);
	assert_false(there(world, "late"));
}

static void in_the_foreground_another_owner_keeps(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_map, "first");
	CLEANUP_FREE char *first = NULL;
	CLEANUP_FREE char *second = NULL;
	CLEANUP_FREE char *both = NULL;
	CLEANUP_JSON struct json_object *tree = NULL;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: first}"), 201);
	assert_int_equal(store_create(world, &a_map, "metadata: {name: second}"), 201);
	first = reference(world, &a_map, "first", NULL);
	second = reference(world, &a_map, "second", NULL);
	both = xprintf("%s, %s", first, second);
	make(world, "one", first);
	make(world, "two", both);
	assert_int_equal(request_delete(world->objects, &request,
					&(struct objects_delete_options){
						.grace = -1, .propagation = OBJECTS_FOREGROUND },
					NULL, &world->error),
			 200);
	store_settle(world);
	assert_false(there(world, "first"));
	assert_false(there(world, "one"));
	tree = store_tree(world, &a_map, "two");
	assert_non_null(tree);
	assert_int_equal(asb_length(asb_array(tree, "metadata", "ownerReferences")), 1);
}

/* ---- many at once ---- */

#define MANY 1000

/* A list of owners that are not there, or whose kind is not served; the caller's. */
static char *absent_owners(const char *api_version, size_t count)
{
	struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "%s{apiVersion: %s, kind: ConfigMap, name: no-%zu, uid: uid-%zu}",
			   i > 0 ? ", " : "", api_version, i, i);
	}
	return buf_take(&text);
}

/* An owner and MANY objects that it owns. */
static void make_many(struct store_world *world)
{
	CLEANUP_FREE char *own = NULL;
	char name[16];

	assert_int_equal(store_create(world, &a_widget, "metadata: {name: owner}"), 201);
	own = reference(world, &a_widget, "owner", NULL);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%zu", i);
		make(world, name, own);
	}
}

static int delete_owner(struct store_world *world, enum objects_propagation propagation)
{
	struct request request = request_for(&a_widget, "owner");

	return request_delete(
		world->objects, &request,
		&(struct objects_delete_options){ .grace = -1, .propagation = propagation }, NULL,
		&world->error);
}

/* Ticks until there is no more to do; each writes a part of MANY at most. */
static void settle_in_parts(struct store_world *world)
{
	bool more = true;

	for (size_t i = 0; i < 100 && more; i++) {
		uint64_t version = objects_version(world->objects);

		more = request_tick(world->objects);
		assert_true(objects_version(world->objects) - version < MANY / 2);
	}
	assert_false(more);
}

static void many_absent_owners_go_in_one_update(void **state)
{
	struct store_world *world = *state;
	CLEANUP_FREE char *absent = absent_owners("v1", MANY);
	CLEANUP_FREE char *own = NULL;
	CLEANUP_FREE char *all = NULL;
	CLEANUP_JSON struct json_object *after = NULL;
	uint64_t version;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: owner}"), 201);
	own = reference(world, &a_map, "owner", NULL);
	all = xprintf("%s, %s", own, absent);
	make(world, "many", all);
	version = objects_version(world->objects);
	store_settle(world);
	assert_int_equal(objects_version(world->objects), version + 1);
	after = store_tree(world, &a_map, "many");
	assert_int_equal(asb_length(asb_array(after, "metadata", "ownerReferences")), 1);
}

static void many_owners_of_unknown_kinds_are_one_event(void **state)
{
	struct store_world *world = *state;
	CLEANUP_FREE char *unknown = absent_owners("example.net/v1", MANY);

	make(world, "many", unknown);
	store_settle(world);
	assert_true(there(world, "many"));
	assert_int_equal(events_with(world, "OwnerRefUnknownKind"), 1);
}

static void many_dependents_are_deleted_in_parts(void **state)
{
	static const enum objects_propagation ways[] = { OBJECTS_BACKGROUND, OBJECTS_FOREGROUND };
	struct store_world *world = *state;
	size_t before = objects_count(world->objects, &a_map);

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		make_many(world);
		store_settle(world);
		assert_int_equal(delete_owner(world, ways[i]), 200);
		settle_in_parts(world);
		assert_int_equal(objects_count(world->objects, &a_map), before);
		assert_int_equal(objects_count(world->objects, &a_widget), 0);
	}
}

static void many_dependents_are_orphaned_in_parts(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *owner = NULL;
	CLEANUP_JSON struct json_object *last = NULL;
	uint64_t version;

	make_many(world);
	store_settle(world);
	version = objects_version(world->objects);
	assert_int_equal(delete_owner(world, OBJECTS_ORPHAN), 200);
	assert_true(objects_version(world->objects) - version < MANY / 2);
	owner = store_tree(world, &a_widget, "owner");
	assert_true(asb_deleting(owner));
	assert_string_equal(
		asb_as_str(json_object_array_get_idx(asb_at(owner, "metadata", "finalizers"), 0)),
		"orphan");
	/* A restart does not forget it. */
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	settle_in_parts(world);
	assert_int_equal(objects_count(world->objects, &a_widget), 0);
	last = store_tree(world, &a_map, "m999");
	assert_false(asb_deleting(last));
	assert_int_equal(asb_length(asb_array(last, "metadata", "ownerReferences")), 0);
}

static void a_collection_is_deleted_in_parts(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_map, "");
	const struct objects_delete_options options = { .grace = -1 };
	struct list_page page = { 0 };
	size_t at = 0, parts = 0;

	make_many(world);
	assert_int_equal(list_read(world->objects, &a_map,
				   &(struct list_options){ .ns = "default" }, &page, &world->error),
			 200);
	for (; at < page.count; parts++) {
		size_t from = at;

		assert_int_equal(request_delete_listed(world->objects, &request, &page, &options,
						       &at, &world->error),
				 200);
		assert_true(at > from && at - from < MANY / 2);
	}
	assert_true(parts > 1);
	list_page_finish(&page);
	assert_false(there(world, "m0"));
	assert_false(there(world, "m999"));
}

static void old_events_end_in_parts(void **state)
{
	struct store_world *world = *state;
	char text[160];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text),
			 "metadata: {name: e%zu}\ninvolvedObject: {namespace: default}", i);
		assert_int_equal(store_create(world, &an_event, text), 201);
	}
	world->now_ms += 2 * 3600 * 1000;
	settle_in_parts(world);
	assert_int_equal(objects_count(world->objects, &an_event), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_owner_that_cannot_be_looked_up_keeps),
		WITH_STORE(an_owner_that_is_proven_absent_keeps_nothing),
		WITH_STORE(owners_without_a_namespace_are_found),
		WITH_STORE(owners_in_a_wrong_namespace_are_told),
		WITH_STORE(a_reference_to_an_absent_owner_goes_where_another_stays),
		WITH_STORE(a_kind_that_goes_and_comes_again),
		WITH_STORE(in_the_foreground_another_owner_keeps),
		WITH_STORE(many_absent_owners_go_in_one_update),
		WITH_STORE(many_owners_of_unknown_kinds_are_one_event),
		WITH_STORE(many_dependents_are_deleted_in_parts),
		WITH_STORE(many_dependents_are_orphaned_in_parts),
		WITH_STORE(a_collection_is_deleted_in_parts),
		WITH_STORE(old_events_end_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
