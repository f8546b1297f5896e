/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/reflector.h about lists in pages: where watch-lists are refused, and when a new
 * leader catches up. */
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

#define REFUSED "{'kind':'Status','code':422,'message':'sendInitialEvents is forbidden'}"

static void a_server_without_watch_lists_is_listed_in_pages(void **state)
{
	static const int statuses[] = { 400, 422 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct mirror m;

		mirror_init(&m);
		script_response(&m.script, LIST_FIRST, statuses[i], REFUSED);
		script_response(&m.script, PAGES, 200,
				PAGE("10", ",'continue':'next=/+ page'",
				     POD("a", "5", "Running") "," POD("b", "3", "Running")));
		script_response(&m.script, "limit=500&continue=next%3D%2F%2B%20page", 200,
				PAGE("10", ",'continue':''", POD("c", "7", "Running")));
		script_response(&m.script, "&resourceVersion=10", 200, "");
		mirror_start(&m);
		expect_settled(&m, 1);
		expect_wakes(&m.world, "+a! +b! +c!");
		assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
		assert_int_equal(m.changes, 1);
		/* The latest: with no version of its own, and at once. */
		assert_string_equal(script_line(&m.script, 1), "GET /api/v1/pods?limit=500");
		assert_int_equal(sent_us(&m, 3), 0);
		mirror_finish(&m);
	}
}

static void it_remembers_that_a_server_does_pages(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200, PAGE("10", "", POD("a", "5", "Running")));
	script_response(&m.script, "&resourceVersion=10", 410, GONE);
	script_response(&m.script, PAGES, 200, PAGE("20", "", ""));
	script_response(&m.script, "&resourceVersion=20", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+a! -a");
	assert_int_equal(script_count(&m.script, LIST_FIRST), 1);
	mirror_finish(&m);
}

static void pages_ask_for_what_it_was_told_to(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	m.config.metadata_only = true;
	m.config.label_selector = "a=b";
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, "?labelSelector=a%3Db&limit=500", 200, PAGE("10", "", ""));
	script_response(&m.script, "?labelSelector=a%3Db&watch=true", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_string_equal(m.script.sent[1].accept,
			    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
	mirror_finish(&m);
}

/* With this response to the first page the list fails, is made again after a pause, and nothing is
 * dropped before it is whole. */
static void expect_list_again(int status, const char *body)
{
	struct mirror m;

	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200, PAGE("10", "", POD("a", "5", "Running")));
	script_response(&m.script, "&resourceVersion=10", 410, GONE);
	script_response(&m.script, PAGES, status, body);
	mirror_start(&m);
	expect_settled(&m, 0);
	assert_true(store_has(m.world.store, "n", "a"));
	assert_int_equal(store_version(m.world.store), 10);
	script_response(&m.script, PAGES, 200, PAGE("20", "", ""));
	script_response(&m.script, "&resourceVersion=20", 200, "");
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 4) - sent_us(&m, 3) >= 800000);
	assert_false(store_has(m.world.store, "n", "a"));
	mirror_finish(&m);
}

static void a_list_that_fails_is_made_anew(void **state)
{
	(void)state;
	expect_list_again(500, "{'kind':'Status','code':500}");
	expect_list_again(-ECONNRESET, "");
	expect_list_again(410, GONE);
	expect_list_again(200, "");
	expect_list_again(200, "hello");
	expect_list_again(200, "{'items':[]}");
	expect_list_again(200, "{'metadata':{},'items':[]}");
	expect_list_again(200, "{'metadata':{'resourceVersion':''},'items':[]}");
	expect_list_again(200, "{'metadata':{'resourceVersion':'new'},'items':[]}");
	expect_list_again(200, "{'metadata':{'resourceVersion':'20'}}");
	expect_list_again(200, "{'metadata':{'resourceVersion':'20'},'items':{}}");
}

static void a_list_whose_pages_expire_begins_anew(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200,
			PAGE("10", ",'continue':'x'", POD("a", "5", "Running")));
	script_response(&m.script, "continue=x", 410, GONE);
	script_response(&m.script, PAGES, 200, PAGE("20", "", POD("b", "15", "Running")));
	script_response(&m.script, "&resourceVersion=20", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+a! +b! -a");
	assert_null(strstr(script_line(&m.script, 3), "continue"));
	mirror_finish(&m);
}

static void items_without_a_name_are_left_out(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200,
			PAGE("10", "", "null,{},5," POD("a", "5", "Running") ",{'metadata':{}}"));
	script_response(&m.script, "&resourceVersion=10", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+a!");
	mirror_finish(&m);
}

static void a_list_of_null_items_is_empty(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200,
			"{'metadata':{'resourceVersion':'10'},'items':null}");
	script_response(&m.script, "&resourceVersion=10", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	mirror_finish(&m);
}

static void pages_from_before_what_is_known_are_of_a_server_gone_back_in_time(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 422, REFUSED);
	script_response(&m.script, PAGES, 200,
			PAGE("50", "", POD("a", "45", "Running") "," POD("b", "5", "Running")));
	script_response(&m.script, "&resourceVersion=50", 410, GONE);
	script_response(&m.script, PAGES, 200, PAGE("20", "", POD("b", "5", "Running")));
	script_response(&m.script, PAGES, 200, PAGE("20", "", POD("b", "5", "Running")));
	script_response(&m.script, "&resourceVersion=20", 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_false(store_has(m.world.store, "n", "a"));
	assert_int_equal(version_of(&m.world, "b"), 5);
	assert_int_equal(store_version(m.world.store), 20);
	mirror_finish(&m);
}

/* ---- catching up ---- */

static void catching_up_brings_what_the_stream_still_lacks(void **state)
{
	struct error error = { 0 };
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_response(&m.script, PAGES, 200,
			PAGE("30", ",'continue':'x'", POD("a", "25", "Failed")));
	script_response(&m.script, "continue=x", 200, PAGE("30", "", POD("b", "26", "Pending")));
	assert_int_equal(reflector_resync(m.reflector, &error), 0);
	expect_wakes(&m.world, "~a! +b!");
	assert_int_equal(store_version(m.world.store), 30);
	assert_int_equal(m.script.streams, 1);
	script_feed(&m.script, "pods",
		    EVENT("MODIFIED", POD("a", "25", "Failed")) ADDED("b", "26", "Pending")
			    EVENT("MODIFIED", POD("b", "31", "Running")));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "~b");
	assert_int_equal(m.changes, 1);
	mirror_finish(&m);
}

static void catching_up_does_not_rewind_a_stream_that_is_ahead(void **state)
{
	struct error error = { 0 };
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", ADDED("b", "40", "Pending"));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "+b");
	script_response(&m.script, PAGES, 200, PAGE("30", "", POD("a", "5", "Running")));
	assert_int_equal(reflector_resync(m.reflector, &error), 0);
	expect_wakes(&m.world, "");
	assert_int_equal(store_version(m.world.store), 40);
	mirror_finish(&m);
}

static void catching_up_before_the_first_list_waits_for_nothing(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 200, "");
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_int_equal(reflector_resync(m.reflector, NULL), 0);
	assert_int_equal(m.script.sent_count, 1);
	mirror_finish(&m);
}

static void catching_up_says_why_it_failed(void **state)
{
	struct error error = { 0 };
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_response(&m.script, PAGES, 500, "{'kind':'Status','message':'etcd is away'}");
	assert_true(reflector_resync(m.reflector, &error) < 0);
	assert_non_null(strstr(error.text, "500"));
	assert_non_null(strstr(error.text, "etcd is away"));
	script_response(&m.script, PAGES, -ECONNREFUSED, "");
	assert_int_equal(reflector_resync(m.reflector, &error), -ECONNREFUSED);
	script_response(&m.script, PAGES, 200, PAGE("30", "", ""));
	assert_int_equal(reflector_resync(m.reflector, &error), 0);
	mirror_finish(&m);
}

static void catching_up_waits_for_a_list_under_way(void **state)
{
	struct error error = { 0 };
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", EVENT("ERROR", GONE));
	script_response(&m.script, LIST_FIRST, 200, ADDED("a", "5", "Running"));
	expect_settled(&m, 1);
	script_end(&m.script, "pods", -ECONNRESET); /* the list fails: only then is it our turn */
	script_response(&m.script, PAGES, 200, PAGE("30", "", POD("a", "5", "Running")));
	assert_int_equal(reflector_resync(m.reflector, &error), 0);
	expect_line(&m, m.script.sent_count - 1, PAGES);
	assert_int_equal(store_version(m.world.store), 30);
	mirror_finish(&m);
}

static void catch_up_later(void *arg)
{
	struct mirror *m = arg;

	reflector_resync(m->reflector, NULL);
}

static void the_end_does_not_wait_for_who_catches_up(void **state)
{
	struct sched_thread *thread;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", EVENT("ERROR", GONE));
	script_response(&m.script, LIST_FIRST, 200, "");
	expect_settled(&m, 1);
	thread = sched_start(m.world.sched, "late", catch_up_later, &m);
	script_pass(&m.script, 1000);
	client_stop(m.client);
	m.script.transport.ops->stop(&m.script.transport);
	reflector_stop(m.reflector);
	sched_join(thread);
	mirror_finish(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_without_watch_lists_is_listed_in_pages),
		cmocka_unit_test(it_remembers_that_a_server_does_pages),
		cmocka_unit_test(pages_ask_for_what_it_was_told_to),
		cmocka_unit_test(a_list_that_fails_is_made_anew),
		cmocka_unit_test(a_list_whose_pages_expire_begins_anew),
		cmocka_unit_test(items_without_a_name_are_left_out),
		cmocka_unit_test(a_list_of_null_items_is_empty),
		cmocka_unit_test(pages_from_before_what_is_known_are_of_a_server_gone_back_in_time),
		cmocka_unit_test(catching_up_brings_what_the_stream_still_lacks),
		cmocka_unit_test(catching_up_does_not_rewind_a_stream_that_is_ahead),
		cmocka_unit_test(catching_up_before_the_first_list_waits_for_nothing),
		cmocka_unit_test(catching_up_says_why_it_failed),
		cmocka_unit_test(catching_up_waits_for_a_list_under_way),
		cmocka_unit_test(the_end_does_not_wait_for_who_catches_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
