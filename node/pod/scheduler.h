/* SPDX-License-Identifier: Apache-2.0 */
/* A scheduler for a cluster of one node: binds pods without a node to this one while they fit. Any
 * thread. */
#ifndef ASB_NODE_POD_SCHEDULER_H
#define ASB_NODE_POD_SCHEDULER_H

#include <agent-sandbox/plugin.h>
#include <json-c/json.h>
#include <stdint.h>

#include "base/buf.h"
#include "node/pod/capacity.h"

struct node;

/* Sets node->cordon: a cordoned node gets no more pods, and the pods that wait are enqueued when it
 * is uncordoned. */
struct scheduler *scheduler_create(struct node *node, const struct node_capacity *capacity);
/* Keeps the account of the node's capacity by what a reconcile sees of a key; pod NULL: it is
 * gone. */
void scheduler_observe(struct scheduler *scheduler, const struct asb_key *key,
		       struct json_object *pod);
void scheduler_destroy(struct scheduler *scheduler);

/* Binds the pod, or reports in an event and a condition why it cannot be scheduled. The result of a
 * reconcile. */
int32_t scheduler_bind(struct node *node, struct asb_call *call, struct json_object *pod,
		       uint64_t *ret_requeue_after_ms);

/* What a pod requests: the sum of its containers and sidecars, or that of an init container and the
 * sidecars before it, whichever is more. Pure. */
void scheduler_requests(struct json_object *pod, struct node_capacity *ret);
/* Whether the pod's nodeSelector matches these labels (an object); else why gets a scheduler's
 * words. Pure. */
bool scheduler_selects(struct json_object *pod, struct json_object *labels, struct buf *why);

#endif
