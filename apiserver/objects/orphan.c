/* SPDX-License-Identifier: Apache-2.0 */
/* Takes owners' references out of records. Orphan deletions and the garbage collector call it. */
#include "config.h"

#include "apiserver/objects/orphan.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/objects/dependents.h"
#include "base/json.h"

/* A copy of an array without the elements that are, or whose uid is, that text. */
struct json_object *orphan_without(struct json_object *array, const char *text)
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
int orphan_record(struct objects *objects, struct record *record, const char *uid,
		  struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, record->state);
	struct json_object *copy = object_derive(tree);

	metadata_set(copy, "ownerReferences",
		     orphan_without(asb_array(tree, "metadata", "ownerReferences"), uid));
	return record_update(objects, record, copy, reterr);
}

int orphan_dependents(struct objects *objects, struct record *owner, struct error *reterr)
{
	const struct dependents *dependents;

	/* Each pass takes the owner's uid out of one of them. */
	while ((dependents = map_get(&objects->dependents, owner->uid)) != NULL) {
		int status = orphan_record(objects, dependents->records[0], owner->uid, reterr);

		if (status != 0) {
			return status;
		}
	}
	return 0;
}
