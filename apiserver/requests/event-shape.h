/* SPDX-License-Identifier: Apache-2.0 */
/* Events have two shapes of one object: that of core/v1, which is stored, and that of
 * events.k8s.io/v1. Requests turn one into the other. */
#ifndef ASB_APISERVER_REQUESTS_EVENT_SHAPE_H
#define ASB_APISERVER_REQUESTS_EVENT_SHAPE_H

#include <agent-sandbox/plugin.h>
#include <json-c/json.h>
#include <stdbool.h>

/* How long an event is kept after it was last seen. */
#define EVENT_TTL_MS INT64_C(3600000)

/* Whether a kind is the other shape: events.k8s.io. */
bool event_is_other(const struct asb_kind *kind);
/* A tree in the other shape; the caller's. It shares what stands below the top. */
struct json_object *event_to_core(struct json_object *event);
struct json_object *event_to_other(struct json_object *event);

#endif
