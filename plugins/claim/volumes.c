/* SPDX-License-Identifier: Apache-2.0 */
/* The volumeClaimTemplates that a claim of v1beta1 adds to its Sandbox. Called by beta.c. */
#include "config.h"

#include "plugins/claim/additions.h"

#define INVALID "invalid volume claim templates: "

/* The position of each name in a list of volumeClaimTemplates. */
static struct json_object *volumes_positions(struct json_object *list)
{
	struct json_object *positions = json_object_new_object();

	for (size_t i = 0; i < asb_length(list); i++) {
		const char *name = asb_name(json_object_array_get_idx(list, i));

		if (name != NULL) {
			json_object_object_add(positions, name, json_object_new_int64((int64_t)i));
		}
	}
	return positions;
}

/* Each has a name, and none has that of another. */
static bool volumes_check_names(struct json_object *volumes, struct refusal *ret)
{
	struct json_object *names = json_object_new_object();
	bool good = true;

	for (size_t i = 0; i < asb_length(volumes) && good; i++) {
		const char *name = asb_name(json_object_array_get_idx(volumes, i));

		if (name == NULL || *name == '\0') {
			good = refusal_set(ret, REASON_VOLUMES, "%s",
					   INVALID "a template has no name");
		} else if (json_object_object_get_ex(names, name, NULL)) {
			good = refusal_set(ret, REASON_VOLUMES,
					   INVALID "the name \"%.253s\" occurs twice", name);
		} else {
			json_object_object_add(names, name, NULL);
		}
	}
	json_object_put(names);
	return good;
}

static bool volumes_add(struct json_object *list, struct json_object *positions,
			struct json_object *volume, bool overrides, struct refusal *ret)
{
	struct json_object *position = NULL;
	const char *name = asb_name(volume);

	if (!json_object_object_get_ex(positions, name, &position)) {
		json_object_array_add(list, asb_copy(volume));
		return true;
	}
	if (!overrides) {
		return refusal_set(
			ret, REASON_VOLUMES,
			"overriding volume claim templates is forbidden by the template: cannot override template volume \"%.253s\"",
			name);
	}
	json_object_array_put_idx(list, (size_t)json_object_get_int64(position), asb_copy(volume));
	return true;
}

bool volumes_apply(struct json_object *volumes, const char *policy,
		   struct json_object *sandbox_spec, struct refusal *ret)
{
	bool overrides = asb_streq(policy, "Overrides"), good = true;
	struct json_object *list, *positions;

	if (asb_length(volumes) == 0) {
		return true;
	}
	if (!overrides && !asb_streq(policy, "Allowed")) {
		return refusal_set(ret, REASON_VOLUMES,
				   "volume claim templates are disallowed by the template");
	}
	if (!volumes_check_names(volumes, ret)) {
		return false;
	}
	list = asb_array(sandbox_spec, "volumeClaimTemplates");
	if (list == NULL) {
		list = json_object_new_array();
		json_object_object_add(sandbox_spec, "volumeClaimTemplates", list);
	}
	positions = volumes_positions(list);
	for (size_t i = 0; i < asb_length(volumes) && good; i++) {
		good = volumes_add(list, positions, json_object_array_get_idx(volumes, i),
				   overrides, ret);
	}
	json_object_put(positions);
	return good;
}
