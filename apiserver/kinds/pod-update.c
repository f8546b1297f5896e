/* SPDX-License-Identifier: Apache-2.0 */
/* What an update may change of a pod: images, deadlines, and tolerations that are added. Pod
 * validation calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/kinds/pod-private.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/memory.h"

/* Copies the images, which may differ, from the old spec into the copy of the new one. */
static void pod_copy_images(struct json_object *spec, struct json_object *old, const char *list)
{
	struct json_object *now = asb_array(spec, list), *before = asb_array(old, list);

	for (size_t i = 0; i < asb_length(now) && i < asb_length(before); i++) {
		struct json_object *container = json_object_array_get_idx(now, i);

		if (json_object_is_type(container, json_type_object)) {
			asb_set_str(container, "image",
				    asb_str(json_object_array_get_idx(before, i), "image"));
		}
	}
}

static void pod_copy_member(struct json_object *spec, struct json_object *old, const char *name)
{
	struct json_object *value = asb_at(old, name);

	if (value != NULL) {
		json_object_object_add(spec, name, json_object_get(value));
	} else {
		json_object_object_del(spec, name);
	}
}

/* What a toleration says, as a text; the caller's. */
static char *pod_toleration_text(struct json_object *toleration)
{
	static const char *const members[] = { "key", "operator", "value", "effect",
					       "tolerationSeconds" };
	struct buf text = BUF_INIT(SIZE_MAX);

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_print(asb_at(toleration, members[i]), &text);
		buf_append_char(&text, ',');
	}
	return buf_take(&text);
}

/* Whether each of the old tolerations is still there. */
static bool pod_keeps_tolerations(struct json_object *now, struct json_object *before)
{
	size_t count = asb_length(now);
	char **texts = xnew_array(char *, count + 1);
	struct map by_text = MAP_INIT;
	bool kept = true;

	for (size_t i = 0; i < count; i++) {
		struct json_object *toleration = json_object_array_get_idx(now, i);

		texts[i] = pod_toleration_text(toleration);
		if (toleration != NULL) {
			map_put(&by_text, texts[i], toleration);
		}
	}
	for (size_t i = 0; i < asb_length(before) && kept; i++) {
		struct json_object *wanted = json_object_array_get_idx(before, i);
		CLEANUP_FREE char *text = pod_toleration_text(wanted);

		kept = json_object_equal(wanted, map_get(&by_text, text));
	}
	map_finish(&by_text);
	for (size_t i = 0; i < count; i++) {
		free(texts[i]);
	}
	free(texts);
	return kept;
}

/* The first member that differs, for the message. */
static const char *pod_first_difference(struct json_object *a, struct json_object *b)
{
	json_object_object_foreach (a, name, value) {
		if (!json_object_equal(value, asb_at(b, name))) {
			return name;
		}
	}
	json_object_object_foreach (b, other, rest) {
		(void)rest;
		if (asb_at(a, other) == NULL) {
			return other;
		}
	}
	return "";
}

static void pod_check_deadline(struct json_object *spec, struct json_object *old,
			       struct causes *causes)
{
	struct json_object *now = asb_at(spec, "activeDeadlineSeconds"),
			   *before = asb_at(old, "activeDeadlineSeconds");

	if (before != NULL && (now == NULL || asb_int(now, 0) > asb_int(before, 0))) {
		causes_add(causes, CAUSE_INVALID, "spec.activeDeadlineSeconds", now,
			   "must be less than or equal to previous value");
	}
}

static bool pod_counts_differ(struct json_object *spec, struct json_object *old, const char *list,
			      struct causes *causes)
{
	char field[64];

	if (asb_length(asb_at(spec, list)) == asb_length(asb_at(old, list))) {
		return false;
	}
	snprintf(field, sizeof(field), "spec.%s", list);
	causes_add_str(causes, CAUSE_FORBIDDEN, field, NULL,
		       "pod updates may not add or remove containers");
	return true;
}

void pod_validate_update(struct json_object *pod, struct json_object *old_pod,
			 struct causes *causes)
{
	static const char *const free_members[] = { "activeDeadlineSeconds", "tolerations" };
	struct json_object *old = asb_at(old_pod, "spec");
	CLEANUP_JSON struct json_object *spec = asb_copy(asb_at(pod, "spec"));

	if (pod_counts_differ(spec, old, "containers", causes) ||
	    pod_counts_differ(spec, old, "initContainers", causes)) {
		return;
	}
	pod_check_deadline(spec, old, causes);

	bool kept = pod_keeps_tolerations(asb_at(spec, "tolerations"), asb_at(old, "tolerations"));

	pod_copy_images(spec, old, "containers");
	pod_copy_images(spec, old, "initContainers");
	for (size_t i = 0; i < ARRAY_LEN(free_members); i++) {
		pod_copy_member(spec, old, free_members[i]);
	}
	if (asb_int(asb_at(old, "terminationGracePeriodSeconds"), 0) < 0 &&
	    asb_int(asb_at(spec, "terminationGracePeriodSeconds"), 0) == 1) {
		pod_copy_member(spec, old, "terminationGracePeriodSeconds");
	}
	if (kept && json_object_equal(spec, old)) {
		return;
	}
	causes_add_str(
		causes, CAUSE_FORBIDDEN, "spec", NULL,
		"pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\nspec.%s differs",
		kept ? pod_first_difference(spec, old) : "tolerations");
}
