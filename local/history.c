/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of the in-memory API by version. Writes add to it; watches and invariants read. */
#include "config.h"

#include "base/memory.h"
#include "local/objects-private.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void history_add(struct objects *objects, struct served *served, int type,
		 struct json_object *object)
{
	size_t count = (size_t)(objects->version - objects->compacted);
	char text[24];

	objects->version++;
	snprintf(text, sizeof(text), "%" PRIu64, objects->version);
	metadata_set(object, "resourceVersion", json_object_new_string(text));
	if (count == objects->change_size) {
		objects->change_size = count > 0 ? count * 2 : 64;
		objects->changes = xrealloc(objects->changes,
					    objects->change_size * sizeof(objects->changes[0]));
	}
	objects->changes[count] = (struct change){ served, type, json_object_get(object) };
	if (served->version_count == served->version_size) {
		served->version_size = served->version_size > 0 ? served->version_size * 2 : 16;
		served->versions = xrealloc(served->versions,
					    served->version_size * sizeof(served->versions[0]));
	}
	served->versions[served->version_count++] = objects->version;
}

uint64_t objects_version(const struct objects *objects)
{
	return objects->version;
}

uint64_t objects_compacted(const struct objects *objects)
{
	return objects->compacted;
}

/* The place of the first version of a kind after that one. */
static size_t first_after(const struct served *served, uint64_t after)
{
	size_t low = 0, high = served->version_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (served->versions[middle] <= after) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

void objects_compact(struct objects *objects, uint64_t version)
{
	if (version > objects->version) {
		version = objects->version;
	}
	if (version <= objects->compacted) {
		return;
	}

	size_t gone = (size_t)(version - objects->compacted),
	       rest = (size_t)(objects->version - version);

	for (size_t i = 0; i < gone; i++) {
		json_object_put(objects->changes[i].object);
	}
	memmove(objects->changes, objects->changes + gone, rest * sizeof(objects->changes[0]));
	objects->compacted = version;
	for (size_t i = 0; i < objects->served_count; i++) {
		struct served *served = objects->served[i];
		size_t place = first_after(served, version);

		served->version_count -= place;
		if (place > 0) {
			memmove(served->versions, served->versions + place,
				served->version_count * sizeof(served->versions[0]));
		}
	}
}

static void fill(const struct objects *objects, uint64_t version, struct objects_change *ret)
{
	const struct change *change = &objects->changes[version - objects->compacted - 1];

	ret->version = version;
	ret->kind = &change->served->kind;
	ret->type = change->type;
	ret->object = change->object;
	ret->ns = asb_ns(change->object);
	ret->name = asb_name(change->object);
}

bool objects_next_change(struct objects *objects, const struct asb_kind *kind, uint64_t after,
			 struct objects_change *ret)
{
	struct served *served = served_find(objects, kind);
	size_t place = served != NULL ? first_after(served, after) : 0;

	if (served == NULL || place == served->version_count) {
		return false;
	}
	fill(objects, served->versions[place], ret);
	return true;
}

bool objects_next_any(struct objects *objects, uint64_t after, struct objects_change *ret)
{
	if (after < objects->compacted) {
		after = objects->compacted;
	}
	if (after >= objects->version) {
		return false;
	}
	fill(objects, after + 1, ret);
	return true;
}

void history_finish(struct objects *objects)
{
	for (uint64_t i = 0; i < objects->version - objects->compacted; i++) {
		json_object_put(objects->changes[i].object);
	}
	free(objects->changes);
}
