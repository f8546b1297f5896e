/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/json-scan.h: the right fields, doubt where json-c could see it otherwise, and
 * the same text from both. */
#include "config.h"

#include "base/json-scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"

#define OUT_MAX 100000
#define DOUBT NULL

/* Text to extract from, what both must answer, and what json-c answers where the scan doubts. */
struct example {
	const char *text;
	const char *scanned;
	const char *parsed; /* NULL: the same as scanned */
};

static void check_example(const struct json_fields *fields, const struct example *example)
{
	CLEANUP_BUF struct buf scanned = BUF_INIT(OUT_MAX), parsed = BUF_INIT(OUT_MAX);
	const char *wanted = example->parsed != NULL ? example->parsed : example->scanned;
	int r;

	print_message("%s\n", example->text);
	buf_append_str(&scanned, "before ");
	r = json_scan_extract(fields, example->text, strlen(example->text), &scanned);
	assert_int_equal(r, example->scanned == DOUBT ? -EAGAIN : 0);
	assert_memory_equal(buf_str(&scanned), "before ", 7);
	assert_string_equal(buf_str(&scanned) + 7,
			    example->scanned == DOUBT ? "" : example->scanned);
	r = json_tree_extract(fields, example->text, strlen(example->text), &parsed);
	assert_int_equal(r, wanted == NULL ? -EINVAL : 0);
	assert_string_equal(buf_str(&parsed), wanted == NULL ? "" : wanted);
}

static void check_examples(const struct example *examples, size_t count)
{
	static const char *const paths[] = { "metadata.labels", "metadata.name", "status.phase",
					     "spec", "spec.nodeName" };
	struct json_fields *fields = json_fields_create(paths, ARRAY_LEN(paths));

	for (size_t i = 0; i < count; i++) {
		check_example(fields, &examples[i]);
	}
	json_fields_destroy(fields);
}

static void extract_keeps_the_declared_fields_nested_and_in_order(void **state)
{
	const struct example examples[] = {
		{ "{\"kind\":\"Pod\",\"status\":{\"phase\":\"Running\",\"x\":[{}]},\"metadata\":{\"uid\":\"1\",\"name\":\"a\",\"labels\":{\"b\":\"c\"}}}",
		  "{\"status\":{\"phase\":\"Running\"},\"metadata\":{\"name\":\"a\",\"labels\":{\"b\":\"c\"}}}",
		  NULL },
		{ "{}", "{}", NULL },
		{ "{\"metadata\":{}}", "{}", NULL },
		{ "{\"metadata\":{\"uid\":\"1\"},\"spec\":{}}", "{\"spec\":{}}", NULL },
		{ "{\"metadata\":null,\"status\":[{\"phase\":1}],\"spec\":null}", "{\"spec\":null}",
		  NULL },
		{ "{\"spec\":{\"nodeName\":\"n\",\"x\":1}}",
		  "{\"spec\":{\"nodeName\":\"n\",\"x\":1}}", NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void extract_drops_white_space_outside_of_strings(void **state)
{
	const struct example examples[] = {
		{ " {\n\t\"metadata\" : { \"name\" : \"a b\" , \"labels\" : { \"x\" : [ 1 , 2 ] , \"y\" : { } } }\r\n}\n",
		  "{\"metadata\":{\"name\":\"a b\",\"labels\":{\"x\":[1,2],\"y\":{}}}}", NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void extract_writes_escapes_as_json_c_does(void **state)
{
	const struct example examples[] = {
		{ "{\"spec\":\"{\\\"a\\\":\\\"l\\\\nl\\\"}\\n\\t\\r\\b\\f\"}",
		  "{\"spec\":\"{\\\"a\\\":\\\"l\\\\nl\\\"}\\n\\t\\r\\b\\f\"}", NULL },
		{ "{\"spec\":\"\\u003ca\\u003E\\u0026\\/\"}", "{\"spec\":\"<a>&/\"}", NULL },
		{ "{\"spec\":\"\\u001B\\u000a\\u0022\\u005c\\u007f\"}",
		  "{\"spec\":\"\\u001b\\n\\\"\\\\\x7f\"}", NULL },
		{ "{\"spec\":\"\\u00e9\\u2028é\"}", "{\"spec\":\"é\xe2\x80\xa8é\"}", NULL },
		{ "{\"spec\":\"\\ud83d\\ude00\"}", DOUBT, "{\"spec\":\"\xf0\x9f\x98\x80\"}" },
		{ "{\"spec\":\"\\u0000\"}", DOUBT, "{\"spec\":\"\\u0000\"}" },
		{ "{\"spec\":\"\\x\"}", DOUBT, NULL },
		{ "{\"spec\":\"\\u00g0\"}", DOUBT, NULL },
		{ "{\"spec\":\"a\tb\"}", DOUBT, "{\"spec\":\"a\\tb\"}" },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void extract_doubts_names_it_cannot_be_sure_of(void **state)
{
	const struct example examples[] = {
		{ "{\"sp\\u0065c\":1}", DOUBT, "{\"spec\":1}" },
		{ "{\"spec\":1,\"spec\":2}", DOUBT, "{\"spec\":2}" },
		{ "{\"metadata\":{\"name\":\"a\"},\"metadata\":{\"name\":\"b\"}}", DOUBT,
		  "{\"metadata\":{\"name\":\"b\"}}" },
		{ "{\"spec\":{\"a\":1,\"b\":{\"a\":1},\"a\":2}}", DOUBT,
		  "{\"spec\":{\"a\":2,\"b\":{\"a\":1}}}" },
		{ "{\"spec\":{\"a\":1,\"b\":{\"a\":1}}}", "{\"spec\":{\"a\":1,\"b\":{\"a\":1}}}",
		  NULL },
		{ "{\"spec\":{\"\\u0061\":1}}", DOUBT, "{\"spec\":{\"a\":1}}" },
		{ "{\"spec\":{\"b\":{\"c\":1},\"c\":2}}", "{\"spec\":{\"b\":{\"c\":1},\"c\":2}}",
		  NULL },
		{ "{\"x\":{\"a\":1,\"a\":2},\"x\":3,\"spec\":4}", "{\"spec\":4}", NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void extract_doubts_numbers_that_json_c_prints_differently(void **state)
{
	const struct example examples[] = {
		{ "{\"spec\":[0,-1,1.50,-0.5,123456789012345678]}",
		  "{\"spec\":[0,-1,1.50,-0.5,123456789012345678]}", NULL },
		{ "{\"spec\":-0}", DOUBT, "{\"spec\":0}" },
		{ "{\"spec\":1e3}", DOUBT, "{\"spec\":1e3}" },
		{ "{\"spec\":9223372036854775807}", DOUBT, "{\"spec\":9223372036854775807}" },
		{ "{\"spec\":01}", DOUBT, NULL },
		{ "{\"spec\":1e}", DOUBT, NULL },
		{ "{\"spec\":99999999999999999999}", DOUBT, NULL },
		{ "{\"spec\":NaN}", DOUBT, NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void extract_doubts_broken_text(void **state)
{
	const struct example examples[] = {
		{ "", DOUBT, NULL },
		{ "[1]", DOUBT, NULL },
		{ "{", DOUBT, NULL },
		{ "}", DOUBT, NULL },
		{ "{\"spec\":1", DOUBT, NULL },
		{ "{\"spec\":}", DOUBT, NULL },
		{ "{\"spec\":1,}", DOUBT, NULL },
		{ "{\"spec\":[1,]}", DOUBT, NULL },
		{ "{\"spec\":{\"a\"}}", DOUBT, NULL },
		{ "{\"spec\":truex}", DOUBT, NULL },
		{ "{\"spec\":1}{}", DOUBT, NULL },
		{ "{\"spec\":1} x}", DOUBT, NULL },
		{ "{\"x\":[}],\"spec\":1}", DOUBT, NULL },
		{ "{\"x\":[{]},\"spec\":1}", DOUBT, NULL },
		{ "{\"x\":{},,\"spec\":1}", DOUBT, NULL },
		{ "{\"x\":\"}", DOUBT, NULL },
		{ "{\"x\":\"\\\"}", DOUBT, NULL },
		{ "{\"x\":{}", DOUBT, NULL },
		{ "{\"x\":[{}}", DOUBT, NULL },
		{ "{\"x\" 1}", DOUBT, NULL },
		{ "{x:1}", DOUBT, NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

/* json-c takes single quotes around names, within which '"' is an ordinary byte. */
static void extract_is_not_led_astray_by_single_quotes(void **state)
{
	const struct example examples[] = {
		{ "{\"x\":{'\"':1},\"spec\":\"A\",\"y\":{'\"':2}}", DOUBT, NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

static void brackets_and_quotes_in_skipped_strings_do_not_count(void **state)
{
	const struct example examples[] = {
		{ "{\"x\":[\"]}\",{\"a\\\\\":\"\\\"}\"}],\"spec\":1}", "{\"spec\":1}", NULL },
	};

	(void)state;
	check_examples(examples, ARRAY_LEN(examples));
}

/* Strings of all lengths, so that what ends them falls on every place in a word. */
static void extract_works_at_every_alignment(void **state)
{
	char text[200], wanted[200];
	const char *paths[] = { "a" };
	struct json_fields *fields = json_fields_create(paths, 1);

	(void)state;
	for (int skipped = 0; skipped < 40; skipped++) {
		for (int copied = 0; copied < 40; copied++) {
			CLEANUP_BUF struct buf out = BUF_INIT(OUT_MAX);

			snprintf(text, sizeof(text), "{\"x\":\"%*s\\\"\",\"a\":\"%*s\\u003c\"}",
				 skipped, "", copied, "");
			snprintf(wanted, sizeof(wanted), "{\"a\":\"%*s<\"}", copied, "");
			assert_int_equal(json_scan_extract(fields, text, strlen(text), &out), 0);
			assert_string_equal(buf_str(&out), wanted);
		}
	}
	json_fields_destroy(fields);
}

static void nest(struct buf *text, const char *name, size_t depth)
{
	buf_clear(text);
	buf_printf(text, "{\"%s\":", name);
	for (size_t i = 0; i < depth; i++) {
		buf_append_char(text, '[');
	}
	buf_append_char(text, '1');
	for (size_t i = 0; i < depth; i++) {
		buf_append_char(text, ']');
	}
	buf_append_char(text, '}');
}

static void depth_limit_is_that_of_json_c(void **state)
{
	const char *paths[] = { "a" }, *names[] = { "a", "x" };
	struct json_fields *fields = json_fields_create(paths, 1);

	(void)state;
	for (size_t depth = 120; depth < 140; depth++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			CLEANUP_BUF struct buf text = BUF_INIT(OUT_MAX),
					       scanned = BUF_INIT(OUT_MAX),
					       parsed = BUF_INIT(OUT_MAX);
			int scan, tree;

			nest(&text, names[i], depth);
			scan = json_scan_extract(fields, buf_str(&text), text.length, &scanned);
			tree = json_tree_extract(fields, buf_str(&text), text.length, &parsed);
			assert_int_equal(scan, depth + 1 < JSON_DEPTH_MAX ? 0 : -EAGAIN);
			assert_int_equal(tree, depth + 1 < JSON_DEPTH_MAX ? 0 : -EINVAL);
			assert_string_equal(buf_str(&scanned), buf_str(&parsed));
		}
	}
	json_fields_destroy(fields);
}

static void many_members_are_left_to_json_c(void **state)
{
	const char *paths[] = { "a" };
	struct json_fields *fields = json_fields_create(paths, 1);
	CLEANUP_BUF struct buf text = BUF_INIT(OUT_MAX), scanned = BUF_INIT(OUT_MAX),
			       parsed = BUF_INIT(OUT_MAX);

	(void)state;
	buf_append_str(&text, "{\"a\":{\"n\":0");
	for (int i = 0; i < 2000; i++) {
		buf_printf(&text, ",\"n%d\":%d", i, i);
	}
	buf_append_str(&text, "}}");
	assert_int_equal(json_scan_extract(fields, buf_str(&text), text.length, &scanned), -EAGAIN);
	assert_int_equal(json_tree_extract(fields, buf_str(&text), text.length, &parsed), 0);
	assert_string_equal(buf_str(&parsed), buf_str(&text));
	json_fields_destroy(fields);
}

static void full_buffer_is_reported_and_left_as_it_was(void **state)
{
	const char *paths[] = { "a" }, *text = "{\"a\":\"0123456789\"}";
	struct json_fields *fields = json_fields_create(paths, 1);
	CLEANUP_BUF struct buf scanned = BUF_INIT(15), parsed = BUF_INIT(15);

	(void)state;
	buf_append_str(&scanned, "x");
	buf_append_str(&parsed, "x");
	assert_int_equal(json_scan_extract(fields, text, strlen(text), &scanned), -ENOSPC);
	assert_int_equal(json_tree_extract(fields, text, strlen(text), &parsed), -ENOSPC);
	assert_string_equal(buf_str(&scanned), "x");
	assert_string_equal(buf_str(&parsed), "x");
	json_fields_destroy(fields);
}

static void paths_under_other_paths_add_nothing(void **state)
{
	const char *paths[] = { "a.b.c", "a", "a.d", "e.f", "e.f" };
	struct json_fields *fields = json_fields_create(paths, ARRAY_LEN(paths));
	const struct example example = {
		"{\"e\":{\"f\":1,\"g\":2},\"a\":{\"x\":1,\"b\":{\"c\":2}}}",
		"{\"e\":{\"f\":1},\"a\":{\"x\":1,\"b\":{\"c\":2}}}", NULL
	};

	(void)state;
	check_example(fields, &example);
	json_fields_destroy(fields);
	json_fields_destroy(NULL);
}

static void no_paths_give_an_empty_object(void **state)
{
	struct json_fields *fields = json_fields_create(NULL, 0);
	const struct example example = { "{\"a\":[{\"b\":\"]\"}],\"c\":-1.5e3}", "{}", NULL };

	(void)state;
	check_example(fields, &example);
	json_fields_destroy(fields);
}

/* ---- members ---- */

static void members_are_found_at_the_top_only(void **state)
{
	const char *text =
		" { \"type\" : \"ADDED\" , \"object\" : {\"type\":1,\"object\":[\"}\"]} , \"n\":-1.5e3 } \n";
	const char *const names[] = { "object", "type", "none", "n" };
	struct json_span spans[4];
	const char *inside;
	size_t length;

	(void)state;
	assert_int_equal(json_scan_members(text, strlen(text), names, 4, spans), 0);
	assert_int_equal(spans[0].length, strlen("{\"type\":1,\"object\":[\"}\"]}"));
	assert_memory_equal(spans[0].start, "{\"type\":1,\"object\":[\"}\"]}", spans[0].length);
	assert_int_equal(spans[1].length, 7);
	assert_true(json_span_text(&spans[1], &inside, &length));
	assert_int_equal(length, 5);
	assert_memory_equal(inside, "ADDED", 5);
	assert_null(spans[2].start);
	assert_false(json_span_text(&spans[2], &inside, &length));
	assert_int_equal(spans[3].length, 6);
	assert_false(json_span_text(&spans[3], &inside, &length));
}

static void members_are_doubted_where_json_c_might_differ(void **state)
{
	const char *const texts[] = { "{\"a\":1,\"a\":2}", "{\"\\u0061\":1}", "{\"a\":1",
				      "[{\"a\":1}]",       "{\"a\":}",        "{\"a\":1}}",
				      "{'a':1}",           "{\"a\":[}",       "{\"a\":1,}" };
	const char *const names[] = { "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct json_span span = { 0 };

		assert_int_equal(json_scan_members(texts[i], strlen(texts[i]), names, 1, &span),
				 -EAGAIN);
		assert_null(span.start);
	}
}

static void span_with_an_escape_is_no_plain_text(void **state)
{
	const char *text = "{\"a\":\"x\\n\",\"b\":\"\"}";
	const char *const names[] = { "a", "b" };
	struct json_span spans[2];
	const char *inside;
	size_t length;

	(void)state;
	assert_int_equal(json_scan_members(text, strlen(text), names, 2, spans), 0);
	assert_false(json_span_text(&spans[0], &inside, &length));
	assert_true(json_span_text(&spans[1], &inside, &length));
	assert_int_equal(length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extract_keeps_the_declared_fields_nested_and_in_order),
		cmocka_unit_test(extract_drops_white_space_outside_of_strings),
		cmocka_unit_test(extract_writes_escapes_as_json_c_does),
		cmocka_unit_test(extract_doubts_names_it_cannot_be_sure_of),
		cmocka_unit_test(extract_doubts_numbers_that_json_c_prints_differently),
		cmocka_unit_test(extract_doubts_broken_text),
		cmocka_unit_test(extract_is_not_led_astray_by_single_quotes),
		cmocka_unit_test(brackets_and_quotes_in_skipped_strings_do_not_count),
		cmocka_unit_test(extract_works_at_every_alignment),
		cmocka_unit_test(depth_limit_is_that_of_json_c),
		cmocka_unit_test(many_members_are_left_to_json_c),
		cmocka_unit_test(full_buffer_is_reported_and_left_as_it_was),
		cmocka_unit_test(paths_under_other_paths_add_nothing),
		cmocka_unit_test(no_paths_give_an_empty_object),
		cmocka_unit_test(members_are_found_at_the_top_only),
		cmocka_unit_test(members_are_doubted_where_json_c_might_differ),
		cmocka_unit_test(span_with_an_escape_is_no_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
