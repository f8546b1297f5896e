/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kube/patch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

/* expected NULL: the patch must fail with code. */
struct example {
	const char *target, *patch, *expected;
	int code;
};

static struct json_object *parse(const char *text)
{
	struct error error = { 0 };
	struct json_object *tree = json_parse(text, strlen(text), &error);

	assert_string_equal(error.text, "");
	return tree;
}

static void check(const struct example *example)
{
	CLEANUP_JSON struct json_object *target = parse(example->target),
					*patch = parse(example->patch);
	CLEANUP_JSON struct json_object *before = parse(example->target), *result = NULL;
	struct error error = { 0 };
	int r = patch_json(target, patch, &result, &error);

	print_message("%s\n", example->patch);
	assert_true(json_object_equal(target, before));
	if (example->expected == NULL) {
		assert_int_equal(r, example->code);
		assert_int_equal(error.code, example->code);
		assert_null(result);
		return;
	}

	CLEANUP_JSON struct json_object *expected = parse(example->expected);

	assert_int_equal(r, 0);
	assert_string_equal(json_object_to_json_string(result),
			    json_object_to_json_string(expected));
}

static void check_all(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check(&examples[i]);
	}
}

static void json_patch_does_what_rfc_6902_says(void **state)
{
	static const struct example examples[] = {
		{ "{\"a\":1}", "[]", "{\"a\":1}", 0 },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":[2]}]",
		  "{\"a\":1,\"b\":[2]}", 0 },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
		  0 },
		{ "{\"a\":[1,2]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":9}]",
		  "{\"a\":[1,9,2]}", 0 },
		{ "{\"a\":[1,2]}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":9}]",
		  "{\"a\":[9,1,2]}", 0 },
		{ "{\"a\":[1,2]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":9}]",
		  "{\"a\":[1,2,9]}", 0 },
		{ "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":9}]",
		  "{\"a\":[1,9]}", 0 },
		{ "{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", "{\"a\":[1,3]}",
		  0 },
		{ "{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}", 0 },
		{ "{\"a\":[1,2]}", "[{\"op\":\"replace\",\"path\":\"/a/0\",\"value\":9}]",
		  "{\"a\":[9,2]}", 0 },
		{ "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":1}}]",
		  "{\"b\":1}", 0 },
		{ "{\"a\":{\"x\":1},\"b\":{}}",
		  "[{\"op\":\"move\",\"from\":\"/a/x\",\"path\":\"/b/y\"}]",
		  "{\"a\":{},\"b\":{\"y\":1}}", 0 },
		{ "{\"a\":{\"x\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]",
		  "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", 0 },
		{ "{\"a/b\":{\"~\":1}}", "[{\"op\":\"replace\",\"path\":\"/a~1b/~0\",\"value\":2}]",
		  "{\"a/b\":{\"~\":2}}", 0 },
		{ "{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}", 0 },
		{ "{\"a\":1}",
		  "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"remove\",\"path\":\"/a\"}]",
		  "{}", 0 },
		{ "{\"a\":{\"x\":1,\"y\":2}}",
		  "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":2,\"x\":1}}]",
		  "{\"a\":{\"x\":1,\"y\":2}}", 0 },
	};

	(void)state;
	check_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void a_test_for_null_passes_on_a_missing_member(void **state)
{
	static const struct example examples[] = {
		{ "{\"m\":{}}", "[{\"op\":\"test\",\"path\":\"/m/deleted\",\"value\":null}]",
		  "{\"m\":{}}", 0 },
		{ "{\"m\":{\"deleted\":\"now\"}}",
		  "[{\"op\":\"test\",\"path\":\"/m/deleted\",\"value\":null}]", NULL, -EPROTO },
		{ "{}", "[{\"op\":\"test\",\"path\":\"/m/deleted\",\"value\":null}]", NULL,
		  -EPROTO },
		{ "{\"a\":[]}", "[{\"op\":\"test\",\"path\":\"/a/0\",\"value\":null}]", NULL,
		  -EPROTO },
	};

	(void)state;
	check_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void what_does_not_fit_the_object_is_a_failed_patch(void **state)
{
	static const struct example examples[] = {
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]", NULL, -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":2}]", NULL, -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]", NULL,
		  -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b/c\",\"value\":2}]", NULL, -EPROTO },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/c\",\"value\":2}]", NULL, -EPROTO },
		{ "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":2}]", NULL,
		  -EPROTO },
		{ "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-1\",\"value\":2}]", NULL,
		  -EPROTO },
		{ "{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/00\",\"value\":2}]", NULL,
		  -EPROTO },
		{ "{\"a\":[1]}",
		  "[{\"op\":\"replace\",\"path\":\"/a/99999999999999999999999\",\"value\":2}]",
		  NULL, -EPROTO },
		{ "{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/-\",\"value\":2}]", NULL,
		  -EPROTO },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b/c\"}]",
		  NULL, -EPROTO },
		/* All or nothing. */
		{ "{\"a\":1}",
		  "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"remove\",\"path\":\"/a\"}]", NULL,
		  -EPROTO },
	};

	(void)state;
	check_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void what_is_no_patch_is_refused(void **state)
{
	static const struct example examples[] = {
		{ "{}", "{}", NULL, -EINVAL },
		{ "{}", "[1]", NULL, -EINVAL },
		{ "{}", "[{\"path\":\"/a\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"add\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a~\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"grow\",\"path\":\"/a\",\"value\":1}]", NULL, -EINVAL },
		{ "{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", NULL, -EINVAL },
	};

	(void)state;
	check_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void a_value_stays_apart_from_the_patch(void **state)
{
	static const struct example shared = {
		"{}",
		"[{\"op\":\"add\",\"path\":\"/a\",\"value\":{}},{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]",
		"{\"a\":{\"x\":1},\"b\":{}}",
		0,
	};

	(void)state;
	check(&shared);
}

/* An array of count times the same operation. */
static struct json_object *repeat(const char *operation, size_t count)
{
	struct json_object *patch = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		json_object_array_add(patch, parse(operation));
	}
	return patch;
}

static void check_bounded(const char *operation, size_t count, int expected)
{
	CLEANUP_JSON struct json_object *target = parse("{\"a\":{},\"l\":[]}"),
					*patch = repeat(operation, count);
	CLEANUP_JSON struct json_object *result = NULL;
	struct error error = { 0 };

	assert_int_equal(patch_json(target, patch, &result, &error), expected);
}

static void a_patch_cannot_grow_without_bounds(void **state)
{
	(void)state;
	check_bounded("{\"op\":\"test\",\"path\":\"/b\",\"value\":null}", PATCH_OPERATIONS_MAX, 0);
	check_bounded("{\"op\":\"test\",\"path\":\"/b\",\"value\":null}", PATCH_OPERATIONS_MAX + 1,
		      -EINVAL);
	check_bounded("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a/b\"}", 200, -EPROTO);
	check_bounded("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/l/-\"}", 40, -E2BIG);
}

/* {"big": a text of so many bytes, "list": so many numbers, "to": {}} */
static struct json_object *large(size_t bytes, size_t elements)
{
	struct json_object *target = parse("{\"list\":[],\"to\":{}}");
	struct json_object *list = NULL;
	char *text = calloc(1, bytes + 1);

	assert_non_null(text);
	memset(text, 'x', bytes);
	json_object_object_add(target, "big", json_object_new_string(text));
	free(text);
	json_object_object_get_ex(target, "list", &list);
	for (size_t i = 0; i < elements; i++) {
		json_object_array_add(list, json_object_new_int64((int64_t)i));
	}
	return target;
}

/* What a patch adds counts while it grows: the code, and how much was added at most. */
static void what_a_patch_does_is_counted(void **state)
{
	static const struct {
		size_t bytes, elements;
		const char *operation;
		size_t count;
		int expected;
	} examples[] = {
		{ 900000, 0, "{\"op\":\"copy\",\"from\":\"/big\",\"path\":\"/to/a\"}", 3, 0 },
		{ 900000, 0, "{\"op\":\"copy\",\"from\":\"/big\",\"path\":\"/to/a\"}", 9000,
		  -E2BIG },
		{ 0, 300000, "{\"op\":\"copy\",\"from\":\"/list\",\"path\":\"/to/a\"}", 9000,
		  -E2BIG },
		{ 0, 300000, "{\"op\":\"move\",\"from\":\"/list\",\"path\":\"/list\"}", 9000,
		  -E2BIG },
		{ 0, 10, "{\"op\":\"move\",\"from\":\"/list\",\"path\":\"/list\"}", 9000, 0 },
		{ 0, 300000, "{\"op\":\"add\",\"path\":\"/list/0\",\"value\":1}", 9000, -E2BIG },
		{ 0, 300000, "{\"op\":\"remove\",\"path\":\"/list/0\"}", 9000, -E2BIG },
		{ 0, 300000, "{\"op\":\"add\",\"path\":\"/list/-\",\"value\":1}", 9000, 0 },
		{ 0, 0, "{\"op\":\"add\",\"path\":\"/list/0\",\"value\":1}", 9000, 0 },
		{ 900000, 0, "{\"op\":\"move\",\"from\":\"/big\",\"path\":\"/big\"}", 9000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		CLEANUP_JSON struct json_object *target =
			large(examples[i].bytes, examples[i].elements);
		CLEANUP_JSON struct json_object *patch =
			repeat(examples[i].operation, examples[i].count);
		CLEANUP_JSON struct json_object *result = NULL;
		struct error error = { 0 };

		print_message("%zu times %s\n", examples[i].count, examples[i].operation);
		assert_int_equal(patch_json(target, patch, &result, &error), examples[i].expected);
	}
}

static void insertions_stand_in_their_order(void **state)
{
	static const struct example insertions = {
		"{\"l\":[1,2,3]}",
		"[{\"op\":\"add\",\"path\":\"/l/0\",\"value\":0},{\"op\":\"add\",\"path\":\"/l/2\",\"value\":\"m\"},{\"op\":\"add\",\"path\":\"/l/5\",\"value\":\"e\"},{\"op\":\"add\",\"path\":\"/l/-\",\"value\":\"f\"},"
		"{\"op\":\"move\",\"from\":\"/l/6\",\"path\":\"/l/0\"}]",
		"{\"l\":[\"f\",0,1,\"m\",2,3,\"e\"]}",
		0,
	};

	(void)state;
	check(&insertions);
}

static void merge_patch_does_what_rfc_7386_says(void **state)
{
	/* The examples of the RFC's appendix. */
	static const char *const examples[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		CLEANUP_JSON struct json_object *target = parse(examples[i][0]),
						*patch = parse(examples[i][1]);
		CLEANUP_JSON struct json_object *expected = parse(examples[i][2]),
						*before = parse(examples[i][0]);
		CLEANUP_JSON struct json_object *result = patch_merge(target, patch);

		assert_true(json_object_equal(result, expected));
		assert_true(json_object_equal(target, before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_patch_does_what_rfc_6902_says),
		cmocka_unit_test(a_test_for_null_passes_on_a_missing_member),
		cmocka_unit_test(what_does_not_fit_the_object_is_a_failed_patch),
		cmocka_unit_test(what_is_no_patch_is_refused),
		cmocka_unit_test(a_value_stays_apart_from_the_patch),
		cmocka_unit_test(a_patch_cannot_grow_without_bounds),
		cmocka_unit_test(what_a_patch_does_is_counted),
		cmocka_unit_test(insertions_stand_in_their_order),
		cmocka_unit_test(merge_patch_does_what_rfc_7386_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
