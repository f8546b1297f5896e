/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h: an object we have removed stays, marked as being deleted, until the
 * stream says that it is gone. */
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

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	store_seal(world->store);
}

/* A store with n/a, removed by us. */
static void set_up_removed(struct store_world *world)
{
	set_up(world);
	stream_shows(world, "a", 5, "", PHASE("Running"));
	store_removed(world->store, "n", "a", "u-a");
	expect_wakes(world, "+a ~a");
	assert_true(is_deleting(world, "a"));
}

static void a_removed_object_is_marked_and_wakes(void **state)
{
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	object = store_get(world.store, "n", "a");
	assert_string_equal(asb_str(object, "metadata", "deletionTimestamp"),
			    "2023-11-14T22:13:20Z");
	assert_string_equal(asb_uid(object), "u-a");
	expect_phase(&world, "a", "Running");
	assert_int_equal(version_of(&world, "a"), 5);
	assert_int_equal(store_version(world.store), 5);
	store_world_finish(&world);
}

static void removing_again_wakes_nobody(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	store_removed(world.store, "n", "a", "u-a");
	store_removed(world.store, "n", "a", NULL);
	expect_wakes(&world, "");
	store_world_finish(&world);
}

static void removing_what_is_not_there_is_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	store_removed(world.store, "n", "a", NULL);
	store_removed(world.store, "n", "a", "u-a");
	expect_wakes(&world, "");
	assert_int_equal(store_size(world.store), 0);
	store_world_finish(&world);
}

static void another_object_of_that_name_is_not_marked(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, UID("2"), PHASE("Running"));
	store_removed(world.store, "n", "a", "1");
	expect_wakes(&world, "+a");
	assert_false(is_deleting(&world, "a"));
	store_removed(world.store, "n", "a", NULL);
	expect_wakes(&world, "~a");
	assert_true(is_deleting(&world, "a"));
	store_world_finish(&world);
}

static void an_older_event_does_not_take_the_mark_away(void **state)
{
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	stream_shows(&world, "a", 6, "", PHASE("Failed"));
	expect_wakes(&world, "~a");
	object = store_get(world.store, "n", "a");
	assert_string_equal(asb_str(object, "metadata", "deletionTimestamp"),
			    "2023-11-14T22:13:20Z");
	expect_phase(&world, "a", "Failed");
	stream_shows(&world, "a", 7, "", PHASE("Pending"));
	assert_true(is_deleting(&world, "a"));
	store_world_finish(&world);
}

static void an_older_event_that_changes_nothing_wakes_nobody(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	stream_shows(&world, "a", 6, "", PHASE("Running"));
	expect_wakes(&world, "");
	assert_true(is_deleting(&world, "a"));
	assert_int_equal(version_of(&world, "a"), 6);
	assert_int_equal(store_version(world.store), 6);
	store_world_finish(&world);
}

static void the_servers_own_deletion_time_counts(void **state)
{
	CLEANUP_JSON struct json_object *object = NULL;
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	stream_shows(&world, "a", 6, ",'deletionTimestamp':'2030-01-01T00:00:00Z'",
		     PHASE("Running"));
	object = store_get(world.store, "n", "a");
	assert_string_equal(asb_str(object, "metadata", "deletionTimestamp"),
			    "2030-01-01T00:00:00Z");
	expect_wakes(&world, "~a");
	store_world_finish(&world);
}

static void the_stream_takes_it_away(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	stream_deletes(&world, "a", 6);
	expect_wakes(&world, "-a");
	assert_false(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void its_successor_is_alive(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	response_is(&world, "a", 9, UID("next"), PHASE("Pending"));
	expect_wakes(&world, "~a");
	assert_false(is_deleting(&world, "a"));
	stream_shows(&world, "a", 10, UID("next"), PHASE("Running"));
	assert_false(is_deleting(&world, "a"));
	stream_deletes(&world, "a", 8);
	expect_wakes(&world, "~a");
	assert_false(is_deleting(&world, "a"));
	store_world_finish(&world);
}

static void a_list_from_before_keeps_it_marked(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	store_replace_begin(world.store);
	list_shows(&world, "a", 5, "", PHASE("Running"));
	store_replace_end(world.store, 20);
	expect_wakes(&world, "");
	assert_true(is_deleting(&world, "a"));
	stream_deletes(&world, "a", 21);
	expect_wakes(&world, "-a");
	store_world_finish(&world);
}

static void a_list_from_after_takes_it_away(void **state)
{
	struct store_world world;

	(void)state;
	set_up_removed(&world);
	list_is(&world, "", 20);
	expect_wakes(&world, "-a");
	store_world_finish(&world);
}

/* ---- two threads at one object, without threads: index functions run between a look at the store
 * and the change ---- */

struct meeting {
	struct store_world *world; /* NULL: met already */
	enum { EVENT, DELETION, OUR_REMOVAL } comes;
};

static struct meeting meeting;

static void meet(struct json_object *object, struct asb_values *out)
{
	struct store_world *world = TAKE(meeting.world);

	(void)object;
	(void)out;
	if (world == NULL) {
		return;
	}
	switch (meeting.comes) {
	case EVENT:
		stream_shows(world, "a", 6, "", PHASE("Failed"));
		break;
	case DELETION:
		stream_deletes(world, "a", 6);
		break;
	default:
		store_removed(world->store, "n", "a", "u-a");
	}
}

static void set_up_meeting(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	store_add_index(world->store, "meet", meet);
	store_seal(world->store);
	stream_shows(world, "a", 5, "", PHASE("Running"));
	expect_wakes(world, "+a");
}

static void an_event_during_a_removal_does_not_lose_the_mark(void **state)
{
	struct store_world world;

	(void)state;
	set_up_meeting(&world);
	meeting = (struct meeting){ .world = &world, .comes = EVENT };
	store_removed(world.store, "n", "a", "u-a");
	assert_true(is_deleting(&world, "a"));
	expect_phase(&world, "a", "Failed");
	assert_int_equal(version_of(&world, "a"), 6);
	expect_wakes(&world, "~a ~a");
	store_world_finish(&world);
}

static void an_end_during_a_removal_is_the_end(void **state)
{
	struct store_world world;

	(void)state;
	set_up_meeting(&world);
	meeting = (struct meeting){ .world = &world, .comes = DELETION };
	store_removed(world.store, "n", "a", "u-a");
	expect_wakes(&world, "-a");
	assert_false(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void an_end_during_an_older_answer_is_the_end(void **state)
{
	struct store_world world;

	(void)state;
	set_up_meeting(&world);
	meeting = (struct meeting){ .world = &world, .comes = DELETION };
	response_is(&world, "a", 6, "", PHASE("Failed"));
	expect_wakes(&world, "-a");
	assert_false(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void a_removal_during_an_event_does_not_lose_the_mark(void **state)
{
	struct store_world world;

	(void)state;
	set_up_meeting(&world);
	meeting = (struct meeting){ .world = &world, .comes = OUR_REMOVAL };
	stream_shows(&world, "a", 6, "", PHASE("Failed"));
	assert_true(is_deleting(&world, "a"));
	expect_phase(&world, "a", "Failed");
	expect_wakes(&world, "~a ~a");
	stream_shows(&world, "a", 7, "", PHASE("Running"));
	assert_true(is_deleting(&world, "a"));
	store_world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_object_is_marked_and_wakes),
		cmocka_unit_test(removing_again_wakes_nobody),
		cmocka_unit_test(removing_what_is_not_there_is_nothing),
		cmocka_unit_test(another_object_of_that_name_is_not_marked),
		cmocka_unit_test(an_older_event_does_not_take_the_mark_away),
		cmocka_unit_test(an_older_event_that_changes_nothing_wakes_nobody),
		cmocka_unit_test(the_servers_own_deletion_time_counts),
		cmocka_unit_test(the_stream_takes_it_away),
		cmocka_unit_test(its_successor_is_alive),
		cmocka_unit_test(a_list_from_before_keeps_it_marked),
		cmocka_unit_test(a_list_from_after_takes_it_away),
		cmocka_unit_test(an_event_during_a_removal_does_not_lose_the_mark),
		cmocka_unit_test(an_end_during_a_removal_is_the_end),
		cmocka_unit_test(an_end_during_an_older_answer_is_the_end),
		cmocka_unit_test(a_removal_during_an_event_does_not_lose_the_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
