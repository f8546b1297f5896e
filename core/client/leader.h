/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader election on Leases (coordination.k8s.io/v1), compatible with client-go's: lease 15 s,
 * renew deadline 10 s, retry 2 s.
 *
 * A process leads while it holds all of its leases: more than one keeps out controllers of several
 * generations, of which each knows one name. They are acquired in the order of their names, the same
 * in every process, and released in the opposite one.
 *
 * Expiry is judged by our own clock from when we last saw a lease change, never by the times
 * written in it. A standby tries again exactly at the expiry it computed plus up to 1 s of jitter.
 * Losing one lease is losing all, and final: on_lost is called and the process is expected to end.
 * leader_holds_lease is the leadership check before each write: true only while the last renewal is
 * younger than the renew deadline, so after a SIGSTOP nothing is sent before the leases are ours
 * again.
 */
#ifndef ASB_CORE_CLIENT_LEADER_H
#define ASB_CORE_CLIENT_LEADER_H

#include <stdbool.h>

#include "base/sched.h"
#include "core/client/client.h"

#define LEASE_DURATION_US 15000000u
#define LEASE_RENEW_DEADLINE_US 10000000u
#define LEASE_RETRY_US 2000000u
#define LEADER_LEASES_MAX 2

struct leader_config {
	struct sched *sched;
	struct client *client;
	struct metrics *metrics; /* or NULL: leader_election_master_status{name} */
	const char *ns;          /* of the Leases; copied */
	/* In the order in which they are acquired; NULL ends a shorter list. Copied. */
	const char *names[LEADER_LEASES_MAX];
	const char *identity; /* unique to this process; copied */
	/* Both on the leader's thread. on_started(others): others held the lease before, so stores
	 * may be behind their last writes. */
	void (*on_started)(void *arg, bool others);
	void (*on_lost)(void *arg);
	void *arg;
};

struct leader;
/* Starts the thread that acquires and renews. */
struct leader *leader_create(const struct leader_config *config);
/* Stops renewing and, if release, gives the leases up (holderIdentity "", 1 s) so that a standby
 * takes over at once: only after all writes have their responses, and before client_stop. Joins the
 * thread; when a request holds that up for more than 1 s, leader_destroy joins it, so call that
 * after the transport's stop. */
void leader_stop(struct leader *leader, bool release);
void leader_destroy(struct leader *leader);
/* Whether this process may write: it holds the leases, and renewed each less than
 * LEASE_RENEW_DEADLINE_US ago. Any thread. */
bool leader_holds_lease(struct leader *leader);

#endif
