/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/http/json-body: what fits a model, and what is said of what does not. */
#include "config.h"

#include "runtime/http/json-body.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/json/string.h"

enum { COMMAND, TIMEOUT, FIELDS };

static const struct json_field_rule rules[FIELDS] = {
	[COMMAND] = { "command", JSON_FIELD_TEXT, true },
	[TIMEOUT] = { "timeout", JSON_FIELD_POSITIVE, false },
};

static void expect_command(const char *body, const char *command, size_t length)
{
	CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
	struct json_value values[FIELDS];
	unsigned int status;

	assert_true(json_body_parse(body, strlen(body), rules, FIELDS, values, &status, &out));
	assert_int_equal(values[COMMAND].length, length);
	assert_memory_equal(values[COMMAND].text, command, length);
	json_body_finish(values, FIELDS);
}

static void expect_refusal(const char *body, unsigned int wanted, const char *says)
{
	CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
	struct json_value values[FIELDS];
	unsigned int status;

	assert_false(json_body_parse(body, strlen(body), rules, FIELDS, values, &status, &out));
	assert_int_equal(status, wanted);
	assert_non_null(strstr(buf_str(&out), says));
	json_body_finish(values, FIELDS);
}

static void texts_come_as_they_are_meant(void **state)
{
	(void)state;
	expect_command("{\"command\":\"echo x\"}", "echo x", 6);
	expect_command("{\"command\":\"\"}", "", 0);
	expect_command("{\"command\":\"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\"}",
		       "a\"\\/\n\xc3\xa9\xf0\x9f\x98\x80", 11);
	expect_command("{\"command\":\"\\ud836\\udcaf\"}", "\xf0\x9d\xa2\xaf", 4);
	expect_command("{\"command\":\"\xc3\xa9\"}", "\xc3\xa9", 2);
	expect_command("{\"command\":\"a\\u0000b\"}", "a\0b", 3);
	expect_command("{\"command\":\"one\",\"x\":[{}],\"command\":\"two\"}", "two", 3);
}

static void half_a_character_is_noticed(void **state)
{
	static const struct {
		const char *body;
		bool half;
	} cases[] = {
		{ "{\"command\":\"\\ud800\"}", true },
		{ "{\"command\":\"\\udc00\\ud800\"}", true },
		{ "{\"command\":\"\\ud800x\"}", true },
		{ "{\"command\":\"\\ud83d\\ude00\"}", false },
		{ "{\"command\":\"\\\\ud800\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
		struct json_value values[FIELDS];
		unsigned int status;

		assert_true(json_body_parse(cases[i].body, strlen(cases[i].body), rules, FIELDS,
					    values, &status, &out));
		assert_int_equal(values[COMMAND].surrogate, cases[i].half);
		json_body_finish(values, FIELDS);
	}
}

/* json-c is right about escapes, only slower: every code unit that is a character, with the plain
 * escapes and other text around it. Of U+nD800 to U+nDFFF it takes the pair for half of one. */
static void strings_are_decoded_as_json_c_does(void **state)
{
	static const char *const around[] = { "\\n",      "\\\"", "\\\\",        "a",
					      "\xc3\xa9", "\\/",  "\\b\\f\\r\\t" };

	(void)state;
	for (unsigned int code = 1; code < 0x110000; code += code < 0x10000 ? 1 : 251) {
		struct json_object *value;
		char text[64], *decoded;
		size_t length;
		bool half = false;

		if ((code & 0xf800) == 0xd800) {
			continue;
		}
		if (code < 0x10000) {
			snprintf(text, sizeof(text), "\"%s\\u%04x%s\"", around[code % 7], code,
				 around[code % 5]);
		} else {
			snprintf(text, sizeof(text), "\"%s\\u%04X\\u%04x\"", around[code % 7],
				 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
		}
		value = json_tokener_parse(text);
		assert_non_null(value);
		decoded = json_string_decode((struct json_piece){ text, strlen(text) }, &length,
					     &half);
		assert_int_equal(length, json_object_get_string_len(value));
		assert_memory_equal(decoded, json_object_get_string(value), length + 1);
		assert_false(half);
		free(decoded);
		json_object_put(value);
	}
}

static void what_does_not_fit_is_told(void **state)
{
	(void)state;
	expect_refusal("", 422, "\"missing\",\"loc\":[\"body\"]");
	expect_refusal("{}", 422, "\"missing\",\"loc\":[\"body\",\"command\"]");
	expect_refusal("[]", 422, "model_attributes_type");
	expect_refusal("{\"command\":null}", 422, "string_type");
	expect_refusal("{\"command\":\"x\",\"timeout\":0}", 422, "greater_than");
	expect_refusal("{\"command\":\"x\",\"timeout\":1.5}", 422, "int_from_float");
	expect_refusal("{\"command\":1,\"timeout\":{}}", 422, "int_type"); /* both are told */
	expect_refusal("{\"command\":1,\"timeout\":{}}", 422, "string_type");
	expect_refusal("{\"command\":\"x\"", 422, "json_invalid");
	expect_refusal("{\"command\":\"\xff\"}", 400, "There was an error parsing the body");
}

/* Eight bytes are looked at at once: a byte that is none must be found wherever it stands. */
static void bytes_that_are_no_utf8_are_found_anywhere(void **state)
{
	char body[] = "{\"command\":\"0123456789abcdefghijklmnopqrstuvwxyz\"}";

	(void)state;
	for (size_t i = 12; i + 3 < sizeof(body); i++) {
		char kept = body[i];

		body[i] = (char)0x80;
		expect_refusal(body, 400, "There was an error parsing the body");
		body[i] = kept;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_come_as_they_are_meant),
		cmocka_unit_test(half_a_character_is_noticed),
		cmocka_unit_test(strings_are_decoded_as_json_c_does),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(bytes_that_are_no_utf8_are_found_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
