/* SPDX-License-Identifier: Apache-2.0 */
/* A container's spec as the runtime wants it: limits, security context, image, terminal. Pure.
 * https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ */
#ifndef ASB_NODE_POD_SPEC_H
#define ASB_NODE_POD_SPEC_H

#include <json-c/json.h>

#include "node/runtime/runtime.h"

#define SPEC_STRINGS_MAX 256 /* of capabilities, and of groups */

/* A runtime_container, and the strings that it points to outside the pod's tree. */
struct container_spec {
	struct runtime_container container;
	char user[48];
	char numbers[SPEC_STRINGS_MAX][12];
	const char *groups[SPEC_STRINGS_MAX + 1];
	const char *cap_add[SPEC_STRINGS_MAX + 1], *cap_drop[SPEC_STRINGS_MAX + 1];
};

/* Fills everything but attempt, command, args, env and mounts. Points into itself and into the
 * trees, so it must not move. */
void container_spec_make(struct json_object *pod, struct json_object *container,
			 struct container_spec *ret);

#endif
