/* SPDX-License-Identifier: Apache-2.0 */
/* Finding elements of lists by merge key, and ordering what was merged. The strategic merge calls
 * it. */
#include "config.h"

#include "apiserver/requests/strategic-list.h"

#include <agent-sandbox/helpers.h>
#include <stdlib.h>

#include "base/memory.h"

#define PRINT_FLAGS (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* What identifies an element, as text: 80 and "80" are two ports. NULL: it has no merge key. */
static char *strategic_list_identity(struct json_object *element, const char *merge_key)
{
	struct json_object *value = element;

	if (merge_key != NULL) {
		value = asb_at(element, merge_key);
	}
	return value != NULL ? xstrdup(json_object_to_json_string_ext(value, PRINT_FLAGS)) : NULL;
}

/* Enters an identity, which it takes. */
static void strategic_list_index_enter(struct list_index *index, char *take_identity, size_t place)
{
	if (take_identity == NULL || map_get(&index->places, take_identity) != NULL) {
		free(take_identity);
		return;
	}
	if (index->count == index->size) {
		index->size = index->size > 0 ? index->size * 2 : 16;
		index->keys = xrealloc(index->keys, index->size * sizeof(index->keys[0]));
	}
	index->keys[index->count++] = take_identity;
	map_put(&index->places, take_identity, (void *)(uintptr_t)(place + 1));
}

void list_index_init(struct list_index *index, struct json_object *list, const char *merge_key)
{
	*index = (struct list_index){ .merge_key = merge_key, .places = MAP_INIT };
	for (size_t i = 0; i < asb_length(list); i++) {
		list_index_add(index, json_object_array_get_idx(list, i), i);
	}
}

void list_index_finish(struct list_index *index)
{
	map_finish(&index->places);
	for (size_t i = 0; i < index->count; i++) {
		free(index->keys[i]);
	}
	free(index->keys);
}

void list_index_add(struct list_index *index, struct json_object *element, size_t place)
{
	strategic_list_index_enter(index, strategic_list_identity(element, index->merge_key),
				   place);
}

/* The place of an identity. */
static size_t strategic_list_index_place(const struct list_index *index, const char *identity)
{
	uintptr_t found =
		identity != NULL ? (uintptr_t)map_get(&index->places, identity) : (uintptr_t)0;

	return found > 0 ? (size_t)found - 1 : LIST_INDEX_NONE;
}

size_t list_index_find(const struct list_index *index, struct json_object *element)
{
	CLEANUP_FREE char *identity = strategic_list_identity(element, index->merge_key);

	return strategic_list_index_place(index, identity);
}

bool list_same(struct json_object *a, struct json_object *b, const char *merge_key)
{
	if (merge_key != NULL) {
		a = asb_at(a, merge_key);
		b = asb_at(b, merge_key);
	}
	return a != NULL && b != NULL && json_object_get_type(a) == json_object_get_type(b) &&
	       json_object_equal(a, b);
}

struct json_object *list_shallow(struct json_object *list)
{
	struct json_object *result = json_object_new_array();

	for (size_t i = 0; i < asb_length(list); i++) {
		json_object_array_add(result, json_object_get(json_object_array_get_idx(list, i)));
	}
	return result;
}

struct json_object *list_without(struct json_object *list, const struct list_index *index)
{
	struct json_object *result = json_object_new_array();

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *element = json_object_array_get_idx(list, i);

		if (list_index_find(index, element) == LIST_INDEX_NONE) {
			json_object_array_add(result, json_object_get(element));
		}
	}
	return result;
}

/* ---- order ---- */

/* An element of the merged list. */
struct list_item {
	struct json_object *element; /* borrowed */
	size_t wanted;               /* its place in the order of its side, LIST_INDEX_NONE: last */
	size_t server;               /* its place in the server's order */
	size_t place;                /* in the merged list */
};

static int strategic_list_item_compare(const void *a, const void *b)
{
	const struct list_item *left = a, *right = b;

	if (left->wanted != right->wanted) {
		return left->wanted < right->wanted ? -1 : 1;
	}
	return left->place < right->place ? -1 : 1;
}

/* Takes the merged list apart: what the patch's order names to given, the rest to own. */
static void strategic_list_partition(struct json_object *merged, const struct list_index *patch,
				     const struct list_index *server, struct list_item *given,
				     size_t *ret_given, struct list_item *own, size_t *ret_own)
{
	size_t given_count = 0, own_count = 0;

	for (size_t i = 0; i < asb_length(merged); i++) {
		struct json_object *element = json_object_array_get_idx(merged, i);
		CLEANUP_FREE char *identity = strategic_list_identity(element, patch->merge_key);
		size_t in_patch = strategic_list_index_place(patch, identity),
		       in_server = strategic_list_index_place(server, identity);
		struct list_item item = { element, in_server, in_server, i };

		if (in_patch == LIST_INDEX_NONE) {
			own[own_count++] = item;
		} else {
			item.wanted = in_patch;
			given[given_count++] = item;
		}
	}
	*ret_given = given_count;
	*ret_own = own_count;
}

struct json_object *list_order(struct json_object *merged, struct json_object *patch_order,
			       struct json_object *server_order, const char *merge_key)
{
	CLEANUP_LIST_INDEX struct list_index patch = { 0 };
	CLEANUP_LIST_INDEX struct list_index server = { 0 };
	size_t count = asb_length(merged), given_count = 0, own_count = 0, i = 0, j = 0;
	CLEANUP_FREE struct list_item *given = xnew_array(struct list_item, count + 1);
	CLEANUP_FREE struct list_item *own = xnew_array(struct list_item, count + 1);
	struct json_object *result = json_object_new_array();

	list_index_init(&patch, patch_order, merge_key);
	list_index_init(&server, server_order, merge_key);
	strategic_list_partition(merged, &patch, &server, given, &given_count, own, &own_count);
	qsort(given, given_count, sizeof(given[0]), strategic_list_item_compare);
	qsort(own, own_count, sizeof(own[0]), strategic_list_item_compare);
	while (i < own_count || j < given_count) {
		bool both = i < own_count && j < given_count;
		bool known = both && own[i].server != LIST_INDEX_NONE &&
			     given[j].server != LIST_INDEX_NONE;
		bool take_own = both ? known && own[i].server < given[j].server : i < own_count;

		json_object_array_add(
			result, json_object_get(take_own ? own[i++].element : given[j++].element));
	}
	return result;
}
