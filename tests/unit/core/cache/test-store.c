/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h: what the stream and our own responses do to each other. */
#include "config.h"

#include "core/cache/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/core/core-fixture.h"

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_all(world->store);
	store_seal(world->store);
}

static void events_add_change_and_remove(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", PHASE("Pending"));
	expect_wakes(&world, "+a");
	expect_phase(&world, "a", "Pending");
	stream_shows(&world, "a", 6, "", PHASE("Running"));
	expect_wakes(&world, "~a");
	expect_phase(&world, "a", "Running");
	assert_int_equal(version_of(&world, "a"), 6);
	stream_deletes(&world, "a", 7);
	expect_wakes(&world, "-a");
	assert_false(store_has(world.store, "n", "a"));
	assert_int_equal(store_version(world.store), 7);
	store_world_finish(&world);
}

static void what_nobody_reads_wakes_nobody(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", ",'status':{'phase':'Running','podIP':'10.0.0.1'}");
	expect_wakes(&world, "+a");
	stream_shows(&world, "a", 6, ",'managedFields':[{}]",
		     ",'status':{'phase':'Running','podIP':'10.0.0.2'}");
	expect_wakes(&world, "");
	assert_int_equal(version_of(&world, "a"), 6);
	assert_int_equal(store_version(world.store), 6);
	stream_shows(&world, "a", 7, ",'labels':{'x':'y'}", ",'status':{'phase':'Running'}");
	expect_wakes(&world, "~a");
	store_world_finish(&world);
}

static void an_answer_is_there_at_once_and_wakes(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@4", 5);
	expect_wakes(&world, "+a!");
	response_is(&world, "a", 6, "", PHASE("Failed"));
	expect_wakes(&world, "~a");
	expect_phase(&world, "a", "Failed");
	response_is(&world, "b", 7, "", "");
	expect_wakes(&world, "+b");
	assert_int_equal(store_version(world.store), 5);
	store_world_finish(&world);
}

static void an_answer_no_newer_than_the_stream_counts_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", PHASE("Running"));
	stream_shows(&world, "b", 9, "", PHASE("Running"));
	expect_wakes(&world, "+a +b");
	response_is(&world, "a", 8, "", PHASE("Pending"));
	response_is(&world, "a", 9, "", PHASE("Pending"));
	expect_wakes(&world, "");
	expect_phase(&world, "a", "Running");
	assert_int_equal(version_of(&world, "a"), 5);
	/* Not even for an object that is gone: the stream has shown its end. */
	stream_deletes(&world, "a", 10);
	expect_wakes(&world, "-a");
	response_is(&world, "a", 9, "", PHASE("Pending"));
	assert_false(store_has(world.store, "n", "a"));
	expect_wakes(&world, "");
	store_world_finish(&world);
}

static void an_answer_no_newer_than_the_stored_one_counts_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	response_is(&world, "a", 8, "", PHASE("Running"));
	response_is(&world, "a", 7, "", PHASE("Pending"));
	response_is(&world, "a", 8, "", PHASE("Failed"));
	expect_wakes(&world, "+a");
	expect_phase(&world, "a", "Running");
	store_world_finish(&world);
}

static void an_event_that_repeats_an_answer_wakes_nobody(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	response_is(&world, "a", 8, ",'labels':{'x':'y'}", PHASE("Running"));
	expect_wakes(&world, "+a");
	stream_shows(&world, "a", 8, ",'labels':{'x':'y'}", PHASE("Running"));
	expect_wakes(&world, "");
	assert_int_equal(store_version(world.store), 8);
	store_world_finish(&world);
}

static void an_event_at_an_answers_version_with_other_bytes_counts(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	/* A response of metadata alone, and what the kubelet had written before it. */
	response_is(&world, "a", 8, "", "");
	expect_wakes(&world, "+a");
	stream_shows(&world, "a", 8, "", PHASE("Running"));
	expect_wakes(&world, "~a");
	expect_phase(&world, "a", "Running");
	store_world_finish(&world);
}

static void an_event_older_than_an_answer_only_moves_the_stream(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	response_is(&world, "a", 8, "", PHASE("Running"));
	expect_wakes(&world, "+a");
	stream_shows(&world, "a", 7, "", PHASE("Pending"));
	expect_wakes(&world, "");
	expect_phase(&world, "a", "Running");
	assert_int_equal(version_of(&world, "a"), 8);
	assert_int_equal(store_version(world.store), 7);
	store_world_finish(&world);
}

static void an_event_the_stream_has_passed_counts_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", PHASE("Running"));
	store_bookmark(world.store, 9);
	expect_wakes(&world, "+a");
	stream_shows(&world, "a", 8, "", PHASE("Pending"));
	stream_shows(&world, "b", 9, "", PHASE("Pending"));
	expect_wakes(&world, "");
	expect_phase(&world, "a", "Running");
	assert_false(store_has(world.store, "n", "b"));
	assert_int_equal(store_version(world.store), 9);
	store_world_finish(&world);
}

static void a_removal_the_stream_has_passed_counts_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	list_is(&world, "a@5", 9);
	expect_wakes(&world, "+a!");
	stream_deletes(&world, "a", 8);
	expect_wakes(&world, "");
	assert_true(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void a_bookmark_moves_the_stream_and_never_back(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	store_bookmark(world.store, 20);
	store_bookmark(world.store, 10);
	assert_int_equal(store_version(world.store), 20);
	response_is(&world, "a", 15, "", "");
	response_is(&world, "b", 21, "", "");
	expect_wakes(&world, "+b");
	store_world_finish(&world);
}

static void a_removal_older_than_an_answer_is_of_an_object_before(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, UID("1"), PHASE("Running"));
	response_is(&world, "a", 8, UID("2"), PHASE("Pending"));
	expect_wakes(&world, "+a ~a");
	stream_deletes(&world, "a", 7);
	expect_wakes(&world, "");
	expect_phase(&world, "a", "Pending");
	assert_int_equal(store_version(world.store), 7);
	store_world_finish(&world);
}

static void a_removal_of_what_is_not_there_wakes_nobody(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_deletes(&world, "a", 7);
	expect_wakes(&world, "");
	assert_int_equal(store_version(world.store), 7);
	store_world_finish(&world);
}

static void another_object_of_the_same_name_wakes(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, UID("1"), PHASE("Running"));
	stream_shows(&world, "a", 6, UID("2"), PHASE("Running"));
	expect_wakes(&world, "+a ~a");
	store_world_finish(&world);
}

static void text_that_is_no_object_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"hello",
		"{}",
		"{'metadata':null}",
		"{'metadata':[]}",
		"{'metadata':'x'}",
		"{'metadata':{}}",
		"{'metadata':{'name':'a'}}",
		"{'metadata':{'resourceVersion':'5'}}",
		"{'metadata':{'name':'','resourceVersion':'5'}}",
		"{'metadata':{'name':5,'resourceVersion':'5'}}",
		"{'metadata':{'name':'a','resourceVersion':5}}",
		"{'metadata':{'name':'a','resourceVersion':''}}",
		"{'metadata':{'name':'a','resourceVersion':'0'}}",
		"{'metadata':{'name':'a','resourceVersion':'x5'}}",
		"{'metadata':{'name':'a','resourceVersion':'99999999999999999999'}}",
		"{'metadata':{'name':'a','namespace':7,'resourceVersion':'5'}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'}}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'\\ud800}}",
	};
	struct store_world world;

	(void)state;
	set_up(&world);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_FREE char *text = json_text("%s", texts[i]);

		assert_int_equal(store_event(world.store, STORE_ADDED, text, strlen(text), NULL),
				 -EINVAL);
		assert_int_equal(store_response(world.store, text, strlen(text), NULL), -EINVAL);
		assert_int_equal(store_replace_item(world.store, text, strlen(text)), -EINVAL);
	}
	expect_wakes(&world, "");
	assert_int_equal(store_size(world.store), 0);
	assert_int_equal(store_version(world.store), 0);
	store_world_finish(&world);
}

static void a_key_too_long_for_any_object_is_refused(void **state)
{
	struct store_world world;
	char name[STORE_KEY_MAX + 1];

	(void)state;
	set_up(&world);
	memset(name, 'x', sizeof(name));
	name[STORE_KEY_MAX - 2] = '\0'; /* with the namespace and the slash, one byte too many */
	CLEANUP_FREE char *text = object_text(name, 5, "", "");

	assert_int_equal(store_event(world.store, STORE_ADDED, text, strlen(text), NULL), -EINVAL);
	name[STORE_KEY_MAX - 3] = '\0';
	stream_shows(&world, name, 5, "", "");
	assert_true(store_has(world.store, "n", name));
	store_world_finish(&world);
}

static void escapes_that_the_scan_doubts_are_read_as_json(void **state)
{
	static const char *const texts[] = {
		"{'metadata':{'name':'\\u0061','namespace':'n','resourceVersion':'5'},'status':{'phase':'Running'}}",
		"{'metadata':{'name':'a','namespace':'\\u006e','resourceVersion':'5'},'status':{'phase':'Running'}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'\\u0035'},'status':{'phase':'Running'}}",
		"{'metadata':{'n\\u0061me':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'Running'}}",
		"{'meta\\u0064ata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'Running'}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'st\\u0061tus':{'phase':'Running'}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'ph\\u0061se':'Running'}}",
		"{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'\\u0052unning'}}",
		"{'metadata':{'name':'x','name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'Running'}}",
		("{'metadata':{'name':'a','namespace':'n','resourceVersion':'5'},'status':{'phase':'X'},'status':{'phase':'Running'}}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_FREE char *text = json_text("%s", texts[i]);
		struct store_world world;

		set_up(&world);
		assert_int_equal(store_event(world.store, STORE_ADDED, text, strlen(text), NULL),
				 0);
		expect_wakes(&world, "+a");
		expect_phase(&world, "a", "Running");
		assert_int_equal(version_of(&world, "a"), 5);
		store_world_finish(&world);
	}
}

static void an_object_of_one_and_a_half_megabytes_is_kept(void **state)
{
	const size_t size = 1500000;
	char *value = xalloc(size + 1);
	struct store_world world;

	(void)state;
	memset(value, 'v', size);
	set_up(&world);
	CLEANUP_FREE char *annotations = xprintf(",'annotations':{'big':'%s'}", value);

	stream_shows(&world, "a", 5, annotations, PHASE("Running"));
	expect_wakes(&world, "+a");
	expect_phase(&world, "a", "Running");
	assert_true(store_bytes(world.store) > size);
	stream_shows(&world, "a", 6, annotations, PHASE("Running"));
	expect_wakes(&world, "");
	stream_deletes(&world, "a", 7);
	assert_int_equal(store_bytes(world.store), 0);
	free(value);
	store_world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_add_change_and_remove),
		cmocka_unit_test(what_nobody_reads_wakes_nobody),
		cmocka_unit_test(an_answer_is_there_at_once_and_wakes),
		cmocka_unit_test(an_answer_no_newer_than_the_stream_counts_nothing),
		cmocka_unit_test(an_answer_no_newer_than_the_stored_one_counts_nothing),
		cmocka_unit_test(an_event_that_repeats_an_answer_wakes_nobody),
		cmocka_unit_test(an_event_at_an_answers_version_with_other_bytes_counts),
		cmocka_unit_test(an_event_older_than_an_answer_only_moves_the_stream),
		cmocka_unit_test(an_event_the_stream_has_passed_counts_nothing),
		cmocka_unit_test(a_removal_the_stream_has_passed_counts_nothing),
		cmocka_unit_test(a_bookmark_moves_the_stream_and_never_back),
		cmocka_unit_test(a_removal_older_than_an_answer_is_of_an_object_before),
		cmocka_unit_test(a_removal_of_what_is_not_there_wakes_nobody),
		cmocka_unit_test(another_object_of_the_same_name_wakes),
		cmocka_unit_test(text_that_is_no_object_is_refused_and_changes_nothing),
		cmocka_unit_test(a_key_too_long_for_any_object_is_refused),
		cmocka_unit_test(escapes_that_the_scan_doubts_are_read_as_json),
		cmocka_unit_test(an_object_of_one_and_a_half_megabytes_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
