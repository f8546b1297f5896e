/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "tests/unit/apiserver/types-fixture.h"

#define SCHEMA                                                                                     \
	"{'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': {'replicas': " \
	"{'type': 'integer', 'minimum': 0}}}, 'status': {'type': 'object', 'properties': "         \
	"{'replicas': {'type': 'integer'}}}}}"

static void a_crd_serves_its_kind(void **state)
{
	struct types_fixture *fixture = *state;
	const struct type *type;

	assert_null(types_find(fixture->types, "t.example", "v1", "things"));
	serve_things(fixture, SCHEMA);
	type = types_find_kind(fixture->types, "t.example", "v1", "Thing");
	assert_non_null(type);
	assert_string_equal(type->singular, "thing");
	assert_string_equal(type->list_kind, "ThingList");
	assert_true(type->namespaced);
	assert_true(type_has_subresource(type, "status") && type_has_subresource(type, "scale"));
	assert_ptr_equal(types_of_crd(fixture->types, "things.t.example", 0), type);
	assert_null(types_of_crd(fixture->types, "things.t.example", 1));
}

static void a_removed_crd_serves_no_more(void **state)
{
	struct types_fixture *fixture = *state;
	CLEANUP_JSON struct json_object *crd = parsed("{'metadata': {'name': 'things.t.example'}}");

	serve_things(fixture, SCHEMA);
	types_removed(fixture->types,
		      types_find(fixture->types, "apiextensions.k8s.io", "v1",
				 "customresourcedefinitions"),
		      crd);
	assert_null(types_find(fixture->types, "t.example", "v1", "things"));
}

static void objects_follow_the_schema(void **state)
{
	struct types_fixture *fixture = *state;
	int status;

	serve_things(fixture, SCHEMA);
	json_object_put(admitted(fixture, "t.example", "things",
				 "{'metadata': {'name': 'x'}, 'spec': {'replicas': -1}}", NULL,
				 &status));
	assert_int_equal(status, 422);
	assert_string_equal(
		refusal(fixture),
		"Thing.t.example \"x\" is invalid: [spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0, .spec.replicas: Invalid value: -1: should be a non-negative integer]");
	json_object_put(admitted(fixture, "t.example", "things",
				 "{'metadata': {'name': 'x'}, 'spec': {'zap': 1}}", NULL, &status));
	assert_int_equal(status, 400);
	assert_string_equal(
		refusal(fixture),
		"Thing in version \"v1\" cannot be handled as a Thing: strict decoding error: unknown field \"spec.zap\"");
}

static void a_new_object_has_no_status(void **state)
{
	struct types_fixture *fixture = *state;
	int status;

	serve_things(fixture, SCHEMA);
	CLEANUP_JSON struct json_object *thing =
		admitted(fixture, "t.example", "things",
			 "{'metadata': {'name': 'x'}, 'spec': {}, 'status': {'replicas': 1}}", NULL,
			 &status);

	assert_int_equal(status, 0);
	assert_null(asb_at(thing, "status"));
}

static void what_the_api_server_refuses_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "{'metadata': {'name': 'x.t.example'}, 'spec': {'group': 't.example', 'scope': 'Namespaced', 'names': {'plural': 'foos', 'kind': 'Foo'}, 'versions': [{'name': "
		  "'v1', 'served': true, 'storage': true, 'schema': {'openAPIV3Schema': {'type': 'object'}}}]}}",
		  "CustomResourceDefinition.apiextensions.k8s.io \"x.t.example\" is invalid: metadata.name: Invalid value: \"x.t.example\": must be spec.names.plural+\".\"+spec.group" },
		{ "{'metadata': {'name': 'foos.t.example'}, 'spec': {'group': 't.example', 'scope': 'Namespaced', 'names': {'plural': 'foos', 'kind': 'Foo'}, 'versions': [{'name': "
		  "'v1', 'served': true, 'storage': true, 'schema': {'openAPIV3Schema': {'type': 'object', 'properties': {'a': {}}}}}]}}",
		  "CustomResourceDefinition.apiextensions.k8s.io \"foos.t.example\" is invalid: spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int status;

		json_object_put(admitted(*state, "apiextensions.k8s.io",
					 "customresourcedefinitions", bad[i].text, NULL, &status));
		assert_int_equal(status, 422);
		assert_string_equal(refusal(*state), bad[i].message);
	}
}

static void a_column_has_a_type_and_format_of_the_api_server(void **state)
{
	static const struct {
		const char *type, *format;
		int status;
	} cases[] = {
		{ "integer", "int32", 0 },
		{ "string", "date-time", 0 },
		{ "date", "", 0 },
		{ "int", "", 422 },
		{ "r,s", "", 422 },
		{ ",", "", 422 },
		{ "integer,number", "", 422 },
		{ "string", "time", 422 },
		{ "string", "int", 422 },
	};
	struct types_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];
		int status;

		snprintf(
			text, sizeof(text),
			"{'metadata': {'name': 'cols.c.example.com'}, 'spec': {'group': 'c.example.com', 'scope': 'Namespaced', 'names': {'plural': 'cols', 'kind': 'Col'}, 'versions': [{'name': 'v1', 'served': true, 'storage': true, 'additionalPrinterColumns': [{'name': 'a', 'type': '%s', 'format': '%s', 'jsonPath': '.spec'}], 'schema': {'openAPIV3Schema': {'type': 'object'}}}]}}",
			cases[i].type, cases[i].format);
		json_object_put(admitted(fixture, "apiextensions.k8s.io",
					 "customresourcedefinitions", text, NULL, &status));
		assert_int_equal(status, cases[i].status);
	}
	assert_string_equal(
		refusal(fixture),
		"CustomResourceDefinition.apiextensions.k8s.io \"cols.c.example.com\" is invalid: spec.additionalPrinterColumns[0].format: Invalid value: \"int\": must be one of byte,date,date-time,double,float,int32,int64,password");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, types_fixture_setup, types_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crd_serves_its_kind),
		TEST(a_removed_crd_serves_no_more),
		TEST(objects_follow_the_schema),
		TEST(a_new_object_has_no_status),
		TEST(what_the_api_server_refuses_is_refused),
		TEST(a_column_has_a_type_and_format_of_the_api_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
