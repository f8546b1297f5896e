/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: what is there from the beginning, what they allow, how they end. */
#include "config.h"

#include "apiserver/requests/namespace.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/apiserver/store-world.h"

static void four_are_there_and_filled(void **state)
{
	static const char *const names[] = { "default", "kube-system", "kube-public",
					     "kube-node-lease" };
	struct store_world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_JSON struct json_object *tree = store_tree(world, &a_namespace, names[i]);

		assert_string_equal(asb_str(tree, "status", "phase"), "Active");
		assert_string_equal(asb_label(tree, "kubernetes.io/metadata.name"), names[i]);
		assert_non_null(objects_state_of(world->objects, &an_account, names[i], "default"));
		assert_non_null(
			objects_state_of(world->objects, &a_map, names[i], "kube-root-ca.crt"));
	}
	assert_int_equal(request_bootstrap(world->objects, "PEM", &world->error), 0);
	assert_int_equal(objects_count(world->objects, &a_namespace), 4);
}

static void a_new_one_is_filled(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_create(world, &a_namespace, "metadata: {name: mine}"), 201);
	assert_non_null(objects_state_of(world->objects, &an_account, "mine", "default"));
	assert_string_equal(asb_str(objects_get(world->objects, &a_map, "mine", "kube-root-ca.crt"),
				    "data", "ca.crt"),
			    "PEM");
}

static int create_in(struct store_world *world, const char *ns)
{
	struct request request = request_for(&a_map, "");

	request.ns = ns;
	return request_create(world->objects, &request, yaml("metadata: {name: m}"), NULL,
			      &world->error);
}

static void creates_need_one_that_exists(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(create_in(world, "nowhere"), 404);
	assert_string_equal(world->error.text, "namespaces \"nowhere\" not found");
	assert_int_equal(create_in(world, ""), 400);
}

static void one_that_ends_is_emptied_then_gone(void **state)
{
	struct store_world *world = *state;
	struct request pod = request_for(&a_pod, "p");

	assert_int_equal(store_create(world, &a_namespace, "metadata: {name: mine}"), 201);
	assert_int_equal(create_in(world, "mine"), 201);
	pod.ns = "mine";
	assert_int_equal(request_create(world->objects, &pod,
					yaml("metadata: {name: p}\nspec: {nodeName: n}"), NULL,
					&world->error),
			 201);
	assert_int_equal(store_delete(world, &a_namespace, "mine"), 200);

	CLEANUP_JSON struct json_object *tree = store_tree(world, &a_namespace, "mine");

	assert_string_equal(asb_str(tree, "status", "phase"), "Terminating");
	assert_int_equal(create_in(world, "mine"), 403);
	assert_non_null(strstr(world->error.text, "because it is being terminated"));
	store_settle(world);
	assert_null(objects_state_of(world->objects, &a_map, "mine", "m"));
	/* The pod ends first. */
	assert_non_null(objects_state_of(world->objects, &a_pod, "mine", "p"));
	assert_non_null(objects_state_of(world->objects, &a_namespace, "", "mine"));
	assert_int_equal(request_delete(world->objects, &pod,
					&(struct objects_delete_options){ .grace = 0 }, NULL,
					&world->error),
			 200);
	store_settle(world);
	assert_null(objects_state_of(world->objects, &a_namespace, "", "mine"));
	assert_int_equal(store_create(world, &a_namespace, "metadata: {name: mine}"), 201);
}

static void an_end_goes_on_after_a_restart(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_create(world, &a_namespace, "metadata: {name: mine}"), 201);
	assert_int_equal(create_in(world, "mine"), 201);
	assert_int_equal(store_delete(world, &a_namespace, "mine"), 200);
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	store_settle(world);
	assert_null(objects_state_of(world->objects, &a_namespace, "", "mine"));
}

static void those_of_the_system_stay(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_delete(world, &a_namespace, "default"), 403);
	assert_int_equal(store_delete(world, &a_namespace, "kube-system"), 403);
}

static void finalizers_of_the_spec_are_the_servers(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_create(world, &a_namespace, "metadata: {name: mine}"), 201);
	assert_int_equal(
		store_patch(world, &a_namespace, "mine", PATCH_MERGE, "spec: {finalizers: null}"),
		200);
	assert_int_equal(store_delete(world, &a_namespace, "mine"), 200);
	assert_non_null(objects_state_of(world->objects, &a_namespace, "", "mine"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(four_are_there_and_filled),
		WITH_STORE(a_new_one_is_filled),
		WITH_STORE(creates_need_one_that_exists),
		WITH_STORE(one_that_ends_is_emptied_then_gone),
		WITH_STORE(an_end_goes_on_after_a_restart),
		WITH_STORE(those_of_the_system_stay),
		WITH_STORE(finalizers_of_the_spec_are_the_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
