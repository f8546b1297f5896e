/* SPDX-License-Identifier: Apache-2.0 */
/* Which records depend on which owners, kept while records come, change and go. Records keep the links;
 * deletions and the garbage collector ask for them. */
#include "config.h"

#include "apiserver/objects/dependents.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct owners_result owners_look(const struct objects *objects, const struct record *record)
{
	struct owners_result result = { 0 };

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

void candidate_add(struct objects *objects, struct record *record)
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

void candidate_remove(struct objects *objects, struct record *record)
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
	free(dependents->uid);
	free(dependents);
}

static void dependents_append(struct dependents *dependents, struct owner *owner)
{
	owner->list = dependents;
	owner->previous = dependents->last;
	owner->next = NULL;
	if (dependents->last != NULL) {
		dependents->last->next = owner;
	} else {
		dependents->first = owner;
	}
	dependents->last = owner;
	dependents->count++;
}

static void dependents_take(struct dependents *dependents, struct owner *owner)
{
	if (owner->previous != NULL) {
		owner->previous->next = owner->next;
	} else {
		dependents->first = owner->next;
	}
	if (owner->next != NULL) {
		owner->next->previous = owner->previous;
	} else {
		dependents->last = owner->previous;
	}
	dependents->count--;
}

static void dependents_link(struct objects *objects, struct owner *owner)
{
	struct dependents *dependents = map_get(&objects->dependents, owner->uid);

	if (dependents == NULL) {
		dependents = xnew(struct dependents);
		dependents->uid = xstrdup(owner->uid);
		map_put(&objects->dependents, dependents->uid, dependents);
	}
	dependents_append(dependents, owner);
}

static void dependents_unlink(struct objects *objects, struct owner *owner)
{
	struct dependents *dependents = owner->list;

	dependents_take(dependents, owner);
	if (dependents->count == 0) {
		map_remove(&objects->dependents, dependents->uid);
		dependents_free(dependents);
	}
}

size_t dependents_rotate(struct dependents *dependents)
{
	const struct record *record = dependents->first->record;
	size_t count = 0, all = dependents->count;

	while (count < all && dependents->first->record == record) {
		struct owner *owner = dependents->first;

		dependents_take(dependents, owner);
		dependents_append(dependents, owner);
		count++;
	}
	return count;
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
		record->owners[i].record = record;
		dependents_link(objects, &record->owners[i]);
	}
	if (owners_look(objects, record).present < count) {
		candidate_add(objects, record);
	}
}

void owners_unset(struct objects *objects, struct record *record)
{
	for (size_t i = 0; i < record->owner_count; i++) {
		dependents_unlink(objects, &record->owners[i]);
	}
	owners_free(record);
	candidate_remove(objects, record);
}

void owners_gone(struct objects *objects, const struct record *owner)
{
	const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

	for (struct owner *one = dependents != NULL ? dependents->first : NULL; one != NULL;
	     one = one->next) {
		/* This holds also when the resource is uninstalled because its CRD is
		 * deleted. */
		one->gone = one->gone || owner_is(one, one->record, owner);
		candidate_add(objects, one->record);
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

bool owners_blocked(const struct objects *objects, const struct record *owner)
{
	const struct dependents *dependents = map_get(&objects->dependents, owner->uid);

	for (const struct owner *one = dependents != NULL ? dependents->first : NULL; one != NULL;
	     one = one->next) {
		if (one->blocks && owner_is(one, one->record, owner)) {
			return true;
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
