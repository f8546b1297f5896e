/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h and plugin.h about indexes: ranked keys, cursors, counts, limits. */
#include "config.h"

#include "core/cache/store-index.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/cache/store.h"
#include "tests/unit/core/core-fixture.h"

/* Each label is an entry: its name the value, its text the rank. */
static void by_label(struct json_object *object, struct asb_values *out)
{
	struct json_object *labels = asb_at(object, "metadata", "labels");

	if (!json_object_is_type(labels, json_type_object)) {
		return;
	}
	json_object_object_foreach (labels, name, value) {
		int64_t rank = 0;

		assert_int_equal(sscanf(json_object_get_string(value), "%" SCNd64, &rank), 1);
		out->add(out, name, rank);
	}
}

static void by_phase(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_str(object, "status", "phase"), 0); /* NULL is no entry */
}

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	assert_int_equal(store_add_index(world->store, "label", by_label), 0);
	assert_int_equal(store_add_index(world->store, "phase", by_phase), 1);
	store_seal(world->store);
}

static void put(struct store_world *world, const char *name, uint64_t version, const char *label,
		const char *rank)
{
	CLEANUP_FREE char *labels = xprintf(",'labels':{'%s':'%s'}", label, rank);

	stream_shows(world, name, version, labels, PHASE("Running"));
}

/* The names under a value, at most max in one call, all calls together. */
static void expect_keys(struct store_world *world, uint32_t index, const char *value, bool reverse,
			size_t max, const char *expected)
{
	struct store_cursor cursor = { 0 };
	struct buf names = BUF_INIT(4096);
	char keys[8][STORE_KEY_MAX];
	size_t count;

	do {
		count = store_keys(world->store, index, value, reverse, &cursor, keys, max);
		assert_true(count <= max);
		for (size_t i = 0; i < count; i++) {
			buf_printf(&names, "%s%s", names.length > 0 ? " " : "",
				   keys[i] + strlen("n/"));
		}
	} while (count > 0);
	assert_string_equal(buf_str(&names), expected);
	buf_finish(&names);
}

static void keys_come_by_rank_then_by_name(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	put(&world, "d", 5, "x", "2");
	put(&world, "b", 6, "x", "2");
	put(&world, "a", 7, "x", "9223372036854775807");
	put(&world, "c", 8, "x", "-9223372036854775808");
	put(&world, "e", 9, "y", "1");
	for (size_t max = 1; max <= 8; max++) {
		expect_keys(&world, 0, "x", false, max, "c b d a");
		expect_keys(&world, 0, "x", true, max, "a d b c");
	}
	assert_int_equal(store_count(world.store, 0, "x"), 4);
	assert_int_equal(store_count(world.store, 0, "y"), 1);
	store_world_finish(&world);
}

static void a_value_nobody_has_is_empty(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	expect_keys(&world, 0, "x", false, 8, "");
	expect_keys(&world, 0, "", true, 8, "");
	assert_int_equal(store_count(world.store, 0, "x"), 0);
	store_world_finish(&world);
}

static void indexes_do_not_mix(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	put(&world, "a", 5, "Running", "3");
	stream_shows(&world, "b", 6, "", PHASE("Running"));
	expect_keys(&world, 0, "Running", false, 8, "a");
	expect_keys(&world, 1, "Running", false, 8, "a b");
	store_world_finish(&world);
}

static void entries_follow_their_object(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	put(&world, "a", 5, "x", "1");
	put(&world, "b", 6, "x", "2");
	put(&world, "a", 7, "x", "3");
	expect_keys(&world, 0, "x", false, 8, "b a");
	put(&world, "a", 8, "y", "3");
	expect_keys(&world, 0, "x", false, 8, "b");
	expect_keys(&world, 0, "y", false, 8, "a");
	stream_deletes(&world, "a", 9);
	stream_deletes(&world, "b", 10);
	assert_int_equal(store_count(world.store, 0, "x") + store_count(world.store, 0, "y"), 0);
	assert_int_equal(store_count(world.store, 1, "Running"), 0);
	store_world_finish(&world);
}

static void a_removed_object_is_indexed_as_being_deleted(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	put(&world, "a", 5, "x", "1");
	store_removed(world.store, "n", "a", NULL);
	expect_keys(&world, 0, "x", false, 8, "a");
	store_world_finish(&world);
}

static void changes_in_between_neither_repeat_nor_skip_a_key(void **state)
{
	struct store_cursor cursor = { 0 };
	struct store_world world;
	char keys[2][STORE_KEY_MAX];

	(void)state;
	set_up(&world);
	put(&world, "a", 5, "x", "1");
	put(&world, "b", 6, "x", "2");
	put(&world, "c", 7, "x", "3");
	put(&world, "d", 8, "x", "4");
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 2), 2);
	assert_string_equal(keys[1], "n/b");
	stream_deletes(&world, "b", 9); /* the last one given */
	put(&world, "before", 10, "x", "1");
	put(&world, "between", 11, "x", "2");
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 2), 2);
	assert_string_equal(keys[0], "n/between");
	assert_string_equal(keys[1], "n/c");
	stream_deletes(&world, "d", 12);
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 2), 0);
	store_world_finish(&world);
}

static void a_cursor_outlives_what_it_goes_through(void **state)
{
	struct store_cursor cursor = { 0 };
	struct store_world world;
	char keys[1][STORE_KEY_MAX];

	(void)state;
	set_up(&world);
	put(&world, "a", 5, "x", "1");
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 1), 1);
	stream_deletes(&world, "a", 6);
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 1), 0);
	put(&world, "b", 7, "x", "2");
	assert_int_equal(store_keys(world.store, 0, "x", false, &cursor, keys, 1), 1);
	assert_string_equal(keys[0], "n/b");
	store_world_finish(&world);
}

/* ---- limits ---- */

static void add_twice(struct json_object *object, struct asb_values *out)
{
	(void)object;
	out->add(out, "v", 9);
	out->add(out, "w", 5);
	out->add(out, "v", 1);
}

static void the_same_value_twice_keeps_the_later_rank(void **state)
{
	struct index index = { .name = "i", .values = add_twice };
	struct index_values claims;

	(void)state;
	index_collect(&index, 1, NULL, &claims);
	assert_int_equal(claims.count, 2);
	assert_string_equal(claims.items[0].value, "v");
	assert_int_equal(claims.items[0].rank, 1);
	index_values_finish(&claims);
}

static void add_many(struct json_object *object, struct asb_values *out)
{
	(void)object;
	for (int i = 0; i < 1000; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		out->add(out, value, i);
	}
}

static void entries_beyond_the_limit_are_left_out(void **state)
{
	struct index indexes[] = { { .name = "i", .values = add_many },
				   { .name = "j", .values = add_twice } };
	struct index_entry *entries;
	struct index_values claims;

	(void)state;
	index_collect(indexes, 2, NULL, &claims);
	assert_int_equal(claims.count, INDEX_ENTRIES_MAX);
	entries = index_attach(indexes, &claims, "n/a");
	assert_non_null(index_find(&indexes[0], "0"));
	assert_null(index_find(&indexes[0], "999"));
	index_detach(entries, claims.count);
	index_values_finish(&claims);
	index_finish(&indexes[0]);
	index_finish(&indexes[1]);
}

static void add_long(struct json_object *object, struct asb_values *out)
{
	char value[INDEX_VALUE_MAX + 2];

	(void)object;
	memset(value, 'x', sizeof(value));
	value[INDEX_VALUE_MAX + 1] = '\0';
	out->add(out, value, 0);
	value[INDEX_VALUE_MAX] = '\0';
	out->add(out, value, 0);
	out->add(out, NULL, 0);
}

static void a_value_that_is_too_long_or_none_is_left_out(void **state)
{
	struct index index = { .name = "i", .values = add_long };
	struct index_values claims;

	(void)state;
	index_collect(&index, 1, NULL, &claims);
	assert_int_equal(claims.count, 1);
	assert_int_equal(strlen(claims.items[0].value), INDEX_VALUE_MAX);
	index_values_finish(&claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_by_rank_then_by_name),
		cmocka_unit_test(a_value_nobody_has_is_empty),
		cmocka_unit_test(indexes_do_not_mix),
		cmocka_unit_test(entries_follow_their_object),
		cmocka_unit_test(a_removed_object_is_indexed_as_being_deleted),
		cmocka_unit_test(changes_in_between_neither_repeat_nor_skip_a_key),
		cmocka_unit_test(a_cursor_outlives_what_it_goes_through),
		cmocka_unit_test(the_same_value_twice_keeps_the_later_rank),
		cmocka_unit_test(entries_beyond_the_limit_are_left_out),
		cmocka_unit_test(a_value_that_is_too_long_or_none_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
