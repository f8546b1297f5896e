/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where requests for a Sandbox go: a pure function of the Sandbox and its pod. A pod that it
 * refuses cannot be reached through the router, whatever a request contains.
 */
#ifndef ASB_ROUTER_ROUTE_H
#define ASB_ROUTER_ROUTE_H

#include <json-c/json.h>

/* Returns why requests cannot go to a Sandbox, or NULL when they can; then ret_address is the pod's
 * IPv4 or IPv6 address (at most 45 characters). sandbox or pod NULL: it does not exist. */
const char *route_find(struct json_object *sandbox, struct json_object *pod, char ret_address[46]);

/* The time from which on a pod may have its address, as text that sorts by time. Borrowed from the
 * pod. */
const char *route_since(struct json_object *pod);

/* The name of a Sandbox's pod. Borrowed from the Sandbox. */
const char *route_pod_name(struct json_object *sandbox);

#endif
