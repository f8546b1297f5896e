/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about one object that several plugins ask. Called from their indexes and reconciles. */
#include "config.h"

#include "plugins/common/dialect.h"
#include "plugins/common/object.h"

const char *object_controller_uid(struct json_object *object, const struct asb_kind *kind)
{
	struct json_object *owner = asb_controller(object, NULL);

	return owner != NULL && asb_owner_is(owner, kind) ? asb_str(owner, "uid") : NULL;
}

bool object_pod_ended(struct json_object *pod)
{
	const char *phase = asb_str(pod, "status", "phase");

	return asb_streq(phase, "Failed") || asb_streq(phase, "Succeeded");
}

bool object_pod_live(struct json_object *pod)
{
	return !asb_deleting(pod) && !object_pod_ended(pod);
}

int64_t object_created_ms(struct json_object *object)
{
	int64_t ms = 0;

	(void)asb_time_parse(asb_str(object, "metadata", "creationTimestamp"), &ms);
	return ms;
}

void object_patch_owner(struct json_object *patch, struct json_object *object,
			struct json_object *owner)
{
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");

	/* The whole list is tested: a controller added meanwhile makes the patch fail. */
	asb_patch(patch, "test", asb_copy(owners), "metadata", "ownerReferences");
	asb_patch(patch, "test", NULL, "metadata", "deletionTimestamp");
	if (owners != NULL) {
		asb_patch(patch, "add", dialect_owner_reference(owner), "metadata", "ownerReferences",
			  "-");
		return;
	}
	owners = json_object_new_array();
	json_object_array_add(owners, dialect_owner_reference(owner));
	asb_patch(patch, "add", owners, "metadata", "ownerReferences");
}

void object_trim_text(char *text)
{
	size_t length = strlen(text), lead = length, tail = 0;

	while (lead > 0 && tail < 4 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80) {
		lead--;
		tail++;
	}
	if (lead > 0 && (unsigned char)text[lead - 1] >= 0xc0) {
		unsigned char first = (unsigned char)text[lead - 1];

		if (tail < (first >= 0xf0 ? 3u : first >= 0xe0 ? 2u : 1u)) {
			text[lead - 1] = '\0';
		}
	}
}
