/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns whom in the in-memory API, and deleting what has no owner left. Writes keep the links;
 * the simulation and the fake host ask for the collecting. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/owner.h"
#include "base/json.h"
#include "base/memory.h"

/* The records that name one uid as an owner, once for each time they do. */
struct dependents {
	char *uid;
	struct record **records;
	size_t count, size;
};

/* What the owners of a record are, taken together. */
struct result {
	size_t present, absent, unknown;
};

static struct result owners_judge(const struct objects *objects, const struct record *record)
{
	struct result result = { 0 };

	for (size_t i = 0; i < record->owner_count; i++) {
		switch (owner_look(objects, record, &record->owners[i])) {
		case OWNER_PRESENT:
			result.present++;
			break;
		case OWNER_ABSENT:
			result.absent++;
			break;
		case OWNER_UNKNOWN:
			result.unknown++;
			break;
		}
	}
	return result;
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

		if (!owner_same(&record->owners[i], owner)) {
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
		owner_init(&record->owners[i], json_object_array_get_idx(owners, i));
		link_one(objects, record, record->owners[i].uid);
	}
	if (owners_judge(objects, record).present < count) {
		candidate_add(objects, record);
	}
}

void owners_unset(struct objects *objects, struct record *record)
{
	for (size_t i = 0; i < record->owner_count; i++) {
		unlink_one(objects, record, record->owners[i].uid);
	}
	owners_free(record);
	candidate_remove(objects, record);
}

void owners_gone(struct objects *objects, const struct record *owner)
{
	const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

	for (size_t i = 0; dependents != NULL && i < dependents->count; i++) {
		struct record *record = dependents->records[i];

		for (size_t j = 0; j < record->owner_count; j++) {
			/* Also when its kind is served no more, because its CRD goes. */
			record->owners[j].gone = record->owners[j].gone ||
						 owner_is(&record->owners[j], record, owner);
		}
		candidate_add(objects, record);
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
			    owner_is(&record->owners[j], record, owner)) {
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

/* Takes the references to one uid out of a record. */
static int drop_owner(struct objects *objects, struct record *record, const char *uid,
		      struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, record->state);
	struct json_object *copy = object_derive(tree);

	metadata_set(copy, "ownerReferences",
		     without(asb_array(tree, "metadata", "ownerReferences"), uid));
	return record_update(objects, record, copy, reterr);
}

int owners_orphan(struct objects *objects, struct record *owner, struct error *reterr)
{
	const struct dependents *dependents;

	/* Each pass takes the owner's uid out of one of them. */
	while ((dependents = map_get(&objects->dependents, owner->uid)) != NULL) {
		int status = drop_owner(objects, dependents->records[0], owner->uid, reterr);

		if (status != 0) {
			return status;
		}
	}
	return 0;
}

/* What another owner than a waiting one says of a record: it keeps it when it is there and does not
 * wait itself, and also when nobody can tell. */
static enum owner_presence other_owners(const struct objects *objects, const struct record *record,
					const struct record *owner)
{
	enum owner_presence result = OWNER_ABSENT;

	for (size_t i = 0; i < record->owner_count; i++) {
		const struct owner *other = &record->owners[i];
		const struct record *there = map_get(&objects->by_uid, other->uid);
		enum owner_presence presence = owner_look(objects, record, other);

		if (presence == OWNER_UNKNOWN) {
			return OWNER_UNKNOWN;
		}
		if (presence == OWNER_PRESENT && there != owner && !there->waiting) {
			result = OWNER_PRESENT;
		}
	}
	return result;
}

/* Deletes a dependent of an owner that waits, or lets go of it where another owner keeps it. Whether
 * that changed anything. */
static bool delete_dependent(struct objects *objects, struct record *record,
			     const struct record *owner)
{
	const struct objects_delete_options options = { .grace = -1 };
	bool names = false;

	for (size_t i = 0; i < record->owner_count && !names; i++) {
		names = owner_is(&record->owners[i], record, owner);
	}
	if (!names || record_deleting(objects, record)) {
		return false;
	}
	switch (other_owners(objects, record, owner)) {
	case OWNER_PRESENT:
		return drop_owner(objects, record, owner->uid, NULL) == 0;
	case OWNER_UNKNOWN:
		return false;
	case OWNER_ABSENT:
		break;
	}
	return record_delete(objects, record, &options, NULL) == 0;
}

/* Deletes what depends on an owner and is not being deleted yet. */
static size_t delete_dependents(struct objects *objects, const struct record *owner)
{
	size_t changes = 0;

	for (size_t i = 0;; i++) {
		const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

		if (dependents == NULL || i >= dependents->count) {
			return changes;
		}

		struct record *record = dependents->records[i];
		size_t count = dependents->count;

		if (!delete_dependent(objects, record, owner)) {
			continue;
		}
		changes++;
		dependents = map_get(&objects->dependents, owner->uid);
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
			changes += delete_dependents(objects, owner);
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

/* What could not be judged is judged again: a kind may be served by now. */
static void look_again(struct objects *objects)
{
	const struct dependents *dependents;
	size_t at = 0;

	if (!objects->kinds_changed) {
		return;
	}
	objects->kinds_changed = false;
	while ((dependents = map_next(&objects->dependents, &at, NULL)) != NULL) {
		for (size_t i = 0; i < dependents->count; i++) {
			if (dependents->records[i]->unsure) {
				candidate_add(objects, dependents->records[i]);
			}
		}
	}
}

/* Takes the references to absent owners out of a record that another one keeps. */
static int drop_absent(struct objects *objects, struct record *record)
{
	for (size_t i = record->owner_count; i-- > 0;) {
		if (owner_look(objects, record, &record->owners[i]) == OWNER_ABSENT) {
			CLEANUP_FREE char *uid = xstrdup(record->owners[i].uid);
			int status = drop_owner(objects, record, uid, NULL);

			if (status != 0) {
				return status;
			}
			i = record->owner_count;
		}
	}
	return 0;
}

/* Does with a candidate what its owners want. 0 or the status of a failure; *ret_changed: whether it
 * was changed or deleted. */
static int collect_one(struct objects *objects, struct record *record, bool *ret_changed)
{
	const struct objects_delete_options options = { .grace = -1 };
	struct result result = owners_judge(objects, record);
	int status = 0;

	*ret_changed = false;
	if (record->owner_count == 0 || record_deleting(objects, record)) {
		return 0;
	}
	if (!record->unsure) {
		owners_tell(objects, record);
	}
	record->unsure = result.unknown > 0;
	if (result.unknown > 0 || result.absent == 0) {
		return 0;
	}
	if (result.present == 0) {
		status = record_delete(objects, record, &options, NULL);
	} else if (objects->config.server) {
		status = drop_absent(objects, record);
	} else {
		return 0;
	}
	*ret_changed = status == 0;
	return status;
}

size_t objects_collect(struct objects *objects)
{
	struct record *last, *record;
	size_t changes = 0;
	bool more, changed;

	look_again(objects);
	/* Only those that are there now: what their end orphans is for the next pass. */
	last = objects->candidate_last;
	more = last != NULL;
	while (more) {
		record = objects->candidate_first;
		more = record != last;
		candidate_remove(objects, record);
		if (collect_one(objects, record, &changed) != 0) {
			candidate_add(objects, record); /* the disk is full: again later */
			break;
		}
		changes += changed ? 1 : 0;
	}
	return changes + collect_waiting(objects);
}
