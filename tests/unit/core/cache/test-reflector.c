/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/reflector.h about its life: first list, resuming, 410, kinds that are not
 * served, backing off, ending. */
#include "config.h"

#include "core/cache/reflector.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/core/reflector-fixture.h"

static void the_first_list_is_a_stream_of_the_latest(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, "GET /api/v1/pods?", 200,
			ADDED("a", "7", "Running") ADDED("b", "3", "Pending"));
	mirror_start(&m);
	expect_settled(&m, 1);
	expect_line(&m, 0, "watch=true&allowWatchBookmarks=true&");
	expect_line(&m, 0,
		    "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=");
	assert_null(strstr(script_line(&m.script, 0), "limit="));
	assert_string_equal(strrchr(script_line(&m.script, 0), '='), "=");
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_LISTING);
	assert_false(store_synced(m.world.store));
	script_feed(&m.script, "pods", LISTED("10"));
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	assert_int_equal(store_version(m.world.store), 10);
	expect_wakes(&m.world, "+a! +b!");
	assert_int_equal(m.changes, 1);
	assert_int_equal(m.script.sent_count, 1);
	mirror_finish(&m);
}

static void the_stream_goes_on_after_the_list(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods",
		    EVENT("MODIFIED", POD("a", "11", "Failed")) ADDED("b", "12", "Pending")
			    EVENT("DELETED", POD("a", "13", "Failed")));
	expect_settled(&m, 1);
	expect_wakes(&m.world, "~a +b -a");
	assert_int_equal(store_version(m.world.store), 13);
	assert_int_equal(m.script.sent_count, 1);
	mirror_finish(&m);
}

static unsigned int seconds_of(struct mirror *m, size_t n)
{
	const char *at = strstr(script_line(&m->script, n), "timeoutSeconds=");
	unsigned int seconds = 0;

	assert_non_null(at);
	assert_int_equal(sscanf(at, "timeoutSeconds=%u", &seconds), 1);
	return seconds;
}

static void watches_last_five_to_ten_minutes_with_jitter(void **state)
{
	unsigned int least = 600, most = 300;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	for (size_t i = 1; i <= 20; i++) {
		script_end(&m.script, "pods", 0);
		script_response(&m.script, RESUME, 200, "");
		expect_settled(&m, 1);
		least = seconds_of(&m, i) < least ? seconds_of(&m, i) : least;
		most = seconds_of(&m, i) > most ? seconds_of(&m, i) : most;
		script_pass(&m.script, 2000000);
	}
	assert_true(least >= 300 && most < 600 && most - least > 60);
	mirror_finish(&m);
}

static void a_watch_resumes_at_once_from_the_last_version(void **state)
{
	uint64_t ended;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", ADDED("b", "42", "Pending"));
	script_pass(&m.script, 3000000);
	ended = sched_now_us(m.world.sched);
	script_end(&m.script, "pods", 0);
	script_response(&m.script, "&resourceVersion=42", 200, "");
	expect_settled(&m, 1);
	assert_int_equal(sent_us(&m, 1), ended);
	assert_null(strstr(script_line(&m.script, 1), LIST_FIRST));
	expect_line(&m, 1, "allowWatchBookmarks=true");
	mirror_finish(&m);
}

static void a_bookmark_moves_the_version_to_resume_from(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", BOOKMARK("99"));
	script_pass(&m.script, 3000000);
	script_end(&m.script, "pods", 0);
	script_response(&m.script, "&resourceVersion=99", 200, "");
	expect_settled(&m, 1);
	expect_wakes(&m.world, "");
	assert_int_equal(store_size(m.world.store), 1);
	mirror_finish(&m);
}

static void a_410_as_a_status_lists_anew_at_once(void **state)
{
	uint64_t ended;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	ended = sched_now_us(m.world.sched);
	script_end(&m.script, "pods", 0);
	script_response(&m.script, "&resourceVersion=10", 410, GONE);
	script_response(&m.script, LIST_FIRST, 200, ADDED("b", "50", "Pending") LISTED("60"));
	expect_settled(&m, 1);
	assert_int_equal(sent_us(&m, 2), ended);
	expect_wakes(&m.world, "+b! -a");
	assert_int_equal(store_version(m.world.store), 60);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	assert_int_equal(m.changes, 1);
	mirror_finish(&m);
}

static void a_410_as_an_event_lists_anew_at_once(void **state)
{
	uint64_t ended;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_end(&m.script, "pods", 0);
	script_response(&m.script, RESUME, 200, "");
	expect_settled(&m, 1);
	ended = sched_now_us(m.world.sched);
	script_feed(&m.script, "pods", EVENT("ERROR", GONE));
	script_response(&m.script, LIST_FIRST, 200, ADDED("a", "5", "Running") LISTED("60"));
	expect_settled(&m, 1);
	assert_int_equal(sent_us(&m, 2), ended);
	expect_wakes(&m.world, "");
	mirror_finish(&m);
}

static void a_410_again_and_again_backs_off(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_feed(&m.script, "pods", EVENT("ERROR", GONE));
	for (int i = 0; i < 3; i++) {
		script_response(&m.script, LIST_FIRST, 410, GONE);
	}
	script_response(&m.script, LIST_FIRST, 200, LISTED("60"));
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 2) - sent_us(&m, 1) >= 800000);
	assert_true(sent_us(&m, 3) - sent_us(&m, 2) >= 1600000);
	mirror_finish(&m);
}

static void other_errors_of_the_stream_resume_after_a_while(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_feed(&m.script, "pods",
		    EVENT("ERROR", "{'kind':'Status','code':500,'message':'etcd is away'}"));
	script_response(&m.script, "&resourceVersion=10", 200, "");
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 1) - sent_us(&m, 0) >= 3800000);
	assert_int_equal(script_count(&m.script, LIST_FIRST), 1);
	mirror_finish(&m);
}

static void a_kind_that_is_not_served_is_asked_for_every_other_second(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	for (int i = 0; i < 5; i++) {
		script_response(&m.script, LIST_FIRST, 404, "{'kind':'Status','code':404}");
	}
	mirror_start(&m);
	expect_settled(&m, 0);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_ABSENT);
	assert_int_equal(m.changes, 1);
	for (size_t i = 1; i < 5; i++) {
		assert_int_equal(sent_us(&m, i) - sent_us(&m, i - 1), 2000000);
	}
	script_response(&m.script, LIST_FIRST, 200, ADDED("a", "5", "Running") LISTED("10"));
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	assert_int_equal(m.changes, 2);
	mirror_finish(&m);
}

static void a_kind_that_comes_back_is_listed_anew(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_end(&m.script, "pods", 0);
	script_response(&m.script, "pods", 404, "{'kind':'Status','code':404}");
	script_response(&m.script, LIST_FIRST, 200, ADDED("b", "50", "Pending") LISTED("60"));
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	expect_wakes(&m.world, "+b! -a");
	assert_int_equal(m.changes, 3);
	mirror_finish(&m);
}

static void failures_back_off_from_800_ms_doubling_to_30_s_with_jitter(void **state)
{
	uint64_t least = 800000;
	struct mirror m;

	(void)state;
	mirror_init(&m);
	for (int i = 0; i < 12; i++) {
		script_response(&m.script, LIST_FIRST,
				i % 3 == 0   ? -ECONNREFUSED
				: i % 3 == 1 ? 500
					     : -ETIMEDOUT,
				"");
	}
	mirror_start(&m);
	expect_settled(&m, 0);
	for (size_t i = 1; i < 12; i++) {
		uint64_t waited = sent_us(&m, i) - sent_us(&m, i - 1);

		assert_true(waited >= least && waited < 2 * least);
		least = 2 * least < 30000000 ? 2 * least : 30000000;
	}
	mirror_finish(&m);
}

static void events_end_the_backing_off(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_end(&m.script, "pods", -ECONNRESET);
	for (int i = 0; i < 5; i++) {
		script_response(&m.script, RESUME, -ECONNREFUSED, "");
	}
	script_response(&m.script, RESUME, 200, ADDED("b", "20", "Pending"));
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 6) - sent_us(&m, 5) >= 20000000);
	script_end(&m.script, "pods", -ECONNRESET);
	script_response(&m.script, "&resourceVersion=20", 200, "");
	expect_settled(&m, 1);
	assert_true(sent_us(&m, 7) - sent_us(&m, 6) < 2000000);
	mirror_finish(&m);
}

static void a_silent_stream_is_dead_after_150_s(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 100000000);
	script_feed(&m.script, "pods", BOOKMARK("20"));
	script_response(&m.script, "&resourceVersion=20", 200, "");
	expect_settled(&m, 1);
	assert_int_equal(m.script.sent[0].idle_ms, 150000);
	assert_true(sent_us(&m, 1) >= 250000000 && sent_us(&m, 1) < 252000000);
	assert_int_equal(script_count(&m.script, LIST_FIRST), 1);
	mirror_finish(&m);
}

static void a_watch_that_ends_empty_at_once_is_a_fault(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	script_pass(&m.script, 3000000);
	script_end(&m.script, "pods", 0);
	for (int i = 0; i < 4; i++) {
		script_response(&m.script, RESUME, 200, "");
		script_end(&m.script, RESUME, 0);
	}
	script_response(&m.script, RESUME, 200, "");
	expect_settled(&m, 1);
	for (size_t i = 2; i < 6; i++) {
		assert_true(sent_us(&m, i) - sent_us(&m, i - 1) >= 800000);
	}
	mirror_finish(&m);
}

static void a_list_that_ends_early_begins_anew(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	script_response(&m.script, LIST_FIRST, 200,
			ADDED("a", "5", "Running") ADDED("b", "6", "Running"));
	script_end(&m.script, "pods", 0);
	script_response(&m.script, LIST_FIRST, 200, ADDED("a", "5", "Running"));
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_LISTING);
	script_feed(&m.script, "pods", LISTED("10"));
	expect_settled(&m, 1);
	assert_int_equal(reflector_state(m.reflector), REFLECTOR_SYNCED);
	expect_wakes(&m.world, "+a! +b! -b");
	mirror_finish(&m);
}

static void it_asks_for_what_it_was_told_to(void **state)
{
	struct mirror m;

	(void)state;
	mirror_init(&m);
	m.config.metadata_only = true;
	m.config.label_selector = "app in (a,b),x!=y";
	script_response(&m.script, "labelSelector=app%20in%20%28a%2Cb%29%2Cx%21%3Dy&watch=true",
			200, LISTED("10"));
	mirror_start(&m);
	expect_settled(&m, 1);
	assert_string_equal(m.script.sent[0].accept,
			    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
	mirror_finish(&m);
}

static void it_ends_in_the_middle_of_a_stream(void **state)
{
	uint64_t before;
	struct mirror m;

	(void)state;
	mirror_init_synced(&m);
	before = sched_now_us(m.world.sched);
	m.script.transport.ops->stop(&m.script.transport);
	reflector_stop(m.reflector);
	assert_int_equal(sched_now_us(m.world.sched), before);
	mirror_finish(&m);
}

static void it_ends_in_the_middle_of_a_pause(void **state)
{
	uint64_t before;
	struct mirror m;

	(void)state;
	mirror_init(&m);
	for (int i = 0; i < 8; i++) {
		script_response(&m.script, LIST_FIRST, -ECONNREFUSED, "");
	}
	mirror_start(&m);
	expect_settled(&m, 0);
	before = sched_now_us(m.world.sched);
	reflector_stop(m.reflector);
	assert_int_equal(sched_now_us(m.world.sched), before);
	mirror_finish(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_list_is_a_stream_of_the_latest),
		cmocka_unit_test(the_stream_goes_on_after_the_list),
		cmocka_unit_test(watches_last_five_to_ten_minutes_with_jitter),
		cmocka_unit_test(a_watch_resumes_at_once_from_the_last_version),
		cmocka_unit_test(a_bookmark_moves_the_version_to_resume_from),
		cmocka_unit_test(a_410_as_a_status_lists_anew_at_once),
		cmocka_unit_test(a_410_as_an_event_lists_anew_at_once),
		cmocka_unit_test(a_410_again_and_again_backs_off),
		cmocka_unit_test(other_errors_of_the_stream_resume_after_a_while),
		cmocka_unit_test(a_kind_that_is_not_served_is_asked_for_every_other_second),
		cmocka_unit_test(a_kind_that_comes_back_is_listed_anew),
		cmocka_unit_test(failures_back_off_from_800_ms_doubling_to_30_s_with_jitter),
		cmocka_unit_test(events_end_the_backing_off),
		cmocka_unit_test(a_silent_stream_is_dead_after_150_s),
		cmocka_unit_test(a_watch_that_ends_empty_at_once_is_a_fault),
		cmocka_unit_test(a_list_that_ends_early_begins_anew),
		cmocka_unit_test(it_asks_for_what_it_was_told_to),
		cmocka_unit_test(it_ends_in_the_middle_of_a_stream),
		cmocka_unit_test(it_ends_in_the_middle_of_a_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
