/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of strategic merge patches, and values without them. The strategic merge calls
 * it. */
#include "config.h"

#include "apiserver/requests/strategic-directive.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

bool directive_is(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool directive_any(const char *name)
{
	return strcmp(name, "$patch") == 0 || strcmp(name, "$retainKeys") == 0 ||
	       directive_is(name, DIRECTIVE_DELETE_VALUES) || directive_is(name, DIRECTIVE_ORDER);
}

bool directive_alone(struct json_object *value)
{
	return asb_at(value, "$patch") != NULL;
}

struct json_object *directive_free_list(struct json_object *list)
{
	struct json_object *result = json_object_new_array();

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *element = json_object_array_get_idx(list, i);

		if (!directive_alone(element)) {
			json_object_array_add(result, directive_free(element));
		}
	}
	return result;
}

struct json_object *directive_free(struct json_object *value)
{
	struct json_object *result;

	if (json_object_is_type(value, json_type_array)) {
		return directive_free_list(value);
	}
	if (!json_object_is_type(value, json_type_object)) {
		return json_object_get(value);
	}
	result = json_object_new_object();
	json_object_object_foreach (value, name, member) {
		if (member != NULL && !directive_any(name) && !directive_alone(member)) {
			json_object_object_add(result, name, directive_free(member));
		}
	}
	return result;
}
