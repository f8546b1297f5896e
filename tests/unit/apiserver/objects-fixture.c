/* SPDX-License-Identifier: Apache-2.0 */
/* A small world over the in-memory API. Its tests make requests through this. */
#include "config.h"

#include "tests/unit/apiserver/objects-fixture.h"

#include "base/memory.h"
#include "base/yaml.h"

const struct asb_kind pod_kind = { "", "v1", "pods", "Pod" };
const struct asb_kind widget_kind = { "example.com", "v1", "widgets", "Widget" };
const struct asb_kind secret_kind = { "", "v1", "secrets", "Secret" };

static int64_t now_ms(void *arg)
{
	const struct world *world = arg;

	return world->now_ms;
}

static uint64_t next_random(void *arg)
{
	struct world *world = arg;

	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return world->random ^ (world->random >> 29);
}

int world_setup(void **state)
{
	struct world *world = xnew(struct world);

	world->now_ms = 1767323045000;
	world->kept = json_object_new_array();
	world->objects = objects_create(
		&(struct objects_config){ .now_ms = now_ms, .random = next_random, .arg = world });
	objects_install(world->objects, &pod_kind, true);
	objects_install(world->objects, &widget_kind, true);
	objects_install(world->objects, &secret_kind, false);
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;

	objects_destroy(world->objects);
	json_object_put(world->kept);
	free(world);
	return 0;
}

struct json_object *tree(const char *text)
{
	struct error error = { 0 };
	struct json_object *value = yaml_parse(text, strlen(text), &error);

	assert_string_equal(error.text, "");
	return value;
}

struct json_object *keep(struct world *world, const char *text)
{
	struct json_object *value = tree(text);

	json_object_array_add(world->kept, value);
	return value;
}

int try_create(struct world *world, const struct asb_kind *kind, const char *text)
{
	return objects_create_object(world->objects, kind, "ns", tree(text), 0, NULL,
				     &world->error);
}

int patch(struct world *world, const char *name, bool json_patch, const char *text, uint32_t flags)
{
	return objects_patch(world->objects, &pod_kind, "ns", name, json_patch, keep(world, text),
			     flags, NULL, &world->error);
}

int replace(struct world *world, const char *name, const char *text, uint32_t flags)
{
	return objects_replace(world->objects, &pod_kind, "ns", name, tree(text), flags, NULL,
			       &world->error);
}

int delete (struct world *world, const struct asb_kind *kind, const char *name)
{
	return objects_delete(world->objects, kind, "ns", name, NULL, NULL, NULL, &world->error);
}

struct json_object *create(struct world *world, const struct asb_kind *kind, const char *text)
{
	struct json_object *object = NULL;

	assert_int_equal(objects_create_object(world->objects, kind, "ns", tree(text), 0, &object,
					       &world->error),
			 201);
	return object;
}

struct json_object *merge(struct world *world, const char *name, const char *text, uint32_t flags)
{
	struct json_object *object = NULL;

	assert_int_equal(objects_patch(world->objects, &pod_kind, "ns", name, false,
				       keep(world, text), flags, &object, &world->error),
			 200);
	return object;
}
