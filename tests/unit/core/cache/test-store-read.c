/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h to readers: own trees of the declared fields, whatever the server sent;
 * and to several threads. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/cache/store.h"
#include "tests/unit/core/core-fixture.h"

#define FULL                                                                                       \
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'a','namespace':'n','uid':'1','"       \
	"resourceVersion':'5',"                                                                    \
	"'generation':3,'creationTimestamp':'2024-01-01T00:00:00Z','deletionTimestamp':'2024-01-"  \
	"02T00:00:00Z',"                                                                           \
	"'labels':{'l':'1'},'annotations':{'a':'2'},'ownerReferences':[{'uid':'o'}],'finalizers':" \
	"['f'],"                                                                                   \
	"'managedFields':[{}]},'spec':{'nodeName':'x'},'status':{'phase':'Running','podIP':'10.0." \
	"0.1'}}"
#define TRIMMED                                                                                  \
	"{'metadata':{'name':'a','namespace':'n','uid':'1','generation':3,'creationTimestamp':'" \
	"2024-01-01T00:00:00Z',"                                                                 \
	"'deletionTimestamp':'2024-01-02T00:00:00Z','labels':{'l':'1'},'annotations':{'a':'2'}," \
	"'ownerReferences':[{'uid':'o'}],'resourceVersion':'5'},%s'apiVersion':'v1','kind':'Pod'}"

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	store_seal(world->store);
}

static void expect_tree(struct json_object *object, const char *expected)
{
	CLEANUP_FREE char *text = json_text("%s", expected);
	CLEANUP_JSON struct json_object *other = json_parse(text, strlen(text), NULL);

	assert_non_null(other);
	if (!json_object_equal(object, other)) {
		fail_msg("%s is not %s", json_object_to_json_string(object), text);
	}
}

static void event(struct store_world *world, const char *quoted)
{
	CLEANUP_FREE char *text = json_text("%s", quoted);

	assert_int_equal(store_event(world->store, STORE_ADDED, text, strlen(text), NULL), 0);
}

static void get_gives_what_is_always_there_and_the_declared_fields(void **state)
{
	CLEANUP_FREE char *expected = xprintf(TRIMMED, "'status':{'phase':'Running'},");
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up(&world);
	event(&world, FULL);
	object = store_get(world.store, "n", "a");
	expect_tree(object, expected);
	store_world_finish(&world);
}

static void a_store_of_metadata_holds_nothing_more(void **state)
{
	CLEANUP_FREE char *expected = xprintf(TRIMMED, "");
	CLEANUP_JSON struct json_object *object = NULL;
	struct sched *sched = sched_create_simulation(1, 0);
	struct store *store = store_create(sched, &pods_kind);
	CLEANUP_FREE char *text = json_text("%s", FULL);

	(void)state;
	store_add_fields(store, NULL);
	store_select_all(store);
	store_seal(store);
	assert_int_equal(store_event(store, STORE_ADDED, text, strlen(text), NULL), 0);
	object = store_get(store, "n", "a");
	expect_tree(object, expected);
	store_destroy(store);
	sched_destroy(sched);
}

static void a_partial_object_becomes_one_of_the_kind(void **state)
{
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up(&world);
	event(&world,
	      "{'apiVersion':'meta.k8s.io/v1','kind':'PartialObjectMetadata','metadata':{'name':'a','resourceVersion':'5'}}");
	object = store_get(world.store, "", "a");
	expect_tree(
		object,
		"{'metadata':{'name':'a','resourceVersion':'5'},'apiVersion':'v1','kind':'Pod'}");
	store_world_finish(&world);
}

static void fields_of_several_plugins_add_up(void **state)
{
	static const char *const one[] = { "spec.a", "status", NULL }, *const two[] = { "spec",
											"status.x",
											NULL };
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	store_world_init(&world);
	store_add_fields(world.store, one);
	store_add_fields(world.store, two);
	store_select_all(world.store);
	store_seal(world.store);
	event(&world,
	      "{'metadata':{'name':'a','resourceVersion':'5'},'spec':{'a':1,'b':2},'status':{'x':1,'y':2},'data':{}}");
	object = store_get(world.store, "", "a");
	expect_tree(
		object,
		"{'metadata':{'name':'a','resourceVersion':'5'},'spec':{'a':1,'b':2},'status':{'x':1,'y':2},'apiVersion':'v1','kind':'Pod'}");
	store_world_finish(&world);
}

static void each_get_gives_a_tree_of_its_own(void **state)
{
	CLEANUP_JSON struct json_object *one = NULL, *two = NULL;
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", PHASE("Running"));
	one = store_get(world.store, "n", "a");
	asb_set_str(one, "kind", "Changed");
	two = store_get(world.store, "n", "a");
	assert_string_equal(asb_str(two, "kind"), "Pod");
	store_world_finish(&world);
}

static void what_is_not_there_is_null(void **state)
{
	struct store_world world;
	char name[STORE_KEY_MAX + 50];

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", "");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(store_get(world.store, "n", "b"));
	assert_null(store_get(world.store, "m", "a"));
	assert_null(store_get(world.store, "", "a"));
	assert_null(store_get(world.store, "n", name));
	assert_false(store_has(world.store, "n", name));
	assert_true(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void trim_gives_what_get_would(void **state)
{
	CLEANUP_FREE char *text = json_text("%s", FULL);
	CLEANUP_FREE char *expected = xprintf(TRIMMED, "'status':{'phase':'Running'},");
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up(&world);
	object = store_transform(world.store, text, strlen(text));
	expect_tree(object, expected);
	assert_int_equal(store_size(world.store), 0);
	expect_wakes(&world, "");
	json_object_put(object);
	assert_int_equal(store_response(world.store, text, strlen(text), &object), 0);
	expect_tree(object, expected);
	json_object_put(object);
	/* Known already: nothing was made. */
	assert_int_equal(store_response(world.store, text, strlen(text), &object), 0);
	assert_null(object);
	store_world_finish(&world);
}

static void trim_reads_what_the_scan_doubts(void **state)
{
	CLEANUP_FREE char *text = json_text(
		"{'metadata':{'name':'\\u0061','n\\u0061mespace':'n','resourceVersion':'5'}}");
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up(&world);
	object = store_transform(world.store, text, strlen(text));
	expect_tree(
		object,
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'apiVersion':'v1','kind':'Pod'}");
	store_world_finish(&world);
}

static void trim_of_garbage_is_null(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	assert_null(store_transform(world.store, "", 0));
	assert_null(store_transform(world.store, "{", 1));
	assert_null(store_transform(world.store, "[]", 2));
	assert_null(store_transform(world.store, "{\"metadata\":}", 13));
	store_world_finish(&world);
}

static void the_uid_alone_is_told_without_a_tree(void **state)
{
	struct store_world world;
	char uid[64] = "untouched";

	(void)state;
	set_up(&world);
	assert_false(store_uid(world.store, "n", "a", uid));
	assert_string_equal(uid, "untouched");
	event(&world, "{'metadata':{'name':'b','resourceVersion':'6'}}");
	assert_true(store_uid(world.store, "", "b", uid));
	assert_string_equal(uid, "");
	stream_shows(&world, "c", 7, "", "");
	assert_true(store_uid(world.store, "n", "c", uid));
	assert_string_equal(uid, "u-c");
	store_world_finish(&world);
}

static void the_status_alone_is_that_of_the_uid(void **state)
{
	struct store_world world;
	struct json_object *status;

	(void)state;
	store_world_init(&world);
	store_add_fields(world.store, (const char *[]){ "status", NULL });
	store_select_all(world.store);
	store_seal(world.store);
	assert_null(store_get_status(world.store, "n", "a", "u-a"));
	event(&world,
	      "{'metadata':{'name':'a','namespace':'n','uid':'u-a','resourceVersion':'6'},'spec':{'x':1},'status':{'phase':'Running'}}");
	status = store_get_status(world.store, "n", "a", "u-a");
	assert_string_equal(asb_str(status, "phase"), "Running");
	json_object_put(status);
	assert_null(store_get_status(world.store, "n", "a", "u-b"));
	assert_null(store_get_status(world.store, "n", "a", ""));
	/* An escape in the uid: found by way of a tree. */
	event(&world,
	      "{'metadata':{'name':'b','namespace':'n','uid':'u\\u002db','resourceVersion':'7'},'status':{'phase':'Failed'}}");
	status = store_get_status(world.store, "n", "b", "u-b");
	assert_string_equal(asb_str(status, "phase"), "Failed");
	json_object_put(status);
	event(&world,
	      "{'metadata':{'name':'c','namespace':'n','uid':'u-c','resourceVersion':'8'}}");
	assert_null(store_get_status(world.store, "n", "c", "u-c"));
	store_world_finish(&world);
}

static void note_owners(void *arg, struct store_change *change)
{
	struct buf *out = arg;

	buf_append_char(out, store_change_keeps_owners(change) ? '=' : '!');
}

static void owners_that_stay_are_told_from_others(void **state)
{
	struct buf seen = BUF_INIT(100);
	struct store_world world;

	(void)state;
	store_world_init(&world);
	store_select_all(world.store);
	store_listen(world.store, note_owners, NULL, &seen);
	store_seal(world.store);
	stream_shows(&world, "a", 5, ",'ownerReferences':[{'uid':'1'}]", "");
	stream_shows(&world, "a", 6, ",'ownerReferences':[{'uid':'1'}]", PHASE("Running"));
	stream_shows(&world, "a", 7, ",'ownerReferences':[{'uid':'2'}]", PHASE("Running"));
	stream_shows(&world, "a", 8, "", PHASE("Running"));
	stream_shows(&world, "a", 9, "", PHASE("Failed"));
	stream_deletes(&world, "a", 10);
	assert_string_equal(buf_str(&seen), "!=!!!!");
	buf_finish(&seen);
	store_world_finish(&world);
}

static void note_key(void *arg, const char *ns, const char *name)
{
	unsigned int *seen = arg;

	*seen |= strcmp(ns, "n") == 0 && strcmp(name, "a") == 0   ? 1u
		 : strcmp(ns, "n") == 0 && strcmp(name, "b") == 0 ? 2u
		 : strcmp(ns, "") == 0 && strcmp(name, "c") == 0  ? 4u
								  : 8u;
}

static void each_key_is_told(void **state)
{
	struct store_world world;
	unsigned int seen = 0;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", "");
	stream_shows(&world, "b", 6, "", "");
	event(&world, "{'metadata':{'name':'c','resourceVersion':'7'}}");
	store_each_key(world.store, note_key, &seen);
	assert_int_equal(seen, 7);
	assert_int_equal(store_size(world.store), 3);
	store_world_finish(&world);
}

static void bytes_come_back_with_their_objects(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	for (uint64_t round = 0; round < 3; round++) {
		stream_shows(&world, "a", 10 * round + 5, "", PHASE("Running"));
		stream_shows(&world, "a", 10 * round + 6, ",'labels':{'l':'1'}", PHASE("Running"));
		stream_shows(&world, "b", 10 * round + 7, "", "");
		assert_true(store_bytes(world.store) > 100);
		stream_deletes(&world, "b", 10 * round + 8);
		store_removed(world.store, "n", "a", NULL);
		stream_deletes(&world, "a", 10 * round + 9);
		assert_int_equal(store_bytes(world.store), 0);
	}
	store_world_finish(&world);
}

/* ---- threads ---- */

#define ROUNDS 400u

struct crowd {
	struct store *store;
	struct sched *sched;
};

static void by_uid(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_uid(object), 0);
}

static void note_change(void *arg, struct store_change *change)
{
	(void)arg;
	assert_true(store_change_before(change) != NULL || store_change_after(change) != NULL);
}

static void be_the_stream(void *arg)
{
	struct crowd *crowd = arg;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		CLEANUP_FREE char *name = xprintf("p%u", (unsigned int)(i % 5));
		CLEANUP_FREE char *text =
			object_text(name, i * 10, "", i % 2 == 0 ? PHASE("A") : PHASE("B"));

		store_event(crowd->store, i % 7 == 0 ? STORE_DELETED : STORE_MODIFIED, text,
			    strlen(text), NULL);
	}
}

static void write_and_remove(void *arg)
{
	struct crowd *crowd = arg;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		CLEANUP_FREE char *name = xprintf("p%u", (unsigned int)(i % 5));
		CLEANUP_FREE char *text = object_text(name, i * 10 + 3, "", PHASE("C"));

		store_response(crowd->store, text, strlen(text), NULL);
		if (i % 3 == 0) {
			store_removed(crowd->store, "n", name, NULL);
		}
	}
}

static void list_over_and_over(void *arg)
{
	struct crowd *crowd = arg;

	for (uint64_t i = 1; i <= ROUNDS / 10; i++) {
		CLEANUP_FREE char *text = object_text("p1", i * 100, "", PHASE("L"));

		store_replace_begin(crowd->store);
		store_replace_item(crowd->store, text, strlen(text));
		store_replace_end(crowd->store, i * 100);
	}
}

static void read(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		CLEANUP_JSON struct json_object *object = store_get(crowd->store, "n", "p1");
		struct store_cursor cursor = { 0 };
		char keys[4][STORE_KEY_MAX];
		size_t count = store_keys(crowd->store, 0, "u-p2", false, &cursor, keys, 4);

		assert_true(object == NULL || asb_streq(asb_name(object), "p1"));
		assert_true(count <= 1 && (count == 0 || strcmp(keys[0], "n/p2") == 0));
		assert_true(store_size(crowd->store) <= 5);
	}
}

static void threads_share_it(void **state)
{
	static void (*const bodies[])(void *) = { be_the_stream, write_and_remove, write_and_remove,
						  list_over_and_over, read };
	struct sched_thread *threads[ARRAY_LEN(bodies)];
	struct crowd crowd = { .sched = sched_create() };

	(void)state;
	crowd.store = store_create(crowd.sched, &pods_kind);
	store_add_index(crowd.store, "uid", by_uid);
	store_listen(crowd.store, note_change, NULL, NULL);
	store_select_all(crowd.store);
	store_seal(crowd.store);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		threads[i] = sched_start(crowd.sched, "crowd", bodies[i], &crowd);
	}
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		sched_join(threads[i]);
	}
	store_replace_begin(crowd.store);
	store_replace_end(crowd.store, ROUNDS * 10 + 10);
	assert_int_equal(store_size(crowd.store), 0);
	assert_int_equal(store_bytes(crowd.store), 0);
	store_destroy(crowd.store);
	sched_destroy(crowd.sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_gives_what_is_always_there_and_the_declared_fields),
		cmocka_unit_test(a_store_of_metadata_holds_nothing_more),
		cmocka_unit_test(a_partial_object_becomes_one_of_the_kind),
		cmocka_unit_test(fields_of_several_plugins_add_up),
		cmocka_unit_test(each_get_gives_a_tree_of_its_own),
		cmocka_unit_test(what_is_not_there_is_null),
		cmocka_unit_test(trim_gives_what_get_would),
		cmocka_unit_test(trim_reads_what_the_scan_doubts),
		cmocka_unit_test(trim_of_garbage_is_null),
		cmocka_unit_test(the_uid_alone_is_told_without_a_tree),
		cmocka_unit_test(the_status_alone_is_that_of_the_uid),
		cmocka_unit_test(owners_that_stay_are_told_from_others),
		cmocka_unit_test(each_key_is_told),
		cmocka_unit_test(bytes_come_back_with_their_objects),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
