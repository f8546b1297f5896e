/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The labels and annotations that the pod of a Sandbox of v1beta1 gets from its Sandbox, and keeps
 * equal to it: those of the podTemplate, and those that say whose the Sandbox is. The keys of the
 * podTemplate are noted in annotations of the pod, so that a key that is taken out there is taken
 * out here too. Called by pod.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* Labels or annotations: the member of metadata, and where the pod notes the keys it got. */
static const struct propagate_map {
	const char *member, *noted;
} propagate_maps[] = {
	{ "labels", ANNOTATION_PROPAGATED_LABELS },
	{ "annotations", ANNOTATION_PROPAGATED_ANNOTATIONS },
};

#define PROPAGATE_MAPS (sizeof(propagate_maps) / sizeof(propagate_maps[0]))

static bool propagate_is_below(const char *key, const char *domain)
{
	size_t length = strlen(domain);

	return strncmp(key, domain, length) == 0 && key[length] == '/';
}

/* Keys of this project say whose a pod is; a podTemplate does not set them. */
static bool propagate_takes(const char *key)
{
	return !propagate_is_below(key, GROUP_AGENTS) &&
	       !propagate_is_below(key, GROUP_EXTENSIONS) &&
	       strcmp(key, ANNOTATION_TRACE_CONTEXT) != 0;
}

/* The keys of the podTemplate's map that a pod gets, sorted; the caller frees the array. */
static const char **propagate_keys(struct json_object *map, size_t *ret_count)
{
	size_t count = 0, length = map != NULL ? (size_t)json_object_object_length(map) : 0;
	const char **keys = calloc(length + 1, sizeof(*keys));

	if (map != NULL && keys != NULL) {
		json_object_object_foreach (map, key, value) {
			if (value != NULL && propagate_takes(key)) {
				keys[count++] = key;
			}
		}
		qsort(keys, count, sizeof(*keys), asb_compare_names);
	}
	*ret_count = keys != NULL ? count : 0;
	return keys;
}

/* The keys separated by commas, as a new string; NULL for no keys. */
static struct json_object *propagate_note(const char **keys, size_t count)
{
	struct json_object *note = NULL;
	size_t length = 0, at = 0;
	char *text;

	for (size_t i = 0; i < count; i++) {
		length += strlen(keys[i]) + 1;
	}
	text = count > 0 ? malloc(length) : NULL;
	if (text != NULL) {
		for (size_t i = 0; i < count; i++) {
			size_t size = strlen(keys[i]);

			memcpy(text + at, keys[i], size);
			text[at + size] = ',';
			at += size + 1;
		}
		note = json_object_new_string_len(text, (int)length - 1);
		free(text);
	}
	return note;
}

static struct json_object *propagate_template(struct pass *pass, const struct propagate_map *map)
{
	struct json_object *found =
		asb_at(pass->sandbox, "spec", "podTemplate", "metadata", map->member);

	return json_object_is_type(found, json_type_object) ? found : NULL;
}

/* A label that the Sandbox itself has, and that is due on its pod because of the Sandbox's
 * controller; NULL: it is not due. */
static const char *propagate_due(struct pass *pass, const char *key)
{
	struct json_object *owner = asb_controller(pass->sandbox, NULL);
	bool claim = owner != NULL && asb_owner_is(owner, &kind_claim),
	     pool = owner != NULL && asb_owner_is(owner, &kind_pool);

	if (strcmp(key, LABEL_CLAIM_UID) == 0) {
		return claim ? asb_label(pass->sandbox, key) : NULL;
	}
	if (strcmp(key, LABEL_WARM_POOL) == 0) {
		return pool ? asb_label(pass->sandbox, key) : NULL;
	}
	return claim || pool ? asb_label(pass->sandbox, key) : NULL;
}

static const char *const propagate_due_labels[] = { LABEL_CLAIM_UID, LABEL_WARM_POOL,
						    LABEL_TEMPLATE_HASH };

#define PROPAGATE_DUE (sizeof(propagate_due_labels) / sizeof(propagate_due_labels[0]))

/* ---- a new pod ---- */

/* Takes the keys out that the podTemplate may not set. */
static void propagate_strip(struct json_object *pod, const struct propagate_map *map)
{
	struct json_object *to = asb_object_in(asb_object_in(pod, "metadata"), map->member);

	json_object_object_foreach (to, key, value) {
		(void)value;
		if (!propagate_takes(key)) {
			json_object_object_del(to, key);
		}
	}
}

void propagate_new(struct pass *pass, struct json_object *pod)
{
	for (size_t i = 0; i < PROPAGATE_MAPS; i++) {
		propagate_strip(pod, &propagate_maps[i]);
	}
	for (size_t i = 0; i < PROPAGATE_MAPS; i++) {
		const struct propagate_map *map = &propagate_maps[i];
		struct json_object *note;
		size_t count;
		const char **keys = propagate_keys(propagate_template(pass, map), &count);

		note = propagate_note(keys, count);
		asb_set_annotation(pod, map->noted, json_object_get_string(note));
		json_object_put(note);
		free(keys);
	}
	for (size_t i = 0; i < PROPAGATE_DUE; i++) {
		asb_set_label(pod, propagate_due_labels[i],
			      propagate_due(pass, propagate_due_labels[i]));
	}
}

/* ---- the pod that is there ---- */

static void propagate_set(struct json_object *patch, struct json_object *pod, const char *member,
			  const char *key, const char *value)
{
	const char *now = asb_str(pod, "metadata", member, key);

	if (value == NULL && now != NULL) {
		asb_patch(patch, "remove", NULL, "metadata", member, key);
	} else if (value != NULL && !asb_streq(now, value)) {
		asb_patch(patch, "add", json_object_new_string(value), "metadata", member, key);
	}
}

/* Removes the keys that the pod got from an earlier podTemplate. Others may have written the
 * annotation: a key counts once, wherever it stands. */
static void propagate_remove(struct json_object *patch, struct json_object *pod,
			     const struct propagate_map *map, struct json_object *from)
{
	const char *noted = asb_annotation(pod, map->noted);
	struct json_object *once = json_object_new_object();
	char *keys = noted != NULL ? strdup(noted) : NULL, *rest = NULL;

	for (char *key = keys != NULL ? strtok_r(keys, ",", &rest) : NULL; key != NULL;
	     key = strtok_r(NULL, ",", &rest)) {
		if (propagate_takes(key) && asb_at(from, key) == NULL) {
			json_object_object_add(once, key, NULL);
		}
	}
	json_object_object_foreach (once, key, value) {
		(void)value;
		propagate_set(patch, pod, map->member, key, NULL);
	}
	json_object_put(once);
	free(keys);
}

static void propagate_patch_map(struct pass *pass, struct json_object *patch,
				struct json_object *pod, const struct propagate_map *map)
{
	struct json_object *from = propagate_template(pass, map), *note;
	size_t count;
	const char **keys = propagate_keys(from, &count);

	note = propagate_note(keys, count);
	propagate_remove(patch, pod, map, from);
	for (size_t i = 0; i < count; i++) {
		propagate_set(patch, pod, map->member, keys[i], asb_str(from, keys[i]));
	}
	propagate_set(patch, pod, "annotations", map->noted, json_object_get_string(note));
	json_object_put(note);
	free(keys);
}

void propagate_patch(struct pass *pass, struct json_object *patch, struct json_object *pod)
{
	struct json_object *changes = json_object_new_array();

	for (size_t i = 0; i < PROPAGATE_MAPS; i++) {
		propagate_patch_map(pass, changes, pod, &propagate_maps[i]);
	}
	for (size_t i = 0; i < PROPAGATE_DUE; i++) {
		propagate_set(changes, pod, "labels", propagate_due_labels[i],
			      propagate_due(pass, propagate_due_labels[i]));
	}
	if (asb_length(changes) > 0 && asb_at(pod, "metadata", "annotations") == NULL) {
		asb_patch(patch, "test", NULL, "metadata", "annotations");
		asb_patch(patch, "add", json_object_new_object(), "metadata", "annotations");
	}
	for (size_t i = 0; i < asb_length(changes); i++) {
		json_object_array_add(patch,
				      json_object_get(json_object_array_get_idx(changes, i)));
	}
	json_object_put(changes);
}
