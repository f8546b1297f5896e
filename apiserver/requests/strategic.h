/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strategic merge patches of the built-in kinds, as kubectl makes them: lists with merge keys
 * (containers by name, ports by containerPort or port, ...), sets (finalizers), and the directives
 * $patch: delete|replace|merge, $deleteFromPrimitiveList/x, $setElementOrder/x, $retainKeys.
 */
#ifndef ASB_APISERVER_REQUESTS_STRATEGIC_H
#define ASB_APISERVER_REQUESTS_STRATEGIC_H

#include <agent-sandbox/plugin.h>
#include <json-c/json.h>

#include "base/error.h"

/* The result is the caller's; target and patch stay as they are. 0, or with *reterr 400 for a
 * directive that is none, or a list element without its merge key, and 413 for a patch whose lists
 * take too long to merge. */
int strategic_merge(const struct asb_kind *kind, struct json_object *target,
		    struct json_object *patch, struct json_object **ret, struct error *reterr);

#endif
