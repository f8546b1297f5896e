/* SPDX-License-Identifier: Apache-2.0 */
/* Takes owners' references out of records. Orphan deletions and the garbage collector call it. */
#include "config.h"

#include "apiserver/objects/orphan.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/objects/dependents.h"
#include "base/json.h"

int orphan_record_of(struct objects *objects, struct record *record, const struct map *uids,
		     struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = state_hold(objects, record->state);
	struct json_object *copy = object_derive(tree), *rest = json_object_new_array(),
			   *references = asb_array(tree, "metadata", "ownerReferences");

	for (size_t i = 0; i < asb_length(references); i++) {
		struct json_object *reference = json_object_array_get_idx(references, i);
		const char *uid = asb_str(reference, "uid");

		if (map_get(uids, uid != NULL ? uid : "") == NULL) {
			json_object_array_add(rest, json_object_get(reference));
		}
	}
	metadata_set(copy, "ownerReferences", rest);
	return record_update(objects, record, copy, reterr);
}

int orphan_record(struct objects *objects, struct record *record, const char *uid,
		  struct error *reterr)
{
	struct map uids = MAP_INIT;
	int status;

	map_put(&uids, uid, record);
	status = orphan_record_of(objects, record, &uids, reterr);
	map_finish(&uids);
	return status;
}

int orphan_dependents(struct objects *objects, struct record *owner, uint64_t until, bool *ret_more,
		      struct error *reterr)
{
	const struct dependents *dependents;

	*ret_more = false;
	/* Each pass takes the owner's uid out of one of them. */
	while ((dependents = map_get(&objects->dependents, owner->uid)) != NULL) {
		int status;

		if (objects_worked(objects, until)) {
			*ret_more = true;
			return 0;
		}
		status = orphan_record(objects, dependents->first->record, owner->uid, reterr);
		if (status != 0) {
			return status;
		}
	}
	return 0;
}
