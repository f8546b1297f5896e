/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node status and lease: creates the Node object of this machine and its Lease, renews the Lease
 * every 10 s, and writes the status when it changes or five minutes have passed. On a thread of its
 * own.
 * https://kubernetes.io/docs/concepts/architecture/nodes/
 */
#ifndef ASB_NODE_REGISTRATION_REGISTRATION_H
#define ASB_NODE_REGISTRATION_REGISTRATION_H

#include <json-c/json.h>
#include <stdbool.h>

#include "node/pod/capacity.h"

#define LEASE_NAMESPACE "kube-node-lease"
#define LEASE_RENEW_US 10000000u
#define LEASE_DURATION_S 40
#define NODE_LOOK_US 30000000u         /* between checks of runtime and disk */
#define NODE_HEARTBEAT_MS (300 * 1000) /* a status is written at least this often */

struct node;
struct registration;
struct registration *registration_create(struct node *node);
/* Ends the thread; the lease is left to expire. */
void registration_destroy(struct registration *registration);

/* The facts that a Node's status shows. */
struct node_facts {
	const char *name, *ip, *runtime_version; /* "podman://4.3.1" */
	bool runtime_good;
	const char *runtime_text; /* what check() said */
	struct node_capacity capacity;
	uint64_t storage; /* bytes of the state directory's file system */
	const char *machine, *kernel, *os_image, *machine_id, *boot_id, *system_uuid;
};

/* The labels every Node has; the caller's. */
struct json_object *registration_labels(const char *name);
/* The Node's status, from the stored one (or NULL) and the facts; the caller's. Equal facts give
 * equal trees; heartbeats change only when they are due. */
struct json_object *registration_status(struct json_object *node, const struct node_facts *facts,
					int64_t now_ms);
/* The machine's cores and memory. */
void registration_capacity(uint64_t max_pods, struct node_capacity *ret);

#endif
