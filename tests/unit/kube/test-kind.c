/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kube/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SANDBOX                                                       \
	{                                                             \
		"agents.x-k8s.io", "v1alpha1", "sandboxes", "Sandbox" \
	}
#define POD                             \
	{                               \
		"", "v1", "pods", "Pod" \
	}

static void check_path(const struct asb_kind *kind, const char *ns, const char *name,
		       const char *subresource, const char *expected)
{
	CLEANUP_BUF struct buf out = BUF_INIT(1024);

	assert_int_equal(kind_path(&out, kind, ns, name, subresource), 0);
	assert_string_equal(buf_str(&out), expected);
}

static void kinds_are_the_same_across_versions_but_not_across_groups(void **state)
{
	const struct asb_kind old = SANDBOX, pod = POD;
	const struct asb_kind newer = { "agents.x-k8s.io", "v1beta1", "sandboxes", "Sandbox" };
	const struct asb_kind foreign = { "example.com", "v1alpha1", "sandboxes", "Sandbox" };

	(void)state;
	assert_true(kind_same(&old, &newer));
	assert_false(kind_same(&old, &foreign));
	assert_false(kind_same(&old, &pod));
}

static void api_version_has_no_slash_in_the_core_group(void **state)
{
	const struct asb_kind sandbox = SANDBOX, pod = POD;
	char text[160];

	(void)state;
	kind_api_version(&sandbox, text);
	assert_string_equal(text, "agents.x-k8s.io/v1alpha1");
	kind_api_version(&pod, text);
	assert_string_equal(text, "v1");
}

static void paths_are_those_of_the_api_server(void **state)
{
	const struct asb_kind sandbox = SANDBOX, pod = POD;

	(void)state;
	check_path(&pod, "ns", "p", NULL, "/api/v1/namespaces/ns/pods/p");
	check_path(&pod, "", NULL, NULL, "/api/v1/pods");
	check_path(&sandbox, "ns", NULL, NULL,
		   "/apis/agents.x-k8s.io/v1alpha1/namespaces/ns/sandboxes");
	check_path(&sandbox, "ns", "s", "status",
		   "/apis/agents.x-k8s.io/v1alpha1/namespaces/ns/sandboxes/s/status");
	check_path(&sandbox, "", "s", NULL, "/apis/agents.x-k8s.io/v1alpha1/sandboxes/s");
}

static void names_cannot_leave_their_segment(void **state)
{
	const struct asb_kind pod = POD;

	(void)state;
	check_path(&pod, "a/b", "../x?y=z#\xc3\xa9 %", NULL,
		   "/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy%3Dz%23%C3%A9%20%25");
}

static void a_full_buffer_is_reported(void **state)
{
	const struct asb_kind pod = POD;
	CLEANUP_BUF struct buf out = BUF_INIT(12);

	(void)state;
	assert_true(kind_path(&out, &pod, "ns", "p", NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_the_same_across_versions_but_not_across_groups),
		cmocka_unit_test(api_version_has_no_slash_in_the_core_group),
		cmocka_unit_test(paths_are_those_of_the_api_server),
		cmocka_unit_test(names_cannot_leave_their_segment),
		cmocka_unit_test(a_full_buffer_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
