/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "apiserver/types/table.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/types/jsonpath.h"
#include "base/json.h"
#include "tests/unit/apiserver/types-fixture.h"

/* A cell of the row that an object makes. */
static const char *cell(struct json_object *table, size_t place)
{
	struct json_object *row = json_object_array_get_idx(asb_at(table, "rows"), 0);

	return json_object_get_string(json_object_array_get_idx(asb_at(row, "cells"), place));
}

static void pod_reads(struct types_fixture *fixture, const char *pod_text, const char *ready,
		      const char *status, const char *restarts)
{
	const struct type *type = types_find(fixture->types, "", "v1", "pods");
	CLEANUP_JSON struct json_object *pod = parsed(pod_text);
	CLEANUP_JSON struct json_object *table = table_create(type, "v1", false);

	table_add(table, type, pod, TABLE_NONE, TYPES_NOW_MS);
	assert_int_equal(
		asb_length(asb_at(table, "columnDefinitions")),
		asb_length(asb_at(json_object_array_get_idx(asb_at(table, "rows"), 0), "cells")));
	assert_string_equal(cell(table, 1), ready);
	assert_string_equal(cell(table, 2), status);
	assert_string_equal(cell(table, 3), restarts);
}

#define SPEC "'metadata': {'name': 'p'}, 'spec': {'containers': [{'name': 'c'}]}"

static void a_pods_status_is_told_in_one_word(void **state)
{
	pod_reads(*state, "{" SPEC ", 'status': {'phase': 'Pending'}}", "0/1", "Pending", "0");
	pod_reads(
		*state,
		"{" SPEC
		", 'status': {'phase': 'Running', 'containerStatuses': [{'ready': true, 'state': {'running': {}}}]}}",
		"1/1", "Running", "0");
	pod_reads(
		*state,
		"{" SPEC
		", 'status': {'phase': 'Running', 'containerStatuses': [{'restartCount': 3, 'lastState': {'terminated': {'finishedAt': '2023-11-14T22:13:10Z'}}, 'state': {'waiting': {'reason': 'CrashLoopBackOff'}}}]}}",
		"0/1", "CrashLoopBackOff", "3 (10s ago)");
	pod_reads(
		*state,
		"{" SPEC
		", 'status': {'phase': 'Succeeded', 'containerStatuses': [{'state': {'terminated': {'reason': 'Completed'}}}]}}",
		"0/1", "Completed", "0");
	pod_reads(
		*state,
		"{" SPEC
		", 'status': {'phase': 'Failed', 'containerStatuses': [{'state': {'terminated': {'exitCode': 2}}}]}}",
		"0/1", "ExitCode:2", "0");
}

static void init_containers_and_deletion_are_told(void **state)
{
	pod_reads(
		*state,
		"{'metadata': {'name': 'p'}, 'spec': {'containers': [{'name': 'c'}], 'initContainers': [{'name': 'i'}]}, 'status': {'phase': 'Pending', 'initContainerStatuses': [{'name': 'i', 'state': {'running': {}}}]}}",
		"0/1", "Init:0/1", "0");
	pod_reads(
		*state,
		"{'metadata': {'name': 'p', 'deletionTimestamp': '2023-11-14T22:13:10Z'}, 'spec': {'containers': [{'name': 'c'}]}, 'status': {'phase': 'Running'}}",
		"0/1", "Terminating", "0");
}

static void durations_are_words(void **state)
{
	static const struct {
		int64_t seconds;
		const char *words;
	} cases[] = {
		{ 5, "5s" },       { 119, "119s" },       { 123, "2m3s" },     { 600, "10m" },
		{ 7200, "120m" },  { 11000, "3h3m" },     { 100000, "27h" },   { 180000, "2d2h" },
		{ 900000, "10d" }, { 70000000, "2y80d" }, { -5, "<invalid>" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		duration_words(cases[i].seconds * 1000, text);
		assert_string_equal(text, cases[i].words);
	}
}

static void a_custom_kind_has_name_and_age(void **state)
{
	struct types_fixture *fixture = *state;
	CLEANUP_JSON struct json_object *thing =
		parsed("{'metadata': {'name': 'x', 'creationTimestamp': '2023-11-14T22:13:15Z'}}");
	const struct type *type;

	serve_things(fixture, "{'type': 'object'}");
	type = types_find(fixture->types, "t.example", "v1", "things");

	CLEANUP_JSON struct json_object *table = table_create(type, "v1", false);

	table_add(table, type, thing, TABLE_METADATA, TYPES_NOW_MS);
	assert_string_equal(cell(table, 0), "x");
	assert_string_equal(cell(table, 1), "5s");
	assert_string_equal(
		asb_str(json_object_array_get_idx(asb_at(table, "rows"), 0), "object", "kind"),
		"PartialObjectMetadata");
}

static void jsonpaths_find_what_columns_ask_for(void **state)
{
	static const struct {
		const char *path, *value;
	} cases[] = {
		{ ".spec.n", "3" },
		{ "{.spec.n}", "3" },
		{ ".metadata.labels['a.b/c']", "lab" },
		{ ".metadata.labels.a\\.b/c", "lab" },
		{ ".status.conditions[?(@.type==\"Ready\")].status", "True" },
		{ ".status.conditions[?(@.type=='Other')].status", "False" },
		{ ".spec.list[1]", "b" },
		{ ".spec.list[-1]", "b" },
		{ ".spec.list[*]", "a" },
	};
	CLEANUP_JSON struct json_object *object = parsed(
		"{'metadata': {'labels': {'a.b/c': 'lab'}}, 'spec': {'n': 3, 'list': ['a', 'b']}, 'status': {'conditions': [{'type': 'Other', 'status': 'False'}, {'type': 'Ready', 'status': 'True'}]}}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jsonpath *path = jsonpath_parse(cases[i].path, NULL);
		struct json_object *value = NULL;

		assert_non_null(path);
		assert_true(jsonpath_get(path, object, &value));
		assert_string_equal(json_object_get_string(value), cases[i].value);
		jsonpath_destroy(path);
	}
	assert_null(jsonpath_parse("..x", NULL));
	assert_null(jsonpath_parse("", NULL));
	assert_null(jsonpath_parse("[?(@.x>1)]", NULL));
}

/* Serves things.t.example with so many columns of one path. */
static const struct type *serve_columns(struct types_fixture *fixture, size_t count,
					const char *path)
{
	CLEANUP_JSON struct json_object *crd = parsed(
		"{'metadata': {'name': 'things.t.example'}, 'spec': {'group': 't.example', 'scope': 'Namespaced', 'names': {'plural': 'things', 'kind': 'Thing'}, 'versions': [{'name': 'v1', 'served': true, 'storage': true, 'schema': {'openAPIV3Schema': {'type': 'object'}}}]}, 'status': {'conditions': [{'type': 'Established', 'status': 'True'}]}}");
	struct json_object *columns = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *column = json_object_new_object();

		asb_set_str(column, "name", "a");
		asb_set_str(column, "type", "string");
		asb_set_str(column, "jsonPath", path);
		json_object_array_add(columns, column);
	}
	json_object_object_add(json_object_array_get_idx(asb_array(crd, "spec", "versions"), 0),
			       "additionalPrinterColumns", columns);
	types_stored(fixture->types,
		     types_find(fixture->types, "apiextensions.k8s.io", "v1",
				"customresourcedefinitions"),
		     crd);
	return types_find(fixture->types, "t.example", "v1", "things");
}

/* An object whose spec is a list of so many texts. */
static struct json_object *thing_with_list(size_t count)
{
	struct json_object *thing = parsed("{'metadata': {'name': 'x'}}"),
			   *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		json_object_array_add(list, json_object_new_string("0123456789"));
	}
	json_object_object_add(thing, "spec", list);
	return thing;
}

static void a_row_is_bounded_while_it_is_made(void **state)
{
	static const struct {
		const char *path;
		size_t columns, items;
		bool fits;
	} cases[] = {
		{ ".spec", 50, 1000, true },
		/* bytes: 13 GB of cells */
		{ ".spec", 10000, 100000, false },
		/* steps: 1,000,000,000 looks at an item */
		{ ".spec[?(@.a=='b')]", 10000, 100000, false },
		{ ".spec[*].a", 10000, 100000, false },
	};
	struct types_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct type *type = serve_columns(fixture, cases[i].columns, cases[i].path);
		CLEANUP_JSON struct json_object *thing = thing_with_list(cases[i].items);
		CLEANUP_JSON struct json_object *table = table_create(type, "v1", true);
		uint64_t steps = table_add(table, type, thing, TABLE_NONE, TYPES_NOW_MS);

		assert_int_equal(steps < UINT64_MAX, cases[i].fits);
		assert_int_equal(asb_length(asb_at(table, "rows")), cases[i].fits);
	}
}

static void a_type_that_is_held_outlives_its_definition(void **state)
{
	struct types_fixture *fixture = *state;
	const struct type *type = type_hold(serve_columns(fixture, 1, ".spec[0]"));
	CLEANUP_JSON struct json_object *crd = parsed("{'metadata': {'name': 'things.t.example'}}");
	CLEANUP_JSON struct json_object *thing = thing_with_list(1);

	types_removed(fixture->types,
		      types_find(fixture->types, "apiextensions.k8s.io", "v1",
				 "customresourcedefinitions"),
		      crd);

	CLEANUP_JSON struct json_object *table = table_create(type, "v1", true);

	assert_true(table_add(table, type, thing, TABLE_NONE, TYPES_NOW_MS) < UINT64_MAX);
	assert_string_equal(cell(table, 1), "0123456789");
	type_release(type);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, types_fixture_setup, types_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pods_status_is_told_in_one_word),
		TEST(init_containers_and_deletion_are_told),
		TEST(durations_are_words),
		TEST(a_custom_kind_has_name_and_age),
		TEST(jsonpaths_find_what_columns_ask_for),
		TEST(a_row_is_bounded_while_it_is_made),
		TEST(a_type_that_is_held_outlives_its_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
