/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of Podman's create requests, from what a pod says. Pure. */
#ifndef ASB_NODE_PODMAN_CREATE_H
#define ASB_NODE_PODMAN_CREATE_H

#include <json-c/json.h>

#include "node/runtime/runtime.h"

/* What a request needs in addition to the pod. Borrowed. */
struct podman_create {
	const char *label;   /* of the node */
	const char *handler; /* that shall run it */
	const char *image;   /* under the name it has here */
	/* Files of the pod that the node writes, such as /etc/hosts; a container's own mounts come
	 * first, and one with a read-only root may not write them. */
	const struct runtime_mount *files;
	size_t file_count;
	const char *root; /* of the pause */
	const char *network;
	uint64_t log_max;
	struct json_object *take_rlimits;
};

/* Names of the containers of a pod; the caller's. */
char *podman_pause_name(const char *uid);
char *podman_container_name(const char *uid, const char *container, uint32_t attempt);
/* The caller's trees. */
struct json_object *podman_create_pause(const struct podman_create *create,
					const struct runtime_pod *pod);
struct json_object *podman_create_container(const struct podman_create *create,
					    const struct runtime_pod *pod,
					    const struct runtime_container *container);

#endif
