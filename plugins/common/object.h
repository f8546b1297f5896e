/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about one object that several plugins ask, and texts that they write into one. All are
 * pure functions: an index may call them on any thread.
 */
#ifndef PLUGINS_COMMON_OBJECT_H
#define PLUGINS_COMMON_OBJECT_H

#include <agent-sandbox/helpers.h>

/* The UID of the object's controller if that is of this kind, as its owner reference says it; else
 * NULL. */
const char *object_controller_uid(struct json_object *object, const struct asb_kind *kind);
/* Whether a pod's containers have ended for good: phase Failed or Succeeded. */
bool object_pod_ended(struct json_object *pod);
/* Whether a pod has neither ended nor been asked to end. */
bool object_pod_live(struct json_object *pod);
/* The milliseconds since 1970 at which the object was created; 0 if it does not say. */
int64_t object_created_ms(struct json_object *object);
/* Appends to a JSON patch: owner becomes the controller of object. The patch fails if the owners of
 * object have changed meanwhile or object is being deleted. */
void object_patch_owner(struct json_object *patch, struct json_object *object,
			struct json_object *owner);
/* Removes a character of several bytes that the end of a buffer has cut: the API server refuses
 * broken UTF-8. Text that ends with a whole character stays as it is. */
void object_trim_text(char *text);

#endif
