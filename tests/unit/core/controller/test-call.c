/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of plugin.h to a call: what it is handed belongs to it, what a key remembers, and every
 * service that needs no network. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/controller/controller-private.h"
#include "core/observe/log.h"
#include "tests/unit/core/controller-fixture.h"

/* A call for n/w of a rig, as a worker would make it. */
struct fixture {
	struct rig rig;
	struct call call;
	const struct asb_host *host;
};

static void begin(struct fixture *f)
{
	call_begin(&f->call, f->rig.controller, "n", "w");
	f->host = f->call.base.host;
}

static void set_up(struct fixture *f)
{
	rig_init(&f->rig);
	begin(f);
}

static void next_call(struct fixture *f)
{
	call_finish(&f->call);
	begin(f);
}

static void tear_down(struct fixture *f)
{
	call_finish(&f->call);
	rig_finish(&f->rig);
}

static void a_call_holds_any_number_of_trees_and_blocks(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	for (int i = 0; i < 1000; i++) {
		struct json_object *tree = json_object_new_int(i);
		char *block = call_alloc(&f.call, 10);

		assert_ptr_equal(call_keep(&f.call, tree), tree);
		assert_true(block[0] == 0 && block[9] == 0);
	}
	assert_null(call_keep(&f.call, NULL));
	tear_down(&f);
}

static void the_host_says_what_it_is(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(f.host->struct_size, sizeof(struct asb_host));
	assert_int_equal(f.host->abi_minor, ASB_ABI_MINOR);
	for (const void *const *slot = (const void *const *)(const void *)&f.host->log;
	     slot < (const void *const *)(const void *)(f.host + 1); slot++) {
		assert_non_null(*slot);
	}
	tear_down(&f);
}

/* ---- the store ---- */

static void get_finds_what_is_stored(void **state)
{
	struct json_object *widget;
	struct fixture f;

	(void)state;
	set_up(&f);
	rig_put(&f.rig, WIDGET, "w", 5, "", ",'spec':{'pod':'n/p'}");
	widget = f.host->get(&f.call.base, WIDGET, "n", "w");
	assert_string_equal(asb_str(widget, "spec", "pod"), "n/p");
	assert_string_equal(asb_str(widget, "kind"), "Widget");
	assert_null(f.host->get(&f.call.base, WIDGET, "n", "x"));
	assert_null(f.host->get(&f.call.base, WIDGET, NULL, "w"));
	assert_null(f.host->get(&f.call.base, WIDGET, "n", NULL));
	assert_null(f.host->get(&f.call.base, POD, "n", "w"));
	assert_null(f.host->get(&f.call.base, SECRET, "n", "w"));
	tear_down(&f);
}

/* The names that list finds. */
static void expect_list(struct fixture *f, const char *value, uint32_t limit, uint32_t flags,
			const char *expected)
{
	struct json_object *const *objects = NULL;
	uint32_t count = f->host->list(&f->call.base, BY_COLOUR, value, limit, flags, &objects);
	char names[256] = "";
	size_t length = 0;

	assert_true((count == 0) == (objects == NULL));
	for (uint32_t i = 0; i < count; i++) {
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i > 0 ? " " : "", asb_name(objects[i]));
	}
	assert_string_equal(names, expected);
}

static void put_pods(struct fixture *f)
{
	rig_put(&f->rig, POD, "c", 5, ",'labels':{'colour':'red'}", ",'status':{'rank':1}");
	rig_put(&f->rig, POD, "a", 6, ",'labels':{'colour':'red'}", ",'status':{'rank':2}");
	rig_put(&f->rig, POD, "b", 7, ",'labels':{'colour':'red'}", ",'status':{'rank':2}");
	rig_put(&f->rig, POD, "x", 8, ",'labels':{'colour':'blue'}", "");
}

static void lists_are_by_rank_then_name_with_a_limit(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	put_pods(&f);
	expect_list(&f, "red", 0, 0, "c a b");
	expect_list(&f, "red", 0, ASB_LIST_REVERSE, "b a c");
	expect_list(&f, "red", 2, 0, "c a");
	expect_list(&f, "red", 1, ASB_LIST_REVERSE, "b");
	expect_list(&f, "green", 0, 0, "");
	expect_list(&f, NULL, 0, 0, "");
	assert_int_equal(f.host->count(&f.call.base, BY_COLOUR, "red"), 3);
	assert_int_equal(f.host->count(&f.call.base, BY_COLOUR, "green"), 0);
	assert_int_equal(f.host->count(&f.call.base, BY_COLOUR, NULL), 0);
	tear_down(&f);
}

static void lists_end_at_1000_unless_told_otherwise(void **state)
{
	struct json_object *const *objects;
	struct fixture f;
	char name[16];

	(void)state;
	set_up(&f);
	for (unsigned int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "p%04u", i);
		rig_put(&f.rig, POD, name, 5 + i, ",'labels':{'colour':'red'}", "");
	}
	assert_int_equal(f.host->list(&f.call.base, BY_COLOUR, "red", 0, 0, &objects), 1000);
	assert_string_equal(asb_name(objects[999]), "p0999");
	assert_int_equal(f.host->list(&f.call.base, BY_COLOUR, "red", 5000, 0, &objects), 1100);
	assert_int_equal(f.host->list(&f.call.base, BY_COLOUR, "red", 65, 0, &objects), 65);
	assert_int_equal(f.host->count(&f.call.base, BY_COLOUR, "red"), 1100);
	tear_down(&f);
}

static void lists_can_leave_out_what_is_reserved(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	put_pods(&f);
	assert_int_equal(f.host->reserve(&f.call.base, POD, "n", "c", "n/w"), ASB_OK);
	rig_put(&f.rig, WIDGET, "other", 9, ",'annotations':{'reserves':'n/b'}", "");
	expect_list(&f, "red", 0, ASB_LIST_UNRESERVED, "a");
	expect_list(&f, "red", 1, ASB_LIST_UNRESERVED | ASB_LIST_REVERSE, "a");
	expect_list(&f, "red", 0, 0, "c a b");
	tear_down(&f);
}

static void reservations_are_for_one_holder(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_null(f.host->reserved(&f.call.base, POD, "n", "p"));
	assert_int_equal(f.host->reserve(&f.call.base, POD, "n", "p", "n/w"), ASB_OK);
	assert_int_equal(f.host->reserve(&f.call.base, POD, "n", "p", "n/w"), ASB_OK);
	assert_int_equal(f.host->reserve(&f.call.base, POD, "n", "p", "n/x"), ASB_ALREADY_EXISTS);
	assert_string_equal(f.host->reserved(&f.call.base, POD, "n", "p"), "n/w");
	f.host->release(&f.call.base, POD, "n", "p", "n/x");
	assert_string_equal(f.host->reserved(&f.call.base, POD, "n", "p"), "n/w");
	f.host->release(&f.call.base, POD, "n", "p", "n/w");
	assert_null(f.host->reserved(&f.call.base, POD, "n", "p"));
	rig_put(&f.rig, WIDGET, "x", 9, ",'annotations':{'reserves':'n/p'}", "");
	assert_string_equal(f.host->reserved(&f.call.base, POD, "n", "p"), "n/x");
	assert_int_equal(f.host->reserve(&f.call.base, POD, "n", "p", "n/w"), ASB_ALREADY_EXISTS);
	tear_down(&f);
}

/* ---- memory ---- */

static void memory_is_zeroed_and_stays_as_it_was_left(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	rig_put(&f.rig, WIDGET, "w", 5, "", "");
	memory = f.host->key_state(&f.call.base, 100);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(memory[i], 0);
	}
	memory[99] = 'x';
	assert_ptr_equal(f.host->key_state(&f.call.base, 100), memory);
	next_call(&f);
	memory = f.host->key_state(&f.call.base, 100);
	assert_int_equal(memory[99], 'x');
	rig_put(&f.rig, WIDGET, "w", 6, ",'labels':{'l':'1'}", "");
	next_call(&f);
	memory = f.host->key_state(&f.call.base, 50);
	assert_int_equal(memory[99], 'x');
	tear_down(&f);
}

static void each_key_has_its_own_memory(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	memory = key_state_get(f.rig.controller, "n", "w", 8);
	assert_ptr_not_equal(key_state_get(f.rig.controller, "n", "x", 8), memory);
	assert_ptr_not_equal(key_state_get(f.rig.controller, "m", "w", 8), memory);
	assert_ptr_equal(key_state_get(f.rig.controller, "n", "w", 8), memory);
	tear_down(&f);
}

static void the_first_call_decides_how_much_up_to_4096_bytes(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	assert_non_null(key_state_get(f.rig.controller, "n", "w", 8));
	assert_null(key_state_get(f.rig.controller, "n", "w", 9));
	memory = key_state_get(f.rig.controller, "n", "x", 4096);
	memory[4095] = 'x';
	assert_null(key_state_get(f.rig.controller, "n", "y", 4097));
	assert_null(key_state_get(f.rig.controller, "n", "z", UINT64_MAX));
	tear_down(&f);
}

static void memory_is_of_an_object_not_of_a_name(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	rig_put(&f.rig, WIDGET, "w", 5, ",'uid':'1'", "");
	memory = f.host->key_state(&f.call.base, 8);
	memory[0] = 'x';
	rig_put(&f.rig, WIDGET, "w", 6, ",'uid':'2'", "");
	next_call(&f);
	memory = f.host->key_state(&f.call.base, 8);
	assert_int_equal(memory[0], 0);
	tear_down(&f);
}

static void memory_in_hand_stays_valid_until_the_call_ends(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	rig_put(&f.rig, WIDGET, "w", 5, ",'uid':'1'", "");
	memory = f.host->key_state(&f.call.base, 8);
	memory[0] = 'x';
	rig_put(&f.rig, WIDGET, "w", 6, ",'uid':'2'", ""); /* while the call runs */
	assert_ptr_equal(f.host->key_state(&f.call.base, 8), memory);
	assert_int_equal(memory[0], 'x');
	next_call(&f);
	memory = f.host->key_state(&f.call.base, 8);
	assert_int_equal(memory[0], 0);
	tear_down(&f);
}

static void uids_of_any_length_are_told_apart(void **state)
{
	char metadata[200], uid[101];
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	memset(uid, 'u', sizeof(uid) - 1);
	uid[sizeof(uid) - 1] = '\0';
	snprintf(metadata, sizeof(metadata), ",'uid':'%s'", uid);
	rig_put(&f.rig, WIDGET, "w", 5, metadata, "");
	memory = f.host->key_state(&f.call.base, 8);
	memory[0] = 'x';
	next_call(&f);
	memory = f.host->key_state(&f.call.base, 8);
	assert_int_equal(memory[0], 'x');
	tear_down(&f);
}

static void forgotten_memory_starts_anew(void **state)
{
	struct fixture f;
	char *memory;

	(void)state;
	set_up(&f);
	memory = key_state_get(f.rig.controller, "n", "w", 8);
	memory[0] = 'x';
	key_state_forget(f.rig.controller, "n", "w");
	key_state_forget(f.rig.controller, "n", "w");
	memory = key_state_get(f.rig.controller, "n", "w", 16);
	assert_int_equal(memory[0], 0);
	tear_down(&f);
}

/* ---- any time ---- */

static void options_are_the_given_or_the_fallback(void **state)
{
	static const char *const values[] = { NULL, "7" };
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_string_equal(f.host->option(f.call.base.instance, COLOUR), "red");
	assert_null(f.host->option(f.call.base.instance, SIZE));
	tear_down(&f);
	rig_init_with(&f.rig, values, 1);
	begin(&f);
	assert_string_equal(f.host->option(f.call.base.instance, COLOUR), "red");
	assert_string_equal(f.host->option(f.call.base.instance, SIZE), "7");
	tear_down(&f);
}

static void the_clock_is_the_wall_in_milliseconds(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(f.host->now_ms(f.call.base.instance), INT64_C(1700000000000));
	script_pass(&f.rig.script, 1500000);
	assert_int_equal(f.host->now_ms(f.call.base.instance), INT64_C(1700000001500));
	assert_int_not_equal(f.host->random(f.call.base.instance),
			     f.host->random(f.call.base.instance));
	tear_down(&f);
}

static void sha256_is_sha256(void **state)
{
	struct fixture f;
	char hex[65];

	(void)state;
	set_up(&f);
	f.host->sha256(f.call.base.instance, "abc", 3, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	f.host->sha256(f.call.base.instance, "", 0, hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	tear_down(&f);
}

static void metrics_are_those_of_the_table(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct fixture f;

	(void)state;
	set_up(&f);
	f.host->metric(f.call.base.instance, MADE, 2, (const char *[]){ "red" });
	f.host->metric(f.call.base.instance, MADE, 1, (const char *[]){ "red" });
	f.host->metric(f.call.base.instance, SECONDS, 0.5, NULL);
	assert_int_equal(metrics_render(f.rig.metrics, &text), 0);
	assert_non_null(strstr(buf_str(&text), "widgets_made_total{colour=\"red\"} 3\n"));
	assert_non_null(strstr(buf_str(&text), "widget_seconds_sum 0.5\n"));
	buf_finish(&text);
	tear_down(&f);
}

static void a_histogram_may_have_its_own_buckets(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct fixture f;

	(void)state;
	set_up(&f);
	f.host->metric(f.call.base.instance, MILLISECONDS, 120, NULL);
	assert_int_equal(metrics_render(f.rig.metrics, &text), 0);
	assert_non_null(strstr(buf_str(&text), "widget_ms_bucket{le=\"100\"} 0\n"
					       "widget_ms_bucket{le=\"250\"} 1\n"
					       "widget_ms_bucket{le=\"+Inf\"} 1\n"
					       "widget_ms_sum 120\n"));
	buf_finish(&text);
	tear_down(&f);
}

static void expect_widgets(struct fixture *f, const char *line, bool there)
{
	struct buf text = BUF_INIT(1u << 20);

	assert_int_equal(metrics_render(f->rig.metrics, &text), 0);
	if ((strstr(buf_str(&text), line) != NULL) != there) {
		fail_msg("'%s' is %sthere: %s", line, there ? "not " : "", buf_str(&text));
	}
	buf_finish(&text);
}

static void a_key_is_counted_once_until_its_object_is_gone(void **state)
{
	static const char *const red[] = { "red" }, *const blue[] = { "blue" };
	struct fixture f;
	struct call other;

	(void)state;
	set_up(&f);
	call_begin(&other, f.rig.controller, "n", "other");
	f.host->count_key(&f.call.base, WIDGETS, red);
	f.host->count_key(&f.call.base, WIDGETS, red);
	f.host->count_key(&other.base, WIDGETS, red);
	expect_widgets(&f, "widgets{colour=\"red\"} 2\n", true);
	f.host->count_key(&other.base, WIDGETS, blue);
	expect_widgets(&f, "widgets{colour=\"red\"} 1\n", true);
	expect_widgets(&f, "widgets{colour=\"blue\"} 1\n", true);
	f.host->count_key(&other.base, WIDGETS, NULL);
	f.host->count_key(&other.base, WIDGETS, NULL);
	expect_widgets(&f, "blue", false);
	f.host->count_key(&other.base, WIDGETS, blue);
	counted_forget(f.rig.controller, "n", "other");
	counted_forget(f.rig.controller, "n", "other");
	expect_widgets(&f, "blue", false);
	expect_widgets(&f, "widgets{colour=\"red\"} 1\n", true);
	call_finish(&other);
	tear_down(&f);
}

static void fail_gives_the_verdict_back_and_keeps_the_words(void **state)
{
	struct fixture f;
	char long_text[2000];

	(void)state;
	set_up(&f);
	assert_int_equal(
		(f.host->fail)(&f.call.base, ASB_TERMINAL_ERROR, "no %s for %d", "room", 7),
		ASB_TERMINAL_ERROR);
	assert_string_equal(f.call.failure, "no room for 7");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal((f.host->fail)(&f.call.base, ASB_ERROR, "%s", long_text), ASB_ERROR);
	assert_int_equal(strlen(f.call.failure), sizeof(f.call.failure) - 1);
	tear_down(&f);
}

static void enqueue_asks_for_a_key_later(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.host->enqueue(f.call.base.instance, "n", "now", 0);
	expect_keys(&f.rig, "n/now");
	f.host->enqueue(f.call.base.instance, "n", "later", 5000);
	f.host->enqueue(f.call.base.instance, "n", "never", UINT64_MAX);
	expect_keys(&f.rig, "");
	queue_done(f.rig.controller->queue, queue_get(f.rig.controller->queue), QUEUE_FORGET,
		   SCHED_FOREVER);
	assert_int_equal(sched_now_us(f.rig.sched), 5000000);
	tear_down(&f);
}

static void a_log_line_of_no_level_is_left_out(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.host->log(f.call.base.instance, 0, "%s", "not there");
	f.host->log(f.call.base.instance, 9, "%s", "not there");
	f.host->log(f.call.base.instance, ASB_LOG_DEBUG, "%s", "not there");
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_holds_any_number_of_trees_and_blocks),
		cmocka_unit_test(the_host_says_what_it_is),
		cmocka_unit_test(get_finds_what_is_stored),
		cmocka_unit_test(lists_are_by_rank_then_name_with_a_limit),
		cmocka_unit_test(lists_end_at_1000_unless_told_otherwise),
		cmocka_unit_test(lists_can_leave_out_what_is_reserved),
		cmocka_unit_test(reservations_are_for_one_holder),
		cmocka_unit_test(memory_is_zeroed_and_stays_as_it_was_left),
		cmocka_unit_test(each_key_has_its_own_memory),
		cmocka_unit_test(the_first_call_decides_how_much_up_to_4096_bytes),
		cmocka_unit_test(memory_is_of_an_object_not_of_a_name),
		cmocka_unit_test(memory_in_hand_stays_valid_until_the_call_ends),
		cmocka_unit_test(uids_of_any_length_are_told_apart),
		cmocka_unit_test(forgotten_memory_starts_anew),
		cmocka_unit_test(options_are_the_given_or_the_fallback),
		cmocka_unit_test(the_clock_is_the_wall_in_milliseconds),
		cmocka_unit_test(sha256_is_sha256),
		cmocka_unit_test(metrics_are_those_of_the_table),
		cmocka_unit_test(a_histogram_may_have_its_own_buckets),
		cmocka_unit_test(a_key_is_counted_once_until_its_object_is_gone),
		cmocka_unit_test(fail_gives_the_verdict_back_and_keeps_the_words),
		cmocka_unit_test(enqueue_asks_for_a_key_later),
		cmocka_unit_test(a_log_line_of_no_level_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
