/* SPDX-License-Identifier: Apache-2.0 */
/* The objects as other clients than the plugin see and change them. Tests call it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "fakehost/fake.h"

static struct fake_kind *world_kind(const struct asb_fake *fake, const char *name)
{
	struct fake_kind *kind = cache_kind(fake, name);

	if (kind == NULL) {
		fake_fatal("the plugin has no kind '%s' among its watches",
			   name != NULL ? name : "");
	}
	return kind;
}

static struct json_object *world_parse(const char *text)
{
	struct error error = { 0 };
	struct json_object *tree = yaml_parse(text, strlen(text), &error);

	if (!json_object_is_type(tree, json_type_object)) {
		fake_fatal("this is not an object: %s: %s", error.text, text);
	}
	return tree;
}

/* Ends the process for a status of 300 or more. */
static void world_check(int http_status, const struct error *error, const char *what,
			const char *name)
{
	if (http_status >= 300) {
		fake_fatal("%s '%s': %d: %s", what, name != NULL ? name : "", http_status,
			   error->text);
	}
}

/* Sets or removes the status of an object. */
static void world_put_status(struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
			     const char *name, struct json_object *status)
{
	CLEANUP_JSON struct json_object *patch = json_object_new_array();
	struct error error = { 0 };
	bool there = asb_at(objects_get(fake->objects, kind, ns, name), "status") != NULL;

	if (status == NULL && !there) {
		return;
	}
	asb_patch(patch, status != NULL ? "add" : "remove", json_object_get(status), "status");
	world_check(objects_patch(fake->objects, kind, ns, name, true, patch, OBJECTS_STATUS, NULL,
				  &error),
		    &error, "status of", name);
}

struct json_object *asb_fake_put(struct asb_fake *fake, const char *text)
{
	struct json_object *object = world_parse(text);
	CLEANUP_JSON struct json_object *status = json_object_get(asb_at(object, "status"));
	CLEANUP_FREE char *ns = xstrdup(asb_ns(object));
	CLEANUP_FREE char *name = xstrdup(asb_name(object) != NULL ? asb_name(object) : "");
	const struct asb_kind *kind = world_kind(fake, asb_str(object, "kind"))->kind;
	struct error error = { 0 };

	if (!asb_owner_is(object, kind)) {
		fake_fatal("'%s' is of apiVersion '%s', not of the group '%s'", name,
			   asb_str(object, "apiVersion"), kind->group);
	}
	if (objects_get(fake->objects, kind, ns, name) == NULL) {
		world_check(objects_create_object(fake->objects, kind, ns, object, OBJECTS_AS_GIVEN,
						  NULL, &error),
			    &error, "create", name);
	} else {
		world_check(objects_replace(fake->objects, kind, ns, name, object, 0, NULL, &error),
			    &error, "replace", name);
	}
	if (fake_has_status(kind)) {
		world_put_status(fake, kind, ns, name, status);
	}
	update_cache(fake);
	return objects_get(fake->objects, kind, ns, name);
}

struct json_object *asb_fake_merge(struct asb_fake *fake, const char *kind, const char *ns,
				   const char *name, const char *text)
{
	CLEANUP_JSON struct json_object *patch = world_parse(text);
	const struct asb_kind *found = world_kind(fake, kind)->kind;
	struct error error = { 0 };

	/* The same patch is sent twice: the object and its status each take their part. */
	world_check(objects_patch(fake->objects, found, ns, name, false, patch, 0, NULL, &error),
		    &error, "merge into", name);
	if (json_object_object_get_ex(patch, "status", NULL) && fake_has_status(found)) {
		world_check(objects_patch(fake->objects, found, ns, name, false, patch,
					  OBJECTS_STATUS, NULL, &error),
			    &error, "merge into the status of", name);
	}
	update_cache(fake);
	return objects_get(fake->objects, found, ns, name);
}

struct json_object *asb_fake_get(struct asb_fake *fake, const char *kind, const char *ns,
				 const char *name)
{
	return objects_get(fake->objects, world_kind(fake, kind)->kind, ns, name);
}

unsigned int asb_fake_count(struct asb_fake *fake, const char *kind)
{
	return (unsigned int)objects_count(fake->objects, world_kind(fake, kind)->kind);
}

struct json_object *asb_fake_nth(struct asb_fake *fake, const char *kind, unsigned int position)
{
	return objects_nth(fake->objects, world_kind(fake, kind)->kind, position);
}

void asb_fake_delete(struct asb_fake *fake, const char *kind, const char *ns, const char *name)
{
	const struct asb_kind *found = world_kind(fake, kind)->kind;
	CLEANUP_JSON struct json_object *no_finalizers =
		world_parse("{metadata: {finalizers: null}}");
	struct error error = { 0 };

	if (objects_get(fake->objects, found, ns, name) != NULL) {
		/* No finalizer may delay the deletion. */
		objects_patch(fake->objects, found, ns, name, false, no_finalizers, 0, NULL,
			      &error);
		objects_delete(fake->objects, found, ns, name, NULL, NULL, NULL, &error);
		objects_finish_deletion(fake->objects, found, ns, name);
	}
	update_collect(fake);
}

void asb_fake_start_deletion(struct asb_fake *fake, const char *kind, const char *ns,
			     const char *name)
{
	const struct asb_kind *found = world_kind(fake, kind)->kind;
	struct error error = { 0 };

	objects_set_graceful(fake->objects, found, true);
	world_check(objects_delete(fake->objects, found, ns, name, NULL, NULL, NULL, &error),
		    &error, "delete", name);
	objects_set_graceful(fake->objects, found, false);
	update_cache(fake);
}

void asb_fake_pod_ready(struct asb_fake *fake, const char *ns, const char *name)
{
	CLEANUP_FREE char *text = NULL;
	char now[21];

	asb_time_format(fake->now_ms, now);
	text = xprintf(
		"{status: {phase: Running, conditions: [{type: Ready, status: \"True\", lastTransitionTime: \"%s\"}]}}",
		now);
	asb_fake_merge(fake, "Pod", ns, name, text);
}

int32_t asb_fake_reserve(struct asb_fake *fake, const char *kind, const char *ns, const char *name,
			 const char *holder)
{
	return reserve_add(fake, world_kind(fake, kind)->kind, ns, name, holder);
}

const char *asb_fake_reserved(struct asb_fake *fake, const char *kind, const char *ns,
			      const char *name)
{
	return reserve_holder(fake, world_kind(fake, kind)->kind, ns, name);
}
