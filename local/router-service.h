/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router as clients look for it in a cluster: Service default/sandbox-router-svc and behind it a
 * pod that is Running, so that `kubectl port-forward svc/sandbox-router-svc 8080:8080` works. The
 * pod is a mirror (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/): it shows a
 * process of the host. No node runs it: it stands on a node of its own, MIRROR_NODE, that does not
 * exist; and its port-forward goes to the address in MIRROR_FORWARD_ANNOTATION.
 */
#ifndef ASB_LOCAL_MIRROR_H
#define ASB_LOCAL_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/api/api.h"
#include "base/error.h"

#define MIRROR_SERVICE "sandbox-router-svc"
#define MIRROR_PORT 8080 /* of the Service: what clients of the router expect */

/* Makes or mends both; the pod's status says Ready as ready does. May be called again and again: it
 * writes on difference alone. */
int mirror_keep(struct api *api, uint16_t port, bool ready, int64_t now_ms, struct error *reterr);
/* Removes both: there is no router. */
void mirror_remove(struct api *api);

#endif
