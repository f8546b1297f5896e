/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/pod/scheduler.c, node/registration/node-status.c and node/pod/spec.c: trees read and made. */
#include "config.h"

#include "node/pod/scheduler.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/pod/spec.h"
#include "node/registration/registration.h"

#define NOW INT64_C(1700000000000)

static struct json_object *parse(const char *text)
{
	CLEANUP_FREE char *copy = xstrdup(text);
	struct json_object *tree;

	for (char *at = copy; *at != '\0'; at++) {
		*at = *at == '\'' ? '"' : *at;
	}
	tree = json_parse(copy, strlen(copy), NULL);
	assert_non_null(tree);
	return tree;
}

/* ---- binding ---- */

static void requests_are_the_sum_or_an_init_containers(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = parse(
		"{'spec':{'containers':[{'resources':{'requests':{'cpu':'100m','memory':'1Gi'}}},{'resources':{'requests':{'cpu':'1'}}},{}],'initContainers':[{'resources':{'requests':{'cpu':'200m','memory':'3Gi'}}}]}}");
	struct node_capacity asked;

	scheduler_requests(pod, &asked);
	assert_int_equal(1100, asked.cpu_milli);
	assert_int_equal(UINT64_C(3) << 30, asked.memory);
	assert_int_equal(1, asked.pods);
}

static void requests_of_sidecars_add_up(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = parse(
		"{'spec':{'containers':[{'resources':{'requests':{'cpu':'100m','memory':'1Ki'}}}],'initContainers':[{'resources':{'requests':{'cpu':'300m'}}},"
		"{'restartPolicy':'Always','resources':{'requests':{'cpu':'200m','memory':'2Ki'}}},{'resources':{'requests':{'cpu':'250m','memory':'5Ki'}}}]}}");
	struct node_capacity asked;

	scheduler_requests(pod, &asked);
	/* The last one runs beside the sidecar. */
	assert_int_equal(450, asked.cpu_milli);
	assert_int_equal(7 << 10, asked.memory);
}

static void requests_never_wrap_around(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = parse(
		"{'spec':{'containers':[{'resources':{'requests':{'memory':'9223372036854775807','cpu':'9223372036854775807'}}},{'resources':{'requests':{'memory':"
		"'9223372036854775807','cpu':'9223372036854775807'}}},{'resources':{'requests':{'memory':'3','cpu':'3m'}}}]}}");
	struct node_capacity asked;

	scheduler_requests(pod, &asked);
	assert_true(asked.memory >= UINT64_C(1) << 50);
	assert_true(asked.cpu_milli >= UINT64_C(1) << 50);
	/* Nor do the sums of many such pods. */
	assert_true(asked.memory <= UINT64_MAX / 1000);
}

static void selector_must_match_all_labels(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *labels = parse("{'a':'1','b':'2'}");
	static const struct {
		const char *pod;
		bool fits;
	} cases[] = {
		{ "{'spec':{}}", true },
		{ "{'spec':{'nodeSelector':{'a':'1'}}}", true },
		{ "{'spec':{'nodeSelector':{'a':'1','b':'2'}}}", true },
		{ "{'spec':{'nodeSelector':{'a':'1','b':'3'}}}", false },
		{ "{'spec':{'nodeSelector':{'c':'1'}}}", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_JSON struct json_object *pod = parse(cases[i].pod);
		CLEANUP_BUF struct buf why = BUF_INIT(100);

		assert_int_equal(cases[i].fits, scheduler_selects(pod, labels, &why));
		assert_int_equal(cases[i].fits, why.length == 0);
	}
}

/* ---- the Node ---- */

static const struct node_facts facts = {
	.name = "n",
	.ip = "192.0.2.1",
	.runtime_version = "test://1",
	.runtime_good = true,
	.runtime_text = "all is well",
	.capacity = { .cpu_milli = 4000, .memory = UINT64_C(8) << 30, .pods = 110 },
	.storage = UINT64_C(1) << 40,
	.machine = "x86_64",
	.kernel = "6",
	.os_image = "Debian",
	.machine_id = "m",
	.boot_id = "b",
	.system_uuid = "s",
};

static void node_status_is_the_same_until_its_heartbeat(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *node = json_object_new_object(), *later = NULL,
					*much_later = NULL;

	json_object_object_add(node, "status", registration_status(NULL, &facts, NOW));
	later = registration_status(node, &facts, NOW + 60000);
	assert_true(json_object_equal(asb_at(node, "status"), later));
	much_later = registration_status(node, &facts, NOW + 301000);
	assert_false(json_object_equal(asb_at(node, "status"), much_later));
	assert_string_equal("4", asb_str(later, "capacity", "cpu"));
	assert_string_equal("8388608Ki", asb_str(later, "allocatable", "memory"));
	assert_string_equal("amd64", asb_str(later, "nodeInfo", "architecture"));
	assert_true(asb_condition_is(node, "Ready", "True"));
}

static void node_status_tells_at_once_that_nothing_can_run(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *node = json_object_new_object();
	struct node_facts bad = facts;
	struct json_object *status;

	bad.runtime_good = false;
	bad.runtime_text = "podman is not installed";
	json_object_object_add(node, "status", registration_status(NULL, &facts, NOW));
	status = registration_status(node, &bad, NOW + 1000);
	json_object_object_add(node, "status", status);
	assert_true(asb_condition_is(node, "Ready", "False"));
	assert_string_equal("podman is not installed",
			    asb_str(asb_condition(node, "Ready"), "message"));
	assert_string_equal("2023-11-14T22:13:21Z",
			    asb_str(asb_condition(node, "Ready"), "lastTransitionTime"));
}

static void node_status_keeps_what_others_say(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *node = parse(
		"{'status':{'volumesAttached':[],'conditions':[{'type':'Mine','status':'True'}]}}");

	json_object_object_add(node, "status", registration_status(node, &facts, NOW));
	assert_non_null(asb_at(node, "status", "volumesAttached"));
	assert_true(asb_condition_is(node, "Mine", "True"));
}

/* ---- a container ---- */

static void container_overrides_the_pods_security(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = parse(
		"{'spec':{'securityContext':{'runAsUser':1,'runAsGroup':2,'runAsNonRoot':true,'fsGroup':7,'supplementalGroups':[5,6]}}}");
	CLEANUP_JSON struct json_object *container = parse(
		"{'name':'a','image':'i','tty':true,'securityContext':{'runAsUser':10,'privileged':true,'readOnlyRootFilesystem':true,'allowPrivilegeEscalation':false,'capabilities':{'add':['NET_ADMIN'],'drop':['ALL']}},"
		"'resources':{'limits':{'memory':'64Mi','cpu':'1500m'},'requests':{'cpu':'250m'}}}");
	struct container_spec spec;

	container_spec_make(pod, container, &spec);
	assert_string_equal("10:2", spec.container.user);
	assert_true(spec.container.non_root && spec.container.privileged && spec.container.tty);
	assert_true(spec.container.read_only_root && spec.container.no_new_privileges);
	assert_string_equal("5", spec.container.groups[0]);
	assert_string_equal("7", spec.container.groups[2]);
	assert_null(spec.container.groups[3]);
	assert_string_equal("NET_ADMIN", spec.container.cap_add[0]);
	assert_string_equal("ALL", spec.container.cap_drop[0]);
	assert_int_equal(64 << 20, spec.container.memory_limit);
	assert_int_equal(1500, spec.container.cpu_limit);
	assert_int_equal(250, spec.container.cpu_request);
}

static void container_without_wishes_has_the_images_defaults(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = parse("{'spec':{}}");
	CLEANUP_JSON struct json_object *container = parse("{'name':'a','image':'i'}");
	struct container_spec spec;

	container_spec_make(pod, container, &spec);
	assert_null(spec.container.user);
	assert_null(spec.container.groups[0]);
	assert_false(spec.container.no_new_privileges || spec.container.privileged);
	assert_int_equal(0, spec.container.memory_limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_the_sum_or_an_init_containers),
		cmocka_unit_test(requests_of_sidecars_add_up),
		cmocka_unit_test(requests_never_wrap_around),
		cmocka_unit_test(selector_must_match_all_labels),
		cmocka_unit_test(node_status_is_the_same_until_its_heartbeat),
		cmocka_unit_test(node_status_tells_at_once_that_nothing_can_run),
		cmocka_unit_test(node_status_keeps_what_others_say),
		cmocka_unit_test(container_overrides_the_pods_security),
		cmocka_unit_test(container_without_wishes_has_the_images_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
