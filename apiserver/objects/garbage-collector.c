/* SPDX-License-Identifier: Apache-2.0 */
/* The garbage collector: deletes what has no owner left, and what waits for its dependents. The API
 * server's thread of time, the simulation and the fake host run its passes. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/dependents.h"
#include "apiserver/objects/orphan.h"
#include "base/json.h"
#include "base/memory.h"

/* ---- foreground deletions ---- */

/* Whether another owner than the waiting one keeps a record: one that is present and does not
 * wait itself does, and so does one whose presence is unknown. */
static enum owner_presence gc_other_owners(const struct objects *objects,
					   const struct record *record, const struct record *owner)
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

/* Deletes a dependent of a waiting owner, or only takes the reference out when another owner
 * keeps it. Returns whether that changed anything. */
static bool gc_delete_dependent(struct objects *objects, struct record *record,
				const struct record *owner)
{
	const struct objects_delete_options options = { .grace = -1 };
	bool names = false;

	for (size_t i = 0; i < record->owner_count && !names; i++) {
		names = owner_is(&record->owners[i], record, owner);
	}
	if (!names || record->deleting) {
		return false;
	}
	switch (gc_other_owners(objects, record, owner)) {
	case OWNER_PRESENT:
		return orphan_record(objects, record, owner->uid, NULL) == 0;
	case OWNER_UNKNOWN:
		return false;
	case OWNER_ABSENT:
		break;
	}
	return record_delete(objects, record, &options, NULL) == 0;
}

/* Deletes what depends on an owner and is not being deleted yet. */
static size_t gc_delete_dependents(struct objects *objects, const struct record *owner)
{
	size_t changes = 0;

	for (size_t i = 0;; i++) {
		const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

		if (dependents == NULL || i >= dependents->count) {
			return changes;
		}

		struct record *record = dependents->records[i];
		size_t count = dependents->count;

		if (!gc_delete_dependent(objects, record, owner)) {
			continue;
		}
		changes++;
		dependents = map_get(&objects->dependents, owner->uid);
		if (dependents != NULL && dependents->count < count) {
			i--; /* the last dependent is at this index now */
		}
	}
}

/* Takes the foreground finalizer from an owner whose blocking dependents are gone. */
static int gc_release_owner(struct objects *objects, struct record *owner)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, owner->state);
	struct json_object *copy = object_derive(tree);
	struct json_object *rest =
		orphan_without(asb_array(tree, "metadata", "finalizers"), FOREGROUND_FINALIZER);

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

/* One pass over the waiting owners. Returns how many changes it made. */
static size_t gc_collect_waiting(struct objects *objects)
{
	size_t changes = 0;

	for (size_t i = 0; i < objects->waiting_count; i++) {
		struct record *owner = map_get(&objects->by_uid, objects->waiting[i]);

		if (owner != NULL && owner->waiting) {
			changes += gc_delete_dependents(objects, owner);
			if (owners_blocked(objects, owner)) {
				continue;
			}
			if (gc_release_owner(objects, owner) != 0) {
				owner->waiting =
					true; /* the disk is full: a later pass tries again */
				continue;
			}
			changes++;
		}
		free(objects->waiting[i]);
		objects->waiting[i--] = objects->waiting[--objects->waiting_count];
	}
	return changes;
}

/* Looks again for owners of unknown presence: their resource may be installed by now. */
static void gc_retry_unsure(struct objects *objects)
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
static int gc_drop_absent(struct objects *objects, struct record *record)
{
	for (size_t i = record->owner_count; i-- > 0;) {
		if (owner_look(objects, record, &record->owners[i]) == OWNER_ABSENT) {
			CLEANUP_FREE char *uid = xstrdup(record->owners[i].uid);
			int status = orphan_record(objects, record, uid, NULL);

			if (status != 0) {
				return status;
			}
			i = record->owner_count;
		}
	}
	return 0;
}

/* Deletes a candidate without owners, or takes references to absent owners out. 0 or the status
 * of a failure; *ret_changed: whether it was changed or deleted. */
static int gc_collect_one(struct objects *objects, struct record *record, bool *ret_changed)
{
	const struct objects_delete_options options = { .grace = -1 };
	struct owners_result result = owners_look(objects, record);
	int status = 0;

	*ret_changed = false;
	if (record->owner_count == 0 || record->deleting) {
		return 0;
	}
	if (!record->unsure) {
		owners_report(objects, record);
	}
	record->unsure = result.unknown > 0;
	if (result.unknown > 0 || result.absent == 0) {
		return 0;
	}
	if (result.present == 0) {
		status = record_delete(objects, record, &options, NULL);
	} else if (objects->policy->strict_owners) {
		status = gc_drop_absent(objects, record);
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

	gc_retry_unsure(objects);
	/* This pass handles the candidates there are now; objects orphaned by it are for the
	 * next. */
	last = objects->candidate_last;
	more = last != NULL;
	while (more) {
		record = objects->candidate_first;
		more = record != last;
		candidate_remove(objects, record);
		if (gc_collect_one(objects, record, &changed) != 0) {
			candidate_add(objects,
				      record); /* the disk is full: a later pass tries again */
			break;
		}
		changes += changed ? 1 : 0;
	}
	return changes + gc_collect_waiting(objects);
}
