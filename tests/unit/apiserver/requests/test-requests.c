/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of a server: dry runs, subresources, deletions of every sort, events in two shapes. */
#include "config.h"

#include "apiserver/requests/requests.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/sched.h"
#include "tests/unit/apiserver/store-world.h"

static int delete_with(struct store_world *world, const struct asb_kind *kind, const char *name,
		       struct objects_delete_options options)
{
	struct request request = request_for(kind, name);

	return request_delete(world->objects, &request, &options, NULL, &world->error);
}

static int post(struct store_world *world, const struct asb_kind *kind, const char *name,
		const char *subresource, const char *text, struct objects_state **ret)
{
	struct request request = request_for(kind, name);

	request.subresource = subresource;
	return request_create(world->objects, &request, yaml(text), ret, &world->error);
}

static void dry_runs_change_nothing(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_widget, "w");
	CLEANUP(objects_state_release) struct objects_state *response = NULL;
	CLEANUP_JSON struct json_object *patch = yaml("spec: {a: 2}");
	uint64_t version;

	request.dry_run = true;
	assert_int_equal(request_create(world->objects, &request, yaml("metadata: {name: w}"), NULL,
					&world->error),
			 201);
	assert_null(store_tree(world, &a_widget, "w"));
	assert_int_equal(store_create(world, &a_widget, "metadata: {name: w}\nspec: {a: 1}"), 201);
	version = objects_version(world->objects);
	assert_int_equal(request_patch(world->objects, &request, PATCH_MERGE, patch, &response,
				       &world->error),
			 200);
	assert_non_null(strstr(objects_state_text(response, NULL), "\"a\":2"));
	assert_int_equal(request_replace(world->objects, &request,
					 yaml("metadata: {name: w}\nspec: {a: 3}"), NULL,
					 &world->error),
			 200);
	assert_int_equal(
		delete_with(world, &a_widget, "w",
			    (struct objects_delete_options){ .grace = -1, .dry_run = true }),
		200);
	assert_int_equal(objects_version(world->objects), version);
	assert_non_null(objects_state_of(world->objects, &a_widget, "default", "w"));
}

static void names_are_generated(void **state)
{
	struct store_world *world = *state;
	CLEANUP(objects_state_release) struct objects_state *a = NULL;
	CLEANUP(objects_state_release) struct objects_state *b = NULL;

	assert_int_equal(post(world, &a_map, "", "", "metadata: {generateName: m-}", &a), 201);
	assert_int_equal(post(world, &a_map, "", "", "metadata: {generateName: m-}", &b), 201);
	assert_int_equal(strncmp(objects_state_name(a), "m-", 2), 0);
	assert_string_not_equal(objects_state_name(a), objects_state_name(b));
}

static void pods_end_with_grace(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *pod = NULL;
	CLEANUP_JSON struct json_object *sooner = NULL;

	assert_int_equal(store_create(world, &a_pod, "metadata: {name: free}\nspec: {}"), 201);
	assert_int_equal(store_delete(world, &a_pod, "free"), 200);
	assert_null(objects_state_of(world->objects, &a_pod, "default", "free"));

	assert_int_equal(store_create(world, &a_pod,
				      "metadata: {name: p}\n"
				      "spec: {nodeName: n, terminationGracePeriodSeconds: 20}"),
			 201);
	assert_int_equal(store_delete(world, &a_pod, "p"), 200);
	pod = store_tree(world, &a_pod, "p");
	assert_int_equal(asb_int(asb_at(pod, "metadata", "deletionGracePeriodSeconds"), 0), 20);
	assert_int_equal(
		delete_with(world, &a_pod, "p", (struct objects_delete_options){ .grace = 5 }),
		200);
	sooner = store_tree(world, &a_pod, "p");
	assert_int_equal(asb_int(asb_at(sooner, "metadata", "deletionGracePeriodSeconds"), 0), 5);
	assert_true(strcmp(asb_str(sooner, "metadata", "deletionTimestamp"),
			   asb_str(pod, "metadata", "deletionTimestamp")) < 0);
	assert_int_equal(
		delete_with(world, &a_pod, "p",
			    (struct objects_delete_options){ .uid = "another", .grace = 0 }),
		409);
	assert_int_equal(delete_with(world, &a_pod, "p",
				     (struct objects_delete_options){ .uid = asb_uid(pod) }),
			 200);
	assert_null(objects_state_of(world->objects, &a_pod, "default", "p"));
}

/* An owner and what it owns. */
static void make_family(struct store_world *world, bool blocks)
{
	CLEANUP_JSON struct json_object *owner = NULL;
	CLEANUP_FREE char *text = NULL;

	assert_int_equal(store_create(world, &a_widget, "metadata: {name: owner}"), 201);
	owner = store_tree(world, &a_widget, "owner");
	text = xprintf(
		"metadata: {name: child, finalizers: [x/y], ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: owner, uid: %s, blockOwnerDeletion: %s}]}",
		asb_uid(owner), blocks ? "true" : "false");
	assert_int_equal(store_create(world, &a_map, text), 201);
}

static bool there(struct store_world *world, const struct asb_kind *kind, const char *name)
{
	return objects_state_of(world->objects, kind, "default", name) != NULL;
}

static void in_the_foreground_dependents_go_first(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *owner = NULL;

	make_family(world, true);
	assert_int_equal(delete_with(world, &a_widget, "owner",
				     (struct objects_delete_options){
					     .grace = -1, .propagation = OBJECTS_FOREGROUND }),
			 200);
	owner = store_tree(world, &a_widget, "owner");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(
				    asb_array(owner, "metadata", "finalizers"), 0)),
			    "foregroundDeletion");
	/* It waits on after a restart, too. */
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	store_settle(world);
	assert_true(there(world, &a_widget, "owner"));
	assert_int_equal(
		store_patch(world, &a_map, "child", PATCH_MERGE, "metadata: {finalizers: null}"),
		200);
	assert_false(there(world, &a_map, "child"));
	store_settle(world);
	assert_false(there(world, &a_widget, "owner"));
}

static void in_the_background_dependents_go_later(void **state)
{
	struct store_world *world = *state;

	make_family(world, true);
	assert_int_equal(store_delete(world, &a_widget, "owner"), 200);
	assert_false(there(world, &a_widget, "owner"));
	store_settle(world);
	assert_int_equal(
		store_patch(world, &a_map, "child", PATCH_MERGE, "metadata: {finalizers: []}"),
		200);
	assert_false(there(world, &a_map, "child"));
}

static void orphans_stay(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *child = NULL;

	make_family(world, true);
	assert_int_equal(delete_with(world, &a_widget, "owner",
				     (struct objects_delete_options){
					     .grace = -1, .propagation = OBJECTS_ORPHAN }),
			 200);
	assert_false(there(world, &a_widget, "owner"));
	store_settle(world);
	child = store_tree(world, &a_map, "child");
	assert_int_equal(asb_length(asb_array(child, "metadata", "ownerReferences")), 0);
	assert_false(asb_deleting(child));
}

static void a_collection_is_deleted_by_selector(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_map, "");
	CLEANUP(selector_release) struct selector *selector = NULL;
	struct list_page page = { 0 };

	assert_int_equal(store_create(world, &a_map, "metadata: {name: a, labels: {x: y}}"), 201);
	assert_int_equal(store_create(world, &a_map, "metadata: {name: b}"), 201);
	assert_int_equal(selector_create(world->objects, &a_map, "x=y", NULL, &selector, NULL), 0);
	assert_int_equal(request_delete_collection(
				 world->objects, &request,
				 &(struct list_options){ .ns = request.ns, .selector = selector },
				 &(struct objects_delete_options){ .grace = -1 }, &page,
				 &world->error),
			 200);
	assert_int_equal(page.count, 1);
	list_page_finish(&page);
	assert_false(there(world, &a_map, "a"));
	assert_true(there(world, &a_map, "b"));
}

static void a_scale_reads_and_writes_replicas(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_widget, "w");
	CLEANUP(objects_state_release) struct objects_state *scale = NULL;
	CLEANUP_JSON struct json_object *patch = yaml("spec: {replicas: 3}");
	CLEANUP_JSON struct json_object *bad = yaml("spec: {replicas: -1}");
	CLEANUP_JSON struct json_object *widget = NULL;

	assert_int_equal(store_create(world, &a_widget,
				      "metadata: {name: w}\n"
				      "spec: {replicas: 1, color: red}"),
			 201);
	request.subresource = "scale";
	assert_int_equal(
		request_patch(world->objects, &request, PATCH_MERGE, patch, &scale, &world->error),
		200);
	assert_non_null(strstr(objects_state_text(scale, NULL), "\"kind\":\"Scale\""));
	assert_non_null(strstr(objects_state_text(scale, NULL), "\"spec\":{\"replicas\":3}"));
	assert_int_equal(
		request_patch(world->objects, &request, PATCH_MERGE, bad, NULL, &world->error),
		422);
	assert_int_equal(request_replace(world->objects, &request,
					 yaml("metadata: {name: w, resourceVersion: '1'}\n"
					      "spec: {replicas: 7}"),
					 NULL, &world->error),
			 409);
	widget = store_tree(world, &a_widget, "w");
	assert_int_equal(asb_int(asb_at(widget, "spec", "replicas"), 0), 3);
	assert_string_equal(asb_str(widget, "spec", "color"), "red");
	assert_int_equal(asb_generation(widget), 2);
	request.kind = &a_map;
	request.name = "kube-root-ca.crt";
	assert_int_equal(request_get(world->objects, &request, &scale, &world->error), 404);
}

static void a_pod_is_bound_once(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *pod = NULL;

	assert_int_equal(store_create(world, &a_pod, "metadata: {name: p}\nspec: {}"), 201);
	assert_int_equal(post(world, &a_pod, "p", "binding", "target: {kind: Node}", NULL), 422);
	assert_int_equal(
		post(world, &a_pod, "p", "binding", "target: {kind: Node, name: one}", NULL), 201);
	assert_int_equal(
		post(world, &a_pod, "p", "binding", "target: {kind: Node, name: two}", NULL), 409);
	pod = store_tree(world, &a_pod, "p");
	assert_string_equal(asb_str(pod, "spec", "nodeName"), "one");
	assert_true(asb_condition_is(pod, "PodScheduled", "True"));
	assert_int_equal(post(world, &a_pod, "q", "binding", "target: {name: one}", NULL), 404);
}

static void evictions_delete_and_tokens_are_given(void **state)
{
	struct store_world *world = *state;
	CLEANUP(objects_state_release) struct objects_state *token = NULL;

	assert_int_equal(store_create(world, &a_pod, "metadata: {name: p}\nspec: {}"), 201);
	assert_int_equal(post(world, &a_pod, "p", "eviction", "metadata: {name: p}", NULL), 201);
	assert_false(there(world, &a_pod, "p"));
	assert_int_equal(post(world, &an_account, "default", "token", "spec: {}", &token), 201);
	assert_non_null(strstr(objects_state_text(token, NULL), "\"token\":\"sa-"));
	assert_int_equal(post(world, &an_account, "none", "token", "spec: {}", NULL), 404);
	assert_int_equal(
		post(world, &an_account, "default", "token", "spec: {expirationSeconds: 1}", NULL),
		422);
}

static void events_have_two_shapes(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *core = NULL;
	CLEANUP_JSON struct json_object *other = NULL;

	assert_int_equal(store_create(world, &other_event,
				      "apiVersion: events.k8s.io/v1\nkind: Event\n"
				      "metadata: {name: e}\nregarding: {kind: Pod, name: p}\n"
				      "note: hello\nreportingController: c\nreason: R"),
			 201);
	assert_int_equal(store_patch(world, &other_event, "e", PATCH_MERGE, "note: again"), 200);
	core = store_tree(world, &an_event, "e");
	assert_string_equal(asb_str(core, "apiVersion"), "v1");
	assert_string_equal(asb_str(core, "involvedObject", "name"), "p");
	assert_string_equal(asb_str(core, "message"), "again");
	other = store_tree(world, &other_event, "e");
	assert_string_equal(asb_str(other, "apiVersion"), "events.k8s.io/v1");
	assert_string_equal(asb_str(other, "note"), "again");
	assert_string_equal(asb_str(other, "reportingController"), "c");
}

static void events_end_after_an_hour(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_create(world, &an_event, "metadata: {name: e}"), 201);
	assert_int_equal(store_create(world, &an_event, "metadata: {name: f}"), 201);
	world->now_ms += 1800000;
	assert_int_equal(store_patch(world, &an_event, "f", PATCH_MERGE, "count: 2"), 200);
	store_settle(world);
	assert_true(there(world, &an_event, "e"));
	world->now_ms += 1860000;
	store_settle(world);
	assert_false(there(world, &an_event, "e"));
	assert_true(there(world, &an_event, "f"));
}

static void managed_fields_are_kept_out(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *made = NULL;
	CLEANUP_JSON struct json_object *patched = NULL;

	assert_int_equal(store_create(world, &a_map, "metadata: {name: m, managedFields: [{}]}"),
			 201);
	made = store_tree(world, &a_map, "m");
	assert_null(asb_at(made, "metadata", "managedFields"));
	assert_int_equal(store_patch(world, &a_map, "m", PATCH_MERGE,
				     "metadata: {managedFields: [{}], labels: {a: b}}"),
			 200);
	patched = store_tree(world, &a_map, "m");
	assert_null(asb_at(patched, "metadata", "managedFields"));
	assert_string_equal(asb_label(patched, "a"), "b");
}

struct reader {
	struct objects_state *states[100];
	size_t bytes;
};

static void read_states(void *arg)
{
	struct reader *reader = arg;

	for (size_t i = 0; i < ARRAY_LEN(reader->states); i++) {
		size_t length = 0;
		const char *text = objects_state_text(reader->states[i], &length);

		reader->bytes += strlen(text) == length ? length : 0;
		objects_state_unref(reader->states[i]);
	}
}

static void states_are_read_and_freed_without_the_lock(void **state)
{
	struct store_world *world = *state;
	struct sched *sched = sched_create();
	struct reader readers[4] = { 0 };
	struct sched_thread *threads[4];

	assert_int_equal(store_create(world, &a_widget, "metadata: {name: w}"), 201);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		for (size_t j = 0; j < ARRAY_LEN(readers[i].states); j++) {
			CLEANUP_FREE char *text = xprintf("spec: {n: %zu}", i * 1000 + j);
			struct objects_state *now;

			assert_int_equal(store_patch(world, &a_widget, "w", PATCH_MERGE, text),
					 200);
			now = objects_state_of(world->objects, &a_widget, "default", "w");
			readers[i].states[j] = objects_state_ref(now);
		}
		threads[i] = sched_start(sched, "reader", read_states, &readers[i]);
	}
	/* The history lets go of what they read. */
	objects_compact(world->objects, objects_version(world->objects));
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		sched_join(threads[i]);
		assert_true(readers[i].bytes > 0);
	}
	sched_destroy(sched);
}

static int admit(void *arg, const struct objects_admission *admission, struct error *reterr)
{
	int *calls = arg;

	(*calls)++;
	if (asb_streq(asb_str(admission->object, "spec", "color"), "ugly")) {
		return objects_fail(reterr, 422, "no");
	}
	asb_set_str(asb_object_in(admission->object, "spec"), "size", "default");
	return 0;
}

static void hooks_default_and_refuse(void **state)
{
	struct store_world *world = *state;
	int calls = 0;
	CLEANUP_JSON struct json_object *widget = NULL;

	objects_set_hooks(world->objects, &(struct objects_hooks){ .arg = &calls, .admit = admit });
	assert_int_equal(store_create(world, &a_widget, "metadata: {name: w}"), 201);
	assert_int_equal(store_patch(world, &a_widget, "w", PATCH_MERGE, "spec: {color: ugly}"),
			 422);
	/* A default that is taken away comes back: nothing has changed. */
	assert_int_equal(store_patch(world, &a_widget, "w", PATCH_MERGE, "spec: {size: null}"),
			 200);
	widget = store_tree(world, &a_widget, "w");
	assert_string_equal(asb_str(widget, "spec", "size"), "default");
	assert_int_equal(asb_generation(widget), 1);
	assert_int_equal(calls, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(dry_runs_change_nothing),
		WITH_STORE(names_are_generated),
		WITH_STORE(pods_end_with_grace),
		WITH_STORE(in_the_foreground_dependents_go_first),
		WITH_STORE(in_the_background_dependents_go_later),
		WITH_STORE(orphans_stay),
		WITH_STORE(a_collection_is_deleted_by_selector),
		WITH_STORE(a_scale_reads_and_writes_replicas),
		WITH_STORE(a_pod_is_bound_once),
		WITH_STORE(evictions_delete_and_tokens_are_given),
		WITH_STORE(events_have_two_shapes),
		WITH_STORE(events_end_after_an_hour),
		WITH_STORE(managed_fields_are_kept_out),
		WITH_STORE(states_are_read_and_freed_without_the_lock),
		WITH_STORE(hooks_default_and_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
