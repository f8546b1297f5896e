/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's status as a kubelet writes it, from a view of the pod. Pure: equal views give equal
 * trees, so a status is written only when something is different. What others have written
 * (PodScheduled, qosClass, conditions of readiness gates) stays.
 */
#ifndef ASB_NODE_POD_STATUS_H
#define ASB_NODE_POD_STATUS_H

#include <json-c/json.h>

#include "node/pod/view.h"

struct status_facts {
	const char *runtime; /* "podman": the scheme of container ids */
	const char *host_ip;
};

/* The whole .status; the caller's. After plan_make. */
struct json_object *status_make(const struct pod_view *view, const struct status_facts *facts);

#endif
