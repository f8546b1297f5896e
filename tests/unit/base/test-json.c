/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/json.h: one document, strictly, within limits, and nothing changed silently. */
#include "config.h"

#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

static void expect_text(const char *text, const char *wanted)
{
	struct error error = { 0 };
	CLEANUP_BUF struct buf out = BUF_INIT(10000);
	CLEANUP_JSON struct json_object *value = json_parse(text, strlen(text), &error);

	assert_string_equal(error.text, "");
	assert_non_null(value);
	assert_int_equal(json_print(value, &out), 0);
	assert_string_equal(buf_str(&out), wanted);
}

static void expect_error(const char *text, const char *wanted)
{
	struct error error = { 0 };

	assert_null(json_parse(text, strlen(text), &error));
	assert_int_equal(error.code, -EINVAL);
	assert_non_null(strstr(error.text, wanted));
	assert_null(json_parse(text, strlen(text), NULL));
}

static void json_prints_what_it_parsed(void **state)
{
	(void)state;
	expect_text(" {\"a\" : [1, 2.50, true, null, \"x/y\\u003c\\n\"]}\n",
		    "{\"a\":[1,2.50,true,null,\"x/y<\\n\"]}");
	expect_text("12", "12");
	expect_text("\"text\"", "\"text\"");
	expect_text("-9223372036854775807", "-9223372036854775807");
}

static void json_keeps_the_last_of_duplicate_members(void **state)
{
	(void)state;
	expect_text("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
}

static void json_refuses_what_is_not_exactly_one_document(void **state)
{
	(void)state;
	expect_error("", "too early");
	expect_error("  ", "too early");
	expect_error("{\"a\":1", "too early");
	expect_error("\"abc", "too early");
	expect_error("{}{}", "byte 2");
	expect_error("[1,]", "byte 3");
	expect_error("[1] x", "byte 4");
	expect_error("nul", "null");
	expect_error("null", "null");
	expect_error("/* */ {}", "byte 0");
}

static void json_refuses_a_nul_after_the_document(void **state)
{
	(void)state;
	assert_null(json_parse("{}\0{}", 5, NULL));
	assert_null(json_parse("{}", 3, NULL));
}

static void json_refuses_single_quotes(void **state UNUSED)
{
	static const char *const bad[] = { "{'a':1}", "{\"a\":1,'b':2}", "['a']", "'a'",
					   "{\"\\\"\":{'b':1}}" };
	static const char *const good[] = { "{\"a'b\":\"it's\"}", "[\"\\\"'\"]",
					    "{\"a\\\\\":\"'\"}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error error;

		assert_null(json_parse(bad[i], strlen(bad[i]), &error));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct json_object *value = json_parse(good[i], strlen(good[i]), NULL);

		assert_non_null(value);
		json_object_put(value);
	}
}

static void json_refuses_names_with_a_nul(void **state UNUSED)
{
	static const char *const bad[] = { "{\"a\\u0000\":1}",
					   "{\"b\":[{\"\\\\\\u0000x\" \t: {}}]}",
					   "{\"a\":\"\\u0000\",\"\\u0000\":1}" };
	static const char *const good[] = { "{\"a\":\"\\u0000\"}", "{\"\\\\u0000\":1}",
					    "[\"\\u0000\",\"x\"]", "\"\\u0000\" " };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error error;

		assert_null(json_parse(bad[i], strlen(bad[i]), &error));
		assert_non_null(strstr(error.text, "NUL"));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct json_object *value = json_parse(good[i], strlen(good[i]), NULL);

		assert_non_null(value);
		json_object_put(value);
	}
}

#define LONG_BYTES (8u << 20)
#define SPACE_OF_SANITIZERS ((rlim_t)1 << 40) /* they reserve more, and no limit holds them */

/* The bytes of the address space. */
static rlim_t space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Leaves room for no more than a few bytes beside what is there. */
static void allow_no_more(void)
{
	rlim_t most = space() + LONG_BYTES / 4;

	if (setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }) < 0) {
		_exit(2);
	}
}

/* 0: it says that memory has run out; 1: it parsed something else than the text. */
static int parse_without_memory(const char *text, size_t length)
{
	struct error error = { 0 };

	allow_no_more();

	struct json_object *value = json_parse(text, length, &error);

	return value == NULL && error.code == -ENOMEM ? 0 : 1;
}

static int print_without_memory(struct json_object *value)
{
	struct buf out = BUF_INIT(2 * LONG_BYTES);

	allow_no_more();
	return json_print(value, &out) < 0 && out.failed ? 0 : 1;
}

static int status_of(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void json_leaves_nothing_out_when_memory_runs_out(void **state UNUSED)
{
	if (space() > SPACE_OF_SANITIZERS) {
		skip();
	}

	char *text = malloc(LONG_BYTES);

	assert_non_null(text);
	memset(text, 'x', LONG_BYTES);
	memcpy(text, "{\"a\":\"", strlen("{\"a\":\""));
	memcpy(text + LONG_BYTES - 2, "\"}", 2);

	pid_t child = fork();

	if (child == 0) {
		_exit(parse_without_memory(text, LONG_BYTES));
	}
	assert_int_equal(status_of(child), 0);

	struct json_object *value = json_parse(text, LONG_BYTES, NULL);

	assert_non_null(value);
	child = fork();
	if (child == 0) {
		_exit(print_without_memory(value));
	}
	assert_int_equal(status_of(child), 0);
	json_object_put(value);
	free(text);
}

static void json_refuses_numbers_that_would_be_changed(void **state)
{
	(void)state;
	expect_error("{\"a\":[99999999999999999999]}", "out of range");
	expect_error("[-99999999999999999999]", "out of range");
	expect_error("[1e999]", "out of range");
	expect_error("[NaN]", "out of range");
	expect_error("{\"a\":-Infinity}", "out of range");
	expect_error("[1.]", "number");
	expect_error("[-.5]", "number");
	expect_error("[00.5]", "number");
	expect_text("[0.5,-0.5,10.5,1.5e+3,1e5]", "[0.5,-0.5,10.5,1.5e+3,1e5]");
	expect_text("[18446744073709551614]", "[18446744073709551614]");
}

static void nest(char *text, size_t depth)
{
	memset(text, '[', depth);
	text[depth] = '1';
	memset(text + depth + 1, ']', depth);
	text[2 * depth + 1] = '\0';
}

static void json_takes_what_schemas_nest_and_has_a_limit(void **state)
{
	char text[500];

	(void)state;
	nest(text, JSON_DEPTH_MAX - 1);
	expect_text(text, text);
	nest(text, JSON_DEPTH_MAX + 1);
	expect_error(text, "nesting");
}

static void json_print_reports_a_full_buffer(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(5);
	CLEANUP_JSON struct json_object *value = json_parse("[1,2,3]", 7, NULL);

	(void)state;
	assert_int_equal(json_print(value, &out), -ENOSPC);
}

static void json_print_of_no_value_is_null(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(5);

	(void)state;
	assert_int_equal(json_print(NULL, &out), 0);
	assert_string_equal(buf_str(&out), "null");
}

static bool same(const char *one, const char *two)
{
	CLEANUP_JSON struct json_object *a = json_parse(one, strlen(one), NULL);
	CLEANUP_JSON struct json_object *b = json_parse(two, strlen(two), NULL);

	assert_true(json_same(a, b) == json_same(b, a));
	return json_same(a, b);
}

static void a_member_that_is_null_is_none(void **state)
{
	(void)state;
	assert_true(same("{\"a\":[{\"b\":1,\"c\":null}]}", "{\"a\":[{\"b\":1}]}"));
	assert_true(same("{\"a\":null}", "{\"b\":null}"));
	assert_true(same("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"));
	assert_true(same("null", "null"));
	assert_false(same("{\"a\":null}", "{\"a\":{}}"));
	assert_false(same("{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":2}"));
	assert_false(same("{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"y\"}}"));
	assert_false(same("[null,1]", "[1]"));
	assert_false(same("[1,2]", "[2,1]"));
	assert_false(same("{}", "[]"));
	assert_false(same("1", "\"1\""));
}

static void a_text_of_empty_objects_is_refused(void **state)
{
	static const size_t counts[] = { 100000, 1000000 };
	struct error error = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP_BUF struct buf text = BUF_INIT(16000000);
		CLEANUP_JSON struct json_object *tree = NULL;

		buf_append_char(&text, '[');
		for (size_t j = 0; j < counts[i]; j++) {
			buf_append_str(&text, "{},");
		}
		/* What stands in a string is none. */
		buf_append_str(&text, "\"\\\"[[[[[\"]");
		tree = json_parse(buf_str(&text), text.length, &error);
		assert_true((tree != NULL) == (i == 0));
	}
	assert_non_null(strstr(error.text, "too many objects"));
}

static void a_nul_is_found_wherever_it_is(void **state)
{
	static const struct {
		const char *text;
		bool any;
	} cases[] = {
		{ "\"a\"", false },
		{ "\"\\u0000\"", true },
		{ "\"a\\u0000\"", true },
		{ "[1,[\"a\"],null,{\"b\":\"\"}]", false },
		{ "[1,[\"a\"],null,{\"b\":[\"x\\u0000y\"]}]", true },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_JSON struct json_object *tree =
			json_parse(cases[i].text, strlen(cases[i].text), NULL);

		assert_non_null(tree);
		assert_true(json_any_nul(tree) == cases[i].any);
	}
}

static void a_text_is_compared_whole(void **state)
{
	CLEANUP_JSON struct json_object *whole = json_object_new_string_len("abc", 3);
	CLEANUP_JSON struct json_object *longer = json_object_new_string_len("abc\0d", 5);
	CLEANUP_JSON struct json_object *nul = json_object_new_string_len("", 1);
	CLEANUP_JSON struct json_object *number = json_object_new_int(1);
	(void)state;

	assert_true(json_is_text(whole, "abc"));
	assert_false(json_has_nul(whole));
	assert_false(json_is_text(longer, "abc"));
	assert_true(json_has_nul(longer));
	assert_false(json_is_text(nul, ""));
	assert_true(json_has_nul(nul));
	assert_false(json_is_text(number, "1"));
	assert_false(json_has_nul(number));
	assert_false(json_is_text(NULL, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_of_empty_objects_is_refused),
		cmocka_unit_test(json_prints_what_it_parsed),
		cmocka_unit_test(json_keeps_the_last_of_duplicate_members),
		cmocka_unit_test(json_refuses_what_is_not_exactly_one_document),
		cmocka_unit_test(json_refuses_a_nul_after_the_document),
		cmocka_unit_test(json_refuses_single_quotes),
		cmocka_unit_test(json_refuses_names_with_a_nul),
		cmocka_unit_test(json_leaves_nothing_out_when_memory_runs_out),
		cmocka_unit_test(json_refuses_numbers_that_would_be_changed),
		cmocka_unit_test(json_takes_what_schemas_nest_and_has_a_limit),
		cmocka_unit_test(json_print_reports_a_full_buffer),
		cmocka_unit_test(json_print_of_no_value_is_null),
		cmocka_unit_test(a_member_that_is_null_is_none),
		cmocka_unit_test(a_nul_is_found_wherever_it_is),
		cmocka_unit_test(a_text_is_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
