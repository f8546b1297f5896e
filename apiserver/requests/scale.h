/* SPDX-License-Identifier: Apache-2.0 */
/* The scale subresource: an autoscaling/v1 Scale of an object, by the paths its kind is served
 * with. Requests call it. */
#ifndef ASB_APISERVER_REQUESTS_SCALE_H
#define ASB_APISERVER_REQUESTS_SCALE_H

#include <json-c/json.h>

#include "apiserver/objects/objects.h"
#include "base/error.h"

/* The value at a path as CRDs write them, ".spec.replicas", borrowed; NULL: there is none, or path is
 * NULL. */
struct json_object *scale_at(struct json_object *object, const char *path);
/* The Scale of an object, the caller's; NULL: its kind has none. */
struct json_object *scale_of(const struct objects_resource *options, struct json_object *object);
/* A copy of the object as a Scale wants it, the caller's. 0, or 404, 409, 422. */
int scale_apply(const struct objects_resource *options, struct json_object *object,
		struct json_object *scale, struct json_object **ret, struct error *reterr);

#endif
