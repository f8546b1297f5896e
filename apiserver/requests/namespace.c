/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, fills and empties namespaces. Requests come here for the kind Namespace, and at each tick. */
#include "config.h"

#include "apiserver/requests/namespace.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/json.h"
#include "base/memory.h"

static const struct asb_kind namespaces = { "", "v1", "namespaces", "Namespace" };
static const struct asb_kind accounts = { "", "v1", "serviceaccounts", "ServiceAccount" };
static const struct asb_kind config_maps = { "", "v1", "configmaps", "ConfigMap" };

static const char *const first[] = { "default", "kube-system", "kube-public", "kube-node-lease" };

#define CA_NAME "kube-root-ca.crt"

static int namespace_make_namespace(struct objects *objects, const char *name, struct error *reterr)
{
	struct json_object *object;
	int status;

	if (objects_state_of(objects, &namespaces, "", name) != NULL) {
		return 0;
	}
	object = asb_new(&namespaces, "", name);
	asb_set_label(object, "kubernetes.io/metadata.name", name);
	status = objects_create_object(objects, &namespaces, "", object, 0, NULL, reterr);
	return status == 201 ? 0 : status;
}

/* A copy of the text that the namespace default has, or NULL. */
static char *namespace_known_ca(struct objects *objects)
{
	struct json_object *map = objects_get(objects, &config_maps, "default", CA_NAME);
	const char *text = asb_str(map, "data", "ca.crt");

	return text != NULL ? xstrdup(text) : NULL;
}

static void namespace_make_ca(struct objects *objects, const char *ns, const char *ca)
{
	struct json_object *map = objects_get(objects, &config_maps, ns, CA_NAME);

	if (ca == NULL || asb_streq(asb_str(map, "data", "ca.crt"), ca)) {
		return;
	}
	if (map != NULL) {
		CLEANUP_JSON struct json_object *patch = json_object_new_object();

		asb_set_str(asb_object_in(patch, "data"), "ca.crt", ca);
		objects_patch(objects, &config_maps, ns, CA_NAME, false, patch, 0, NULL, NULL);
		return;
	}
	map = asb_new(&config_maps, ns, CA_NAME);
	asb_set_str(asb_object_in(map, "data"), "ca.crt", ca);
	objects_create_object(objects, &config_maps, ns, map, 0, NULL, NULL);
}

void namespace_fill(struct objects *objects, const char *ns, const char *ca)
{
	CLEANUP_FREE char *known = ca == NULL ? namespace_known_ca(objects) : NULL;

	if (resource_find(objects, &accounts) != NULL &&
	    objects_state_of(objects, &accounts, ns, "default") == NULL) {
		objects_create_object(objects, &accounts, ns, asb_new(&accounts, ns, "default"), 0,
				      NULL, NULL);
	}
	if (resource_find(objects, &config_maps) != NULL) {
		namespace_make_ca(objects, ns, ca != NULL ? ca : known);
	}
}

int namespace_bootstrap(struct objects *objects, const char *ca, struct error *reterr)
{
	const struct resource *resource;

	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		int status = namespace_make_namespace(objects, first[i], reterr);

		if (status != 0) {
			return status;
		}
	}
	resource = resource_find(objects, &namespaces);
	for (size_t i = 0; i < resource->count; i++) {
		namespace_fill(objects, resource->records[i]->key + 1, ca); /* "/name" */
	}
	return 0;
}

int namespace_check_delete(const char *name, struct error *reterr)
{
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(first[i], name) == 0) {
			return objects_fail(
				reterr, 403,
				"namespaces \"%s\" is forbidden: this namespace may not be deleted",
				name);
		}
	}
	return 0;
}

/* A namespace that is being deleted, and how many objects are still in it. */
struct ending {
	struct record *record;
	size_t left;
};

/* The ending namespace that an object is in, or NULL. */
static struct ending *namespace_of(const struct map *endings, const struct record *record)
{
	size_t length = strcspn(record->key, "/");
	char ns[KEY_MAX];

	if (length == 0 || length >= sizeof(ns)) {
		return NULL;
	}
	memcpy(ns, record->key, length);
	ns[length] = '\0';
	return map_get(endings, ns);
}

/* Deletes what is in namespaces until objects->work comes to that number, and counts what is left.
 * One walk is for all of them, however many there are. */
static void namespace_empty(struct objects *objects, const struct map *endings, uint64_t until)
{
	const struct objects_delete_options options = { .grace = -1 };

	for (size_t i = 0; i < objects->resource_count; i++) {
		struct resource *resource = objects->resources[i];

		/* From the end: what goes leaves the rest in place. */
		for (size_t j = resource->count; j-- > 0;) {
			struct record *record = resource->records[j];
			struct ending *ending = namespace_of(endings, record);
			size_t count = resource->count;

			if (ending == NULL) {
				continue;
			}
			if (!record->deleting && !objects_worked(objects, until)) {
				(void)record_delete(objects, record, &options, NULL);
			}
			ending->left += resource->count == count ? 1 : 0;
			j = j > resource->count ? resource->count : j;
		}
	}
}

/* Takes the finalizer "kubernetes" away, and with it the namespace if nothing else holds it. */
static void namespace_finish(struct objects *objects, struct record *record)
{
	CLEANUP_JSON struct json_object *object = state_hold(objects, record->state);
	struct json_object *copy = object_derive(object), *spec = asb_copy(asb_at(object, "spec"));

	if (spec == NULL) {
		spec = json_object_new_object();
	}
	json_object_object_del(spec, "finalizers");
	json_object_object_add(copy, "spec", spec);
	record->grace = false;
	if (record_released(objects, record, copy)) {
		record_remove(objects, record, copy, NULL);
	} else if (asb_length(asb_array(object, "spec", "finalizers")) > 0) {
		record_update(objects, record, copy, NULL);
	} else {
		json_object_put(copy);
	}
}

bool namespace_tick(struct objects *objects)
{
	struct resource *resource = resource_find(objects, &namespaces);
	size_t most = resource != NULL ? resource->count : 0, count = 0;
	uint64_t until = objects->work + STEPS_AT_ONCE;
	struct ending *list = xnew_array(struct ending, most + 1);
	struct map endings = MAP_INIT;
	uint64_t version = objects->version;

	for (size_t i = 0; i < most; i++) {
		struct record *record = resource->records[i];

		/* grace is set while it ends: no tree is parsed for those that live. */
		if (record->grace) {
			list[count].record = record;
			map_put(&endings, record->key + 1, &list[count++]);
		}
	}
	if (count > 0) {
		namespace_empty(objects, &endings, until);
	}
	map_finish(&endings);
	for (size_t i = count; i-- > 0 && !objects_worked(objects, until);) {
		if (list[i].left == 0) {
			namespace_finish(objects, list[i].record);
		}
	}
	free(list);
	/* Without a change the disk is full: a later tick tries again. */
	return objects_worked(objects, until) && objects->version > version;
}
