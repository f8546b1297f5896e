/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the status share. */
#ifndef ASB_NODE_POD_STATUS_PRIVATE_H
#define ASB_NODE_POD_STATUS_PRIVATE_H

#include "node/pod/status.h"

/* An entry of containerStatuses or initContainerStatuses; the caller's. */
struct json_object *status_container(const struct pod_view *view,
				     const struct container_view *container,
				     const struct status_facts *facts);
/* Whether a container counts as ready. */
bool status_container_ready(const struct container_view *container);
/* Whether it waits, though it has ended: for its backoff, or because it could not start again. */
bool status_container_waits(const struct pod_view *view, const struct container_view *container);
/* Sets a kubelet's conditions in status, in place. */
void status_conditions(const struct pod_view *view, const char *phase, struct json_object *status);

#endif
