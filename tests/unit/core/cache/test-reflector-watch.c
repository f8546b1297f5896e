/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/reflector.h about a stream: frames in pieces, frames that are none, bookmarks,
 * what a list by stream may hold. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/cache/reflector.h"
#include "tests/unit/core/reflector-fixture.h"

static void frames_may_be_split_at_every_byte(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 200; piece += piece < 20 ? 1 : 37) {
		struct mirror m;

		mirror_init(&m);
		m.script.piece = piece;
		script_response(
			&m.script, LIST_FIRST, 200,
			ADDED("a", "5", "Running") "\n" ADDED("b", "6", "Pending") LISTED("10")
				EVENT("MODIFIED", POD("a", "11", "Failed")) "\n\n" EVENT(
					"DELETED", POD("b", "12", "Pending")));
		mirror_start(&m);
		expect_settled(&m, 1);
		expect_wakes(&m.world, "+a! +b! ~a -b");
		assert_int_equal(store_version(m.world.store), 12);
		mirror_finish(&m);
	}
}

static void an_unfinished_frame_at_the_end_is_nothing(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_feed(&m.script, "pods",
		    "{'type':'ADDED','object':{'metadata':{'name':'b','resourceVer");
	script_end(&m.script, "pods", 0);
	script_response(&m.script, "&resourceVersion=10", 200, ADDED("b", "11", "Pending"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	mirror_finish(&m);
}

/* A stream with this frame is given up, resumed from where it was after a pause, and what the store
 * knows is as before. */
static void expect_given_up(const char *frame)
{
	struct mirror m;

	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_feed(&m.script, "pods", frame);
	script_response(&m.script, "&resourceVersion=10", 200,
			EVENT("MODIFIED", POD("a", "11", "Failed")));
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 1) >= 3800000);
	expect_wakes(&m.world, "~a");
	mirror_finish(&m);
}

static void a_frame_that_is_none_ends_the_stream(void **state)
{
	(void)state;
	expect_given_up("hello\n");
	expect_given_up("<html>\n");
	expect_given_up("[]\n");
	expect_given_up("null\n");
	expect_given_up("{}\n");
	expect_given_up("{'type':'ADDED'}\n");
	expect_given_up("{'object':{}}\n");
	expect_given_up("{'type':'ADDED','object':{}\n");
	expect_given_up("{'type':'ADDED','object':{}}}\n");
	expect_given_up("\x01\x02\xff\xfe\n");
	expect_given_up(EVENT("PAINTED", POD("b", "11", "Pending")));
	expect_given_up(EVENT("ERROR", "null"));
	expect_given_up(EVENT("ERROR", "{'code':'410'}"));
	expect_given_up(EVENT("BOOKMARK", "{}"));
	expect_given_up(EVENT("BOOKMARK", "{'metadata':{'resourceVersion':'x'}}"));
	expect_given_up(EVENT("BOOKMARK", "null"));
}

static void an_object_without_a_name_is_left_out(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods",
		    EVENT("ADDED", "{'metadata':{'resourceVersion':'11'}}") EVENT("ADDED", "{}")
			    EVENT("ADDED", "null") EVENT("ADDED", "{'metadata':{'name':'x'}}")
				    ADDED("b", "12", "Pending"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	assert_int_equal(m.script.sent_count, 1);
	mirror_finish(&m);
}

static void a_frame_the_scan_doubts_is_read_as_json(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods",
		    "{'ty\\u0070e':'ADDED','object':" POD(
			    "b", "12",
			    "Pending") "}\n"
				       "{'type':'ADDED','\\u006fbject':" POD(
					       "c", "13",
					       "Pending") "}\n"
							  "{'type':'\\u0044ELETED','object':" POD(
								  "b", "14", "Pending") "}\n");
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b +c -b");
	assert_int_equal(m.script.sent_count, 1);
	mirror_finish(&m);
}

static void a_frame_beyond_16_mib_ends_the_stream(void **state)
{
	const size_t size = (16u << 20) + 100;
	char *frame = xalloc(size);
	struct mirror m;

	(void)state;
	memset(frame, ' ', size);
	mirror_init_synced(&m);
	m.script.piece = 100000;
	script_response_bytes(&m.script, RESUME, 200, frame, size);
	script_end(&m.script, LIST_FIRST, 0);
	script_response(&m.script, "&resourceVersion=10", 200, ADDED("b", "11", "Pending"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	assert_int_equal(m.script.sent_count, 3);
	assert_true(sent_us(&m, 2) - sent_us(&m, 1) >= 800000);
	free(frame);
	mirror_finish(&m);
}

static void a_frame_of_one_and_a_half_megabytes_is_read(void **state)
{
	const size_t size = 1500000;
	char *value = xalloc(size + 1), *frame;
	struct mirror m;

	(void)state;
	memset(value, 'v', size);
	frame = xprintf(
		"{'type':'ADDED','object':{'metadata':{'name':'b','namespace':'n','resourceVersion':'11','annotations':{'big':'%s'}}}}\n",
		value);
	mirror_init_synced(&m);
	m.script.piece = 16384;
	script_feed(&m.script, "pods", frame);
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	free(frame);
	free(value);
	mirror_finish(&m);
}

static void bookmarks_are_never_stored(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods",
		    EVENT("BOOKMARK",
			  "{'metadata':{'name':'stub','namespace':'n','resourceVersion':'20'}}"));
	expect_settled(&m, 1);
	assert_int_equal(store_size(m.world.store), 1);
	assert_int_equal(store_version(m.world.store), 20);
	mirror_finish(&m);
}

static void only_the_marked_bookmark_ends_a_list(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(
		&m.script, LIST_FIRST, 200,
		ADDED("a", "5", "Running") BOOKMARK("7") EVENT(
			"BOOKMARK",
			"{'metadata':{'resourceVersion':'8','annotations':{'k8s.io/initial-events-end':'false'}}}"));
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_LISTING);
	assert_int_equal(store_version(m.world.store), 0);
	script_feed(&m.script, "pods", LISTED("10"));
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	mirror_finish(&m);
}

static void what_is_deleted_while_a_list_streams_is_gone(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 200,
			ADDED("a", "5", "Running") ADDED("b", "3", "Running")
				EVENT("MODIFIED", POD("b", "8", "Failed"))
					EVENT("DELETED", POD("a", "9", "Running")) LISTED("10"));
	mirror_start(&m);
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+a! +b! ~b! -a");
	assert_false(store_has(m.world.store, "n", "a"));
	mirror_finish(&m);
}

static void a_server_gone_back_in_time_is_listed_anew(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", ADDED("b", "50", "Running") BOOKMARK("60"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	script_pass(&m.script, 3000000);
	script_feed(&m.script, "pods", BOOKMARK("20")); /* restored from a backup */
	script_response(&m.script, LIST_FIRST, 200,
			ADDED("a", "5", "Running") ADDED("c", "15", "Running") LISTED("20"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+c! -b");
	assert_int_equal(store_version(m.world.store), 20);
	script_feed(&m.script, "pods", EVENT("MODIFIED", POD("a", "21", "Failed")));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "~a");
	mirror_finish(&m);
}

static void a_list_from_before_what_is_known_is_of_a_server_gone_back_in_time(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", ADDED("b", "50", "Running"));
	expect_settled(&m, 1);
	script_end(&m.script, "pods", -ECONNRESET);
	script_response(&m.script, "&resourceVersion=50", 410, GONE);
	script_response(&m.script, LIST_FIRST, 200, ADDED("c", "15", "Running") LISTED("20"));
	script_response(&m.script, LIST_FIRST, 200, ADDED("c", "15", "Running") LISTED("20"));
	expect_settled(&m, 1);
	assert_false(store_has(m.world.store, "n", "a") || store_has(m.world.store, "n", "b"));
	assert_true(store_has(m.world.store, "n", "c"));
	assert_int_equal(store_version(m.world.store), 20);
	mirror_finish(&m);
}

static void a_server_gone_back_in_time_between_streams_is_listed_anew(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", ADDED("b", "50", "Running") BOOKMARK("60"));
	expect_settled(&m, 1);
	script_pass(&m.script, 3000000);
	script_end(&m.script, "pods", -ECONNRESET);
	script_response(&m.script, "&resourceVersion=60", 200, BOOKMARK("20"));
	script_response(&m.script, LIST_FIRST, 200, ADDED("a", "5", "Running") LISTED("20"));
	expect_settled(&m, 1);
	assert_false(store_has(m.world.store, "n", "b"));
	assert_int_equal(store_version(m.world.store), 20);
	mirror_finish(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_may_be_split_at_every_byte),
		cmocka_unit_test(an_unfinished_frame_at_the_end_is_nothing),
		cmocka_unit_test(a_frame_that_is_none_ends_the_stream),
		cmocka_unit_test(an_object_without_a_name_is_left_out),
		cmocka_unit_test(a_frame_the_scan_doubts_is_read_as_json),
		cmocka_unit_test(a_frame_beyond_16_mib_ends_the_stream),
		cmocka_unit_test(a_frame_of_one_and_a_half_megabytes_is_read),
		cmocka_unit_test(bookmarks_are_never_stored),
		cmocka_unit_test(only_the_marked_bookmark_ends_a_list),
		cmocka_unit_test(what_is_deleted_while_a_list_streams_is_gone),
		cmocka_unit_test(a_server_gone_back_in_time_is_listed_anew),
		cmocka_unit_test(a_list_from_before_what_is_known_is_of_a_server_gone_back_in_time),
		cmocka_unit_test(a_server_gone_back_in_time_between_streams_is_listed_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
