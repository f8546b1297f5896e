/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of apiserver/api/negotiate.c: the first representation of an Accept header that we can make. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/api/api-private.h"

#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io"

static bool ask(const char *accept, const char *subresource, struct api_call *ret)
{
	const struct api_request request = { .accept = accept };

	*ret = (struct api_call){ .request = &request, .route.subresource = subresource };
	return negotiate(ret);
}

static void negotiate_takes_the_first_shape_that_is_made(void **state)
{
	static const struct {
		const char *accept;
		enum representation representation;
		const char *version;
		bool yaml;
	} rows[] = {
		{ "", REPRESENTATION_OBJECT, "v1", false },
		{ "*/*", REPRESENTATION_OBJECT, "v1", false },
		{ "application/json", REPRESENTATION_OBJECT, "v1", false },
		{ " application/json ; charset=utf-8", REPRESENTATION_OBJECT, "v1", false },
		{ "APPLICATION/JSON", REPRESENTATION_OBJECT, "v1", false },
		{ "application/yaml", REPRESENTATION_OBJECT, "v1", true },
		{ TABLE ",application/json", REPRESENTATION_TABLE, "v1", false },
		{ "application/json;as=Table;v=v1beta1;g=meta.k8s.io", REPRESENTATION_TABLE,
		  "v1beta1", false },
		{ "application/json;as=Table;v=v9;g=meta.k8s.io, application/json",
		  REPRESENTATION_OBJECT, "v1", false },
		{ "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
		  REPRESENTATION_METADATA, "v1", false },
		{ "application/vnd.kubernetes.protobuf,application/json", REPRESENTATION_OBJECT,
		  "v1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_call call;

		assert_true(ask(rows[i].accept, "", &call));
		assert_int_equal(rows[i].representation, call.representation);
		assert_string_equal(rows[i].version, call.meta_version);
		assert_int_equal(rows[i].yaml, call.yaml);
	}
}

static void negotiate_refuses_what_is_not_made_but_for_logs(void **state)
{
	static const char *const accepts[] = { "text/html",
					       "application/cbor",
					       ",",
					       ";",
					       "application/vnd.kubernetes.protobuf",
					       "application/json;as=Table;v=v1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
		struct api_call call;

		assert_false(ask(accepts[i], "", &call));
		assert_true(ask(accepts[i], "log", &call));
	}
}

static void accepts_finds_a_type_with_its_parameter(void **state)
{
	const char *accept =
		"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

	(void)state;
	assert_true(accepts(accept, "application/json", "as=APIGroupDiscoveryList"));
	assert_true(accepts(accept, "application/json", NULL));
	assert_false(accepts(accept, "application/json", "as=Table"));
	assert_false(accepts("text/plain;as=APIGroupDiscoveryList", "application/json", NULL));
	assert_false(accepts("text/plain,application/json", "application/json",
			     "as=APIGroupDiscoveryList"));
	assert_true(media_type_is("application/json ; charset=utf-8", "application/json"));
	assert_false(media_type_is("application/jsonp", "application/json"));
	assert_false(media_type_is("", "application/json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiate_takes_the_first_shape_that_is_made),
		cmocka_unit_test(negotiate_refuses_what_is_not_made_but_for_logs),
		cmocka_unit_test(accepts_finds_a_type_with_its_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
