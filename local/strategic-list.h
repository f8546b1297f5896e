/* SPDX-License-Identifier: Apache-2.0 */
/* The order of lists that a strategic patch merged. Private to the merge. */
#ifndef ASB_LOCAL_STRATEGIC_LIST_H
#define ASB_LOCAL_STRATEGIC_LIST_H

#include "local/strategic-keys.h"

#include <json-c/json.h>
#include <stddef.h>

/* The place of an element that is the same one: equal scalars, or objects with one merge key. -1. */
int list_find(struct json_object *list, struct json_object *element, const char *merge_key);
/*
 * A merged list in the order that both sides want; a new one. What the patch names comes in the
 * patch's order, the server's own in the server's; between the two the server's order counts where
 * it knows both, else the patch's element comes first.
 */
struct json_object *list_order(struct json_object *merged, struct json_object *patch_order,
			       struct json_object *server_order, const char *merge_key);

#endif
