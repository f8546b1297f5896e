/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns whom in the in-memory API, and deleting what has no owner left. Writes keep the links;
 * the simulation and the fake host ask for the collecting. */
#include "config.h"

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
			 struct json_object *reference)
{
	const char *uid = asb_str(reference, "uid");
	const struct record *owner = uid != NULL ? map_get(&objects->by_uid, uid) : NULL;
	const char *ns = owner != NULL ? asb_ns(owner->object) : "";

	return owner != NULL && (*ns == '\0' || strcmp(ns, asb_ns(record->object)) == 0);
}

/* Whether a record names owners and none of them exists. */
static bool orphan(const struct objects *objects, const struct record *record)
{
	struct json_object *owners = asb_array(record->object, "metadata", "ownerReferences");

	for (size_t i = 0; i < asb_length(owners); i++) {
		if (owner_exists(objects, record, json_object_array_get_idx(owners, i))) {
			return false;
		}
	}
	return asb_length(owners) > 0;
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

void owners_link(struct objects *objects, struct record *record)
{
	struct json_object *owners = asb_array(record->object, "metadata", "ownerReferences");

	for (size_t i = 0; i < asb_length(owners); i++) {
		const char *uid = asb_str(json_object_array_get_idx(owners, i), "uid");

		if (uid != NULL) {
			link_one(objects, record, uid);
		}
	}
	if (orphan(objects, record)) {
		candidate_add(objects, record);
	}
}

void owners_unlink(struct objects *objects, struct record *record)
{
	struct json_object *owners = asb_array(record->object, "metadata", "ownerReferences");

	for (size_t i = 0; i < asb_length(owners); i++) {
		const char *uid = asb_str(json_object_array_get_idx(owners, i), "uid");

		if (uid != NULL) {
			unlink_one(objects, record, uid);
		}
	}
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
}

size_t objects_collect(struct objects *objects)
{
	/* Only those that are there now: what their end orphans is for the next pass. */
	struct record *last = objects->candidate_last, *record;
	bool more = last != NULL;
	size_t deleted = 0;

	while (more) {
		record = objects->candidate_first;
		more = record != last;
		candidate_remove(objects, record);
		if (orphan(objects, record) && !asb_deleting(record->object)) {
			record_delete(objects, record);
			deleted++;
		}
	}
	return deleted;
}
