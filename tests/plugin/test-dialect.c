/* SPDX-License-Identifier: Apache-2.0 */
/* Tests how the plugins tell objects of v1alpha1 from those of v1beta1. Run by `make check`. */
#include "config.h"

#include "plugins/common/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SANDBOX_HEAD "\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"Sandbox\","
#define EXTENSION_HEAD "\"apiVersion\":\"extensions.agents.x-k8s.io/v1beta1\","

static struct json_object *object_of(const char *head, const char *spec)
{
	struct json_object *object;
	char text[512];

	snprintf(text, sizeof(text), "{%s\"metadata\":{\"name\":\"x\",\"uid\":\"u\"},\"spec\":%s}",
		 head, spec);
	object = json_tokener_parse(text);
	assert_non_null(object);
	return object;
}

static void test_sandboxes(void **state)
{
	static const struct {
		const char *spec;
		enum dialect dialect;
		uint32_t suspended;
		enum dialect_service service;
	} cases[] = {
		{ "{}", DIALECT_BETA, 0, DIALECT_SERVICE_UNSET },
		{ "{\"origin\":\"v1beta1\"}", DIALECT_BETA, 0, DIALECT_SERVICE_UNSET },
		{ "{\"origin\":\"v1alpha1\",\"replicas\":1,\"service\":true}", DIALECT_ALPHA, 0,
		  DIALECT_SERVICE_TRUE },
		{ "{\"origin\":\"v1alpha1\",\"replicas\":0}", DIALECT_ALPHA,
		  DIALECT_SUSPENDED_REPLICAS, DIALECT_SERVICE_UNSET },
		{ "{\"operatingMode\":\"Suspended\",\"service\":false}", DIALECT_BETA,
		  DIALECT_SUSPENDED_MODE, DIALECT_SERVICE_FALSE },
		{ "{\"operatingMode\":\"Suspended\",\"replicas\":0}", DIALECT_BETA,
		  DIALECT_SUSPENDED_MODE | DIALECT_SUSPENDED_REPLICAS, DIALECT_SERVICE_UNSET },
		{ "{\"operatingMode\":\"Running\",\"replicas\":0}", DIALECT_BETA,
		  DIALECT_SUSPENDED_REPLICAS, DIALECT_SERVICE_UNSET },
		{ "{\"operatingMode\":\"Running\",\"replicas\":1}", DIALECT_BETA, 0,
		  DIALECT_SERVICE_UNSET },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *sandbox = object_of(SANDBOX_HEAD, cases[i].spec);

		assert_int_equal(cases[i].dialect, dialect_of_sandbox(sandbox));
		assert_int_equal(cases[i].suspended, dialect_suspended(sandbox));
		assert_int_equal(cases[i].service, dialect_service(sandbox));
		json_object_put(sandbox);
	}
}

static void test_claims(void **state)
{
	static const struct {
		const char *spec;
		enum dialect dialect;
	} cases[] = {
		{ "{\"sandboxTemplateRef\":{\"name\":\"t\"}}", DIALECT_ALPHA },
		{ "{\"warmPoolRef\":{\"name\":\"p\"}}", DIALECT_BETA },
		{ "{\"warmPoolRef\":{\"name\":\"p\"},\"sandboxTemplateRef\":{\"name\":\"t\"}}",
		  DIALECT_BETA },
		{ "{}", DIALECT_ALPHA },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *claim =
			object_of(EXTENSION_HEAD "\"kind\":\"SandboxClaim\",", cases[i].spec);

		assert_int_equal(cases[i].dialect, dialect_of_claim(claim));
		json_object_put(claim);
	}
}

static void test_pools_and_templates(void **state)
{
	static const struct {
		const char *spec;
		enum dialect_members members;
		enum dialect_policy policy;
	} cases[] = {
		{ "{}", DIALECT_MEMBERS_SANDBOXES, DIALECT_POLICY_MANAGED },
		{ "{\"members\":\"Sandboxes\",\"networkPolicyManagement\":\"Managed\"}",
		  DIALECT_MEMBERS_SANDBOXES, DIALECT_POLICY_MANAGED },
		{ "{\"members\":\"Pods\",\"networkPolicyManagement\":\"PerClaim\"}",
		  DIALECT_MEMBERS_PODS, DIALECT_POLICY_PER_CLAIM },
		{ "{\"networkPolicyManagement\":\"Unmanaged\"}", DIALECT_MEMBERS_SANDBOXES,
		  DIALECT_POLICY_UNMANAGED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *pool =
			object_of(EXTENSION_HEAD "\"kind\":\"SandboxWarmPool\",", cases[i].spec);
		struct json_object *blueprint =
			object_of(EXTENSION_HEAD "\"kind\":\"SandboxTemplate\",", cases[i].spec);

		assert_int_equal(cases[i].members, dialect_members(pool));
		assert_int_equal(cases[i].policy, dialect_policy(blueprint));
		json_object_put(pool);
		json_object_put(blueprint);
	}
}

static void assert_reference(const char *head, const char *spec, const char *api_version)
{
	struct json_object *owner = object_of(head, spec),
			   *reference = dialect_owner_reference(owner), *child;

	assert_string_equal(api_version, asb_str(reference, "apiVersion"));
	assert_string_equal("x", asb_str(reference, "name"));
	assert_string_equal("u", asb_str(reference, "uid"));
	assert_true(asb_true(asb_at(reference, "controller")));
	assert_true(asb_true(asb_at(reference, "blockOwnerDeletion")));
	json_object_put(reference);
	child = json_object_new_object();
	dialect_set_owner(child, owner);
	assert_string_equal(api_version, asb_str(asb_controller(child, NULL), "apiVersion"));
	json_object_put(child);
	json_object_put(owner);
}

static void test_owner_references(void **state)
{
	(void)state;
	assert_reference(SANDBOX_HEAD, "{\"origin\":\"v1alpha1\"}", "agents.x-k8s.io/v1alpha1");
	assert_reference(SANDBOX_HEAD, "{}", "agents.x-k8s.io/v1beta1");
	assert_reference(EXTENSION_HEAD "\"kind\":\"SandboxClaim\",",
			 "{\"sandboxTemplateRef\":{\"name\":\"t\"}}",
			 "extensions.agents.x-k8s.io/v1alpha1");
	assert_reference(EXTENSION_HEAD "\"kind\":\"SandboxClaim\",",
			 "{\"warmPoolRef\":{\"name\":\"p\"}}",
			 "extensions.agents.x-k8s.io/v1beta1");
	assert_reference(EXTENSION_HEAD "\"kind\":\"SandboxWarmPool\",", "{\"members\":\"Pods\"}",
			 "extensions.agents.x-k8s.io/v1alpha1");
	assert_reference(EXTENSION_HEAD "\"kind\":\"SandboxTemplate\",", "{}",
			 "extensions.agents.x-k8s.io/v1beta1");
}

static void test_marks(void **state)
{
	struct json_object *old = object_of(SANDBOX_HEAD, "{}"),
			   *paused = object_of(SANDBOX_HEAD, "{\"replicas\":0,\"service\":false}"),
			   *new = object_of(SANDBOX_HEAD, "{}");

	(void)state;
	dialect_mark_sandbox(old, DIALECT_ALPHA);
	assert_int_equal(DIALECT_ALPHA, dialect_of_sandbox(old));
	assert_int_equal(DIALECT_SERVICE_TRUE, dialect_service(old));
	assert_int_equal(1, json_object_get_int(asb_at(old, "spec", "replicas")));
	dialect_mark_sandbox(paused, DIALECT_ALPHA);
	assert_int_equal(DIALECT_SERVICE_FALSE, dialect_service(paused));
	assert_int_equal(DIALECT_SUSPENDED_REPLICAS, dialect_suspended(paused));
	dialect_mark_sandbox(new, DIALECT_BETA);
	assert_int_equal(DIALECT_BETA, dialect_of_sandbox(new));
	assert_null(asb_at(new, "spec", "replicas"));
	assert_null(asb_at(new, "spec", "service"));
	json_object_put(old);
	json_object_put(paused);
	json_object_put(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandboxes),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_pools_and_templates),
		cmocka_unit_test(test_owner_references),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
