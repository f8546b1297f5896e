/* SPDX-License-Identifier: Apache-2.0 */
/* What `up` keeps in its API: the router's Service and pod, the four CRDs. */
#include "config.h"

#include "local/router-service.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/api/api.h"
#include "base/json.h"
#include "base/sched.h"
#include "local/apply.h"
#include "local/api-client.h"

#define POD "/api/v1/namespaces/default/pods/" MIRROR_POD
#define SERVICE "/api/v1/namespaces/default/services/" ROUTER_SERVICE
#define CRD "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sandboxes.agents.x-k8s.io"
#define NOW_MS INT64_C(1800000000000)
#define MERGE "application/merge-patch+json"

struct world {
	struct sched *sched;
	struct api *api;
};

static int set_up(void **state)
{
	static struct world world;
	struct error error = { 0 };

	world.sched = sched_create();

	struct api_config config = { .sched = world.sched, .ca = "", .secret = "s" };

	world.api = api_create(&config, &error);
	assert_non_null(world.api);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	api_destroy(world->api);
	sched_destroy(world->sched);
	return 0;
}

static struct json_object *get(struct world *world, const char *path)
{
	struct json_object *object = NULL;

	assert_int_equal(api_client_call(world->api, "GET", path, NULL, NULL, &object), 200);
	return object;
}

static void keep(struct world *world, uint16_t port, bool ready)
{
	struct error error = { 0 };

	assert_int_equal(router_service_keep(world->api, port, ready, NOW_MS, &error), 0);
}

static void the_router_is_a_running_pod_behind_its_service(void **state)
{
	struct world *world = *state;

	keep(world, 8123, true);

	CLEANUP_JSON struct json_object *pod = get(world, POD);
	CLEANUP_JSON struct json_object *service = get(world, SERVICE);
	const char *selected = asb_str(service, "spec", "selector", "app");

	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_true(asb_condition_is(pod, "Ready", "True"));
	assert_string_equal(asb_str(pod, "spec", "nodeName"), MIRROR_NODE);
	assert_string_equal(asb_annotation(pod, MIRROR_FORWARD_ANNOTATION), "127.0.0.1:8123");
	assert_string_equal(asb_label(pod, "app"), selected);
}

static void nothing_is_written_while_nothing_changes(void **state)
{
	struct world *world = *state;

	keep(world, 8123, true);

	CLEANUP_JSON struct json_object *before = get(world, POD);

	keep(world, 8123, true);

	CLEANUP_JSON struct json_object *after = get(world, POD);

	assert_string_equal(asb_str(before, "metadata", "resourceVersion"),
			    asb_str(after, "metadata", "resourceVersion"));
}

static void what_changes_is_told(void **state)
{
	struct world *world = *state;

	keep(world, 8123, true);
	keep(world, 8123, false);

	CLEANUP_JSON struct json_object *unready = get(world, POD);

	assert_true(asb_condition_is(unready, "Ready", "False"));
	keep(world, 8124, true);

	CLEANUP_JSON struct json_object *moved = get(world, POD);

	assert_string_equal(asb_annotation(moved, MIRROR_FORWARD_ANNOTATION), "127.0.0.1:8124");
	assert_true(asb_condition_is(moved, "Ready", "True"));
}

static void a_deleted_pod_comes_back(void **state)
{
	struct world *world = *state;

	keep(world, 8123, true);
	assert_int_equal(api_client_call(world->api, "DELETE", POD, NULL, NULL, NULL), 200);
	keep(world, 8123, true);

	CLEANUP_JSON struct json_object *pod = get(world, POD);

	assert_null(asb_at(pod, "metadata", "deletionTimestamp"));
}

static void without_a_router_both_go(void **state)
{
	struct world *world = *state;

	keep(world, 8123, true);
	router_service_remove(world->api);
	assert_int_equal(api_client_call(world->api, "GET", POD, NULL, NULL, NULL), 404);
	assert_int_equal(api_client_call(world->api, "GET", SERVICE, NULL, NULL, NULL), 404);
}

static void the_kinds_are_made_once(void **state)
{
	struct world *world = *state;
	struct error error = { 0 };

	assert_int_equal(apply_crds(world->api, &error), 0);

	CLEANUP_JSON struct json_object *before = get(world, CRD);

	assert_int_equal(apply_crds(world->api, &error), 0);

	CLEANUP_JSON struct json_object *after = get(world, CRD);

	assert_string_equal(asb_str(before, "metadata", "resourceVersion"),
			    asb_str(after, "metadata", "resourceVersion"));
	assert_int_equal(api_client_call(world->api, "GET",
					 "/apis/agents.x-k8s.io/v1alpha1/sandboxes", NULL, NULL,
					 NULL),
			 200);
}

static void kinds_of_another_build_are_replaced(void **state)
{
	static const char other[] =
		"{\"metadata\":{\"annotations\":{\"" APPLY_ANNOTATION
		"\":\"other\"}},\"spec\":{\"names\":{\"shortNames\":[\"old\"]}}}";
	struct world *world = *state;
	struct error error = { 0 };

	assert_int_equal(apply_crds(world->api, &error), 0);
	assert_int_equal(api_client_call_text(world->api, "PATCH", CRD, MERGE, other, NULL), 200);
	assert_int_equal(apply_crds(world->api, &error), 0);

	CLEANUP_JSON struct json_object *crd = get(world, CRD);
	struct json_object *names = asb_array(crd, "spec", "names", "shortNames");

	for (size_t i = 0; i < asb_length(names); i++) {
		assert_string_not_equal(json_object_get_string(json_object_array_get_idx(names, i)),
					"old");
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(the_router_is_a_running_pod_behind_its_service),
		CASE(nothing_is_written_while_nothing_changes),
		CASE(what_changes_is_told),
		CASE(a_deleted_pod_comes_back),
		CASE(without_a_router_both_go),
		CASE(the_kinds_are_made_once),
		CASE(kinds_of_another_build_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
