/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/output, runtime/json/utf8, runtime/exec/events: bytes of commands on their way to clients. */
#include "config.h"

#include "runtime/exec/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/exec/events.h"

#define ALL (1u << 20)

/* Adds the text a byte at a time, and reads it in small reads. */
static void expect_json(const char *text, size_t length, const char *json)
{
	struct output_budget budget;
	struct output output;
	char data[40];
	size_t made;
	struct buf all = BUF_INIT(ALL);

	atomic_init(&budget.left, ALL);
	output_init(&output, ALL, &budget);
	for (size_t i = 0; i < length; i++) {
		output_add(&output, text + i, 1);
	}
	while ((made = output_read_json(&output, data, sizeof(data))) > 0) {
		buf_append(&all, data, made);
	}
	assert_string_equal(buf_str(&all), json);
	assert_int_equal(atomic_load(&budget.left), ALL);
	buf_finish(&all);
	output_finish(&output);
}

static void output_replaces_each_maximal_part(void **state)
{
	(void)state;
	expect_json("a\xff"
		    "b",
		    3,
		    "a\xef\xbf\xbd"
		    "b");
	expect_json("\xe2\x82", 2, "\xef\xbf\xbd");
	expect_json("\xe2\x82"
		    "a",
		    3,
		    "\xef\xbf\xbd"
		    "a");
	expect_json("\xe2\x82\xc3\xa9", 4, "\xef\xbf\xbd\xc3\xa9");
	expect_json("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_json("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	expect_json("\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
	expect_json("\xf0\x9f\x98\xf0\x9f", 5, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void output_escapes_what_json_must(void **state)
{
	(void)state;
	expect_json("\"\\/\b\f\n\r\t\0\x1b\x7f", 11, "\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001b\x7f");
}

static void output_keeps_to_its_limit_and_the_budget(void **state)
{
	struct output_budget budget;
	struct output one, two;
	static char data[8192];

	(void)state;
	atomic_init(&budget.left, 10000);
	output_init(&one, 100, &budget);
	output_add(&one, data, 101);
	assert_int_equal(one.length, 100);
	assert_true(one.truncated);
	output_init(&two, ALL, &budget);
	output_add(&two, data, sizeof(data));
	assert_false(two.truncated);
	output_add(&two, data, sizeof(data));
	assert_true(two.truncated);
	output_finish(&one);
	output_finish(&two);
	assert_int_equal(atomic_load(&budget.left), 10000);
}

static void expect_events(const char *text, bool flush, const char *events)
{
	struct event_lines lines;
	struct buf out = BUF_INIT(ALL);

	event_lines_init(&lines);
	event_lines_add(&lines, "o", text, strlen(text), &out);
	if (flush) {
		event_lines_flush(&lines, "o", false, &out);
		event_lines_add(&lines, "o", "\nz\n", 3, &out);
	}
	event_lines_flush(&lines, "o", true, &out);
	assert_string_equal(buf_str(&out), events);
	event_lines_finish(&lines);
	buf_finish(&out);
}

static void events_are_lines(void **state)
{
	(void)state;
	expect_events("a\n\nb", false,
		      "event: o\ndata: a\n\nevent: o\ndata: \n\nevent: o\ndata: b\n\n");
	expect_events("a\r\nb\rc\n", false, "event: o\ndata: a\n\nevent: o\ndata: b\ndata: c\n\n");
	expect_events("\xe2\x82", false, "event: o\ndata: \xef\xbf\xbd\n\n");
	expect_events("a", true, "event: o\ndata: a\n\nevent: o\ndata: z\n\n");
	expect_events("a\r", true, "event: o\ndata: a\n\nevent: o\ndata: z\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_replaces_each_maximal_part),
		cmocka_unit_test(output_escapes_what_json_must),
		cmocka_unit_test(output_keeps_to_its_limit_and_the_budget),
		cmocka_unit_test(events_are_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
