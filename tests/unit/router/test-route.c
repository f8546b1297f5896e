/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of router/route.c: who can be reached, and why others cannot. */
#include "config.h"

#include "router/route.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

#define SANDBOX(meta, spec) \
	"{\"metadata\":{\"name\":\"s\",\"uid\":\"u1\"" meta "},\"spec\":{" spec "}}"
#define OWNER(uid, more) \
	"\"ownerReferences\":[{\"kind\":\"Sandbox\",\"name\":\"s\",\"uid\":\"" uid "\"" more "}]"
#define POD_OF(owner, meta, spec, status) \
	"{\"metadata\":{\"name\":\"s\"," owner meta "},\"spec\":{" spec "},\"status\":{" status "}}"
#define READY "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]"
#define STATUS(ip) READY ",\"podIP\":\"" ip "\",\"hostIP\":\"10.9.9.9\""
#define MINE OWNER("u1", ",\"controller\":true")
#define POD(status) POD_OF(MINE, "", "", status)
#define PLAIN SANDBOX("", "\"replicas\":1")
#define DELETED ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\""

#define NO_POD "it has no pod"
#define NOT_READY "its pod is not Ready"
#define NO_ADDRESS "its pod has an address that no pod can have"

static const struct {
	const char *sandbox, *pod, *why, *address;
} cases[] = {
	{ PLAIN, POD(STATUS("10.1.2.3")), NULL, "10.1.2.3" },
	{ SANDBOX("", ""), POD(STATUS("10.1.2.3")), NULL, "10.1.2.3" },
	{ PLAIN, POD(STATUS("fd00::1")), NULL, "fd00::1" },
	{ PLAIN, POD(READY ",\"podIP\":\"10.1.2.3\""), NULL, "10.1.2.3" },
	{ NULL, POD(STATUS("10.1.2.3")), "the Sandbox does not exist", "" },
	{ SANDBOX(DELETED, ""), POD(STATUS("10.1.2.3")), "it is being deleted", "" },
	{ SANDBOX("", "\"replicas\":0"), POD(STATUS("10.1.2.3")), "it is suspended", "" },
	{ PLAIN, NULL, NO_POD, "" },
	{ PLAIN, POD_OF(OWNER("u2", ",\"controller\":true"), "", "", STATUS("10.1.2.3")), NO_POD,
	  "" },
	{ PLAIN, POD_OF(OWNER("u1", ""), "", "", STATUS("10.1.2.3")), NO_POD, "" },
	{ PLAIN, POD_OF(OWNER("u1", ",\"controller\":false"), "", "", STATUS("10.1.2.3")), NO_POD,
	  "" },
	{ PLAIN, POD_OF("\"labels\":{}", "", "", STATUS("10.1.2.3")), NO_POD, "" },
	{ PLAIN, POD_OF(MINE, DELETED, "", STATUS("10.1.2.3")), "its pod is being deleted", "" },
	{ PLAIN, POD_OF(MINE, "", "\"hostNetwork\":true", STATUS("10.1.2.3")),
	  "its pod is on the node's network", "" },
	{ PLAIN, POD("\"podIP\":\"10.1.2.3\""), NOT_READY, "" },
	{ PLAIN,
	  POD("\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}],\"podIP\":\"10.1.2.3\""),
	  NOT_READY, "" },
	{ PLAIN,
	  POD("\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}],\"podIP\":\"10.1.2.3\""),
	  NOT_READY, "" },
	{ PLAIN, POD(READY), NOT_READY, "" },
	{ PLAIN, POD(READY ",\"podIP\":7"), NOT_READY, "" },
	{ PLAIN, POD(STATUS("10.9.9.9")), NO_ADDRESS, "" },
};

/* What is no address of a pod, whatever the API server says. */
static const char *const refused[] = {
	"",
	"0.0.0.0",
	"0.1.2.3",
	"127.0.0.1",
	"127.255.255.254",
	"169.254.1.1",
	"224.0.0.1",
	"239.1.2.3",
	"240.0.0.1",
	"255.255.255.255",
	"::",
	"::1",
	"fe80::1",
	"febf::1",
	"ff02::1",
	"::ffff:10.1.2.3",
	"::ffff:127.0.0.1",
	"10.1.2",
	"10.1.2.3.4",
	"010.1.2.3",
	"0x0a010203",
	"167838211",
	"10.1.2.3 ",
	" 10.1.2.3",
	"10.1.2.3;del",
	"10.1.2.3\\nx",
	"fe80::1%eth0",
	"[fd00::1]",
	"localhost",
	"10.1.2.3:80",
	"10.1.2.256",
	"fd00::1::2",
};

static void route_finds_ready_pods_of_live_sandboxes_only(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_object *sandbox =
			cases[i].sandbox != NULL ? json_tokener_parse(cases[i].sandbox) : NULL;
		struct json_object *pod =
			cases[i].pod != NULL ? json_tokener_parse(cases[i].pod) : NULL;
		char address[46];
		const char *why = route_find(sandbox, pod, address);

		if (cases[i].why == NULL) {
			assert_null(why);
		} else {
			assert_non_null(why);
			assert_string_equal(cases[i].why, why);
		}
		assert_string_equal(cases[i].address, address);
		json_object_put(sandbox);
		json_object_put(pod);
	}
}

static void route_refuses_addresses_that_no_pod_has(void **state UNUSED)
{
	struct json_object *sandbox = json_tokener_parse(PLAIN);

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct json_object *pod = json_tokener_parse(POD(STATUS("10.1.2.3"))), *status;
		char address[46];

		json_object_object_get_ex(pod, "status", &status);
		json_object_object_add(status, "podIP", json_object_new_string(refused[i]));
		if (route_find(sandbox, pod, address) == NULL || address[0] != '\0') {
			fail_msg("'%s' is taken for an address of a pod", refused[i]);
		}
		json_object_put(pod);
	}
	json_object_put(sandbox);
}

static void route_names_the_pod(void **state UNUSED)
{
	struct json_object *plain = json_tokener_parse(PLAIN);
	struct json_object *adopted = json_tokener_parse(
		SANDBOX(",\"annotations\":{\"agents.x-k8s.io/pod-name\":\"p\"}", ""));
	struct json_object *empty = json_tokener_parse(
		SANDBOX(",\"annotations\":{\"agents.x-k8s.io/pod-name\":\"\"}", ""));

	assert_string_equal("s", route_pod_name(plain));
	assert_string_equal("p", route_pod_name(adopted));
	assert_string_equal("s", route_pod_name(empty));
	json_object_put(plain);
	json_object_put(adopted);
	json_object_put(empty);
}

static void route_knows_since_when(void **state UNUSED)
{
	struct json_object *started = json_tokener_parse(
		"{\"metadata\":{\"creationTimestamp\":\"c\"},\"status\":{\"startTime\":\"s\"}}");
	struct json_object *made =
		json_tokener_parse("{\"metadata\":{\"creationTimestamp\":\"c\"}}");
	struct json_object *neither = json_tokener_parse("{}");

	assert_string_equal("s", route_since(started));
	assert_string_equal("c", route_since(made));
	assert_string_equal("", route_since(neither));
	json_object_put(started);
	json_object_put(made);
	json_object_put(neither);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_finds_ready_pods_of_live_sandboxes_only),
		cmocka_unit_test(route_refuses_addresses_that_no_pod_has),
		cmocka_unit_test(route_names_the_pod),
		cmocka_unit_test(route_knows_since_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
