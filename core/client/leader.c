/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acquires, renews and releases the Leases on a thread of its own, and says whether writes may be
 * sent. Called by the controller's main; its leadership check by core/client/client before
 * each write, and by the transport as it sends one.
 */
#include "config.h"

#include "core/client/leader.h"

#include "base/memory.h"
#include "core/client/lease-lock.h"
#include "core/observe/log.h"

#define REQUEST_US 5000000u /* half of the renew deadline, as controller-runtime has it */
/* For an attempt at the deadline, or past it after a SIGSTOP: no write is allowed then. */
#define LAST_TRY_US 1000000u
#define STOP_US 1000000u /* an orderly end waits no longer for the leases */

struct leader {
	struct leader_config config;
	struct metric *status;
	struct sched_mutex lock;
	struct sched_cond changed;
	struct sched_thread *thread; /* NULL once joined */
	bool stopping, release;      /* lock */
	bool ended;                  /* lock */
	bool leading;                /* lock; written by the thread only */
	/* lock; when the oldest of the last renewals that succeeded was sent; written by the thread
	 * only */
	uint64_t renewed_us;
	uint64_t stop_by_us; /* lock */

	/* The thread's own, in the order in which they are acquired. */
	struct lease_lock locks[LEADER_LEASES_MAX];
	size_t lock_count;
};

bool leader_holds_lease(struct leader *leader)
{
	LOCKED(&leader->lock);
	return leader->leading &&
	       sched_now_us(leader->config.sched) - leader->renewed_us < LEASE_RENEW_DEADLINE_US;
}

static uint64_t leader_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Whether this process leads, for leader_holds_lease and the metrics. */
static void leader_publish(struct leader *leader, bool leading)
{
	uint64_t renewed = UINT64_MAX;

	for (size_t i = 0; i < leader->lock_count; i++) {
		renewed = leader_earlier(renewed, leader->locks[i].renewed_us);
	}
	LOCKED(&leader->lock);
	leader->leading = leading;
	leader->renewed_us = renewed;
}

static void leader_set_status(struct leader *leader, double value)
{
	for (size_t i = 0; i < leader->lock_count; i++) {
		const char *const labels[] = { leader->locks[i].name };

		metric_record(leader->status, value, labels);
	}
}

/* ---- the thread ---- */

/* Waits until that time. False when leader_stop was called. */
static bool leader_wait_until(struct leader *leader, uint64_t when_us)
{
	LOCKED(&leader->lock);
	while (!leader->stopping && sched_now_us(leader->config.sched) < when_us) {
		sched_cond_wait(&leader->changed, &leader->lock, when_us);
	}
	return !leader->stopping;
}

/*
 * Takes all leases in their order, or renews those that it has already: true when it holds all. The
 * ones behind a lease that somebody else holds are read only, so that the time at which they expire
 * is known as well.
 */
static bool leader_take_all(struct leader *leader)
{
	enum lease_outcome outcome = LEASE_HELD;

	for (size_t i = 0; i < leader->lock_count && outcome != LEASE_FAILED; i++) {
		struct lease_lock *lock = &leader->locks[i];
		uint64_t now = sched_now_us(leader->config.sched), until = now + REQUEST_US;

		/* What was not renewed in time may have passed to another meanwhile. */
		lock->held = lock->held && now - lock->renewed_us < LEASE_DURATION_US;
		if (outcome == LEASE_OTHER) {
			lease_lock_watch(lock, until);
		} else {
			outcome = lock->held ? lease_lock_renew(lock, until)
					     : lease_lock_acquire(lock, until);
		}
	}
	return outcome == LEASE_HELD;
}

/* Tries until this process holds all leases (true) or is stopped. */
static bool leader_acquire(struct leader *leader)
{
	uint64_t next = 0, now;

	while (leader_wait_until(leader, next)) {
		if (leader_take_all(leader)) {
			leader_publish(leader, true);
			return true;
		}
		now = sched_now_us(leader->config.sched);
		next = now + LEASE_RETRY_US;
		for (size_t i = 0; i < leader->lock_count; i++) {
			const struct lease_lock *lock = &leader->locks[i];

			if (!lock->held && lock->expires_us > now) {
				next = leader_earlier(next, lock->expires_us);
			}
		}
	}
	return false;
}

/* One attempt to renew all; *ret_lock is the one at which it ended. */
static enum lease_outcome leader_renew(struct leader *leader, const struct lease_lock **ret_lock)
{
	enum lease_outcome outcome = LEASE_HELD;

	for (size_t i = 0; i < leader->lock_count && outcome == LEASE_HELD; i++) {
		struct lease_lock *lock = &leader->locks[i];
		uint64_t now = sched_now_us(leader->config.sched),
			 deadline = lock->renewed_us + LEASE_RENEW_DEADLINE_US,
			 last = now + LAST_TRY_US;

		outcome = lease_lock_renew(
			lock, leader_earlier(now + REQUEST_US, deadline > last ? deadline : last));
		*ret_lock = lock;
		leader_publish(leader, true);
	}
	return outcome;
}

/* Renews until leader_stop (true) or until a lease is lost. A lease is lost when the last renewal is
 * too old, but that is decided only after an attempt: a process that was stopped for long and finds
 * its leases unchanged still has them. */
static bool leader_keep(struct leader *leader)
{
	uint64_t next = leader->renewed_us + LEASE_RETRY_US;

	while (leader_wait_until(leader, next)) {
		const struct lease_lock *lock = NULL;
		uint64_t start = sched_now_us(leader->config.sched), now, deadline;
		enum lease_outcome outcome = leader_renew(leader, &lock);

		if (outcome == LEASE_HELD) {
			next = start + LEASE_RETRY_US;
			continue;
		}
		if (outcome == LEASE_OTHER) {
			log_error("lease '%s/%s' is lost to '%s'", lock->ns, lock->name,
				  lease_lock_holder(lock));
			return false;
		}
		now = sched_now_us(leader->config.sched);
		deadline = leader->renewed_us + LEASE_RENEW_DEADLINE_US;
		if (now >= deadline) {
			log_error("lease '%s/%s' is lost: not renewed in time", lock->ns,
				  lock->name);
			return false;
		}
		next = leader_earlier(now > start + LEASE_RETRY_US ? now : start + LEASE_RETRY_US,
				      deadline);
	}
	return true;
}

static void leader_lead(struct leader *leader)
{
	bool others = false, stopped;

	for (size_t i = 0; i < leader->lock_count; i++) {
		others = others || leader->locks[i].others;
		log_info("lease '%s/%s' is held by '%s'", leader->locks[i].ns,
			 leader->locks[i].name, leader->locks[i].identity);
	}
	leader_set_status(leader, 1);
	leader->config.on_started(leader->config.arg, others);
	stopped = leader_keep(leader);
	leader_publish(leader, false);
	leader_set_status(leader, 0);
	if (!stopped) {
		leader->config.on_lost(leader->config.arg);
	}
}

/* Releases the leases that are still ours, within the time that leader_stop waits: the last one
 * first, so that who takes the first finds the others free. */
static void leader_give_up(struct leader *leader)
{
	uint64_t until;

	{
		LOCKED(&leader->lock);
		until = leader->stop_by_us;
		if (!leader->release) {
			return;
		}
	}
	for (size_t i = leader->lock_count; i > 0; i--) {
		if (leader->locks[i - 1].held) {
			lease_lock_release(&leader->locks[i - 1], until);
		}
	}
}

static void leader_run(void *arg)
{
	struct leader *leader = arg;

	if (leader_acquire(leader)) {
		leader_lead(leader);
	}
	leader_give_up(leader);
	LOCKED(&leader->lock);
	leader->ended = true;
	sched_cond_broadcast(&leader->changed);
}

/* ---- life ---- */

struct leader *leader_create(const struct leader_config *config)
{
	struct leader *leader = xnew(struct leader);

	leader->config = *config;
	while (leader->lock_count < LEADER_LEASES_MAX &&
	       config->names[leader->lock_count] != NULL) {
		lease_lock_init(&leader->locks[leader->lock_count], config->sched, config->client,
				config->ns, config->names[leader->lock_count], config->identity,
				LEASE_DURATION_US);
		leader->lock_count++;
	}
	sched_mutex_init(&leader->lock, config->sched);
	sched_cond_init(&leader->changed, config->sched);
	if (config->metrics != NULL) {
		leader->status =
			metrics_family(config->metrics, "leader_election_master_status",
				       "Whether this process leads, by the lease that it holds.",
				       METRIC_GAUGE, "name", NULL);
		leader_set_status(leader, 0);
	}
	leader->thread = sched_start(config->sched, "leader", leader_run, leader);
	return leader;
}

void leader_stop(struct leader *leader, bool release)
{
	{
		LOCKED(&leader->lock);
		if (leader->stopping) {
			return;
		}
		leader->stopping = true;
		leader->release = release;
		leader->stop_by_us = sched_now_us(leader->config.sched) + STOP_US;
		sched_cond_broadcast(&leader->changed);
		while (!leader->ended) {
			if (sched_cond_wait(&leader->changed, &leader->lock, leader->stop_by_us) <
			    0) {
				break;
			}
		}
		if (!leader->ended) {
			return; /* in a request that does not end: leader_destroy joins, after the
				   transport was stopped */
		}
	}
	sched_join(TAKE(leader->thread));
}

void leader_destroy(struct leader *leader)
{
	if (leader == NULL) {
		return;
	}
	leader_stop(leader, false);
	if (leader->thread != NULL) {
		sched_join(TAKE(leader->thread));
	}
	for (size_t i = 0; i < leader->lock_count; i++) {
		lease_lock_finish(&leader->locks[i]);
	}
	sched_cond_finish(&leader->changed);
	sched_mutex_finish(&leader->lock);
	free(leader);
}
