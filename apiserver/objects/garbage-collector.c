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
		if (presence == OWNER_PRESENT && there != owner &&
		    (!there->waiting || there->orphaning)) {
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

/* Deletes what depends on an owner and is not being deleted yet. Those that were looked at go to the
 * end of the list, so that the next pass goes on with the others. False: too much is done already. */
static bool gc_delete_dependents(struct objects *objects, const struct record *owner,
				 uint64_t until, size_t *changes)
{
	struct dependents *dependents = map_get(&objects->dependents, owner->uid);
	size_t left = dependents != NULL ? dependents->count : 0;

	while (left > 0 && dependents != NULL) {
		struct record *record = dependents->first->record;
		uint64_t work;
		size_t count;

		if (objects_worked(objects, until)) {
			return false;
		}
		count = dependents_rotate(dependents);
		left -= count < left ? count : left;
		objects->work += record->owner_count;
		work = objects->work;
		if (gc_delete_dependent(objects, record, owner)) {
			++*changes;
		} else if (objects->work - work >= STEPS_OF_WRITE) {
			return true; /* the disk is full: a later pass tries again */
		}
		dependents = map_get(&objects->dependents, owner->uid);
	}
	return true;
}

/* A copy of a list of finalizers without one of them. */
static struct json_object *gc_without(struct json_object *finalizers, const char *name)
{
	struct json_object *rest = json_object_new_array();

	for (size_t i = 0; i < asb_length(finalizers); i++) {
		struct json_object *finalizer = json_object_array_get_idx(finalizers, i);

		if (!asb_streq(asb_as_str(finalizer), name)) {
			json_object_array_add(rest, json_object_get(finalizer));
		}
	}
	return rest;
}

/* Takes the foreground finalizer from an owner whose blocking dependents are gone. */
static int gc_release_owner(struct objects *objects, struct record *owner)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, owner->state);
	struct json_object *copy = object_derive(tree);
	struct json_object *rest =
		gc_without(asb_array(tree, "metadata", "finalizers"),
			   owner->orphaning ? ORPHAN_FINALIZER : FOREGROUND_FINALIZER);

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

enum gc_progress { GC_DONE, GC_BLOCKED, GC_MORE };

/* Deletes or orphans the dependents of an owner that waits for them, then lets it go. */
static enum gc_progress gc_collect_owner(struct objects *objects, struct record *owner,
					 uint64_t until, size_t *changes)
{
	bool more = false;

	if (owner->orphaning) {
		if (orphan_dependents(objects, owner, until, &more, NULL) != 0) {
			return GC_BLOCKED; /* the disk is full: a later pass tries again */
		}
	} else {
		more = !gc_delete_dependents(objects, owner, until, changes);
	}
	if (more) {
		return GC_MORE;
	}
	if (!owner->orphaning && owners_blocked(objects, owner)) {
		return GC_BLOCKED;
	}
	if (gc_release_owner(objects, owner) != 0) {
		owner->waiting = true; /* the disk is full: a later pass tries again */
		return GC_BLOCKED;
	}
	++*changes;
	return GC_DONE;
}

/* One pass over those that wait. False: too much is done already. */
static bool gc_collect_waiting(struct objects *objects, uint64_t until, size_t *changes)
{
	for (size_t left = objects->waiting_count; left > 0 && objects->waiting_count > 0; left--) {
		if (objects->waiting_at >= objects->waiting_count) {
			objects->waiting_at = 0;
		}

		char **uid = &objects->waiting[objects->waiting_at];
		struct record *owner = map_get(&objects->by_uid, *uid);
		enum gc_progress progress =
			owner != NULL && owner->waiting
				? gc_collect_owner(objects, owner, until, changes)
				: GC_DONE;

		if (progress == GC_MORE) {
			return false;
		}
		if (progress == GC_BLOCKED) {
			objects->waiting_at++;
			continue;
		}
		/* The list may have moved. */
		uid = &objects->waiting[objects->waiting_at];
		free(*uid);
		*uid = objects->waiting[--objects->waiting_count];
	}
	return true;
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
		for (const struct owner *one = dependents->first; one != NULL; one = one->next) {
			if (one->record->unsure) {
				candidate_add(objects, one->record);
			}
		}
	}
}

/* Takes the references to absent owners out of a record that another one keeps. */
static int gc_drop_absent(struct objects *objects, struct record *record)
{
	struct map absent = MAP_INIT;
	int status;

	for (size_t i = 0; i < record->owner_count; i++) {
		if (owner_look(objects, record, &record->owners[i]) == OWNER_ABSENT) {
			map_put(&absent, record->owners[i].uid, record);
		}
	}
	status = orphan_record_of(objects, record, &absent, NULL);
	map_finish(&absent);
	return status;
}

/* Deletes a candidate without owners, or takes references to absent owners out. 0 or the status
 * of a failure; *ret_changed: whether it was changed or deleted. */
static int gc_collect_one(struct objects *objects, struct record *record, bool *ret_changed)
{
	const struct objects_delete_options options = { .grace = -1 };
	struct owners_result result = owners_look(objects, record);
	int status = 0;

	*ret_changed = false;
	objects->work += record->owner_count;
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

/* Looks at all candidates that are there now, and at those that wait, each until so much was done. */
static size_t gc_pass(struct objects *objects, uint64_t most, bool *ret_more)
{
	uint64_t until = most < UINT64_MAX ? objects->work + most : most;
	struct record *last, *record;
	size_t changes = 0;
	bool changed;

	gc_retry_unsure(objects);
	/* This pass handles the candidates there are now; objects orphaned by it are for the
	 * next. */
	last = objects->candidate_last;
	*ret_more = last != NULL;
	while (*ret_more && !objects_worked(objects, until)) {
		record = objects->candidate_first;
		*ret_more = record != last;
		candidate_remove(objects, record);
		if (gc_collect_one(objects, record, &changed) != 0) {
			candidate_add(objects,
				      record); /* the disk is full: a later pass tries again */
			*ret_more = false;
			break;
		}
		changes += changed ? 1 : 0;
	}
	/* Those that wait have a share of their own, so that candidates do not hold them up. */
	until = most < UINT64_MAX ? objects->work + most : most;
	*ret_more = !gc_collect_waiting(objects, until, &changes) || *ret_more;
	return changes;
}

size_t objects_collect(struct objects *objects)
{
	bool more = false;

	return gc_pass(objects, UINT64_MAX, &more);
}

bool objects_collect_some(struct objects *objects)
{
	bool more = false;

	return gc_pass(objects, STEPS_AT_ONCE, &more) > 0 || more;
}
