/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's store: which objects it keeps, and which of their fields. fakehost/update.c brings
 * it up to date; the host table reads it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "fakehost/fake.h"
#include "kube/kind.h"

struct fake_kind *cache_same_kind(const struct asb_fake *fake, const struct asb_kind *kind)
{
	for (size_t i = 0; i < fake->distinct_count; i++) {
		if (kind_same(fake->distinct[i].kind, kind)) {
			return &fake->distinct[i];
		}
	}
	return NULL;
}

/* Adds a watch to its kind: the store keeps what any of the watches asks for. */
static void cache_add_watch(struct fake_kind *kind, uint32_t flags)
{
	if ((flags & ASB_WATCH_UNWATCHED) == 0) {
		kind->metadata_only = (!kind->watched || kind->metadata_only) &&
				      (flags & ASB_WATCH_METADATA) != 0;
		kind->ours = (!kind->watched || kind->ours) && (flags & ASB_WATCH_SELECTED) != 0;
		kind->watched = true;
	}
}

void cache_init(struct asb_fake *fake)
{
	fake->kinds = xnew_array(struct fake_kind *, fake->watch_count);
	fake->distinct = xnew_array(struct fake_kind, fake->watch_count);
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const struct asb_watch *watch = &fake->plugin->watches[i];

		fake->kinds[i] = cache_same_kind(fake, &watch->kind);
		if (fake->kinds[i] == NULL) {
			fake->kinds[i] = &fake->distinct[fake->distinct_count++];
			fake->kinds[i]->kind = &watch->kind;
		}
		cache_add_watch(fake->kinds[i], watch->flags);
	}
	fake->indexes = xnew_array(struct fake_index, fake->index_count);
	for (uint32_t i = 0; i < fake->index_count; i++) {
		fake->indexes[i].index = &fake->plugin->indexes[i];
	}
}

static void cache_free(struct stored *stored)
{
	index_leave(stored);
	json_object_put(stored->object);
	free(stored->key);
	free(stored);
}

void cache_clear(struct asb_fake *fake)
{
	for (size_t i = 0; i < fake->distinct_count; i++) {
		struct stored *stored;
		size_t at = 0;

		while ((stored = map_next(&fake->distinct[i].stored, &at, NULL)) != NULL) {
			cache_free(stored);
		}
		map_finish(&fake->distinct[i].stored);
	}
}

void cache_finish(struct asb_fake *fake)
{
	cache_clear(fake);
	for (uint32_t i = 0; i < fake->index_count; i++) {
		map_finish(&fake->indexes[i].buckets);
	}
	free(fake->indexes);
	free(fake->distinct);
	free(fake->kinds);
}

struct fake_kind *cache_kind(const struct asb_fake *fake, const char *name)
{
	for (size_t i = 0; i < fake->distinct_count; i++) {
		if (asb_streq(fake->distinct[i].kind->kind, name)) {
			return &fake->distinct[i];
		}
	}
	return NULL;
}

struct stored *cache_find(const struct fake_kind *kind, const char *ns, const char *name)
{
	char key[FAKE_KEY_MAX];

	if (name == NULL ||
	    snprintf(key, sizeof(key), "%s/%s", ns != NULL ? ns : "", name) >= (int)sizeof(key)) {
		return NULL;
	}
	return map_get(&kind->stored, key);
}

/* Copies the member at the end of a path with dots, if it exists. */
static void cache_copy_path(struct json_object *to, struct json_object *from, const char *path)
{
	CLEANUP_FREE char *text = xstrdup(path);
	struct json_object *found = from;
	char *rest = text, *name;

	for (char *at = text; at != NULL;) {
		char *dot = strchr(at, '.');
		struct json_object *next = NULL;
		size_t length = dot != NULL ? (size_t)(dot - at) : strlen(at);
		CLEANUP_FREE char *part = xstrndup(at, length);

		if (!json_object_is_type(found, json_type_object) ||
		    !json_object_object_get_ex(found, part, &next)) {
			return;
		}
		found = next;
		at = dot != NULL ? dot + 1 : NULL;
	}
	while ((name = strchr(rest, '.')) != NULL) {
		*name = '\0';
		to = asb_object_in(to, rest);
		rest = name + 1;
	}
	json_object_object_add(to, rest, asb_copy(found));
}

struct json_object *cache_trim(const struct asb_fake *fake, const struct fake_kind *kind,
			       struct json_object *object)
{
	static const char *const always[] = {
		"apiVersion",
		"kind",
		"metadata.name",
		"metadata.namespace",
		"metadata.uid",
		"metadata.resourceVersion",
		"metadata.generation",
		"metadata.creationTimestamp",
		"metadata.deletionTimestamp",
		"metadata.labels",
		"metadata.annotations",
		"metadata.ownerReferences",
	};
	struct json_object *copy = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		cache_copy_path(copy, object, always[i]);
	}
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const char *const *fields =
			fake->kinds[i] == kind ? fake->plugin->watches[i].fields : NULL;

		for (; fields != NULL && *fields != NULL; fields++) {
			if (!kind->metadata_only || strncmp(*fields, "metadata.", 9) == 0) {
				cache_copy_path(copy, object, *fields);
			}
		}
	}
	return copy;
}

static bool cache_has_label(const struct asb_fake *fake, const struct fake_kind *kind,
			    struct json_object *object)
{
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const char *const *labels =
			fake->kinds[i] == kind ? fake->plugin->watches[i].selector_labels : NULL;

		for (; labels != NULL && *labels != NULL; labels++) {
			if (asb_label(object, *labels) != NULL) {
				return true;
			}
		}
	}
	return false;
}

bool cache_keeps(const struct asb_fake *fake, const struct fake_kind *kind,
		 struct json_object *object)
{
	struct json_object *controller = asb_controller(object, NULL);

	if (!kind->watched || !kind->ours) {
		return kind->watched;
	}
	/* The other kinds of the plugin are taken for kinds that other loaded plugins reconcile. */
	for (size_t i = 0; controller != NULL && i < fake->distinct_count; i++) {
		if (asb_owner_is(controller, fake->distinct[i].kind)) {
			return true;
		}
	}
	return cache_has_label(fake, kind, object);
}

void cache_put(struct asb_fake *fake, struct fake_kind *kind, const char *key,
	       struct json_object *take_object)
{
	struct stored *stored = map_get(&kind->stored, key);

	if (stored == NULL) {
		stored = xnew(struct stored);
		stored->key = xstrdup(key);
		map_put(&kind->stored, stored->key, stored);
	}
	index_leave(stored);
	json_object_put(stored->object);
	stored->object = take_object;
	index_enter(fake, kind, stored);
}

void cache_remove(struct fake_kind *kind, struct stored *stored)
{
	map_remove(&kind->stored, stored->key);
	cache_free(stored);
}
