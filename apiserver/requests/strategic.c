/* SPDX-License-Identifier: Apache-2.0 */
/* Strategic merge patches: maps, lists by merge key, sets, and the directives. Requests with
 * application/strategic-merge-patch+json come here. */
#include "config.h"

#include "apiserver/requests/strategic.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects.h"
#include "apiserver/requests/strategic-directive.h"
#include "apiserver/requests/strategic-keys.h"
#include "apiserver/requests/strategic-list.h"
#include "base/json.h"
#include "base/memory.h"

#define PATH_MAX_LENGTH 512
/* Elements that one patch may look at: a merge looks at both of its lists, and a patch of a few bytes
 * may name a long one again and again. A patch that names each list once stays far below. */
#define STEPS_MAX 300000

/* One merge. original and patch are trees of its own: it changes both. */
struct merge {
	const struct asb_kind *kind;
	struct error *reterr;
	size_t steps; /* elements and members looked at so far */
	char path[PATH_MAX_LENGTH];
};

static int merge_map(struct merge *merge, struct json_object *original, struct json_object *patch);

/* Goes down to a member; returns the length to go back to. */
static size_t strategic_descend(struct merge *merge, const char *name)
{
	size_t length = strlen(merge->path);

	/* A path too long for the buffer is one that no table knows. */
	snprintf(merge->path + length, sizeof(merge->path) - length, "%s%s",
		 length > 0 && *name != '[' ? "." : "", name);
	return length;
}

static void strategic_ascend(struct merge *merge, size_t length)
{
	merge->path[length] = '\0';
}

/* Counts what is about to be looked at; 413 when that is too much. */
static int merge_count(struct merge *merge, size_t steps)
{
	merge->steps += steps;
	if (merge->steps <= STEPS_MAX) {
		return 0;
	}
	return objects_fail(
		merge->reterr, 413,
		"Request entity too large: the strategic merge patch compares more than %d elements of lists; send the lists whole, with a merge patch",
		STEPS_MAX);
}

/* ---- lists ---- */

/* Applies what the patch's elements with $patch say to *list, which is replaced by another list
 * where elements go. *ret_replace: the patch's list is all. */
static int strategic_apply_element_directives(struct merge *merge, struct json_object **list,
					      struct json_object *patch, const char *key,
					      bool *ret_replace)
{
	CLEANUP_LIST_INDEX struct list_index doomed = { .merge_key = key };

	*ret_replace = false;
	for (size_t i = 0; i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		const char *directive = asb_str(element, "$patch");

		if (directive == NULL) {
			continue;
		}
		if (strcmp(directive, "replace") == 0) {
			*ret_replace = true;
			continue;
		}
		if (strcmp(directive, "delete") != 0) {
			return objects_fail(merge->reterr, 400,
					    "Unknown patch type found: %.50s in %s", directive,
					    merge->path);
		}
		if (asb_at(element, key) == NULL) {
			return objects_fail(
				merge->reterr, 400,
				"delete patch type with no merge key defined: %s has '%s'",
				merge->path, key);
		}
		list_index_add(&doomed, element, i);
	}
	if (doomed.count > 0) {
		struct json_object *rest = list_without(*list, &doomed);

		json_object_put(*list);
		*list = rest;
	}
	return 0;
}

/* Merges the elements of a patch into the original, new ones at its end. Of several elements with
 * one merge key the first is the one that is changed. */
static int merge_elements(struct merge *merge, struct json_object *original,
			  struct json_object *patch, const char *key)
{
	CLEANUP_LIST_INDEX struct list_index places = { 0 };
	size_t length = strategic_descend(merge, "[]");
	int status = 0;

	list_index_init(&places, original, key);
	for (size_t i = 0; status == 0 && i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		size_t place;

		if (asb_str(element, "$patch") != NULL) {
			continue;
		}
		if (asb_at(element, key) == NULL) {
			return objects_fail(merge->reterr, 400,
					    "map: %.200s does not contain declared merge key: %s",
					    json_object_to_json_string(element), key);
		}
		place = list_index_find(&places, element);
		if (place == LIST_INDEX_NONE) {
			list_index_add(&places, element, asb_length(original));
			json_object_array_add(original, directive_free(element));
		} else {
			status = merge_map(merge, json_object_array_get_idx(original, place),
					   element);
		}
	}
	strategic_ascend(merge, length);
	return status;
}

/* The elements of two sets, each once; a new list. */
static struct json_object *merge_sets(struct json_object *original, struct json_object *patch)
{
	CLEANUP_LIST_INDEX struct list_index seen = { 0 };
	struct json_object *merged = json_object_new_array();

	for (size_t pass = 0; pass < 2; pass++) {
		struct json_object *from = pass == 0 ? original : patch;

		for (size_t i = 0; i < asb_length(from); i++) {
			struct json_object *element = json_object_array_get_idx(from, i);

			if (list_index_find(&seen, element) == LIST_INDEX_NONE) {
				list_index_add(&seen, element, i);
				json_object_array_add(merged, json_object_get(element));
			}
		}
	}
	return merged;
}

/* The merge of two lists by key, or of two sets (key NULL); *ret is the caller's. */
static int merge_list(struct merge *merge, struct json_object *original, struct json_object *patch,
		      const char *key, struct json_object **ret)
{
	CLEANUP_JSON struct json_object *merged = NULL;
	CLEANUP_JSON struct json_object *order = NULL;
	bool replace = false;
	int status = merge_count(merge, asb_length(original) + asb_length(patch));

	if (status != 0) {
		return status;
	}
	if (key == NULL) {
		merged = merge_sets(original, patch);
		*ret = list_order(merged, patch, original, NULL);
		return 0;
	}
	merged = list_shallow(original);
	status = strategic_apply_element_directives(merge, &merged, patch, key, &replace);
	if (status == 0 && replace) {
		*ret = directive_free_list(patch);
		return 0;
	}
	if (status == 0) {
		/* What was taken out has no place any more, should it come again. */
		order = list_shallow(merged);
		status = merge_elements(merge, merged, patch, key);
	}
	if (status == 0) {
		*ret = list_order(merged, patch, order, key);
	}
	return status;
}

/* A list of a patch over one of the original, by the member's strategy. */
static int merge_member_list(struct merge *merge, struct json_object *original,
			     struct json_object *patch, struct json_object **ret)
{
	struct strategy strategy = strategy_of(merge->kind, merge->path);

	if (strategy.merge_key == NULL && !strategy.set) {
		*ret = json_object_get(patch);
		return 0;
	}
	return merge_list(merge, original, patch, strategy.merge_key, ret);
}

/* "$deleteFromPrimitiveList/x": takes those values out of x. */
static int strategic_delete_values(struct merge *merge, struct json_object *original,
				   const char *name, struct json_object *values)
{
	CLEANUP_LIST_INDEX struct list_index doomed = { 0 };
	struct json_object *list = asb_array(original, name);
	int status = merge_count(merge, asb_length(list) + asb_length(values));

	if (status == 0 && list != NULL) {
		list_index_init(&doomed, values, NULL);
		json_object_object_add(original, name, list_without(list, &doomed));
	}
	return status;
}

/* ---- $setElementOrder ---- */

static int strategic_bad_order(struct merge *merge, struct json_object *patch,
			       struct json_object *order)
{
	return objects_fail(
		merge->reterr, 400,
		"The order in patch list: %.150s doesn't match $setElementOrder list: %.150s",
		json_object_to_json_string(patch), json_object_to_json_string(order));
}

/* The patch's own elements must stand in the order that it names; of one merge key there may be
 * several in both. */
static int strategic_check_order(struct merge *merge, struct json_object *patch,
				 struct json_object *order, const char *key)
{
	size_t at = 0;

	for (size_t i = 0; asb_length(order) > 0 && i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);

		if (asb_str(element, "$patch") != NULL) {
			continue;
		}
		while (at < asb_length(order) &&
		       !list_same(json_object_array_get_idx(order, at), element, key)) {
			at++;
		}
		if (at++ >= asb_length(order)) {
			return strategic_bad_order(merge, patch, order);
		}
	}
	return 0;
}

/* One list whose order the patch names. Takes the list out of the patch. */
static int merge_ordered(struct merge *merge, struct json_object *original,
			 struct json_object *patch, const char *name, struct json_object *order)
{
	struct json_object *old = asb_array(original, name), *given = asb_array(patch, name);
	struct strategy strategy = strategy_of(merge->kind, merge->path);
	CLEANUP_JSON struct json_object *merged = NULL;
	int status = merge_count(merge, asb_length(old) + asb_length(order));

	if (status == 0) {
		status = strategic_check_order(merge, given, order, strategy.merge_key);
	}
	if (status != 0 || (old == NULL && given == NULL)) {
		return status;
	}
	if (given == NULL) {
		merged = json_object_get(old);
	} else if (old == NULL) {
		merged = directive_free_list(given);
	} else {
		status = merge_member_list(merge, old, given, &merged);
	}
	if (status == 0) {
		json_object_object_add(original, name,
				       list_order(merged, order, old, strategy.merge_key));
		json_object_object_del(patch, name);
	}
	return status;
}

static int strategic_apply_orders(struct merge *merge, struct json_object *original,
				  struct json_object *patch)
{
	CLEANUP_JSON struct json_object *all = json_object_get(patch);
	CLEANUP_JSON struct json_object *orders = json_object_new_object();
	int status = 0;

	json_object_object_foreach (all, member, value) {
		if (directive_is(member, DIRECTIVE_ORDER)) {
			json_object_object_add(orders, member, json_object_get(value));
		}
	}
	json_object_object_foreach (orders, directive, order) {
		const char *name = directive + strlen(DIRECTIVE_ORDER);
		size_t length = strategic_descend(merge, name);

		if (asb_as_array(order) == NULL) {
			status = objects_fail(merge->reterr, 400, "'%.200s' is not a list",
					      directive);
		}
		if (status == 0) {
			status = merge_ordered(merge, original, patch, name, order);
		}
		strategic_ascend(merge, length);
		if (status != 0) {
			return status;
		}
		json_object_object_del(patch, directive);
	}
	return 0;
}

/* ---- maps ---- */

/* The names in a list, for looking them up; the keys are borrowed. */
static void strategic_names_of(struct json_object *list, struct map *ret)
{
	*ret = (struct map)MAP_INIT;
	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *name = json_object_array_get_idx(list, i);

		if (asb_as_str(name) != NULL) {
			map_put(ret, asb_as_str(name), name);
		}
	}
}

/* Takes out what $retainKeys does not name. */
static int strategic_apply_retain_keys(struct merge *merge, struct json_object *original,
				       struct json_object *patch)
{
	CLEANUP_JSON struct json_object *keys = json_object_get(asb_at(patch, "$retainKeys"));
	CLEANUP_JSON struct json_object *gone = json_object_new_array();
	CLEANUP(map_finish) struct map names = MAP_INIT;
	int status;

	if (keys == NULL) {
		return 0;
	}
	if (asb_as_array(keys) == NULL) {
		return objects_fail(merge->reterr, 400, "$retainKeys in '%s' is not a list",
				    merge->path);
	}
	status = merge_count(merge, asb_length(keys) + (size_t)json_object_object_length(original) +
					    (size_t)json_object_object_length(patch));
	if (status != 0) {
		return status;
	}
	strategic_names_of(keys, &names);
	json_object_object_del(patch, "$retainKeys");
	json_object_object_foreach (patch, name, value) {
		if (value != NULL && !directive_any(name) && map_get(&names, name) == NULL) {
			return objects_fail(
				merge->reterr, 400,
				"invalid patch format of retainKeys: '%.100s' in '%s' is not among them",
				name, merge->path);
		}
	}
	json_object_object_foreach (original, member, unused) {
		(void)unused;
		if (map_get(&names, member) == NULL) {
			json_object_array_add(gone, json_object_new_string(member));
		}
	}
	for (size_t i = 0; i < asb_length(gone); i++) {
		json_object_object_del(original, asb_as_str(json_object_array_get_idx(gone, i)));
	}
	return 0;
}

/* $patch in a map: *ret_done when nothing is left to merge. */
static int strategic_apply_map_directive(struct merge *merge, struct json_object *original,
					 struct json_object *patch, bool *ret_done)
{
	const char *directive = asb_str(patch, "$patch");
	CLEANUP_JSON struct json_object *names = json_object_new_array();

	*ret_done = false;
	if (directive == NULL || strcmp(directive, "merge") == 0) {
		json_object_object_del(patch, "$patch");
		return 0;
	}
	if (strcmp(directive, "replace") != 0 && strcmp(directive, "delete") != 0) {
		return objects_fail(merge->reterr, 400, "Unknown patch type found: %.50s in '%s'",
				    directive, merge->path);
	}
	json_object_object_foreach (original, name, value) {
		(void)value;
		json_object_array_add(names, json_object_new_string(name));
	}
	for (size_t i = 0; i < asb_length(names); i++) {
		json_object_object_del(original, asb_as_str(json_object_array_get_idx(names, i)));
	}
	if (strcmp(directive, "replace") == 0) {
		json_object_object_foreach (patch, member, taken) {
			if (taken != NULL && !directive_any(member)) {
				json_object_object_add(original, member, directive_free(taken));
			}
		}
	}
	*ret_done = true;
	return 0;
}

/* A member that both have. */
static int merge_both(struct merge *merge, struct json_object *original, const char *name,
		      struct json_object *old, struct json_object *value)
{
	struct json_object *merged = NULL;
	size_t length = strategic_descend(merge, name);
	int status = 0;

	if (json_object_get_type(old) != json_object_get_type(value)) {
		merged = directive_free(value);
	} else if (json_object_is_type(value, json_type_object)) {
		status = merge_map(merge, old, value);
	} else if (json_object_is_type(value, json_type_array)) {
		status = merge_member_list(merge, old, value, &merged);
	} else {
		merged = json_object_get(value);
	}
	strategic_ascend(merge, length);
	if (status == 0 && merged != NULL) {
		json_object_object_add(original, name, merged);
	}
	return status;
}

static int merge_map(struct merge *merge, struct json_object *original, struct json_object *patch)
{
	bool done = false;
	int status = strategic_apply_map_directive(merge, original, patch, &done);

	if (status != 0 || done) {
		return status;
	}
	status = strategic_apply_retain_keys(merge, original, patch);
	if (status == 0) {
		status = strategic_apply_orders(merge, original, patch);
	}
	if (status != 0) {
		return status;
	}
	json_object_object_foreach (patch, name, value) {
		struct json_object *old = NULL;

		if (directive_is(name, DIRECTIVE_DELETE_VALUES)) {
			continue;
		}
		if (value == NULL) {
			json_object_object_del(original, name);
		} else if (!json_object_object_get_ex(original, name, &old) || old == NULL) {
			if (!directive_alone(value)) {
				json_object_object_add(original, name, directive_free(value));
			}
		} else {
			status = merge_both(merge, original, name, old, value);
		}
		if (status != 0) {
			return status;
		}
	}
	/* Last, whatever the order in the patch: what is to go is gone. */
	json_object_object_foreach (patch, directive, values) {
		if (status == 0 && directive_is(directive, DIRECTIVE_DELETE_VALUES)) {
			status = strategic_delete_values(
				merge, original, directive + strlen(DIRECTIVE_DELETE_VALUES),
				values);
		}
	}
	return status;
}

int strategic_merge(const struct asb_kind *kind, struct json_object *target,
		    struct json_object *patch, struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *original = NULL;
	CLEANUP_JSON struct json_object *changes = NULL;
	struct merge merge = { .kind = kind, .reterr = reterr };
	int status;

	if (!json_object_is_type(patch, json_type_object)) {
		return objects_fail(reterr, 400, "a strategic merge patch must be an object");
	}
	original = asb_copy(target);
	changes = asb_copy(patch);
	status = merge_map(&merge, original, changes);
	if (status == 0) {
		*ret = TAKE(original);
	}
	return status;
}
