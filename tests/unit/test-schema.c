/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/json.h"
#include "local/schema-pattern.h"
#include "local/schema.h"
#include "tests/unit/types-fixture.h"

#include <agent-sandbox/helpers.h>

static const char schema_text[] =
	"{'type': 'object', 'required': ['spec'], 'properties': {'spec': {'type': 'object', "
	"'properties': {"
	"'n': {'type': 'integer', 'format': 'int32', 'minimum': 0, 'maximum': 10},"
	"'s': {'type': 'string', 'pattern': '^[a-z]+$', 'maxLength': 4},"
	"'e': {'type': 'string', 'enum': ['A', 'B']},"
	"'d': {'type': 'object', 'default': {}, 'properties': {'x': {'type': 'integer', 'default': "
	"5}}},"
	"'free': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': true, "
	"'properties': {'known': {'type': 'object'}}},"
	"'emb': {'type': 'object', 'x-kubernetes-embedded-resource': true, 'properties': {}},"
	"'map': {'type': 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': "
	"['k'], 'items': {'type': 'object', 'required': ['k'], 'properties': {'k': {'type': "
	"'string'}}}},"
	"'nul': {'type': 'string', 'nullable': true},"
	"'ios': {'x-kubernetes-int-or-string': true},"
	"'labels': {'type': 'object', 'additionalProperties': {'type': 'string'}}"
	"}}}}";

static struct schema *compiled(void)
{
	CLEANUP_JSON struct json_object *json = parsed(schema_text);
	struct error error = { 0 };
	struct schema *schema = schema_compile(json, &error);

	assert_non_null(schema);
	assert_true(schema_unchecked_patterns(schema) == 0);
	return schema;
}

/* The text after pruning and defaulting, or the first fault. */
static void expect(const char *spec, const char *wanted)
{
	struct schema *schema = compiled();
	char text[2048];

	snprintf(text, sizeof(text), "{'spec': %s}", spec);
	CLEANUP_JSON struct json_object *object = parsed(text);
	CLEANUP_CAUSES struct causes causes = CAUSES_INIT;

	schema_prune(schema, object, NULL);
	schema_default(schema, object);
	schema_validate(schema, object, &causes);
	assert_string_equal(causes_any(&causes)
				    ? asb_str(json_object_array_get_idx(causes.list, 0), "message")
				    : json_object_to_json_string_ext(asb_at(object, "spec"),
								     JSON_C_TO_STRING_PLAIN),
			    wanted);
	schema_destroy(schema);
}

static void faults_read_as_the_api_server_words_them(void **state)
{
	(void)state;
	expect("{'n': -1}",
	       "Invalid value: -1: spec.n in body should be greater than or equal to 0");
	expect("{'n': 11}", "Invalid value: 11: spec.n in body should be less than or equal to 10");
}

static void types_are_checked(void **state)
{
	(void)state;
	expect("{'s': 5}", "Invalid value: \"integer\": spec.s in body must be of type string: "
			   "\"integer\"");
	expect("{'s': 'abcde'}", "Too long: may not be more than 4 bytes");
	expect("{'s': 'A'}", "Invalid value: \"A\": spec.s in body should match '^[a-z]+$'");
	expect("{'e': 'C'}", "Unsupported value: \"C\": supported values: \"A\", \"B\"");
	expect("{'ios': 1.5}", "Invalid value: \"number\": spec.ios in body must be of type "
			       "integer,string: \"number\"");
	expect("{'emb': {'kind': 'x'}}", "Required value");
	expect("{'map': [{'k': 'a'}, {'k': 'a'}]}", "Duplicate value: {\"k\":\"a\"}");
}

static void defaults_fill_in_and_nulls_go(void **state)
{
	(void)state;
	expect("{}", "{\"d\":{\"x\":5}}");
	expect("{'d': {'x': 1}}", "{\"d\":{\"x\":1}}");
	expect("{'n': null, 'nul': null}", "{\"nul\":null,\"d\":{\"x\":5}}");
}

static void what_is_unknown_is_pruned_and_named(void **state)
{
	struct schema *schema = compiled();
	CLEANUP_JSON struct json_object *object =
		parsed("{'metadata': {'x': 1}, 'more': 1, 'spec': {'zap': 1, 'free': {'any': 1, "
		       "'known': {'not': 1}}, 'map': [{'k': 'a', 'j': 1}], 'labels': {'a': 'b'}}}");
	CLEANUP_JSON struct json_object *unknown = json_object_new_array();

	(void)state;
	schema_prune(schema, object, unknown);
	assert_string_equal(json_object_to_json_string_ext(unknown, JSON_C_TO_STRING_PLAIN),
			    "[\"more\",\"spec.zap\",\"spec.free.known.not\",\"spec.map[0].j\"]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(object, "spec"), JSON_C_TO_STRING_PLAIN),
		"{\"free\":{\"any\":1,\"known\":{}},\"map\":[{\"k\":\"a\"}],\"labels\":{"
		"\"a\":\"b\"}}");
	schema_destroy(schema);
}

static void a_schema_deeper_than_the_limit_is_refused(void **state)
{
	struct json_object *json = json_object_new_object(), *at = json;
	struct error error = { 0 };

	(void)state;
	for (int i = 0; i < SCHEMA_DEPTH_MAX + 1; i++) {
		at = asb_object_in(at, "items");
	}
	assert_null(schema_compile(json, &error));
	assert_true(error.code < 0);
	json_object_put(json);
}

static void patterns_mean_what_they_mean_in_re2(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "^\\d+(\\.\\d+)?$", "12.5", true },
		{ "^\\d+(\\.\\d+)?$", "12.", false },
		{ "^(?:a|b){2}$", "ab", true },
		{ "^(?P<x>a)?$", "", true },
		{ "^[\\w.-]+$", "a_b.c-d", true },
		{ "^[^\\s]+$", "a b", false },
		{ "b", "abc", true },
		{ "^a|c$", "xc", true },
		{ "^[]a^-]+$", "]^-a", true },
		{ "^[\\[\\]]+$", "[]", true },
		{ "^a.c$", "a\nc", false },
		{ "^a+?$", "aaa", true },
		{ "^\\/x\\x41$", "/xA", true },
		{ "^[[:alpha:]]{2,3}$", "abcd", false },
		{ "^{$", "{", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern *pattern = pattern_compile(cases[i].pattern);

		assert_non_null(pattern);
		if (pattern_matches(pattern, cases[i].text) != cases[i].matches) {
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
		}
		pattern_destroy(pattern);
	}
}

static void patterns_that_are_not_known_are_refused(void **state)
{
	static const char *const bad[] = { "(",    ")",      "[a",    "(?i)a",
					   "\\bx", "\\p{L}", "*a",    "(a{100}){100}",
					   "a**",  "[z-a]",  "(?=a)", "(?<!a)" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (pattern_compile(bad[i]) != NULL) {
			fail_msg("'%s' was taken", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_read_as_the_api_server_words_them),
		cmocka_unit_test(types_are_checked),
		cmocka_unit_test(defaults_fill_in_and_nulls_go),
		cmocka_unit_test(what_is_unknown_is_pruned_and_named),
		cmocka_unit_test(a_schema_deeper_than_the_limit_is_refused),
		cmocka_unit_test(patterns_mean_what_they_mean_in_re2),
		cmocka_unit_test(patterns_that_are_not_known_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
