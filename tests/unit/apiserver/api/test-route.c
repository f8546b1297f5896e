/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the API. */
#include "config.h"

#include "apiserver/api/route.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static void check(const char *path, enum route_type type, const char *words)
{
	struct route route;
	char text[4096];

	assert_int_equal(route_parse(path, &route), 0);
	assert_int_equal(route.type, type);
	snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%s", route.group, route.version, route.ns,
		 route.resource, route.name, route.subresource);
	assert_string_equal(text, words);
}

static void route_knows_the_shapes_of_paths(void **state)
{
	(void)state;
	check("/api", ROUTE_CORE, "|||||");
	check("/api/v1", ROUTE_CORE_V1, "|v1||||");
	check("/api/v1/", ROUTE_CORE_V1, "|v1||||");
	check("/apis", ROUTE_GROUPS, "|||||");
	check("/apis/g.io", ROUTE_GROUP, "g.io|||||");
	check("/apis/g.io/v1beta1", ROUTE_VERSION, "g.io|v1beta1||||");
	check("/version", ROUTE_RELEASE, "|||||");
	check("/readyz/ping", ROUTE_HEALTH, "|||||");
	check("/openapi/v2", ROUTE_OPENAPI_V2, "|||||");
	check("/openapi/v3/api/v1", ROUTE_OPENAPI_V3_OF, "|v1||||");
	check("/openapi/v3/apis/g.io/v1", ROUTE_OPENAPI_V3_OF, "g.io|v1||||");
	check("/", ROUTE_UNKNOWN, "|||||");
	check("/metrics", ROUTE_UNKNOWN, "|||||");
}

static void route_finds_namespace_name_and_subresource(void **state)
{
	(void)state;
	check("/api/v1/pods", ROUTE_RESOURCE, "|v1||pods||");
	check("/api/v1/namespaces/ns/pods", ROUTE_RESOURCE, "|v1|ns|pods||");
	check("/api/v1/namespaces/ns/pods/p/log", ROUTE_RESOURCE, "|v1|ns|pods|p|log");
	check("/apis/g.io/v1/namespaces/ns/things/t", ROUTE_RESOURCE, "g.io|v1|ns|things|t|");
	check("/api/v1/nodes/n/status", ROUTE_RESOURCE, "|v1||nodes|n|status");
}

static void a_namespace_is_an_object_too(void **state)
{
	(void)state;
	check("/api/v1/namespaces", ROUTE_RESOURCE, "|v1||namespaces||");
	check("/api/v1/namespaces/ns", ROUTE_RESOURCE, "|v1||namespaces|ns|");
	check("/api/v1/namespaces/ns/finalize", ROUTE_RESOURCE, "|v1||namespaces|ns|finalize");
}

static void segments_are_decoded_once_each(void **state)
{
	(void)state;
	check("/api/v1/namespaces/ns/pods/a%2Fb", ROUTE_RESOURCE, "|v1|ns|pods|a/b|");
	check("/api/v1/namespaces/ns/pods/a%252F", ROUTE_RESOURCE, "|v1|ns|pods|a%2F|");
	check("/api/v1//pods", ROUTE_UNKNOWN, "|||||");
}

static void what_is_no_path_is_refused(void **state)
{
	static const char *const bad[] = { "api", "/a%", "/a%4", "/a%zz", "/a%00b" };
	struct route route;
	char text[ROUTE_PATH_MAX + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(route_parse(bad[i], &route), -EINVAL);
	}
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(route_parse(text, &route), -EINVAL);
}

static void a_path_that_does_not_decode_leaves_empty_words(void **state)
{
	static const char *const paths[] = { "/api/v1/%zz", "/api/v1/%",    "/api/v1/%4",
					     "/api/v1/%00", "/api/v1/a%ff", "/%e2%82/x",
					     "api" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct route route = { .name = NULL };

		assert_int_equal(route_parse(paths[i], &route), -EINVAL);
		assert_int_equal(route.type, ROUTE_UNKNOWN);
		assert_string_equal(route.name, "");
		assert_string_equal(route.ns, "");
		assert_string_equal(route.rest, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_knows_the_shapes_of_paths),
		cmocka_unit_test(route_finds_namespace_name_and_subresource),
		cmocka_unit_test(a_namespace_is_an_object_too),
		cmocka_unit_test(segments_are_decoded_once_each),
		cmocka_unit_test(what_is_no_path_is_refused),
		cmocka_unit_test(a_path_that_does_not_decode_leaves_empty_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
