/* SPDX-License-Identifier: Apache-2.0 */
/* Finding elements of lists by merge key, and ordering what was merged. The strategic merge calls
 * it. */
#include "config.h"

#include "local/strategic-list.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

/* 80 and "80" are two ports. */
static bool same(struct json_object *a, struct json_object *b)
{
	return a != NULL && b != NULL && json_object_get_type(a) == json_object_get_type(b) &&
	       json_object_equal(a, b);
}

int list_find(struct json_object *list, struct json_object *element, const char *merge_key)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *other = json_object_array_get_idx(list, i);

		if (merge_key != NULL ? same(asb_at(other, merge_key), asb_at(element, merge_key))
				      : same(other, element)) {
			return (int)i;
		}
	}
	return -1;
}

/* Those elements of a list that stand in order, in that order, each once. */
static struct json_object *sorted(struct json_object *list, struct json_object *order,
				  const char *merge_key)
{
	struct json_object *result = json_object_new_array();

	for (size_t i = 0; i < asb_length(order); i++) {
		struct json_object *wanted = json_object_array_get_idx(order, i);
		int place = list_find(list, wanted, merge_key);

		if (place >= 0 && list_find(result, wanted, merge_key) < 0) {
			json_object_array_add(result, json_object_get(json_object_array_get_idx(
							      list, (size_t)place)));
		}
	}
	return result;
}

/* Those elements that do not stand in other: first what order has, then the rest as it comes. */
static struct json_object *others(struct json_object *list, struct json_object *other,
				  struct json_object *order, const char *merge_key)
{
	struct json_object *result = json_object_new_array();

	for (size_t pass = 0; pass < 2; pass++) {
		struct json_object *from = pass == 0 ? order : list;

		for (size_t i = 0; i < asb_length(from); i++) {
			struct json_object *wanted = json_object_array_get_idx(from, i);
			int place = list_find(list, wanted, merge_key);

			if (place >= 0 && list_find(other, wanted, merge_key) < 0 &&
			    list_find(result, wanted, merge_key) < 0) {
				json_object_array_add(result,
						      json_object_get(json_object_array_get_idx(
							      list, (size_t)place)));
			}
		}
	}
	return result;
}

struct json_object *list_order(struct json_object *merged, struct json_object *patch_order,
			       struct json_object *server_order, const char *merge_key)
{
	struct json_object *patch = sorted(merged, patch_order, merge_key),
			   *server = others(merged, patch_order, server_order, merge_key),
			   *result = json_object_new_array();
	size_t i = 0, j = 0, left = asb_length(server), right = asb_length(patch);

	while (i < left || j < right) {
		struct json_object *own = i < left ? json_object_array_get_idx(server, i) : NULL,
				   *given = j < right ? json_object_array_get_idx(patch, j) : NULL;
		bool take_own = given == NULL;

		if (own != NULL && given != NULL) {
			int first = list_find(server_order, own, merge_key),
			    second = list_find(server_order, given, merge_key);

			take_own = first >= 0 && second >= 0 && first < second;
		}
		json_object_array_add(result, json_object_get(take_own ? own : given));
		if (take_own) {
			i++;
		} else {
			j++;
		}
	}
	json_object_put(patch);
	json_object_put(server);
	return result;
}
