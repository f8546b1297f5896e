/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where requests for a Sandbox go: a pure function of the Sandbox and its pod. What it refuses
 * cannot be reached through the router whatever a request says.
 */
#ifndef ASB_ROUTER_ROUTE_H
#define ASB_ROUTER_ROUTE_H

#include <json-c/json.h>

/* Why there is no way to a Sandbox; NULL: there is, and ret_address is the pod's (at most 45
 * characters of an IPv4 or IPv6 address). sandbox or pod NULL: there is none. */
const char *route_find(struct json_object *sandbox, struct json_object *pod, char ret_address[46]);

/* Since when a pod may have its address: text that grows with time. Borrowed from the pod. */
const char *route_since(struct json_object *pod);

/* The name of a Sandbox's pod. Borrowed from the Sandbox. */
const char *route_pod_name(struct json_object *sandbox);

#endif
