/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/yaml.h: what scalars mean, what is refused and where, and that aliases cannot
 * explode. */
#include "config.h"

#include "base/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"

#define ALL_MAX 100000

static void expect_all(const char *text, const char *wanted)
{
	struct error error = { 0 };
	CLEANUP_BUF struct buf out = BUF_INIT(ALL_MAX);
	CLEANUP_JSON struct json_object *array = yaml_parse_all(text, strlen(text), &error);

	assert_string_equal(error.text, "");
	assert_non_null(array);
	assert_int_equal(json_print(array, &out), 0);
	assert_string_equal(buf_str(&out), wanted);
}

static void expect_error(const char *text, const char *wanted)
{
	struct error error = { 0 };

	assert_null(yaml_parse_all(text, strlen(text), &error));
	assert_int_equal(error.code, -EINVAL);
	if (strstr(error.text, wanted) == NULL) {
		fail_msg("'%s' is not in '%s'", wanted, error.text);
	}
	assert_null(yaml_parse_all(text, strlen(text), NULL));
}

static void plain_scalars_follow_the_json_schema(void **state)
{
	(void)state;
	expect_all("[~, null, true, false, 0, -12, 1.50, -0.5, 1e3]",
		   "[[null,null,true,false,0,-12,1.50,-0.5,1e3]]");
	expect_all("a:\nb:\n-\n", "[{\"a\":null,\"b\":[null]}]");
	expect_all(
		"[Null, yes, No, on, True, 0644, 0x1F, 0o7, +1, 1., .5, .inf, 1_000, 12:30, 1-2, --1, 1e]",
		"[[\"Null\",\"yes\",\"No\",\"on\",\"True\",\"0644\",\"0x1F\",\"0o7\",\"+1\",\"1.\",\".5\",\".inf\",\"1_000\",\"12:30\",\"1-2\",\"--1\",\"1e\"]]");
}

static void quoted_scalars_stay_strings(void **state)
{
	(void)state;
	expect_all("['1', \"true\", 'null', \"\", !!str 5, ! 5]",
		   "[[\"1\",\"true\",\"null\",\"\",\"5\",\"5\"]]");
	expect_all("a: |\n  1\n  x\nb: >-\n  2\n", "[{\"a\":\"1\\nx\\n\",\"b\":\"2\"}]");
	expect_all("\"a\\0b\"", "[\"a\\u0000b\"]");
}

static void integers_that_fit_no_int64_become_doubles(void **state)
{
	(void)state;
	expect_all("[9223372036854775807, -9223372036854775808]",
		   "[[9223372036854775807,-9223372036854775808]]");
	expect_all("[9223372036854775808, -9223372036854775809]",
		   "[[9.2233720368547758e+18,-9.2233720368547758e+18]]");
}

static void numbers_that_no_double_holds_are_refused(void **state)
{
	char text[400];

	(void)state;
	expect_error("a: 1\nb: 1e999", "line 2: a number out of range");
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_error(text, "out of range");
}

static void documents_are_counted_and_empty_ones_left_out(void **state)
{
	struct error error = { 0 };
	CLEANUP_JSON struct json_object *one = yaml_parse("---\n---\na: 1\n...\n", 16, &error);

	(void)state;
	assert_non_null(one);
	expect_all("", "[]");
	expect_all("# nothing\n", "[]");
	expect_all("---\na: 1\n---\n---\n# none\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]");
	assert_null(yaml_parse("", 0, &error));
	assert_string_equal(error.text, "0 YAML documents where one is wanted");
	assert_null(yaml_parse("a\n---\nb\n", 8, &error));
	assert_string_equal(error.text, "2 YAML documents where one is wanted");
}

static void json_is_read_too(void **state)
{
	(void)state;
	expect_all("{\n\t\"a\": \"x\\/\\u00e9\\n\",\n\t\"b\": [1, 2.5, {}],\n\t\"c\": null\n}\n",
		   "[{\"a\":\"x/é\\n\",\"b\":[1,2.5,{}],\"c\":null}]");
}

static void errors_name_the_line(void **state)
{
	(void)state;
	expect_error("a: 1\nb: [\n", "line 3");
	expect_error("a: 1\nb: c: d\n", "line 2");
	expect_error("a: 1\nb: \xff\n", "line 2");
	expect_error("a: 1\nb: 2\n? [x]\n: 1\n", "line 3: a key that is not a string");
}

static void keys_must_be_strings_and_different(void **state)
{
	(void)state;
	expect_error("1: a", "not a string");
	expect_error("true: a", "not a string");
	expect_error("~: a", "not a string");
	expect_error("{a: 1}: b", "not a string");
	expect_error("- &a x\n- *a : 1\n", "not a string");
	expect_error("a: 1\nb: 2\na: 3\n", "line 3: a key that is there twice");
	expect_error("\"a\\0b\": 1", "NUL");
	expect_all("'1': a\n!!str 2: b\n", "[{\"1\":\"a\",\"2\":\"b\"}]");
}

static void merge_keys_and_unknown_tags_are_refused(void **state)
{
	(void)state;
	expect_error("<<: {a: 1}", "merge");
	expect_all("'<<': 1", "[{\"<<\":1}]");
	expect_error("- !!int '5'", "tag");
	expect_error("!thing {a: 1}", "tag");
	expect_error("!!binary QQ==", "tag");
	expect_all("!!map {a: !!seq [1]}", "[{\"a\":[1]}]");
}

static void aliases_are_copies(void **state)
{
	const char *text = "a: &x {b: [1]}\nc: *x\nd: &x 2\ne: *x\n";
	CLEANUP_JSON struct json_object *tree = yaml_parse(text, strlen(text), NULL);
	struct json_object *first = json_object_object_get(tree, "a"),
			   *second = json_object_object_get(tree, "c");

	(void)state;
	assert_non_null(first);
	assert_true(first != second && json_object_equal(first, second));
	expect_all(text, "[{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":2,\"e\":2}]");
	expect_error("a: *x", "not there");
	expect_error("&a [*a]", "not there");
	expect_error("- &a 1\n- &a [*a]\n", "not there");
	expect_error("&a 1\n---\n*a\n", "not there");
}

/* Ten times the one before, nine times over. */
static void billion_laughs_are_refused(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(ALL_MAX);

	(void)state;
	buf_append_str(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++) {
			buf_printf(&text, "%s*a%d", j > 0 ? "," : "", i - 1);
		}
		buf_append_str(&text, "]\n");
	}
	expect_error(buf_str(&text), "too many values");
}

static void long_strings_cannot_be_repeated_without_end(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(200000);

	(void)state;
	buf_append_str(&text, "a: &a '");
	for (int i = 0; i < 100000; i++) {
		buf_append_char(&text, 'x');
	}
	buf_append_str(&text, "'\nb: [");
	for (int i = 0; i < 1000; i++) {
		buf_append_str(&text, "*a, ");
	}
	buf_append_str(&text, "1]\n");
	expect_error(buf_str(&text), "too many values");
}

static void aliases_repeat_within_a_limit_of_their_own(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(200000);

	(void)state;
	buf_append_str(&text, "a: &a [");
	for (int i = 0; i < 1000; i++) {
		buf_append_str(&text, "1, ");
	}
	buf_append_str(&text, "]\nb: [");
	for (int i = 0; i < 150; i++) {
		buf_append_str(&text, "*a, ");
	}
	buf_append_str(&text, "]\n");
	expect_error(buf_str(&text), "aliases repeat too much");
}

static void mappings_count_for_what_they_take(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(2000000);

	(void)state;
	buf_append_str(&text, "[");
	for (int i = 0; i < 300000; i++) {
		buf_append_str(&text, "{},");
	}
	buf_append_str(&text, "]");
	expect_error(buf_str(&text), "too many values");
}

/* libyaml would compare each with all before, and say nothing for minutes. */
static void directives_are_few(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(4000000);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		buf_printf(&text, "%%TAG !a%d! x\n", i);
	}
	buf_append_str(&text, "--- 1\n");
	expect_error(buf_str(&text), "line 17: more than 16 directives");
	expect_all("%YAML 1.1\n%TAG !a! x\n--- 1\n", "[1]");
}

static void depth_has_a_limit(void **state)
{
	char text[2 * YAML_DEPTH_MAX + 3], wanted[sizeof(text) + 2] = "[";

	(void)state;
	memset(text, '[', YAML_DEPTH_MAX);
	memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
	text[2 * YAML_DEPTH_MAX] = '\0';
	strcat(wanted, text);
	strcat(wanted, "]");
	expect_all(text, wanted);
	memset(text, '[', YAML_DEPTH_MAX + 1);
	memset(text + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
	text[2 * YAML_DEPTH_MAX + 2] = '\0';
	expect_error(text, "too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_follow_the_json_schema),
		cmocka_unit_test(quoted_scalars_stay_strings),
		cmocka_unit_test(integers_that_fit_no_int64_become_doubles),
		cmocka_unit_test(numbers_that_no_double_holds_are_refused),
		cmocka_unit_test(documents_are_counted_and_empty_ones_left_out),
		cmocka_unit_test(json_is_read_too),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(keys_must_be_strings_and_different),
		cmocka_unit_test(merge_keys_and_unknown_tags_are_refused),
		cmocka_unit_test(aliases_are_copies),
		cmocka_unit_test(billion_laughs_are_refused),
		cmocka_unit_test(long_strings_cannot_be_repeated_without_end),
		cmocka_unit_test(aliases_repeat_within_a_limit_of_their_own),
		cmocka_unit_test(mappings_count_for_what_they_take),
		cmocka_unit_test(directives_are_few),
		cmocka_unit_test(depth_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
