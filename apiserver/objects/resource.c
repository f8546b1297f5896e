/* SPDX-License-Identifier: Apache-2.0 */
/* The resources that are installed: finding one and its records, making and freeing one. All parts of
 * the in-memory API call it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/memory.h"

static void resource_kind_id(const struct asb_kind *kind, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s/%s", kind->group, kind->kind);
}

struct resource *resource_find(const struct objects *objects, const struct asb_kind *kind)
{
	char id[KEY_MAX];

	resource_kind_id(kind, id);
	/* A server keeps the events of both groups as one kind. */
	return map_get(&objects->kinds,
		       objects->policy->one_event_kind && strcmp(id, "events.k8s.io/Event") == 0
			       ? "/Event"
			       : id);
}

struct record *record_find(const struct objects *objects, const struct resource *resource,
			   const char *ns, const char *name)
{
	char key[KEY_MAX];

	(void)objects;
	if (resource == NULL || snprintf(key, sizeof(key), "%s/%s", ns, name) >= (int)sizeof(key)) {
		return NULL;
	}
	return map_get(&resource->by_key, key);
}

struct resource *resource_new(struct objects *objects, const struct asb_kind *kind)
{
	struct resource *resource = xnew(struct resource);
	char id[KEY_MAX];

	resource_kind_id(kind, id);
	resource->kind.group = xstrdup(kind->group);
	resource->kind.version = xstrdup(kind->version);
	resource->kind.plural = xstrdup(kind->plural);
	resource->kind.kind = xstrdup(kind->kind);
	resource->id = xstrdup(id);
	objects->resources =
		xrealloc(objects->resources, (objects->resource_count + 1) * sizeof(resource));
	objects->resources[objects->resource_count++] = resource;
	map_put(&objects->kinds, resource->id, resource);
	return resource;
}

static const char *resource_dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void resource_finish_options(struct resource *resource)
{
	for (char **path = resource->fields; path != NULL && *path != NULL; path++) {
		free(*path);
	}
	free(resource->fields);
	free((char *)(uintptr_t)resource->options.scale_spec);
	free((char *)(uintptr_t)resource->options.scale_status);
	free((char *)(uintptr_t)resource->options.scale_selector);
}

/* Takes the description of a kind over. */
void resource_set_options(struct resource *resource, const struct objects_resource *options)
{
	size_t count = 0;

	resource_finish_options(resource);
	while (options->fields != NULL && options->fields[count] != NULL) {
		count++;
	}
	resource->options = *options;
	resource->options.scale_spec = resource_dup_or_null(options->scale_spec);
	resource->options.scale_status = resource_dup_or_null(options->scale_status);
	resource->options.scale_selector = resource_dup_or_null(options->scale_selector);
	resource->fields = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		resource->fields[i] = xstrdup(options->fields[i]);
	}
	resource->options.fields = (const char *const *)resource->fields;
}

void resource_free(struct resource *resource)
{
	resource_finish_options(resource);
	free(resource->records);
	free(resource->versions);
	free((char *)(uintptr_t)resource->kind.group);
	free((char *)(uintptr_t)resource->kind.version);
	free((char *)(uintptr_t)resource->kind.plural);
	free((char *)(uintptr_t)resource->kind.kind);
	free(resource->id);
	free(resource);
}
