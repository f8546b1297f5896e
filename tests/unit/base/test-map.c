/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/map.h, among them that removal breaks no probe sequence, against a plain array
 * as the model. */
#include "config.h"

#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

#define NAMES 600

static void map_answers_null_when_empty(void **state)
{
	struct map map = MAP_INIT;
	size_t at = 0;

	(void)state;
	assert_null(map_get(&map, "a"));
	assert_null(map_remove(&map, "a"));
	assert_null(map_next(&map, &at, NULL));
	map_finish(&map);
}

static void map_put_returns_what_it_replaces_and_takes_the_new_key(void **state)
{
	struct map map = MAP_INIT;
	char old_key[] = "same", new_key[] = "same";
	const char *key;
	int one, two;
	size_t at = 0;

	(void)state;
	assert_null(map_put(&map, old_key, &one));
	assert_ptr_equal(map_put(&map, new_key, &two), &one);
	assert_int_equal(map.count, 1);
	assert_ptr_equal(map_next(&map, &at, &key), &two);
	assert_ptr_equal(key, new_key);
	assert_null(map_next(&map, &at, &key));
	map_finish(&map);
}

static void check_against_model(const struct map *map, char names[NAMES][16], const bool *there)
{
	size_t at = 0, seen = 0, wanted = 0;
	const char *key;
	void *value;

	for (size_t i = 0; i < NAMES; i++) {
		assert_ptr_equal(map_get(map, names[i]), there[i] ? names[i] : NULL);
		wanted += there[i] ? 1 : 0;
	}
	while ((value = map_next(map, &at, &key)) != NULL) {
		assert_ptr_equal(value, key);
		seen++;
	}
	assert_int_equal(seen, wanted);
	assert_int_equal(map->count, wanted);
}

static void map_agrees_with_a_model_over_puts_and_removes(void **state)
{
	static char names[NAMES][16];
	static bool there[NAMES];
	struct map map = MAP_INIT;
	uint32_t random = 12345;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		snprintf(names[i], sizeof(names[i]), "pod-%zu", i);
	}
	for (int step = 0; step < 20000; step++) {
		random = random * 1664525u + 1013904223u;

		size_t i = (random >> 8) % NAMES;

		if ((random >> 20) % 3 != 0) {
			assert_ptr_equal(map_put(&map, names[i], names[i]),
					 there[i] ? names[i] : NULL);
			there[i] = true;
		} else {
			assert_ptr_equal(map_remove(&map, names[i]), there[i] ? names[i] : NULL);
			there[i] = false;
		}
		if (step % 1000 == 0) {
			check_against_model(&map, names, there);
		}
	}
	check_against_model(&map, names, there);
	map_finish(&map);
}

static void map_iterates_in_an_order_that_addresses_do_not_change(void **state)
{
	struct map first = MAP_INIT, second = MAP_INIT;
	char *copies[100];
	const char *a, *b;
	size_t at_first = 0, at_second = 0;
	char name[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		snprintf(name, sizeof(name), "name-%zu", i);
		copies[i] = xprintf("%s", name);
		map_put(&first, copies[i], copies);
	}
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		map_put(&second, strchr(copies[i], 'n'), &second);
	}
	while (map_next(&first, &at_first, &a) != NULL) {
		assert_non_null(map_next(&second, &at_second, &b));
		assert_string_equal(a, b);
	}
	map_finish(&first);
	map_finish(&second);
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		free(copies[i]);
	}
}

/* A map without members that has so many slots. */
static struct map empty_map(size_t capacity)
{
	struct map map = MAP_INIT;
	char(*names)[32] = calloc(capacity, sizeof(*names));
	size_t count = 0;

	assert_non_null(names);
	while (map.capacity < capacity) {
		snprintf(names[count], sizeof(names[count]), "filler-%zu", count);
		map_put(&map, names[count], names);
		count++;
	}
	while (count > 0) {
		map_remove(&map, names[--count]);
	}
	free(names);
	assert_int_equal(map.capacity, capacity);
	return map;
}

/* Finds the next name, from *at on, whose place in an empty map is one of the first 128 slots. */
static void find_colliding(struct map *map, size_t *at, char ret[24])
{
	bool found = false;

	while (!found) {
		snprintf(ret, 24, "chosen-%zu", (*at)++);
		map_put(map, ret, map);
		for (size_t i = 0; i < 128 && !found; i++) {
			found = map->slots[i].key != NULL;
		}
		map_remove(map, ret);
	}
}

static void map_keys_that_are_chosen_to_collide_stay_near_their_place(void **state)
{
	enum { CAPACITY = 16384, CHOSEN = 2000 };
	struct map probe = empty_map(CAPACITY), map = empty_map(CAPACITY);
	static char names[CHOSEN][24];
	size_t at = 0, mask = CAPACITY - 1, farthest = 0;

	(void)state;
	for (size_t i = 0; i < CHOSEN; i++) {
		find_colliding(&probe, &at, names[i]);
	}
	for (size_t i = 0; i < CHOSEN; i++) {
		map_put(&map, names[i], names[i]);
	}
	for (size_t i = 0; i < CHOSEN; i++) {
		assert_ptr_equal(map_get(&map, names[i]), names[i]);
	}
	for (size_t i = 0; i < map.capacity; i++) {
		size_t distance = (i - (size_t)map.slots[i].hash) & mask;

		if (map.slots[i].key != NULL && distance > farthest) {
			farthest = distance;
		}
	}
	assert_true(farthest <= 32 * 14);
	map_finish(&map);
	map_finish(&probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_answers_null_when_empty),
		cmocka_unit_test(map_put_returns_what_it_replaces_and_takes_the_new_key),
		cmocka_unit_test(map_agrees_with_a_model_over_puts_and_removes),
		cmocka_unit_test(map_iterates_in_an_order_that_addresses_do_not_change),
		cmocka_unit_test(map_keys_that_are_chosen_to_collide_stay_near_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
