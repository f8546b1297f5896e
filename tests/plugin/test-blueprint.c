/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests the spec that Sandboxes get from a template, and which differences make a Sandbox not fit
 * it. Run by `make check`.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugins/common/blueprint.h"

static struct json_object *parse(const char *text)
{
	struct json_object *tree = json_tokener_parse(text);

	assert_non_null(tree);
	return tree;
}

/* A spec with this pod spec and these further members. */
static struct json_object *spec_of(const char *pod, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"podTemplate\":{\"spec\":{%s}}%s}", pod, more);
	return parse(text);
}

static void specs_are_compared_field_by_field(void **state)
{
	static const struct {
		const char *a, *more_a, *b, *more_b;
		bool same;
	} cases[] = {
		{ "\"x\":1", "", "\"x\":1", "", true },
		{ "\"x\":1", "", "\"x\":2", "", false },
		{ "\"x\":1", "", "\"x\":1,\"y\":1", "", false },
		{ "\"x\":1,\"y\":1", "", "\"x\":1", "", false },
		{ "\"a\":1,\"b\":2", "", "\"b\":2,\"a\":1", "", true },
		{ "\"list\":[1,2]", "", "\"list\":[2,1]", "", false },
		{ "\"list\":[1]", "", "\"list\":[1,1]", "", false },
		/* what a typed client writes differently */
		{ "\"list\":[]", "", "", "", true },
		{ "\"x\":null", "", "", "", true },
		{ "\"resources\":{}", "", "", "", true },
		{ "\"emptyDir\":{}", "", "", "", false },
		{ "\"limits\":{\"cpu\":\"0.5\"}", "", "\"limits\":{\"cpu\":\"500m\"}", "", true },
		{ "\"limits\":{\"cpu\":1}", "", "\"limits\":{\"cpu\":\"1\"}", "", true },
		{ "\"limits\":{\"memory\":\"1Gi\"}", "", "\"limits\":{\"memory\":\"1024Mi\"}", "",
		  true },
		{ "\"limits\":{\"memory\":\"1G\"}", "", "\"limits\":{\"memory\":\"1Gi\"}", "",
		  false },
		{ "\"limits\":{\"cpu\":\"x\"}", "", "\"limits\":{\"cpu\":\"y\"}", "", false },
		{ "\"name\":\"0.5\"", "", "\"name\":\"500m\"", "", false },
		/* service */
		{ "", "", "", ",\"service\":false", false },
		{ "", ",\"service\":true", "", ",\"service\":false", false },
		{ "", ",\"service\":true", "", ",\"service\":true", true },
		/* volumes: name and spec */
		{ "", ",\"volumeClaimTemplates\":[]", "", "", true },
		{ "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}]",
		  "", "", false },
		{ "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}]",
		  "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"b\"},\"spec\":{\"x\":1}}]",
		  false },
		{ "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}]",
		  "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":2}}]",
		  false },
		{ "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}]",
		  "",
		  ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"v\"}},\"spec\":{\"x\":1}}]",
		  true },
		/* not of the blueprint */
		{ "", ",\"origin\":\"v1beta1\",\"operatingMode\":\"Suspended\"", "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *a = spec_of(cases[i].a, cases[i].more_a),
				   *b = spec_of(cases[i].b, cases[i].more_b);

		if (blueprint_same(a, b) != cases[i].same ||
		    blueprint_same(b, a) != cases[i].same) {
			fail_msg("case %zu", i);
		}
		json_object_put(a);
		json_object_put(b);
	}
}

static void metadata_of_the_pod_template_does_not_count(void **state)
{
	struct json_object *a = parse(
		"{\"podTemplate\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"x\":1}}}");
	struct json_object *b = parse("{\"podTemplate\":{\"spec\":{\"x\":1}}}");

	(void)state;
	assert_true(blueprint_same(a, b));
	json_object_put(a);
	json_object_put(b);
}

static void sandbox_of_another_template_does_not_fit(void **state)
{
	struct json_object *sandbox =
		parse("{\"metadata\":{},\"spec\":{\"podTemplate\":{\"spec\":{\"x\":1}}}}");
	struct json_object *blueprint = parse("{\"podTemplate\":{\"spec\":{\"x\":1}}}");
	char hash[9];

	(void)state;
	assert_false(blueprint_fits(sandbox, "tmpl", blueprint));
	asb_name_hash("tmpl", hash);
	asb_set_label(sandbox, "agents.x-k8s.io/sandbox-template-ref-hash", hash);
	assert_true(blueprint_fits(sandbox, "tmpl", blueprint));
	assert_false(blueprint_fits(sandbox, "other", blueprint));
	json_object_put(sandbox);
	json_object_put(blueprint);
}

static void blueprint_is_the_template_with_secure_defaults(void **state)
{
	struct json_object *template = parse(
		"{\"apiVersion\":\"extensions.agents.x-k8s.io/v1beta1\",\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"x\":1}},\"service\":true,\"volumeClaimTemplates\":[{}],\"envVarsInjectionPolicy\":\"Allowed\"}}");
	struct json_object *spec = blueprint_spec(template);
	struct json_object *wanted = parse(
		"{\"podTemplate\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"x\":1,\"automountServiceAccountToken\":false,\"dnsPolicy\":\"None\",\"dnsConfig\":{\"nameservers\":[\"8.8.8.8\",\"1.1.1.1\"]}}},\"volumeClaimTemplates\":[{}],\"service\":true}");

	(void)state;
	assert_true(json_object_equal(spec, wanted));
	assert_null(asb_at(template, "spec", "podTemplate", "spec", "dnsPolicy"));
	json_object_put(template);
	json_object_put(spec);
	json_object_put(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs_are_compared_field_by_field),
		cmocka_unit_test(metadata_of_the_pod_template_does_not_count),
		cmocka_unit_test(sandbox_of_another_template_does_not_fit),
		cmocka_unit_test(blueprint_is_the_template_with_secure_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
