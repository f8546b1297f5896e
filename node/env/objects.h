/* SPDX-License-Identifier: Apache-2.0 */
/* What config maps and secrets hold, for volumes and for the environment. */
#ifndef ASB_NODE_ENV_OBJECTS_H
#define ASB_NODE_ENV_OBJECTS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "node/volumes/volumes.h"

/* A value of a config map or secret: the API takes no larger one. */
#define OBJECT_VALUE_MAX (1024 * 1024)

/* *ret is the caller's, and NULL where an optional one is not there. -EAGAIN in a kubelet's words:
 * configmap "x" not found. */
int object_get(const struct volume_source *source, const char *resource, const char *ns,
	       const char *name, bool optional, struct json_object **ret, struct error *reterr);
/* Appends the value of a key: data of a config map, its binaryData, or data of a secret. -ENOENT:
 * there is no such key; -EINVAL: the secret or binaryData is no base64; -ENOSPC: too large. */
int object_value(struct json_object *object, const char *resource, const char *key,
		 struct buf *out);
/* Calls each with every key of data, and of binaryData, in the object's order; stops at anything
 * but 0 and returns it. */
int object_keys(struct json_object *object, bool binary, int (*each)(void *arg, const char *key),
		void *arg);

#endif
