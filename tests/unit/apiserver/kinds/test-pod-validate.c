/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "tests/unit/apiserver/types-fixture.h"

#define POD(spec) "{'metadata': {'name': 'x'}, 'spec': " spec "}"

static void refused(struct types_fixture *fixture, const char *plural, const char *text, int status,
		    const char *message)
{
	int got;
	struct json_object *object = admitted(fixture, "", plural, text, NULL, &got);

	assert_int_equal(got, status);
	assert_string_equal(refusal(fixture), message);
	json_object_put(object);
}

static void a_pod_gets_kubernetes_defaults(void **state)
{
	int status;
	CLEANUP_JSON struct json_object *pod = admitted(
		*state, "", "pods",
		POD("{'containers': [{'name': 'c', 'image': 'i:1', 'ports': [{'containerPort': 80}], 'resources': {'limits': {'cpu': '1', 'memory': '1Gi'}}, 'readinessProbe': "
		    "{'httpGet': {'port': 80}}}, {'name': 'd', 'image': 'r/i'}], 'volumes': [{'name': 'v'}]}"),
		NULL, &status);
	struct json_object *spec = asb_at(pod, "spec"),
			   *first = json_object_array_get_idx(asb_at(spec, "containers"), 0),
			   *second = json_object_array_get_idx(asb_at(spec, "containers"), 1);

	assert_int_equal(status, 0);
	assert_string_equal(asb_str(spec, "restartPolicy"), "Always");
	assert_string_equal(asb_str(spec, "dnsPolicy"), "ClusterFirst");
	assert_int_equal(asb_int(asb_at(spec, "terminationGracePeriodSeconds"), 0), 30);
	assert_string_equal(asb_str(first, "imagePullPolicy"), "IfNotPresent");
	assert_string_equal(asb_str(second, "imagePullPolicy"), "Always");
	assert_string_equal(asb_str(first, "resources", "requests", "memory"), "1Gi");
	assert_int_equal(asb_int(asb_at(first, "readinessProbe", "periodSeconds"), 0), 10);
	assert_non_null(asb_at(json_object_array_get_idx(asb_at(spec, "volumes"), 0), "emptyDir"));
	assert_int_equal(asb_length(asb_at(spec, "tolerations")), 2);
	assert_string_equal(asb_str(spec, "serviceAccountName"), "default");
	assert_string_equal(asb_str(pod, "status", "phase"), "Pending");
	assert_string_equal(asb_str(pod, "status", "qosClass"), "Burstable");
}

static void faults_of_a_pod_are_named(void **state)
{
	refused(*state, "pods", POD("{}"), 422,
		"Pod \"x\" is invalid: spec.containers: Required value");
	refused(*state, "pods", POD("{'containers': [{'name': 'c'}]}"), 422,
		"Pod \"x\" is invalid: spec.containers[0].image: Required value");
	refused(*state, "pods",
		POD("{'containers': [{'name': 'c', 'image': 'i', 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}]}"),
		422,
		"Pod \"x\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"v\"");
	refused(*state, "pods",
		POD("{'containers': [{'name': 'c', 'image': 'i'}], 'restartPolicy': 'X'}"), 422,
		"Pod \"x\" is invalid: spec.restartPolicy: Unsupported value: \"X\": supported values: \"Always\", \"OnFailure\", \"Never\"");
}

static void a_runtime_class_must_exist(void **state)
{
	refused(*state, "pods",
		POD("{'containers': [{'name': 'c', 'image': 'i'}], 'runtimeClassName': 'nope'}"),
		403, "pods \"x\" is forbidden: pod rejected: RuntimeClass \"nope\" not found");
}

static void a_service_account_must_exist(void **state)
{
	refused(*state, "pods",
		POD("{'containers': [{'name': 'c', 'image': 'i'}], 'serviceAccountName': 'nope'}"),
		403,
		"pods \"x\" is forbidden: error looking up service account default/nope: serviceaccount \"nope\" not found");
}

static int updated(struct types_fixture *fixture, struct json_object *old, const char *path,
		   const char *text)
{
	CLEANUP_JSON struct json_object *copy = asb_copy(old), *value = parsed(text);
	int status;

	if (strcmp(path, "image") == 0) {
		json_object_object_add(
			json_object_array_get_idx(asb_at(copy, "spec", "containers"), 0), path,
			json_object_get(json_object_array_get_idx(value, 0)));
	} else {
		json_object_object_add(asb_at(copy, "spec"), path,
				       json_object_get(json_object_array_get_idx(value, 0)));
	}
	json_object_put(
		admitted(fixture, "", "pods", json_object_to_json_string(copy), old, &status));
	return status;
}

static void only_images_and_deadlines_of_a_pod_may_change(void **state)
{
	int status;
	CLEANUP_JSON struct json_object *old =
		admitted(*state, "", "pods", POD("{'containers': [{'name': 'c', 'image': 'i'}]}"),
			 NULL, &status);

	assert_int_equal(status, 0);
	assert_int_equal(updated(*state, old, "image", "['j']"), 0);
	assert_int_equal(updated(*state, old, "activeDeadlineSeconds", "[5]"), 0);
	assert_int_equal(updated(*state, old, "nodeName", "['n']"), 422);
	assert_int_equal(updated(*state, old, "tolerations", "[[]]"), 422);
}

static void services_get_addresses_that_no_two_share(void **state)
{
	struct types_fixture *fixture = *state;
	struct json_object *seen = json_object_new_object();

	for (int i = 0; i < 500; i++) {
		int status;
		CLEANUP_JSON struct json_object *service =
			admitted(fixture, "", "services",
				 "{'metadata': {'name': 's'}, 'spec': {'ports': [{'port': 80}]}}",
				 NULL, &status);
		const char *address = asb_str(service, "spec", "clusterIP");

		assert_int_equal(status, 0);
		assert_true(strncmp(address, "10.96.", 6) == 0);
		assert_null(asb_at(seen, address));
		asb_set_str(seen, address, "");
		types_stored(fixture->types, fixture->request.type, service);
	}
	json_object_put(seen);
}

static void a_headless_service_keeps_none(void **state)
{
	int status;
	CLEANUP_JSON struct json_object *service = admitted(
		*state, "", "services",
		"{'metadata': {'name': 's'}, 'spec': {'clusterIP': 'None', 'selector': {'a': 'b'}}}",
		NULL, &status);

	assert_int_equal(status, 0);
	assert_string_equal(asb_str(service, "spec", "clusterIP"), "None");
}

static void an_address_given_back_can_be_asked_for(void **state)
{
	static const char text[] =
		"{'metadata': {'name': 's'}, 'spec': {'clusterIP': '10.96.7.7', 'ports': [{'port': 80}]}}";
	struct types_fixture *fixture = *state;
	int status;
	CLEANUP_JSON struct json_object *service =
		admitted(fixture, "", "services", text, NULL, &status);

	assert_int_equal(status, 0);
	types_stored(fixture->types, fixture->request.type, service);
	json_object_put(admitted(fixture, "", "services", text, NULL, &status));
	assert_int_equal(status, 422);
	types_removed(fixture->types, fixture->request.type, service);
	json_object_put(admitted(fixture, "", "services", text, NULL, &status));
	assert_int_equal(status, 0);
}

static void string_data_of_a_secret_becomes_data(void **state)
{
	int status;
	CLEANUP_JSON struct json_object *secret = admitted(
		*state, "", "secrets",
		"{'metadata': {'name': 's'}, 'stringData': {'a': 'x', 'b': 'bb', 'c': 'ccc'}}",
		NULL, &status);

	assert_int_equal(status, 0);
	assert_string_equal(asb_str(secret, "data", "a"), "eA==");
	assert_string_equal(asb_str(secret, "data", "b"), "YmI=");
	assert_string_equal(asb_str(secret, "data", "c"), "Y2Nj");
	assert_null(asb_at(secret, "stringData"));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, types_fixture_setup, types_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pod_gets_kubernetes_defaults),
		TEST(faults_of_a_pod_are_named),
		TEST(a_runtime_class_must_exist),
		TEST(a_service_account_must_exist),
		TEST(only_images_and_deadlines_of_a_pod_may_change),
		TEST(services_get_addresses_that_no_two_share),
		TEST(a_headless_service_keeps_none),
		TEST(an_address_given_back_can_be_asked_for),
		TEST(string_data_of_a_secret_becomes_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
