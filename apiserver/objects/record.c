/* SPDX-License-Identifier: Apache-2.0 */
/* The records of objects: adding, changing and removing, each first on disk (if there is one),
 * then in memory, then in the history. Writes, deletions and the garbage collector call it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/owner.h"
#include "base/json.h"
#include "base/memory.h"

void metadata_set(struct json_object *object, const char *name, struct json_object *take_value)
{
	json_object_object_add(asb_object_in(object, "metadata"), name, take_value);
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

struct json_object *time_now(struct objects *objects, int64_t plus_seconds)
{
	char text[21];

	asb_time_format(objects->config.now_ms(objects->config.arg) + plus_seconds * 1000, text);
	return json_object_new_string(text);
}

struct json_object *record_tree(struct objects *objects, struct record *record)
{
	return state_tree(objects, record->state);
}

static void record_free(struct record *record)
{
	owners_free(record);
	objects_state_unref(record->state);
	free(record->key);
	free(record->uid);
	free(record);
}

void records_finish(struct resource *resource)
{
	for (size_t i = 0; i < resource->count; i++) {
		record_free(resource->records[i]);
	}
	resource->count = 0;
	resource->by_name = (struct tree)TREE_INIT;
	map_finish(&resource->by_key);
}

/* Makes the state of the next version. */
static int record_next_state(struct objects *objects, const struct resource *resource,
			     struct json_object *take_object, struct objects_state **ret,
			     struct error *reterr)
{
	char text[24];
	int status;

	snprintf(text, sizeof(text), "%" PRIu64, objects->version + 1);
	metadata_set(take_object, "resourceVersion", json_object_new_string(text));
	status = state_create(objects, resource, take_object, ret, reterr);
	objects->work += STEPS_OF_WRITE;
	if (status == 0) {
		(*ret)->version = objects->version + 1;
		objects->work += (*ret)->length / STEP_BYTES;
	}
	return status;
}

static int record_storage_failed(const struct error *error, struct error *reterr)
{
	return objects_fail(reterr, 500, "the object could not be stored: %.400s", error->text);
}

/* Tells the storage of a state, or of a removal. */
static int record_persist(struct objects *objects, const struct resource *resource, uint64_t order,
			  const struct objects_state *state, bool remove, struct error *reterr)
{
	const struct objects_storage *storage = &objects->storage;
	struct error error = { 0 };
	int code;

	if (storage->put == NULL) {
		return 0;
	}
	if (remove) {
		code = storage->remove(storage->arg, order, state->version, &error);
	} else {
		code = storage->put(storage->arg, resource->id, order, state->version, state->ns,
				    state->name, state->data, state->length, &error);
	}
	return code < 0 ? record_storage_failed(&error, reterr) : 0;
}

/* Puts a record into the maps. */
static struct record *record_enter(struct objects *objects, struct resource *resource,
				   uint64_t order, struct objects_state *take_state)
{
	struct record *record = xnew(struct record);
	struct json_object *tree = state_tree(objects, take_state);

	record->resource = resource;
	record->state = take_state;
	record->key = xprintf("%s/%s", asb_ns(tree), asb_name(tree));
	record->uid = xstrdup(asb_uid(tree));
	record->order = order;
	record->namespaced = *asb_ns(tree) != '\0';
	record->node.tie = record->key;
	if (resource->count == resource->size) {
		resource->size = resource->size > 0 ? resource->size * 2 : 16;
		resource->records = xrealloc(resource->records, resource->size * sizeof(record));
	}
	resource->records[resource->count++] = record;
	map_put(&resource->by_key, record->key, record);
	map_put(&objects->by_uid, record->uid, record);
	tree_insert(&resource->by_name, &record->node);
	return record;
}

/* The deletion that a server's object says it is in. */
static void record_set_deletion(struct objects *objects, struct record *record,
				struct json_object *tree)
{
	struct json_object *finalizers = asb_array(tree, "metadata", "finalizers");

	record->deleting = asb_deleting(tree);
	if (!record->deleting) {
		return;
	}
	record->grace = objects->policy->held(record, tree);
	record->orphaning = false;
	for (size_t i = 0; i < asb_length(finalizers); i++) {
		const char *text = asb_as_str(json_object_array_get_idx(finalizers, i));

		if (asb_streq(text, ORPHAN_FINALIZER)) {
			record->orphaning = true;
			owners_wait(objects, record);
		} else if (asb_streq(text, FOREGROUND_FINALIZER)) {
			owners_wait(objects, record);
		}
	}
}

int record_add(struct objects *objects, struct resource *resource, struct json_object *take_object,
	       struct record **ret, struct error *reterr)
{
	struct objects_state *state = NULL;
	int status = record_next_state(objects, resource, take_object, &state, reterr);

	if (status == 0) {
		status = record_persist(objects, resource, objects->orders + 1, state, false,
					reterr);
	}
	if (status != 0) {
		objects_state_unref(state);
		return status;
	}

	struct record *record = record_enter(objects, resource, ++objects->orders, state);

	history_add(objects, resource, OBJECTS_ADDED, state, NULL);
	owners_set(objects, record, state_tree(objects, state));
	record_set_deletion(objects, record, state_tree(objects, state));
	if (ret != NULL) {
		*ret = record;
	}
	return 0;
}

/* When an object that was stored was last written, as far as it tells: events grow old by it. */
static int64_t record_last_seen(struct json_object *tree, int64_t now_ms)
{
	const char *texts[] = { asb_str(tree, "lastTimestamp"), asb_str(tree, "eventTime"),
				asb_str(tree, "metadata", "creationTimestamp") };
	int64_t at_ms;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i] != NULL && asb_time_parse(texts[i], &at_ms)) {
			return at_ms < now_ms ? at_ms : now_ms;
		}
	}
	return now_ms;
}

int record_load(struct objects *objects, struct resource *resource, uint64_t order,
		uint64_t version, struct json_object *take_object, struct error *reterr)
{
	CLEANUP_JSON struct json_object *object = take_object;
	struct objects_state *state = NULL;
	int status;

	if (asb_name(object) == NULL || asb_uid(object) == NULL ||
	    record_find(objects, resource, asb_ns(object), asb_name(object)) != NULL ||
	    map_get(&objects->by_uid, asb_uid(object)) != NULL) {
		return objects_fail(
			reterr, 500,
			"the stored object %" PRIu64
			" of '%s' has no name or uid of its own: the database is damaged",
			order, resource->id);
	}
	status = state_create(objects, resource, TAKE(object), &state, reterr);
	if (status != 0) {
		return status;
	}
	state->version = version;
	state->at_ms = record_last_seen(state_tree(objects, state), state->at_ms);

	struct record *record = record_enter(objects, resource, order, state);

	owners_set(objects, record, state_tree(objects, state));
	record_set_deletion(objects, record, state_tree(objects, state));
	return 0;
}

int record_update(struct objects *objects, struct record *record, struct json_object *take_object,
		  struct error *reterr)
{
	struct objects_state *state = NULL, *old = record->state;
	int status = record_next_state(objects, record->resource, take_object, &state, reterr);

	if (status == 0) {
		status = record_persist(objects, record->resource, record->order, state, false,
					reterr);
	}
	if (status != 0) {
		objects_state_unref(state);
		return status;
	}

	struct json_object *tree = state_tree(objects, state);
	bool moved = owners_differ(record, tree);

	if (moved) {
		owners_unset(objects, record);
	}
	record->state = state;
	history_add(objects, record->resource, OBJECTS_MODIFIED, state, objects_state_ref(old));
	if (moved) {
		owners_set(objects, record, state_tree(objects, state));
	}
	record_set_deletion(objects, record, state_tree(objects, state));
	objects_state_unref(objects->scratch);
	objects->scratch = old;
	return 0;
}

/* Records stand in order of creation: halves find a place. */
static size_t record_place_of(const struct resource *resource, const struct record *record)
{
	size_t low = 0, high = resource->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (resource->records[middle]->order < record->order) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

int record_remove(struct objects *objects, struct record *record, struct json_object *take_object,
		  struct error *reterr)
{
	CLEANUP(objects_state_release) struct objects_state *state = NULL;
	struct resource *resource = record->resource;
	size_t place = record_place_of(resource, record);
	int status = record_next_state(objects, resource, take_object, &state, reterr);

	if (status == 0) {
		status = record_persist(objects, resource, record->order, state, true, reterr);
	}
	if (status != 0) {
		return status;
	}
	owners_unset(objects, record);
	memmove(resource->records + place, resource->records + place + 1,
		(resource->count - place - 1) * sizeof(resource->records[0]));
	resource->count--;
	map_remove(&resource->by_key, record->key);
	map_remove(&objects->by_uid, record->uid);
	tree_remove(&resource->by_name, &record->node);
	history_add(objects, resource, OBJECTS_DELETED, state, objects_state_ref(record->state));
	owners_gone(objects, record);
	objects_state_unref(objects->scratch);
	objects->scratch = TAKE(record->state);
	record_free(record);
	return 0;
}
