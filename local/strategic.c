/* SPDX-License-Identifier: Apache-2.0 */
/* Strategic merge patches: maps, lists by merge key, sets, and the directives. Requests with
 * application/strategic-merge-patch+json come here. */
#include "config.h"

#include "local/strategic.h"

#include "base/json.h"
#include "base/memory.h"
#include "local/strategic-keys.h"
#include "local/strategic-list.h"
#include "local/update.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_LENGTH 512
#define LIST_MAX 2000 /* elements of a merged list: each is looked for among the others */

static const char delete_prefix[] = "$deleteFromPrimitiveList/",
		  order_prefix[] = "$setElementOrder/";

/* One merge. original and patch are trees of its own: it changes both. */
struct merge {
	const struct asb_kind *kind;
	struct error *reterr;
	char path[PATH_MAX_LENGTH];
};

static int merge_map(struct merge *merge, struct json_object *original, struct json_object *patch);

/* Goes down to a member; returns the length to go back to. */
static size_t descend(struct merge *merge, const char *name)
{
	size_t length = strlen(merge->path);

	/* A path too long for the buffer is one that no table knows. */
	snprintf(merge->path + length, sizeof(merge->path) - length, "%s%s",
		 length > 0 && *name != '[' ? "." : "", name);
	return length;
}

static void ascend(struct merge *merge, size_t length)
{
	merge->path[length] = '\0';
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_directive(const char *name)
{
	return strcmp(name, "$patch") == 0 || strcmp(name, "$retainKeys") == 0 ||
	       begins(name, delete_prefix) || begins(name, order_prefix);
}

/* ---- what is new: without directives, without nulls ---- */

static struct json_object *plain(struct json_object *value);

/* What says what to do with something that is not there is nothing, whatever it says. */
static bool only_directive(struct json_object *value)
{
	return asb_at(value, "$patch") != NULL;
}

static struct json_object *plain_list(struct json_object *list)
{
	struct json_object *result = json_object_new_array();

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *element = json_object_array_get_idx(list, i);

		if (!only_directive(element)) {
			json_object_array_add(result, plain(element));
		}
	}
	return result;
}

static struct json_object *plain(struct json_object *value)
{
	struct json_object *result;

	if (json_object_is_type(value, json_type_array)) {
		return plain_list(value);
	}
	if (!json_object_is_type(value, json_type_object)) {
		return json_object_get(value);
	}
	result = json_object_new_object();
	json_object_object_foreach (value, name, member) {
		if (member != NULL && !is_directive(name) && !only_directive(member)) {
			json_object_object_add(result, name, plain(member));
		}
	}
	return result;
}

/* ---- lists ---- */

/* Applies what the patch's elements with $patch say. *ret_replace: the patch's list is all. */
static int apply_element_directives(struct merge *merge, struct json_object *original,
				    struct json_object *patch, const char *key, bool *ret_replace)
{
	*ret_replace = false;
	for (size_t i = 0; i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		const char *directive = asb_str(element, "$patch");
		int place;

		if (directive == NULL) {
			continue;
		}
		if (strcmp(directive, "replace") == 0) {
			*ret_replace = true;
			continue;
		}
		if (strcmp(directive, "delete") != 0) {
			return update_fail(merge->reterr, 400,
					   "Unknown patch type found: %.50s in %s", directive,
					   merge->path);
		}
		if (asb_at(element, key) == NULL) {
			return update_fail(
				merge->reterr, 400,
				"delete patch type with no merge key defined: %s has '%s'",
				merge->path, key);
		}
		while ((place = list_find(original, element, key)) >= 0) {
			json_object_array_del_idx(original, (size_t)place, 1);
		}
	}
	return 0;
}

/* Merges the elements of a patch into the original, new ones at its end. */
static int merge_elements(struct merge *merge, struct json_object *original,
			  struct json_object *patch, const char *key)
{
	size_t length = descend(merge, "[]");
	int status = 0;

	for (size_t i = 0; status == 0 && i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		int place;

		if (asb_str(element, "$patch") != NULL) {
			continue;
		}
		if (asb_at(element, key) == NULL) {
			return update_fail(merge->reterr, 400,
					   "map: %.200s does not contain declared merge key: %s",
					   json_object_to_json_string(element), key);
		}
		place = list_find(original, element, key);
		if (place < 0) {
			json_object_array_add(original, plain(element));
		} else {
			status = merge_map(
				merge, json_object_array_get_idx(original, (size_t)place), element);
		}
	}
	ascend(merge, length);
	return status;
}

/* The merge of two lists by key, or of two sets (key NULL); *ret is the caller's. */
static int merge_list(struct merge *merge, struct json_object *original, struct json_object *patch,
		      const char *key, struct json_object **ret)
{
	CLEANUP_JSON struct json_object *merged = json_object_new_array();
	CLEANUP_JSON struct json_object *order = json_object_get(original);
	bool replace = false;
	int status = 0;

	if (asb_length(original) + asb_length(patch) > LIST_MAX) {
		return update_fail(merge->reterr, 400, "the list '%s' has more than %d elements",
				   merge->path, LIST_MAX);
	}
	for (size_t i = 0; i < asb_length(original); i++) {
		json_object_array_add(merged,
				      json_object_get(json_object_array_get_idx(original, i)));
	}
	if (key == NULL) {
		for (size_t i = 0; i < asb_length(patch); i++) {
			struct json_object *element = json_object_array_get_idx(patch, i);

			if (list_find(merged, element, NULL) < 0) {
				json_object_array_add(merged, json_object_get(element));
			}
		}
	} else {
		status = apply_element_directives(merge, merged, patch, key, &replace);
		if (status == 0 && replace) {
			*ret = plain_list(patch);
			return 0;
		}
		if (status == 0) {
			/* What was taken out has no place any more, should it come again. */
			json_object_put(order);
			order = plain_list(merged);
			status = merge_elements(merge, merged, patch, key);
		}
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
static void delete_values(struct json_object *original, const char *name,
			  struct json_object *values)
{
	struct json_object *list = asb_array(original, name);

	for (size_t i = 0; i < asb_length(values); i++) {
		int place;

		while ((place = list_find(list, json_object_array_get_idx(values, i), NULL)) >= 0) {
			json_object_array_del_idx(list, (size_t)place, 1);
		}
	}
}

/* ---- $setElementOrder ---- */

/* The patch's own elements must stand in the order that it names. */
static int check_order(struct merge *merge, struct json_object *patch, struct json_object *order,
		       const char *key)
{
	int last = -1;

	for (size_t i = 0; i < asb_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		int place = list_find(order, element, key);

		if (asb_str(element, "$patch") != NULL) {
			continue;
		}
		if (place <= last) {
			return update_fail(merge->reterr, 400,
					   "The order in patch list: %.150s doesn't match "
					   "$setElementOrder list: %.150s",
					   json_object_to_json_string(patch),
					   json_object_to_json_string(order));
		}
		last = place;
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
	int status = check_order(merge, given, order, strategy.merge_key);

	if (status != 0 || (old == NULL && given == NULL)) {
		return status;
	}
	if (given == NULL) {
		merged = json_object_get(old);
	} else if (old == NULL) {
		merged = plain_list(given);
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

static int apply_orders(struct merge *merge, struct json_object *original,
			struct json_object *patch)
{
	CLEANUP_JSON struct json_object *all = json_object_get(patch);
	CLEANUP_JSON struct json_object *orders = json_object_new_object();
	int status = 0;

	json_object_object_foreach (all, member, value) {
		if (begins(member, order_prefix)) {
			json_object_object_add(orders, member, json_object_get(value));
		}
	}
	json_object_object_foreach (orders, directive, order) {
		const char *name = directive + strlen(order_prefix);
		size_t length = descend(merge, name);

		if (asb_as_array(order) == NULL || asb_length(order) > LIST_MAX) {
			status = update_fail(merge->reterr, 400, "'%.200s' is no list, or too long",
					     directive);
		}
		if (status == 0) {
			status = merge_ordered(merge, original, patch, name, order);
		}
		ascend(merge, length);
		if (status != 0) {
			return status;
		}
		json_object_object_del(patch, directive);
	}
	return 0;
}

/* ---- maps ---- */

static bool has(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		if (asb_streq(asb_as_str(json_object_array_get_idx(list, i)), name)) {
			return true;
		}
	}
	return false;
}

/* Takes out what $retainKeys does not name. */
static int apply_retain_keys(struct merge *merge, struct json_object *original,
			     struct json_object *patch)
{
	CLEANUP_JSON struct json_object *keys = json_object_get(asb_at(patch, "$retainKeys"));
	CLEANUP_JSON struct json_object *gone = json_object_new_array();

	if (keys == NULL) {
		return 0;
	}
	if (asb_as_array(keys) == NULL) {
		return update_fail(merge->reterr, 400, "$retainKeys in '%s' is no list",
				   merge->path);
	}
	json_object_object_del(patch, "$retainKeys");
	json_object_object_foreach (patch, name, value) {
		if (value != NULL && !is_directive(name) && !has(keys, name)) {
			return update_fail(
				merge->reterr, 400,
				"invalid patch format of retainKeys: '%.100s' in '%s' is "
				"not among them",
				name, merge->path);
		}
	}
	json_object_object_foreach (original, member, unused) {
		(void)unused;
		if (!has(keys, member)) {
			json_object_array_add(gone, json_object_new_string(member));
		}
	}
	for (size_t i = 0; i < asb_length(gone); i++) {
		json_object_object_del(original, asb_as_str(json_object_array_get_idx(gone, i)));
	}
	return 0;
}

/* $patch in a map: *ret_done when nothing is left to merge. */
static int apply_map_directive(struct merge *merge, struct json_object *original,
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
		return update_fail(merge->reterr, 400, "Unknown patch type found: %.50s in '%s'",
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
			if (taken != NULL && !is_directive(member)) {
				json_object_object_add(original, member, plain(taken));
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
	size_t length = descend(merge, name);
	int status = 0;

	if (json_object_get_type(old) != json_object_get_type(value)) {
		merged = plain(value);
	} else if (json_object_is_type(value, json_type_object)) {
		status = merge_map(merge, old, value);
	} else if (json_object_is_type(value, json_type_array)) {
		status = merge_member_list(merge, old, value, &merged);
	} else {
		merged = json_object_get(value);
	}
	ascend(merge, length);
	if (status == 0 && merged != NULL) {
		json_object_object_add(original, name, merged);
	}
	return status;
}

static int merge_map(struct merge *merge, struct json_object *original, struct json_object *patch)
{
	bool done = false;
	int status = apply_map_directive(merge, original, patch, &done);

	if (status != 0 || done) {
		return status;
	}
	status = apply_retain_keys(merge, original, patch);
	if (status == 0) {
		status = apply_orders(merge, original, patch);
	}
	if (status != 0) {
		return status;
	}
	json_object_object_foreach (patch, name, value) {
		struct json_object *old = NULL;

		if (begins(name, delete_prefix)) {
			continue;
		}
		if (value == NULL) {
			json_object_object_del(original, name);
		} else if (!json_object_object_get_ex(original, name, &old) || old == NULL) {
			if (!only_directive(value)) {
				json_object_object_add(original, name, plain(value));
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
		if (begins(directive, delete_prefix)) {
			delete_values(original, directive + strlen(delete_prefix), values);
		}
	}
	return 0;
}

int strategic_merge(const struct asb_kind *kind, struct json_object *target,
		    struct json_object *patch, struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *original = NULL;
	CLEANUP_JSON struct json_object *changes = NULL;
	struct merge merge = { .kind = kind, .reterr = reterr };
	int status;

	if (!json_object_is_type(patch, json_type_object)) {
		return update_fail(reterr, 400, "a strategic merge patch must be an object");
	}
	original = asb_copy(target);
	changes = asb_copy(patch);
	status = merge_map(&merge, original, changes);
	if (status == 0) {
		*ret = TAKE(original);
	}
	return status;
}
