/* SPDX-License-Identifier: Apache-2.0 */
/* The leases of the controllers of agent-sandbox, and where they are. */
#ifndef ASB_CONTROLLER_LEASES_H
#define ASB_CONTROLLER_LEASES_H

#include "controller/options.h"
#include "core/client/leader.h"
#include "core/config/kubeconfig.h"

/* Where all manifests have their controller. */
#define LEASES_DEFAULT_NAMESPACE "agent-sandbox-system"

/* That of the Go controller v0.1, and that of v0.2 and later. Whoever holds both keeps all of them
 * out. The order is the same in every process. */
extern const char *const leases_names[LEADER_LEASES_MAX];

/* The namespace that a flag gives, else that of this pod; NULL outside a cluster. Borrowed. */
const char *leases_namespace(const struct options *options, const struct kubeconfig *kubeconfig);

#endif
