/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes and the Leases they want, in simulated time, for the tests of core/client/leader.c.
 */
#ifndef ASB_TESTS_UNIT_CORE_LEASE_WORLD_H
#define ASB_TESTS_UNIT_CORE_LEASE_WORLD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/client/leader.h"
#include "tests/unit/core/talk-server.h"

#define SECOND UINT64_C(1000000)

/* The Leases, and the ways of a server to be unhelpful. */
struct world {
	struct sched *sched;
	struct json_object *lease;  /* NULL: not there */
	struct json_object *second; /* the Lease that only processes with both want */
	uint64_t version;
	size_t conflicts_to_come; /* changes by others just before a PUT */
};

/* A process: its link to the server, its leader. */
struct node {
	struct world *world;
	struct talk_server server;
	struct metrics *metrics;
	struct client *client;
	struct leader *leader;
	char identity[32];
	bool both;        /* wants the second Lease, too */
	bool cut;         /* no request arrives */
	bool loses;       /* requests are done, answers lost */
	bool forbidden;   /* 403 */
	uint64_t busy_us; /* on_started takes this long */
	unsigned int started, lost;
	bool others;
	uint64_t started_us, lost_us;
};

#define FOREIGN(holder, times)                                                         \
	"{\"apiVersion\":\"coordination.k8s.io/"                                       \
	"v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"lock\"},\"spec\":{"          \
	"\"holderIdentity\":\"" holder                                                 \
	"\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,\"strategy\":\"kept\"," \
	"\"acquireTime\":\"" times "\",\"renewTime\":\"" times "\"}}"

/* A new version of the first Lease. */
void touch(struct world *world);
/* The first Lease as somebody else writes it. */
void put_lease(struct world *world, const char *text);
/* The second. */
void put_second(struct world *world, const char *text);
/* A process with a client; lead starts its leader. */
void begin(struct node *node, struct world *world, const char *identity);
void lead(struct node *node);
/* The process ends: transport first, as in production. */
void finish(struct node *node);
void set_up(struct world *world, uint64_t seed);
void tear_down(struct world *world);
/* Lets simulated time pass. */
void pass(struct node *node, uint64_t us);
/* A member of the Lease as it is. */
const char *spec(struct world *world, const char *name);
int64_t transitions(struct world *world);
bool shown_as_leader(struct node *node);

#endif
