/* SPDX-License-Identifier: Apache-2.0 */
/* Creating the in-memory API, installing resources, and reading objects. The API server, the
 * simulation and the fake host call it. */
#include "config.h"

#include "apiserver/objects/objects.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/json.h"
#include "base/memory.h"

struct objects *objects_create(const struct objects_config *config)
{
	struct objects *objects = xnew(struct objects);

	objects->config = *config;
	objects->policy = config->server ? &policy_server : &policy_memory;
	/* Version 0 means "any" to a watch, so versions start at 1. */
	objects->version = 1;
	objects->compacted = 1;
	return objects;
}

void objects_destroy(struct objects *objects)
{
	if (objects == NULL) {
		return;
	}
	history_finish(objects);
	owners_finish(objects);
	for (size_t i = 0; i < objects->resource_count; i++) {
		records_finish(objects->resources[i]);
		resource_free(objects->resources[i]);
	}
	free(objects->resources);
	map_finish(&objects->kinds);
	map_finish(&objects->by_uid);
	objects_state_unref(objects->scratch);
	state_trees_finish(objects);
	free(objects);
}

void objects_install(struct objects *objects, const struct asb_kind *kind, bool status)
{
	struct resource *resource = resource_find(objects, kind);

	if (resource == NULL) {
		resource = resource_new(objects, kind);
	}
	resource->options.status = status;
}

struct loading {
	struct objects *objects;
	struct resource *resource;
};

static int objects_load_one(void *to, uint64_t order, uint64_t version, const char *text,
			    size_t length, struct error *reterr)
{
	const struct loading *loading = to;
	struct json_object *tree = json_parse(text, length, reterr);

	if (tree == NULL) {
		return error_prefix(reterr, "the stored object %" PRIu64 " of '%s'", order,
				    loading->resource->id);
	}
	return record_load(loading->objects, loading->resource, order, version, tree, reterr) != 0
		       ? -EUCLEAN
		       : 0;
}

int objects_install_with(struct objects *objects, const struct asb_kind *kind,
			 const struct objects_resource *options, struct error *reterr)
{
	struct resource *resource = resource_find(objects, kind);
	bool new = resource == NULL;

	if (new) {
		resource = resource_new(objects, kind);
	}
	resource_set_options(resource, options);
	objects->kinds_changed = true;
	if (!new || objects->storage.load == NULL) {
		return 0;
	}

	struct loading loading = { objects, resource };

	return objects->storage.load(objects->storage.arg, resource->id, objects_load_one, &loading,
				     reterr);
}

void objects_uninstall(struct objects *objects, const struct asb_kind *kind)
{
	struct resource *resource = resource_find(objects, kind);

	while (resource != NULL && resource->count > 0) {
		struct record *record = resource->records[resource->count - 1];
		struct json_object *tree = record_tree(objects, record);

		if (record_remove(objects, record, object_derive(tree), NULL) != 0) {
			break; /* the storage failed: the object is loaded again with its resource */
		}
	}
	/* The history still refers to the resource, so it stays in memory without objects. */
	if (resource != NULL) {
		map_remove(&objects->kinds, resource->id);
	}
}

void objects_attach(struct objects *objects, const struct objects_storage *storage)
{
	objects->storage = *storage;
	objects->orders = storage->order;
	if (storage->version > objects->version) {
		objects->version = storage->version;
		objects->compacted = storage->version;
	}
}

void objects_set_hooks(struct objects *objects, const struct objects_hooks *hooks)
{
	objects->hooks = *hooks;
}

void objects_set_graceful(struct objects *objects, const struct asb_kind *kind, bool graceful)
{
	struct resource *resource = resource_find(objects, kind);

	if (resource != NULL) {
		resource->options.graceful = graceful;
	}
}

struct objects_state *objects_state_of(struct objects *objects, const struct asb_kind *kind,
				       const char *ns, const char *name)
{
	struct record *record = record_find(objects, resource_find(objects, kind), ns, name);

	return record != NULL ? record->state : NULL;
}

struct json_object *objects_get(struct objects *objects, const struct asb_kind *kind,
				const char *ns, const char *name)
{
	struct record *record = record_find(objects, resource_find(objects, kind), ns, name);

	return record != NULL ? record_tree(objects, record) : NULL;
}

struct json_object *objects_nth(struct objects *objects, const struct asb_kind *kind,
				size_t position)
{
	struct resource *resource = resource_find(objects, kind);

	return resource != NULL && position < resource->count
		       ? record_tree(objects, resource->records[position])
		       : NULL;
}

size_t objects_count(struct objects *objects, const struct asb_kind *kind)
{
	struct resource *resource = resource_find(objects, kind);

	return resource != NULL ? resource->count : 0;
}
