/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router as clients look for it in a cluster: the Service default/sandbox-router-svc and a pod
 * behind it that is Running, so that `kubectl port-forward svc/sandbox-router-svc 8080:8080` works.
 *
 * The pod is a mirror pod (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/):
 * it shows a process of the host. No node runs it: its node, MIRROR_NODE, does not exist. Its
 * port-forward goes to the address in MIRROR_FORWARD_ANNOTATION.
 */
#ifndef ASB_LOCAL_ROUTER_SERVICE_H
#define ASB_LOCAL_ROUTER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/api/api.h"
#include "base/error.h"

#define ROUTER_SERVICE "sandbox-router-svc"

/* Creates or repairs both; `ready` is the pod's condition Ready. It writes only what differs, so it
 * may be called at any time. 0, or a negative code and *reterr. */
int router_service_keep(struct api *api, uint16_t port, bool ready, int64_t now_ms,
			struct error *reterr);
/* Deletes both: there is no router. */
void router_service_remove(struct api *api);

#endif
