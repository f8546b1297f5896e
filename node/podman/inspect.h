/* SPDX-License-Identifier: Apache-2.0 */
/* What Podman's responses say of containers. Pure; trees may hold anything. */
#ifndef ASB_NODE_PODMAN_INSPECT_H
#define ASB_NODE_PODMAN_INSPECT_H

#include <json-c/json.h>
#include <sys/types.h>

#include "node/runtime/runtime.h"

/* An entry of the list of containers; false: none of a pod of ours. *ret is the caller's then. */
bool podman_read_entry(struct json_object *entry, struct runtime_status *ret);
/* Adds what only inspect reports: times to the millisecond, how it ended. stopped: we ended it, so
 * an exit by SIGKILL under a limit of memory means nothing. */
void podman_read_state(struct json_object *inspect, bool stopped, struct runtime_status *status);
/* The address on a network; false: none. */
bool podman_read_ip(struct json_object *inspect, const char *network, char ret[64]);

#endif
