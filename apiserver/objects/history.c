/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of the in-memory API by version. Writes add to it; watches and invariants read. */
#include "config.h"

#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/memory.h"

/* What a change may hold in memory: a state before it is often also that of another change. */
static size_t history_change_bytes(const struct change *change)
{
	return state_size(change->state) +
	       (change->before != NULL ? state_size(change->before) : 0);
}

void history_add(struct objects *objects, struct resource *resource, int type,
		 struct objects_state *state, struct objects_state *before)
{
	size_t count = (size_t)(objects->version - objects->compacted);

	objects->version = state->version;
	if (count == objects->change_size) {
		objects->change_size = count > 0 ? count * 2 : 64;
		objects->changes = xrealloc(objects->changes,
					    objects->change_size * sizeof(objects->changes[0]));
	}
	objects->changes[count] = (struct change){
		.resource = resource,
		.type = type,
		.state = objects_state_ref(state),
		.before = before,
		.at_ms = objects->config.now_ms(objects->config.arg),
	};
	objects->change_bytes += history_change_bytes(&objects->changes[count]);
	if (resource->version_count == resource->version_size) {
		resource->version_size =
			resource->version_size > 0 ? resource->version_size * 2 : 16;
		resource->versions = xrealloc(
			resource->versions, resource->version_size * sizeof(resource->versions[0]));
	}
	resource->versions[resource->version_count++] = objects->version;
	if (objects->hooks.changed != NULL) {
		objects->hooks.changed(objects->hooks.arg, &resource->kind, type, state);
	}
}

static void history_change_finish(struct objects *objects, struct change *change)
{
	objects->change_bytes -= history_change_bytes(change);
	objects_state_unref(change->state);
	objects_state_unref(change->before);
}

uint64_t objects_version(const struct objects *objects)
{
	return objects->version;
}

uint64_t objects_compacted(const struct objects *objects)
{
	return objects->compacted;
}

size_t history_first_after(const struct resource *resource, uint64_t after)
{
	size_t low = 0, high = resource->version_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (resource->versions[middle] <= after) {
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
		history_change_finish(objects, &objects->changes[i]);
	}
	memmove(objects->changes, objects->changes + gone, rest * sizeof(objects->changes[0]));
	objects->compacted = version;
	for (size_t i = 0; i < objects->resource_count; i++) {
		struct resource *resource = objects->resources[i];
		size_t place = history_first_after(resource, version);

		resource->version_count -= place;
		if (place > 0) {
			memmove(resource->versions, resource->versions + place,
				resource->version_count * sizeof(resource->versions[0]));
		}
	}
}

const struct change *history_change(const struct objects *objects, uint64_t version)
{
	return &objects->changes[version - objects->compacted - 1];
}

/* When a bound is met a quarter is compacted at once, so that a busy server does not move the
 * rest for each change. */
void history_bound(struct objects *objects)
{
	size_t count = (size_t)(objects->version - objects->compacted), gone = 0,
	       bytes = objects->change_bytes;
	int64_t old = objects->config.now_ms(objects->config.arg) - OBJECTS_HISTORY_MS;

	if (count > OBJECTS_HISTORY_CHANGES || bytes > OBJECTS_HISTORY_BYTES) {
		while (gone < count && (count - gone > OBJECTS_HISTORY_CHANGES / 4 * 3 ||
					bytes > OBJECTS_HISTORY_BYTES / 4 * 3)) {
			bytes -= history_change_bytes(&objects->changes[gone++]);
		}
	}
	while (gone < count && objects->changes[gone].at_ms < old) {
		gone++;
	}
	objects_compact(objects, objects->compacted + gone);
}

static void history_fill(struct objects *objects, uint64_t version, struct objects_change *ret)
{
	const struct change *change = history_change(objects, version);

	ret->version = version;
	ret->kind = &change->resource->kind;
	ret->type = change->type;
	ret->object = state_tree(objects, change->state);
	ret->ns = objects_state_ns(change->state);
	ret->name = objects_state_name(change->state);
	ret->state = change->state;
	ret->before = change->before;
}

bool objects_next_change(struct objects *objects, const struct asb_kind *kind, uint64_t after,
			 struct objects_change *ret)
{
	struct resource *resource = resource_find(objects, kind);
	size_t place = resource != NULL ? history_first_after(resource, after) : 0;

	if (resource == NULL || place == resource->version_count) {
		return false;
	}
	history_fill(objects, resource->versions[place], ret);
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
	history_fill(objects, after + 1, ret);
	return true;
}

void history_finish(struct objects *objects)
{
	for (uint64_t i = 0; i < objects->version - objects->compacted; i++) {
		history_change_finish(objects, &objects->changes[i]);
	}
	free(objects->changes);
}
