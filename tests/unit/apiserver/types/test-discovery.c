/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "apiserver/types/discovery.h"

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "tests/unit/apiserver/types-fixture.h"

static struct json_object *named(struct json_object *list, const char *member, const char *name)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (asb_streq(asb_str(item, member), name)) {
			return item;
		}
	}
	fail_msg("no '%s'", name);
	return NULL;
}

static void resources_have_what_clients_complete_by(void **state)
{
	struct types_fixture *fixture = *state;
	CLEANUP_JSON struct json_object *core = discovery_resources(fixture->types, "", "v1");
	struct json_object *pods = named(asb_at(core, "resources"), "name", "pods");

	assert_string_equal(asb_str(core, "groupVersion"), "v1");
	assert_string_equal(asb_str(pods, "singularName"), "pod");
	assert_string_equal(asb_as_str(json_object_array_get_idx(asb_at(pods, "shortNames"), 0)),
			    "po");
	assert_int_equal(asb_length(asb_at(pods, "verbs")), 8);
	named(asb_at(core, "resources"), "name", "pods/exec");
	assert_null(discovery_resources(fixture->types, "apps", "v1"));
}

static void a_crd_shows_in_all_documents(void **state)
{
	struct types_fixture *fixture = *state;

	serve_things(
		fixture,
		"{'type': 'object', 'properties': {'spec': {'type': 'object', 'description': 'what it is'}}}");

	CLEANUP_JSON struct json_object *groups = discovery_groups(fixture->types);
	CLEANUP_JSON struct json_object *group = discovery_group(fixture->types, "t.example");
	CLEANUP_JSON struct json_object *all = discovery_aggregated(fixture->types, false, "v2");
	CLEANUP_JSON struct json_object *index = openapi_v3_index(fixture->types);
	CLEANUP_JSON struct json_object *openapi = openapi_v3(fixture->types, "t.example", "v1");

	named(asb_at(groups, "groups"), "name", "t.example");
	assert_string_equal(asb_str(group, "preferredVersion", "groupVersion"), "t.example/v1");
	assert_string_equal(asb_str(all, "apiVersion"), "apidiscovery.k8s.io/v2");
	assert_non_null(asb_at(index, "paths", "apis/t.example/v1"));
	assert_string_equal(asb_str(openapi, "components", "schemas", "example.t.v1.Thing",
				    "properties", "spec", "description"),
			    "what it is");
	assert_null(discovery_group(fixture->types, "other.example"));
	assert_null(openapi_v3(fixture->types, "other.example", "v1"));
}

static void the_hash_changes_with_the_schema(void **state)
{
	struct types_fixture *fixture = *state;

	serve_things(fixture, "{'type': 'object'}");
	CLEANUP_JSON struct json_object *before = openapi_v3_index(fixture->types);

	serve_things(fixture, "{'type': 'object', 'description': 'x'}");
	CLEANUP_JSON struct json_object *after = openapi_v3_index(fixture->types);

	assert_string_not_equal(asb_str(before, "paths", "apis/t.example/v1", "serverRelativeURL"),
				asb_str(after, "paths", "apis/t.example/v1", "serverRelativeURL"));
	assert_string_equal(asb_str(before, "paths", "api/v1", "serverRelativeURL"),
			    asb_str(after, "paths", "api/v1", "serverRelativeURL"));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, types_fixture_setup, types_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(resources_have_what_clients_complete_by),
		TEST(a_crd_shows_in_all_documents),
		TEST(the_hash_changes_with_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
