/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h about lists: what they drop, what they keep, what may happen while they
 * run. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/cache/store.h"
#include "tests/unit/core/core-fixture.h"

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	store_seal(world->store);
}

static void a_list_makes_the_store_synced_at_its_version(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	assert_false(store_synced(world.store));
	store_replace_begin(world.store);
	list_shows(&world, "a", 5, "", "");
	list_shows(&world, "b", 30, "", ""); /* not in order of version, and newer than the list */
	list_shows(&world, "c", 7, "", "");
	assert_false(store_synced(world.store));
	assert_int_equal(store_version(world.store), 0);
	store_replace_end(world.store, 20);
	assert_true(store_synced(world.store));
	assert_int_equal(store_version(world.store), 20);
	assert_int_equal(store_size(world.store), 3);
	expect_wakes(&world, "+a! +b! +c!");
	store_world_finish(&world);
}

static void an_empty_list_is_one(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "", 3);
	assert_true(store_synced(world.store));
	assert_int_equal(store_version(world.store), 3);
	expect_wakes(&world, "");
	store_world_finish(&world);
}

static void a_relist_wakes_only_for_what_has_changed(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6", 10);
	expect_wakes(&world, "+a! +b!");
	store_replace_begin(world.store);
	list_shows(&world, "a", 12, "", PHASE("Failed"));
	list_shows(&world, "b", 6, "", PHASE("Running"));
	list_shows(&world, "c", 13, "", "");
	store_replace_end(world.store, 20);
	expect_wakes(&world, "~a! +c!");
	store_world_finish(&world);
}

static void a_relist_drops_what_it_does_not_list(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6 c@7", 10);
	expect_wakes(&world, "+a! +b! +c!");
	list_is(&world, "b@6", 20);
	assert_int_equal(store_size(world.store), 1);
	assert_true(strcmp(buf_str(&world.wakes), "-a -c") == 0 ||
		    strcmp(buf_str(&world.wakes), "-c -a") == 0);
	store_world_finish(&world);
}

static void a_relist_keeps_what_was_stored_at_a_newer_version(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	response_is(&world, "mine", 25, "", PHASE("Pending"));
	expect_wakes(&world, "+a! +mine");
	list_is(&world, "a@5", 20);
	expect_wakes(&world, "");
	assert_true(store_has(world.store, "n", "mine"));
	/* The next one knows. */
	list_is(&world, "a@5", 30);
	expect_wakes(&world, "-mine");
	store_world_finish(&world);
}

static void an_answer_during_a_list_counts_as_not_listed(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	expect_wakes(&world, "+a!");
	store_replace_begin(world.store);
	response_is(&world, "b", 15, "", "");
	response_is(&world, "new", 25, "", "");
	response_is(&world, "a", 16, "", PHASE("Failed"));
	expect_wakes(&world, "+b +new ~a");
	/* b and a were gone again at version 20. */
	store_replace_end(world.store, 20);
	assert_false(store_has(world.store, "n", "a"));
	assert_false(store_has(world.store, "n", "b"));
	assert_true(store_has(world.store, "n", "new"));
	store_world_finish(&world);
}

static void an_answer_for_a_listed_object_keeps_it(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	store_replace_begin(world.store);
	list_shows(&world, "a", 12, "", PHASE("Running"));
	response_is(&world, "a", 15, "", PHASE("Failed"));
	store_replace_end(world.store, 20);
	expect_phase(&world, "a", "Failed");
	store_world_finish(&world);
}

static void a_list_shows_less_than_an_answer_knows(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	response_is(&world, "a", 15, "", PHASE("Failed"));
	expect_wakes(&world, "+a");
	store_replace_begin(world.store);
	list_shows(&world, "a", 12, "", PHASE("Running"));
	store_replace_end(world.store, 13);
	expect_wakes(&world, "");
	expect_phase(&world, "a", "Failed");
	assert_int_equal(store_version(world.store), 13);
	store_world_finish(&world);
}

static void an_abandoned_list_costs_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6", 10);
	store_replace_begin(world.store);
	list_shows(&world, "b", 12, "", PHASE("Running"));
	store_replace_begin(world.store);
	list_shows(&world, "a", 5, "", PHASE("Running"));
	buf_clear(&world.wakes);
	store_replace_end(world.store, 20);
	expect_wakes(&world, "-b");
	assert_true(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void events_after_a_list_start_where_it_ended(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	expect_wakes(&world, "+a!");
	stream_shows(&world, "a", 10, "", PHASE("Failed"));
	expect_wakes(&world, "");
	stream_shows(&world, "a", 11, "", PHASE("Failed"));
	expect_wakes(&world, "~a");
	store_world_finish(&world);
}

/* ---- a list while the stream runs: a new leader catching up ---- */

static void the_stream_may_be_ahead_of_a_list(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	expect_wakes(&world, "+a!");
	store_replace_begin(world.store);
	stream_shows(&world, "a", 25, "", PHASE("Failed"));
	stream_shows(&world, "new", 26, "", PHASE("Pending"));
	expect_wakes(&world, "~a +new");
	list_shows(&world, "a", 5, "", PHASE("Running"));
	store_replace_end(world.store, 20);
	expect_wakes(&world, "");
	assert_true(store_has(world.store, "n", "new"));
	expect_phase(&world, "a", "Failed");
	assert_int_equal(store_version(world.store), 26);
	store_world_finish(&world);
}

static void a_list_does_not_bring_back_what_the_stream_has_taken_away(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6", 10);
	expect_wakes(&world, "+a! +b!");
	store_replace_begin(world.store); /* read by the server at version 20 */
	stream_deletes(&world, "a", 25);
	expect_wakes(&world, "-a");
	list_shows(&world, "a", 5, "", PHASE("Running"));
	list_shows(&world, "b", 6, "", PHASE("Running"));
	store_replace_end(world.store, 20);
	expect_wakes(&world, "");
	assert_false(store_has(world.store, "n", "a"));
	assert_true(store_has(world.store, "n", "b"));
	store_world_finish(&world);
}

static void a_list_while_the_stream_lags_brings_what_is_new(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6", 10);
	expect_wakes(&world, "+a! +b!");
	store_replace_begin(world.store);
	stream_shows(&world, "b", 12, "", PHASE("Failed"));
	list_shows(&world, "a", 15, "", PHASE("Failed"));
	list_shows(&world, "b", 12, "", PHASE("Failed"));
	list_shows(&world, "new", 16, "", PHASE("Pending"));
	store_replace_end(world.store, 20);
	expect_wakes(&world, "~b ~a! +new!");
	/* What the stream still has to say up to there is known. */
	stream_shows(&world, "a", 15, "", PHASE("Failed"));
	stream_shows(&world, "new", 16, "", PHASE("Pending"));
	stream_deletes(&world, "new", 17);
	expect_wakes(&world, "");
	stream_deletes(&world, "new", 21);
	expect_wakes(&world, "-new");
	store_world_finish(&world);
}

static void a_list_brings_what_the_stream_has_missed(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 10);
	store_bookmark(world.store, 15);
	expect_wakes(&world, "+a!");
	list_is(&world, "a@5 missed@7", 20);
	expect_wakes(&world, "+missed!");
	store_world_finish(&world);
}

static void after_a_rewind_the_next_list_decides(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5 b@6", 10);
	response_is(&world, "c", 50, "", PHASE("Running"));
	expect_wakes(&world, "+a! +b! +c");
	store_reset(world.store);
	assert_int_equal(store_version(world.store), 0);
	assert_int_equal(store_size(world.store), 3); /* until then it is what we know */
	list_is(&world, "a@3", 4);
	assert_int_equal(store_size(world.store), 1);
	assert_int_equal(version_of(&world, "a"), 3);
	assert_int_equal(store_version(world.store), 4);
	store_world_finish(&world);
}

static void what_a_list_shows_as_gone_goes(void **state)
{
	CLEANUP_FREE char *text = object_text("a", 8, "", "");
	struct store_world world;

	(void)state;
	set_up(&world);
	/* A watch-list may go on with real events before it ends. */
	store_replace_begin(world.store);
	list_shows(&world, "a", 5, "", PHASE("Running"));
	list_shows(&world, "b", 6, "", PHASE("Running"));
	assert_int_equal(store_replace_gone(world.store, text, strlen(text)), 0);
	store_replace_end(world.store, 9);
	expect_wakes(&world, "+a! +b! -a");
	assert_int_equal(store_version(world.store), 9);
	store_world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_makes_the_store_synced_at_its_version),
		cmocka_unit_test(an_empty_list_is_one),
		cmocka_unit_test(a_relist_wakes_only_for_what_has_changed),
		cmocka_unit_test(a_relist_drops_what_it_does_not_list),
		cmocka_unit_test(a_relist_keeps_what_was_stored_at_a_newer_version),
		cmocka_unit_test(an_answer_during_a_list_counts_as_not_listed),
		cmocka_unit_test(an_answer_for_a_listed_object_keeps_it),
		cmocka_unit_test(a_list_shows_less_than_an_answer_knows),
		cmocka_unit_test(an_abandoned_list_costs_nothing),
		cmocka_unit_test(events_after_a_list_start_where_it_ended),
		cmocka_unit_test(the_stream_may_be_ahead_of_a_list),
		cmocka_unit_test(a_list_does_not_bring_back_what_the_stream_has_taken_away),
		cmocka_unit_test(a_list_while_the_stream_lags_brings_what_is_new),
		cmocka_unit_test(a_list_brings_what_the_stream_has_missed),
		cmocka_unit_test(after_a_rewind_the_next_list_decides),
		cmocka_unit_test(what_a_list_shows_as_gone_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
