/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Lease on the server, as one process sees it: read, taken, renewed, released. Used on one
 * thread, that of core/client/leader.
 *
 * Its expiry is judged by our own clock from when we last saw it change, never by the times written
 * in it; so whoever may want to take it has to read it again and again.
 */
#ifndef ASB_CORE_CLIENT_LEASE_LOCK_H
#define ASB_CORE_CLIENT_LEASE_LOCK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/sched.h"
#include "core/client/client.h"

enum lease_outcome {
	LEASE_HELD,   /* written with us as the holder */
	LEASE_OTHER,  /* somebody else's, and not expired */
	LEASE_FAILED, /* no response, or beaten to it */
};

/* Everything but the first members is read-only for others than lease-lock.c. */
struct lease_lock {
	struct sched *sched;
	struct client *client;
	char *ns, *name, *identity;
	uint64_t duration_us; /* what we ask for when we hold it */

	struct json_object *lease; /* as last seen; NULL: not there */
	char *seen;                /* its spec as text: what counts as a change */
	uint64_t expires_us;       /* since its last change, with jitter */
	uint64_t renewed_us;       /* when the last request that made us the holder was sent */
	bool held;                 /* as far as we know */
	bool others;               /* somebody else held it before us */
	char complaint[256];       /* last logged failure: said once, not every time */
	char waiting_for[256];     /* the holder that the log names already */
};

/* Strings are copied. */
void lease_lock_init(struct lease_lock *ret, struct sched *sched, struct client *client,
		     const char *ns, const char *name, const char *identity, uint64_t duration_us);
void lease_lock_finish(struct lease_lock *lock);
/* All end before until_us. Reads it, and takes it if it is ours, has no holder or has expired. */
enum lease_outcome lease_lock_acquire(struct lease_lock *lock, uint64_t until_us);
/* Reads it, so that its expiry is known when the time comes. */
void lease_lock_watch(struct lease_lock *lock, uint64_t until_us);
/* Renews what we hold: usually one PUT over the version that our last PUT made. */
enum lease_outcome lease_lock_renew(struct lease_lock *lock, uint64_t until_us);
/* Releases it if it is still ours: no holder, 1 s. */
void lease_lock_release(struct lease_lock *lock, uint64_t until_us);
/* Who holds it as last seen; "" for nobody. Borrowed. */
const char *lease_lock_holder(const struct lease_lock *lock);

#endif
