/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds and objects of the in-memory API, and reading them. The simulation and the fake host
 * stand on it. */
#include "config.h"

#include "local/objects.h"

#include "base/memory.h"
#include "kube/kind.h"
#include "local/objects-private.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 640 /* namespace 63, name 253, with room for what only looks like one */

struct objects *objects_create(const struct objects_config *config)
{
	struct objects *objects = xnew(struct objects);

	objects->config = *config;
	/* A watch from version 0 would mean "any": begin behind it. */
	objects->version = 1;
	objects->compacted = 1;
	return objects;
}

static void record_free(struct record *record)
{
	json_object_put(record->object);
	free(record->key);
	free(record->uid);
	free(record);
}

static void served_free(struct served *served)
{
	for (size_t i = 0; i < served->count; i++) {
		record_free(served->records[i]);
	}
	map_finish(&served->by_key);
	free(served->records);
	free(served->versions);
	free((char *)(uintptr_t)served->kind.group);
	free((char *)(uintptr_t)served->kind.version);
	free((char *)(uintptr_t)served->kind.plural);
	free((char *)(uintptr_t)served->kind.kind);
	free(served->id);
	free(served);
}

void objects_destroy(struct objects *objects)
{
	if (objects == NULL) {
		return;
	}
	history_finish(objects);
	owners_finish(objects);
	for (size_t i = 0; i < objects->served_count; i++) {
		served_free(objects->served[i]);
	}
	free(objects->served);
	map_finish(&objects->kinds);
	map_finish(&objects->by_uid);
	json_object_put(objects->scratch);
	free(objects);
}

static void kind_id(const struct asb_kind *kind, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s/%s", kind->group, kind->kind);
}

struct served *served_find(const struct objects *objects, const struct asb_kind *kind)
{
	char id[KEY_MAX];

	kind_id(kind, id);
	return map_get(&objects->kinds, id);
}

void objects_serve(struct objects *objects, const struct asb_kind *kind, bool status)
{
	struct served *served = served_find(objects, kind);
	char id[KEY_MAX];

	if (served == NULL) {
		kind_id(kind, id);
		served = xnew(struct served);
		served->kind.group = xstrdup(kind->group);
		served->kind.version = xstrdup(kind->version);
		served->kind.plural = xstrdup(kind->plural);
		served->kind.kind = xstrdup(kind->kind);
		served->id = xstrdup(id);
		objects->served =
			xrealloc(objects->served, (objects->served_count + 1) * sizeof(served));
		objects->served[objects->served_count++] = served;
		map_put(&objects->kinds, served->id, served);
	}
	served->status = status;
}

void objects_set_graceful(struct objects *objects, const struct asb_kind *kind, bool graceful)
{
	struct served *served = served_find(objects, kind);

	if (served != NULL) {
		served->graceful = graceful;
	}
}

struct record *record_find(const struct objects *objects, const struct served *served,
			   const char *ns, const char *name)
{
	char key[KEY_MAX];

	(void)objects;
	if (served == NULL || snprintf(key, sizeof(key), "%s/%s", ns, name) >= (int)sizeof(key)) {
		return NULL;
	}
	return map_get(&served->by_key, key);
}

struct json_object *objects_keep(struct objects *objects, struct json_object *take_object)
{
	json_object_put(objects->scratch);
	objects->scratch = take_object;
	return take_object;
}

struct json_object *object_derive(struct json_object *object)
{
	struct json_object *copy = json_object_new_object(), *metadata = json_object_new_object();

	json_object_object_foreach (object, name, member) {
		json_object_object_add(copy, name,
				       strcmp(name, "metadata") == 0 ? metadata
								     : json_object_get(member));
	}
	json_object_object_foreach (asb_at(object, "metadata"), entry, value) {
		json_object_object_add(metadata, entry, json_object_get(value));
	}
	return copy;
}

void metadata_set(struct json_object *object, const char *name, struct json_object *take_value)
{
	json_object_object_add(asb_object_in(object, "metadata"), name, take_value);
}

void record_add(struct objects *objects, struct served *served, struct json_object *take_object)
{
	struct record *record = xnew(struct record);

	record->served = served;
	record->object = take_object;
	record->key = xprintf("%s/%s", asb_ns(take_object), asb_name(take_object));
	record->uid = xstrdup(asb_uid(take_object));
	record->order = ++objects->orders;
	if (served->count == served->size) {
		served->size = served->size > 0 ? served->size * 2 : 16;
		served->records = xrealloc(served->records, served->size * sizeof(record));
	}
	served->records[served->count++] = record;
	map_put(&served->by_key, record->key, record);
	map_put(&objects->by_uid, record->uid, record);
	history_add(objects, served, OBJECTS_ADDED, take_object);
	owners_link(objects, record);
}

void record_update(struct objects *objects, struct record *record, struct json_object *take_object)
{
	struct json_object *old = record->object;
	bool moved = !json_object_equal(asb_at(old, "metadata", "ownerReferences"),
					asb_at(take_object, "metadata", "ownerReferences"));

	if (moved) {
		owners_unlink(objects, record);
	}
	record->object = take_object;
	history_add(objects, record->served, OBJECTS_MODIFIED, take_object);
	if (moved) {
		owners_link(objects, record);
	}
	objects_keep(objects, old);
}

/* Records stand in order of creation: halves find a place. */
static size_t place_of(const struct served *served, const struct record *record)
{
	size_t low = 0, high = served->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (served->records[middle]->order < record->order) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

void record_remove(struct objects *objects, struct record *record, struct json_object *take_object)
{
	struct served *served = record->served;
	size_t place = place_of(served, record);

	owners_unlink(objects, record);
	memmove(served->records + place, served->records + place + 1,
		(served->count - place - 1) * sizeof(served->records[0]));
	served->count--;
	map_remove(&served->by_key, record->key);
	map_remove(&objects->by_uid, record->uid);
	history_add(objects, served, OBJECTS_DELETED, take_object);
	owners_gone(objects, record->uid);
	json_object_put(take_object);
	objects_keep(objects, TAKE(record->object));
	record_free(record);
}

struct json_object *objects_get(struct objects *objects, const struct asb_kind *kind,
				const char *ns, const char *name)
{
	struct record *record = record_find(objects, served_find(objects, kind), ns, name);

	return record != NULL ? record->object : NULL;
}

struct json_object *objects_nth(struct objects *objects, const struct asb_kind *kind,
				size_t position)
{
	struct served *served = served_find(objects, kind);

	return served != NULL && position < served->count ? served->records[position]->object
							  : NULL;
}

size_t objects_count(struct objects *objects, const struct asb_kind *kind)
{
	struct served *served = served_find(objects, kind);

	return served != NULL ? served->count : 0;
}

const char *objects_reason(int http_status, const char *message)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "BadRequest" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "NotFound" },
		{ 405, "MethodNotAllowed" },
		{ 406, "NotAcceptable" },
		{ 409, "Conflict" },
		{ 410, "Expired" },
		{ 413, "RequestEntityTooLarge" },
		{ 415, "UnsupportedMediaType" },
		{ 422, "Invalid" },
		{ 429, "TooManyRequests" },
		{ 500, "InternalError" },
		{ 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};

	if (http_status == 409 && strstr(message, "already exists") != NULL) {
		return "AlreadyExists";
	}
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == http_status) {
			return reasons[i].reason;
		}
	}
	return "";
}
