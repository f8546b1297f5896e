/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "apiserver/schema/schema.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/schema/pattern.h"
#include "base/json.h"
#include "tests/unit/apiserver/types-fixture.h"

static const char schema_text[] =
	"{'type': 'object', 'required': ['spec'], 'properties': {'spec': {'type': 'object', 'properties': {'n': {'type': 'integer', 'format': 'int32', 'minimum': 0, 'maximum': 10},"
	"'s': {'type': 'string', 'pattern': '^[a-z]+$', 'maxLength': 4},'e': {'type': 'string', 'enum': ['A', 'B']},'d': {'type': 'object', 'default': {}, 'properties': {'x': {'type': 'integer', 'default': 5}}},"
	"'free': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': true, 'properties': {'known': {'type': 'object'}}},'emb': {'type': 'object', 'x-kubernetes-embedded-resource': true, 'properties': {}},"
	"'map': {'type': 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], 'items': {'type': 'object', 'required': ['k'], 'properties': {'k': {'type': 'string'}}}},"
	"'nul': {'type': 'string', 'nullable': true},'ios': {'x-kubernetes-int-or-string': true},'labels': {'type': 'object', 'additionalProperties': {'type': 'string'}}}}}}";

static struct schema *compiled(void)
{
	CLEANUP_JSON struct json_object *json = parsed(schema_text);
	struct error error = { 0 };
	struct schema *schema = schema_compile(json, &error);

	assert_non_null(schema);
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
	struct effort effort = { 0 };

	schema_prune(schema, object, NULL);
	schema_default(schema, object, &effort);
	schema_validate(schema, object, &causes, &effort);
	assert_null(effort_refusal(&effort));
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
	expect("{'s': 5}",
	       "Invalid value: \"integer\": spec.s in body must be of type string: \"integer\"");
	expect("{'s': 'abcde'}", "Too long: may not be more than 4 bytes");
	expect("{'s': 'A'}", "Invalid value: \"A\": spec.s in body should match '^[a-z]+$'");
	expect("{'e': 'C'}", "Unsupported value: \"C\": supported values: \"A\", \"B\"");
	expect("{'ios': 1.5}",
	       "Invalid value: \"number\": spec.ios in body must be of type integer,string: \"number\"");
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
	CLEANUP_JSON struct json_object *object = parsed(
		"{'metadata': {'x': 1}, 'more': 1, 'spec': {'zap': 1, 'free': {'any': 1, 'known': {'not': 1}}, 'map': [{'k': 'a', 'j': 1}], 'labels': {'a': 'b'}}}");
	CLEANUP_JSON struct json_object *unknown = json_object_new_array();

	(void)state;
	schema_prune(schema, object, unknown);
	assert_string_equal(json_object_to_json_string_ext(unknown, JSON_C_TO_STRING_PLAIN),
			    "[\"more\",\"spec.zap\",\"spec.free.known.not\",\"spec.map[0].j\"]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(object, "spec"), JSON_C_TO_STRING_PLAIN),
		"{\"free\":{\"any\":1,\"known\":{}},\"map\":[{\"k\":\"a\"}],\"labels\":{\"a\":\"b\"}}");
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
		{ "^(?<x>a)(?<y>b)$", "ab", true },
		{ "^[(?<x>]+\\(?<$", "(?<x>(<", true },
		{ "^\\Q(?<x>\\E$", "(?<x>", true },
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
		{ "(?i)^A$", "a", true },
		{ "\\bx\\b", "a x b", true },
		{ "^\\p{Greek}{3}$", "\316\261\316\262\316\263", true },
		{ "^.{3}$", "\316\261\316\262\316\263", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern *pattern =
			pattern_create(cases[i].pattern, strlen(cases[i].pattern));
		char reason[PATTERN_REASON_MAX] = "";

		if (pattern_check(pattern, reason) == 0) {
			fail_msg("'%s': %s", cases[i].pattern, reason);
		}
		if (pattern_matches(pattern, cases[i].text, strlen(cases[i].text)) !=
		    cases[i].matches) {
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
		}
		assert_int_equal(pattern_cost(pattern), pattern_check(pattern, reason));
		pattern_destroy(pattern);
	}
}

/* With the reasons of Go, whose expressions the API server reads. */
static void what_is_no_pattern_is_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "(", "missing closing ): `(`" },
		{ ")", "unexpected ): `)`" },
		{ "[a", "missing closing ]: `[a`" },
		{ "*a", "missing argument to repetition operator: `*`" },
		{ "(a{100}){100}", "invalid repeat count: `{100}`" },
		{ "a{1001}", "invalid repeat count: `{1001}`" },
		{ "a**", "invalid nested repetition operator: `**`" },
		{ "[z-a]", "invalid character class range: `z-a`" },
		{ "(?=a)", "invalid or unsupported Perl syntax: `(?=`" },
		{ "(?!a)", "invalid or unsupported Perl syntax: `(?!`" },
		{ "(?<!a)", "invalid or unsupported Perl syntax: `(?<" },
		{ "(?>a)", "invalid or unsupported Perl syntax: `(?>`" },
		{ "(a)\\1", "invalid escape sequence: `\\1`" },
		{ "\\C", "invalid escape sequence: `\\C`" },
		{ "\\", "trailing backslash at end of expression: ``" },
		{ "(\\pL{1,1000})", "expression too large: ``" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pattern *pattern = pattern_create(bad[i][0], strlen(bad[i][0]));
		char reason[PATTERN_REASON_MAX] = "";

		assert_int_equal(pattern_check(pattern, reason), 0);
		if (strstr(reason, bad[i][1]) == NULL) {
			fail_msg("'%s': %s", bad[i][0], reason);
		}
		/* One that is stored all the same refuses nothing. */
		assert_true(pattern_matches(pattern, "x", 1));
		pattern_destroy(pattern);
	}
}

/* ---- effort ---- */

/* A list of so many copies of a value. */
static struct json_object *list_of(const char *value, size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		json_object_array_add(list, parsed(value));
	}
	return list;
}

/* A list of so many different texts. */
static struct json_object *texts(size_t count, const char *prefix)
{
	struct json_object *list = json_object_new_array();
	char text[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s%zu", prefix, i);
		json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

static struct json_object *long_text(size_t length)
{
	char *text = calloc(1, length + 1);
	struct json_object *value;

	assert_non_null(text);
	memset(text, 'a', length);
	value = json_object_new_string(text);
	free(text);
	return value;
}

/* Defaults and checks a value; whether that was too much. */
static bool is_too_much(struct json_object *take_schema, struct json_object *take_value)
{
	CLEANUP_JSON struct json_object *json = take_schema;
	CLEANUP_JSON struct json_object *value = take_value;
	CLEANUP_CAUSES struct causes causes = CAUSES_INIT;
	struct effort effort = { 0 };
	struct error error = { 0 };
	struct schema *schema = schema_compile(json, &error);

	assert_non_null(schema);
	schema_default(schema, value, &effort);
	schema_validate(schema, value, &causes, &effort);
	schema_destroy(schema);
	return effort_refusal(&effort) != NULL;
}

static struct json_object *with(const char *schema, const char *member,
				struct json_object *take_value)
{
	struct json_object *json = parsed(schema);

	json_object_object_add(json, member, take_value);
	return json;
}

static void patterns_cost_by_their_size_and_the_text(void **state)
{
	static const char dear[] = "{'type': 'string', 'pattern': '(a|b)*a(a|b){990}$'}";

	(void)state;
	assert_false(is_too_much(parsed("{'type': 'string', 'pattern': '(a|b)*a(a|b){16}$'}"),
				 long_text(300000)));
	assert_false(is_too_much(parsed(dear), long_text(3000)));
	assert_true(is_too_much(parsed(dear), long_text(300000)));
	/* Each is small, all together are not. */
	assert_true(is_too_much(with("{'type': 'array'}", "items", parsed(dear)),
				list_of("'abababababababababababababab'", 20000)));
	assert_true(is_too_much(
		with("{'type': 'array'}", "items",
		     with("{'type': 'string'}", "allOf", list_of("{'pattern': '^a$'}", 4000))),
		list_of("'a'", 20000)));
}

static void alternatives_and_enums_cost_for_each_value(void **state)
{
	struct json_object *items =
		with("{'type': 'string'}", "anyOf", list_of("{'maxLength': 0}", 5000));

	(void)state;
	assert_false(is_too_much(json_object_get(items), json_object_new_string("a")));
	assert_true(is_too_much(with("{'type': 'array'}", "items", items), list_of("'a'", 5000)));
	/* What does not fit is shown in each message. */
	assert_true(
		is_too_much(with("{'type': 'string'}", "oneOf", list_of("{'maxLength': 0}", 5000)),
			    long_text(1000000)));
	assert_false(is_too_much(with("{'type': 'string'}", "enum", texts(50000, "e")),
				 json_object_new_string("e49999")));
	assert_true(is_too_much(with("{'type': 'array'}", "items",
				     with("{'type': 'string'}", "enum", texts(50000, "e"))),
				list_of("'e49999'", 50000)));
	assert_true(is_too_much(
		with("{'type': 'array'}", "items",
		     with("{'type': 'array'}", "enum", list_of("[1,2,3,4,5,6,7,8,9]", 10000))),
		list_of("[1,2,3,4,5,6,7,8,0]", 10000)));
	assert_true(is_too_much(with("{'type': 'array'}", "items",
				     with("{'type': 'object'}", "required", texts(10000, "r"))),
				list_of("{}", 10000)));
}

static void long_lists_of_sets_and_maps_are_checked(void **state)
{
	(void)state;
	assert_false(is_too_much(
		parsed("{'type': 'array', 'x-kubernetes-list-type': 'set', 'items': {'type': 'string'}}"),
		texts(100000, "s")));
}

static void defaults_may_not_multiply(void **state)
{
	struct json_object *dflt = texts(1000, "default");
	struct json_object *inner = json_object_new_object(), *items = parsed("{'type': 'object'}"),
			   *member = parsed("{'type': 'array'}");

	(void)state;
	json_object_object_add(member, "default", dflt);
	json_object_object_add(inner, "d", member);
	json_object_object_add(items, "properties", inner);
	assert_false(is_too_much(json_object_get(items), parsed("{}")));
	assert_true(is_too_much(with("{'type': 'array'}", "items", items), list_of("{}", 1000)));
}

/* The check of a CRD fills defaults into defaults, and compiles its patterns. */
static void schemas_that_multiply_are_refused(void **state)
{
	struct json_object *json = parsed("{'type': 'string'}");
	CLEANUP_JSON struct json_object *patterns = NULL;
	CLEANUP_CAUSES struct causes causes = CAUSES_INIT;
	struct effort effort = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct json_object *properties = json_object_new_object(),
				   *object = parsed("{'type': 'object'}"),
				   *array = parsed("{'type': 'array'}");

		json_object_object_add(properties, "p", json);
		json_object_object_add(object, "properties", properties);
		json_object_object_add(array, "items", object);
		json_object_object_add(array, "default", list_of("{}", 100));
		json = array;
	}
	json = with("{'type': 'object'}", "properties", with("{}", "spec", json));
	schema_check_structural(json, "schema", &causes, &effort);
	assert_non_null(effort_refusal(&effort));
	json_object_put(json);

	effort = (struct effort){ 0 };
	patterns = parsed("{'type': 'object', 'properties': {'s': {'type': 'string'}}}");
	json_object_object_add(asb_at(patterns, "properties", "s"), "anyOf",
			       list_of("{'pattern': '^(a{1,30}b{1,30}){30}$'}", 4000));
	schema_check_structural(patterns, "schema", &causes, &effort);
	assert_non_null(effort_refusal(&effort));
}

static void a_schema_has_so_many_patterns(void **state)
{
	CLEANUP_JSON struct json_object *json =
		with("{'type': 'string'}", "anyOf", list_of("{'pattern': 'a'}", 5000));
	struct error error = { 0 };

	(void)state;
	assert_null(schema_compile(json, &error));
	assert_non_null(strstr(error.text, "patterns"));
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
		cmocka_unit_test(what_is_no_pattern_is_refused),
		cmocka_unit_test(patterns_cost_by_their_size_and_the_text),
		cmocka_unit_test(alternatives_and_enums_cost_for_each_value),
		cmocka_unit_test(long_lists_of_sets_and_maps_are_checked),
		cmocka_unit_test(defaults_may_not_multiply),
		cmocka_unit_test(schemas_that_multiply_are_refused),
		cmocka_unit_test(a_schema_has_so_many_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
