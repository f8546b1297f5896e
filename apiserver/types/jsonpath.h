/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSONPath that printer columns and scale subresources use: .a.b, ['a'], .a\.b, [0], [*],
 * [?(@.type=="Ready")], also in the {.a.b} form. Recursive descent (..), ranges, unions and scripts
 * are not known: jsonpath_parse refuses them.
 */
#ifndef ASB_APISERVER_TYPES_JSONPATH_H
#define ASB_APISERVER_TYPES_JSONPATH_H

#include <json-c/json.h>
#include <stdbool.h>

#include "apiserver/schema/effort.h"
#include "base/error.h"

#define JSONPATH_STEPS_MAX 32 /* longer than any path to a field of Kubernetes */

struct jsonpath;

/* The caller's; NULL and *reterr (-EINVAL) for what it does not know. */
struct jsonpath *jsonpath_parse(const char *text, struct error *reterr);
void jsonpath_destroy(struct jsonpath *path);
/* The first value it finds, borrowed; false where there is none (a null is one: *ret is NULL). */
bool jsonpath_get(const struct jsonpath *path, struct json_object *value, struct json_object **ret);
/* The same; it spends a step for each value it looks at, and finds nothing when there are no more. */
bool jsonpath_get_within(const struct jsonpath *path, struct json_object *value,
			 struct effort *effort, struct json_object **ret);

#endif
