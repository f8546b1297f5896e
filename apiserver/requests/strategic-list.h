/* SPDX-License-Identifier: Apache-2.0 */
/* Which elements of lists are the same one, and the order of lists that a strategic patch merged.
 * Private to the merge. All of it takes time linear in the lists, but for one sort. */
#ifndef ASB_APISERVER_REQUESTS_STRATEGIC_LIST_H
#define ASB_APISERVER_REQUESTS_STRATEGIC_LIST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apiserver/requests/strategic-keys.h"
#include "base/map.h"

/* The places of a list's elements by what identifies them: equal scalars (merge_key NULL), or
 * objects with one merge key. Several elements may have the same identity: the first one counts. */
struct list_index {
	const char *merge_key;
	struct map places; /* identity -> its place plus one */
	char **keys;       /* identities, owned; keys of the map */
	size_t count, size;
};

#define LIST_INDEX_NONE SIZE_MAX

/* list may be NULL. merge_key is borrowed. */
void list_index_init(struct list_index *index, struct json_object *list, const char *merge_key);
void list_index_finish(struct list_index *index);
#define CLEANUP_LIST_INDEX CLEANUP(list_index_finish)

/* The place of the first element that is the same one, or LIST_INDEX_NONE. An element without the
 * merge key is the same as none. */
size_t list_index_find(const struct list_index *index, struct json_object *element);
/* Enters an element at a place, unless one of its identity is there. */
void list_index_add(struct list_index *index, struct json_object *element, size_t place);

/* Whether two elements are the same one. */
bool list_same(struct json_object *a, struct json_object *b, const char *merge_key);

/* A new list of the same elements. */
struct json_object *list_shallow(struct json_object *list);
/* A list without the elements that an index has; a new one. */
struct json_object *list_without(struct json_object *list, const struct list_index *index);

/*
 * A merged list in the order that both sides want; a new one with all of its elements. What the
 * patch names comes in the patch's order, the server's own in the server's; between the two the
 * server's order counts where it knows both, else the patch's element comes first. Elements of one
 * identity stay together in the order they have.
 */
struct json_object *list_order(struct json_object *merged, struct json_object *patch_order,
			       struct json_object *server_order, const char *merge_key);

#endif
