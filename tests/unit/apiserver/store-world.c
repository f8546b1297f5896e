/* SPDX-License-Identifier: Apache-2.0 */
/* A server's objects with a database in a temporary directory. The tests of local/ stand on it. */
#include "config.h"

#include "tests/unit/apiserver/store-world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"

const struct asb_kind a_pod = { "", "v1", "pods", "Pod" };
const struct asb_kind a_map = { "", "v1", "configmaps", "ConfigMap" };
const struct asb_kind a_namespace = { "", "v1", "namespaces", "Namespace" };
const struct asb_kind a_service = { "", "v1", "services", "Service" };
const struct asb_kind an_event = { "", "v1", "events", "Event" };
const struct asb_kind other_event = { "events.k8s.io", "v1", "events", "Event" };
const struct asb_kind a_widget = { "example.com", "v1", "widgets", "Widget" };
const struct asb_kind an_account = { "", "v1", "serviceaccounts", "ServiceAccount" };

static int64_t now_ms(void *arg)
{
	const struct store_world *world = arg;

	return world->now_ms;
}

static uint64_t next_random(void *arg)
{
	struct store_world *world = arg;

	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return world->random ^ (world->random >> 29);
}

static void serve(struct store_world *world)
{
	static const char *const colors[] = { "spec.color", NULL };
	const struct {
		const struct asb_kind *kind;
		struct objects_resource serving;
	} kinds[] = {
		{ &a_namespace, { .status = true } },
		{ &a_pod, { .status = true, .namespaced = true, .graceful = true } },
		{ &a_map, { .namespaced = true, .no_generation = true } },
		{ &a_service, { .status = true, .namespaced = true } },
		{ &an_event, { .namespaced = true, .no_generation = true } },
		{ &an_account, { .namespaced = true, .no_generation = true } },
		{ &a_widget,
		  { .status = true,
		    .namespaced = true,
		    .custom = true,
		    .fields = colors,
		    .scale_spec = ".spec.replicas",
		    .scale_status = ".status.replicas",
		    .scale_selector = ".status.selector" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(objects_install_with(world->objects, kinds[i].kind,
						      &kinds[i].serving, &world->error),
				 0);
	}
}

struct objects *store_world_objects(struct store_world *world)
{
	world->objects = objects_create(&(struct objects_config){
		.now_ms = now_ms, .random = next_random, .arg = world, .server = true });
	serve(world);
	return world->objects;
}

int store_world_open(struct store_world *world)
{
	int r = storage_open(world->directory, world->page_limit, &world->storage, &world->error);

	if (r < 0) {
		return r;
	}
	world->objects = objects_create(&(struct objects_config){
		.now_ms = now_ms, .random = next_random, .arg = world, .server = true });
	objects_attach(world->objects, storage_hooks(world->storage));
	serve(world);
	return 0;
}

void store_world_close(struct store_world *world)
{
	objects_destroy(TAKE(world->objects));
	storage_close(TAKE(world->storage));
}

int store_world_setup(void **state)
{
	struct store_world *world = xnew(struct store_world);

	world->now_ms = 1767323045000;
	snprintf(world->directory, sizeof(world->directory), "/tmp/asb-store-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	assert_int_equal(store_world_open(world), 0);
	assert_int_equal(request_bootstrap(world->objects, "PEM", &world->error), 0);
	*state = world;
	return 0;
}

int store_world_teardown(void **state)
{
	static const char *const names[] = { "api.db", "api.db-wal", "api.db-shm", "api.db-journal",
					     "api.lock" };
	struct store_world *world = *state;
	char path[128];

	store_world_close(world);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", world->directory, names[i]);
		unlink(path);
	}
	rmdir(world->directory);
	free(world);
	return 0;
}

struct json_object *yaml(const char *text)
{
	struct error error = { 0 };
	struct json_object *value = yaml_parse(text, strlen(text), &error);

	assert_string_equal(error.text, "");
	return value;
}

struct request request_for(const struct asb_kind *kind, const char *name)
{
	return (struct request){
		.kind = kind,
		.ns = kind == &a_namespace ? "" : "default",
		.name = name,
		.subresource = "",
	};
}

int store_create(struct store_world *world, const struct asb_kind *kind, const char *text)
{
	struct request request = request_for(kind, "");

	return request_create(world->objects, &request, yaml(text), NULL, &world->error);
}

int store_patch(struct store_world *world, const struct asb_kind *kind, const char *name,
		enum patch_type type, const char *text)
{
	CLEANUP_JSON struct json_object *patch = yaml(text);
	struct request request = request_for(kind, name);

	return request_patch(world->objects, &request, type, patch, NULL, &world->error);
}

int store_delete(struct store_world *world, const struct asb_kind *kind, const char *name)
{
	struct request request = request_for(kind, name);

	return request_delete(world->objects, &request,
			      &(struct objects_delete_options){ .grace = -1 }, NULL, &world->error);
}

struct json_object *store_tree(struct store_world *world, const struct asb_kind *kind,
			       const char *name)
{
	CLEANUP(objects_state_release) struct objects_state *state = NULL;
	struct request request = request_for(kind, name);
	CLEANUP_BUF struct buf text = BUF_INIT(4 << 20);

	if (request_get(world->objects, &request, &state, NULL) != 200) {
		return NULL;
	}
	assert_int_equal(request_text(kind, state, &text), 0);
	return json_parse(buf_str(&text), text.length, NULL);
}

void store_settle(struct store_world *world)
{
	for (int i = 0; i < 100; i++) {
		if (!request_tick(world->objects)) {
			return;
		}
	}
	fail_msg("there is always more to do");
}
