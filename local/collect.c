/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns whom in the in-memory API, and deleting what has no owner left. Writes keep the links;
 * the simulation and the fake host ask for the collecting. */
#include "config.h"

#include "base/json.h"
#include "base/memory.h"
#include "local/objects-private.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

/* The records that name one uid as an owner, once for each time they do. */
struct dependents {
	char *uid;
	struct record **records;
	size_t count, size;
};

/* An owner lives in the same namespace, or in none. */
static bool owner_exists(const struct objects *objects, const struct record *record,
			 const struct owner *reference)
{
	const struct record *owner = map_get(&objects->by_uid, reference->uid);
	size_t length = owner != NULL ? strcspn(owner->key, "/") + 1 : 0;

	return owner != NULL &&
	       (!owner->namespaced || strncmp(owner->key, record->key, length) == 0);
}

/* Whether a record names owners and none of them exists. */
static bool orphan(const struct objects *objects, const struct record *record)
{
	for (size_t i = 0; i < record->owner_count; i++) {
		if (owner_exists(objects, record, &record->owners[i])) {
			return false;
		}
	}
	return record->owner_count > 0;
}

static void candidate_add(struct objects *objects, struct record *record)
{
	if (record->candidate) {
		return;
	}
	record->candidate = true;
	record->candidate_previous = objects->candidate_last;
	record->candidate_next = NULL;
	if (objects->candidate_last != NULL) {
		objects->candidate_last->candidate_next = record;
	} else {
		objects->candidate_first = record;
	}
	objects->candidate_last = record;
}

static void candidate_remove(struct objects *objects, struct record *record)
{
	if (!record->candidate) {
		return;
	}
	record->candidate = false;
	if (record->candidate_previous != NULL) {
		record->candidate_previous->candidate_next = record->candidate_next;
	} else {
		objects->candidate_first = record->candidate_next;
	}
	if (record->candidate_next != NULL) {
		record->candidate_next->candidate_previous = record->candidate_previous;
	} else {
		objects->candidate_last = record->candidate_previous;
	}
}

static void dependents_free(struct dependents *dependents)
{
	free(dependents->records);
	free(dependents->uid);
	free(dependents);
}

static void link_one(struct objects *objects, struct record *record, const char *uid)
{
	struct dependents *dependents = map_get(&objects->dependents, uid);

	if (dependents == NULL) {
		dependents = xnew(struct dependents);
		dependents->uid = xstrdup(uid);
		map_put(&objects->dependents, dependents->uid, dependents);
	}
	if (dependents->count == dependents->size) {
		dependents->size = dependents->size > 0 ? dependents->size * 2 : 4;
		dependents->records =
			xrealloc(dependents->records, dependents->size * sizeof(record));
	}
	dependents->records[dependents->count++] = record;
}

static void unlink_one(struct objects *objects, const struct record *record, const char *uid)
{
	struct dependents *dependents = map_get(&objects->dependents, uid);

	for (size_t i = 0; dependents != NULL && i < dependents->count; i++) {
		if (dependents->records[i] == record) {
			dependents->records[i] = dependents->records[--dependents->count];
			break;
		}
	}
	if (dependents != NULL && dependents->count == 0) {
		map_remove(&objects->dependents, dependents->uid);
		dependents_free(dependents);
	}
}

bool owners_differ(const struct record *record, struct json_object *object)
{
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");

	if (asb_length(owners) != record->owner_count) {
		return true;
	}
	for (size_t i = 0; i < record->owner_count; i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		if (!asb_streq(asb_str(owner, "uid"), record->owners[i].uid) ||
		    asb_true(asb_at(owner, "blockOwnerDeletion")) != record->owners[i].blocks) {
			return true;
		}
	}
	return false;
}

void owners_set(struct objects *objects, struct record *record, struct json_object *object)
{
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");
	size_t count = asb_length(owners);

	record->owners = count > 0 ? xnew_array(struct owner, count) : NULL;
	record->owner_count = count;
	for (size_t i = 0; i < count; i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);
		const char *uid = asb_str(owner, "uid");

		record->owners[i].uid = xstrdup(uid != NULL ? uid : "");
		record->owners[i].blocks = asb_true(asb_at(owner, "blockOwnerDeletion"));
		link_one(objects, record, record->owners[i].uid);
	}
	if (orphan(objects, record)) {
		candidate_add(objects, record);
	}
}

void owners_unset(struct objects *objects, struct record *record)
{
	for (size_t i = 0; i < record->owner_count; i++) {
		unlink_one(objects, record, record->owners[i].uid);
		free(record->owners[i].uid);
	}
	free(TAKE(record->owners));
	record->owner_count = 0;
	candidate_remove(objects, record);
}

void owners_gone(struct objects *objects, const char *uid)
{
	const struct dependents *dependents = map_get(&objects->dependents, uid);

	for (size_t i = 0; dependents != NULL && i < dependents->count; i++) {
		candidate_add(objects, dependents->records[i]);
	}
}

void owners_finish(struct objects *objects)
{
	struct dependents *dependents;
	size_t at = 0;

	while ((dependents = map_next(&objects->dependents, &at, NULL)) != NULL) {
		dependents_free(dependents);
	}
	map_finish(&objects->dependents);
	for (size_t i = 0; i < objects->waiting_count; i++) {
		free(objects->waiting[i]);
	}
	free(objects->waiting);
}

/* ---- foreground and orphan deletions ---- */

bool owners_blocked(const struct objects *objects, const struct record *owner)
{
	const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

	for (size_t i = 0; dependents != NULL && i < dependents->count; i++) {
		const struct record *record = dependents->records[i];

		for (size_t j = 0; j < record->owner_count; j++) {
			if (record->owners[j].blocks &&
			    strcmp(record->owners[j].uid, owner->uid) == 0) {
				return true;
			}
		}
	}
	return false;
}

void owners_wait(struct objects *objects, struct record *owner)
{
	if (owner->waiting) {
		return;
	}
	owner->waiting = true;
	objects->waiting = xrealloc(objects->waiting,
				    (objects->waiting_count + 1) * sizeof(objects->waiting[0]));
	objects->waiting[objects->waiting_count++] = xstrdup(owner->uid);
}

/* A copy of an array without the elements that are, or whose uid is, that text. */
static struct json_object *without(struct json_object *array, const char *text)
{
	struct json_object *rest = json_object_new_array();

	for (size_t i = 0; i < asb_length(array); i++) {
		struct json_object *element = json_object_array_get_idx(array, i);

		if (!asb_streq(asb_as_str(element), text) &&
		    !asb_streq(asb_str(element, "uid"), text)) {
			json_object_array_add(rest, json_object_get(element));
		}
	}
	return rest;
}

int owners_orphan(struct objects *objects, struct record *owner, struct error *reterr)
{
	const struct dependents *dependents;

	/* Each pass takes the owner's uid out of one of them. */
	while ((dependents = map_get(&objects->dependents, owner->uid)) != NULL) {
		struct record *record = dependents->records[0];
		CLEANUP_JSON struct json_object *tree = state_hold(objects, record->state);
		struct json_object *copy = object_derive(tree);
		int status;

		metadata_set(copy, "ownerReferences",
			     without(asb_array(tree, "metadata", "ownerReferences"), owner->uid));
		status = record_update(objects, record, copy, reterr);
		if (status != 0) {
			return status;
		}
	}
	return 0;
}

/* Deletes what depends on an owner and is not being deleted yet. */
static size_t delete_dependents(struct objects *objects, const char *uid)
{
	const struct objects_delete_options options = { .grace = -1 };
	size_t deleted = 0;

	for (size_t i = 0;; i++) {
		const struct dependents *dependents = map_get(&objects->dependents, uid);

		if (dependents == NULL || i >= dependents->count) {
			return deleted;
		}

		struct record *record = dependents->records[i];
		size_t count = dependents->count;

		if (record_deleting(objects, record) ||
		    record_delete(objects, record, &options, NULL) != 0) {
			continue;
		}
		deleted++;
		dependents = map_get(&objects->dependents, uid);
		if (dependents != NULL && dependents->count < count) {
			i--; /* another stands in its place */
		}
	}
}

/* Lets an owner go for which nothing waits any more. */
static int release_owner(struct objects *objects, struct record *owner)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, owner->state);
	struct json_object *copy = object_derive(tree);
	struct json_object *rest =
		without(asb_array(tree, "metadata", "finalizers"), FOREGROUND_FINALIZER);

	owner->waiting = false;
	if (asb_length(rest) > 0) {
		metadata_set(copy, "finalizers", rest);
	} else {
		json_object_put(rest);
		json_object_object_del(asb_at(copy, "metadata"), "finalizers");
	}
	return record_released(objects, owner, copy) ? record_remove(objects, owner, copy, NULL)
						     : record_update(objects, owner, copy, NULL);
}

/* One pass over those that wait: how many changes it made. */
static size_t collect_waiting(struct objects *objects)
{
	size_t changes = 0;

	for (size_t i = 0; i < objects->waiting_count; i++) {
		struct record *owner = map_get(&objects->by_uid, objects->waiting[i]);

		if (owner != NULL && owner->waiting) {
			changes += delete_dependents(objects, owner->uid);
			if (owners_blocked(objects, owner)) {
				continue;
			}
			if (release_owner(objects, owner) != 0) {
				owner->waiting = true; /* the disk is full: again later */
				continue;
			}
			changes++;
		}
		free(objects->waiting[i]);
		objects->waiting[i--] = objects->waiting[--objects->waiting_count];
	}
	return changes;
}

size_t objects_collect(struct objects *objects)
{
	const struct objects_delete_options options = { .grace = -1 };
	/* Only those that are there now: what their end orphans is for the next pass. */
	struct record *last = objects->candidate_last, *record;
	bool more = last != NULL;
	size_t deleted = 0;

	while (more) {
		record = objects->candidate_first;
		more = record != last;
		candidate_remove(objects, record);
		if (!orphan(objects, record) || record_deleting(objects, record)) {
			continue;
		}
		if (record_delete(objects, record, &options, NULL) != 0) {
			candidate_add(objects, record); /* the disk is full: again later */
			break;
		}
		deleted++;
	}
	return deleted + collect_waiting(objects);
}
