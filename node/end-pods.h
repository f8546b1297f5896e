/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `agent-sandbox-node --end-pods`: ends and removes every pod of this node that the runtime has,
 * asking no API server. Local mode does so when it stops: the next
 * start of the node creates the pods again.
 */
#ifndef ASB_NODE_END_PODS_H
#define ASB_NODE_END_PODS_H

#include "node/options.h"

#define END_PODS_GRACE_S 5 /* from SIGTERM to SIGKILL; hooks are not run */

/* 0, or -1 with the reason in the log. */
int end_pods_run(const struct node_options *options);

#endif
