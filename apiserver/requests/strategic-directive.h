/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of strategic merge patches, and values without them. Private to the merge. */
#ifndef ASB_APISERVER_REQUESTS_STRATEGIC_DIRECTIVE_H
#define ASB_APISERVER_REQUESTS_STRATEGIC_DIRECTIVE_H

#include <json-c/json.h>
#include <stdbool.h>

/* What the names of these members begin with; the member they are about follows. */
#define DIRECTIVE_DELETE_VALUES "$deleteFromPrimitiveList/"
#define DIRECTIVE_ORDER "$setElementOrder/"

/* Whether a member's name is that directive. */
bool directive_is(const char *name, const char *prefix);
/* Whether it is a directive at all. */
bool directive_any(const char *name);
/* Whether a value only says what to do with one that is there: what it says of nothing is nothing. */
bool directive_alone(struct json_object *value);

/* What a value of a patch is where there is nothing to merge it with: without directives, without
 * nulls. A new reference; lists and objects are new. */
struct json_object *directive_free(struct json_object *value);
struct json_object *directive_free_list(struct json_object *list);

#endif
