/* SPDX-License-Identifier: Apache-2.0 */
/* Hands out the slots for requests in flight, by priority. Called by core/client/client around each
 * exchange with the API server. */
#include "config.h"

#include "core/client/limiter.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/memory.h"

/* On the stack of the thread that waits. */
struct waiter {
	TAILQ_ENTRY(waiter) order;
	struct sched_cond granted_cond;
	uint32_t count;
	bool granted;
	bool looks; /* it wakes up after a while, to see whether it must still wait for claims */
};

TAILQ_HEAD(waiters, waiter);

struct limiter {
	struct sched_mutex lock;
	struct waiters queues[PRIORITY_MAX]; /* lock; the oldest first */
	uint32_t slots;
	uint32_t used;       /* lock */
	uint32_t claims;     /* lock: of used, those of PRIORITY_CLAIM */
	uint64_t claimed_us; /* lock: when one of them came or went last; 0: never */
	uint64_t pressed_us; /* lock: since when they come without a pause */
	bool stopped;        /* lock */
	double rate, burst;  /* requests a second; 0: no limit */
	double tokens;       /* lock: requests that may go now */
	uint64_t counted_us; /* lock: when tokens was true */
};

struct limiter *limiter_create(struct sched *sched, uint32_t slots)
{
	struct limiter *limiter = xnew(struct limiter);

	limiter->slots = slots > 0 ? slots : 1;
	for (size_t priority = 0; priority < PRIORITY_MAX; priority++) {
		TAILQ_INIT(&limiter->queues[priority]);
	}
	sched_mutex_init(&limiter->lock, sched);
	return limiter;
}

void limiter_limit(struct limiter *limiter, double rate, double burst)
{
	LOCKED(&limiter->lock);
	limiter->rate = rate > 0 ? rate : 0;
	limiter->burst = burst > 1 ? burst : 1;
	limiter->tokens = limiter->burst;
	limiter->counted_us = sched_now_us(limiter->lock.sched);
}

void limiter_destroy(struct limiter *limiter)
{
	if (limiter != NULL) {
		sched_mutex_finish(&limiter->lock);
		free(limiter);
	}
}

/*
 * The number of used slots up to which a priority may take more. The lease always finds a free
 * slot, and a claim finds some that no refill may take. The result is at least one, and at least
 * what one caller asks for: such a large request goes in when all others have left.
 */
static uint32_t limiter_ceiling(const struct limiter *limiter, enum priority priority,
				uint32_t count)
{
	static const uint32_t kept_eighths[PRIORITY_MAX] = { 0, 0, 1, 2, 4 };
	uint32_t kept =
		priority == PRIORITY_LEASE ? 0 : 1 + limiter->slots * kept_eighths[priority] / 8;
	uint32_t ceiling = limiter->slots > kept ? limiter->slots - kept : 1;

	return ceiling > count ? ceiling : count;
}

/* The tokens that requests cost. A lease costs none, so that it is never late; a batch costs at
 * most the burst, since there are never more tokens. */
static double limiter_price(const struct limiter *limiter, enum priority priority, uint32_t count)
{
	if (limiter->rate <= 0 || priority == PRIORITY_LEASE) {
		return 0;
	}
	return count < limiter->burst ? count : limiter->burst;
}

static void limiter_count_tokens(struct limiter *limiter)
{
	uint64_t now = sched_now_us(limiter->lock.sched);

	limiter->tokens += limiter->rate * (double)(now - limiter->counted_us) / 1e6;
	limiter->tokens = limiter->tokens < limiter->burst ? limiter->tokens : limiter->burst;
	limiter->counted_us = now;
}

/* When the rate lets this many go, if nobody else does. */
static uint64_t limiter_when_paid(const struct limiter *limiter, double price)
{
	double lacking = price - limiter->tokens;

	return lacking > 0 ? limiter->counted_us + 1 + (uint64_t)(lacking / limiter->rate * 1e6)
			   : SCHED_FOREVER;
}

/* Whether this priority has to wait for claims first. */
static bool limiter_gives_way(const struct limiter *limiter, enum priority priority)
{
	uint64_t now;

	if (priority < PRIORITY_REFILL || limiter->claimed_us == 0) {
		return false;
	}
	now = sched_now_us(limiter->lock.sched);
	return (limiter->claims > 0 || now < limiter->claimed_us + LIMITER_PAUSE_US) &&
	       now < limiter->pressed_us + LIMITER_PATIENCE_US;
}

/* Claims come or go. */
static void limiter_count_claims(struct limiter *limiter, enum priority priority, int64_t change)
{
	uint64_t now;

	if (priority != PRIORITY_CLAIM) {
		return;
	}
	now = sched_now_us(limiter->lock.sched);
	if (limiter->claims == 0 && now >= limiter->claimed_us + LIMITER_PAUSE_US) {
		limiter->pressed_us = now;
	}
	limiter->claims = (uint32_t)(limiter->claims + change);
	limiter->claimed_us = now > 0 ? now : 1;
}

static bool limiter_fits(const struct limiter *limiter, enum priority priority, uint32_t count)
{
	return !limiter_gives_way(limiter, priority) &&
	       limiter->used + count <= limiter_ceiling(limiter, priority, count) &&
	       limiter_price(limiter, priority, count) <= limiter->tokens;
}

/* Gives slots to the waiters that fit, by priority. A waiter that does not fit keeps back all lower
 * priorities: else those would take slot by slot what a larger request of a higher priority needs
 * together. Lock held. */
static void limiter_grant(struct limiter *limiter)
{
	limiter_count_tokens(limiter);
	for (size_t priority = 0; priority < PRIORITY_MAX; priority++) {
		struct waiters *queue = &limiter->queues[priority];
		struct waiter *waiter;

		while ((waiter = TAILQ_FIRST(queue)) != NULL) {
			if (!limiter_fits(limiter, (enum priority)priority, waiter->count)) {
				if (limiter_gives_way(limiter, (enum priority)priority) &&
				    !waiter->looks) {
					sched_cond_signal(&waiter->granted_cond);
				}
				return;
			}
			TAILQ_REMOVE(queue, waiter, order);
			limiter->used += waiter->count;
			limiter_count_claims(limiter, (enum priority)priority, waiter->count);
			limiter->tokens -=
				limiter_price(limiter, (enum priority)priority, waiter->count);
			waiter->granted = true;
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}

/* When to look again, though nobody leaves: at the end of the pause, if this is one. */
static uint64_t limiter_when_next(const struct limiter *limiter, enum priority priority,
				  const struct waiter *waiter)
{
	uint64_t paid = limiter_when_paid(limiter, limiter_price(limiter, priority, waiter->count));
	uint64_t from =
		limiter->claims > 0 ? sched_now_us(limiter->lock.sched) : limiter->claimed_us;
	uint64_t pause = waiter->looks ? from + LIMITER_PAUSE_US : SCHED_FOREVER;

	return paid < pause ? paid : pause;
}

/* Waits in a priority's queue. Lock held. */
static int limiter_wait_turn(struct limiter *limiter, enum priority priority, struct waiter *waiter,
			     uint64_t deadline_us)
{
	TAILQ_INSERT_TAIL(&limiter->queues[priority], waiter, order);
	for (;;) {
		uint64_t next;

		/* In this order: whoever need not give way any more is granted right after. */
		waiter->looks = limiter_gives_way(limiter, priority);
		limiter_grant(limiter);
		if (waiter->granted || limiter->stopped ||
		    sched_now_us(limiter->lock.sched) >= deadline_us) {
			break;
		}
		next = limiter_when_next(limiter, priority, waiter);
		sched_cond_wait(&waiter->granted_cond, &limiter->lock,
				next < deadline_us ? next : deadline_us);
	}
	if (waiter->granted) {
		return 0;
	}
	TAILQ_REMOVE(&limiter->queues[priority], waiter, order);
	if (limiter->stopped) {
		return -ECANCELED;
	}
	limiter_grant(limiter); /* who stood behind this one may fit */
	return -ETIMEDOUT;
}

int limiter_enter(struct limiter *limiter, enum priority priority, uint32_t count,
		  uint64_t deadline_us)
{
	struct waiter waiter = { .count = count < limiter->slots ? count : limiter->slots };
	int code;

	LOCKED(&limiter->lock);
	if (limiter->stopped) {
		return -ECANCELED;
	}
	sched_cond_init(&waiter.granted_cond, limiter->lock.sched);
	code = limiter_wait_turn(limiter, priority, &waiter, deadline_us);
	sched_cond_finish(&waiter.granted_cond);
	return code;
}

void limiter_leave(struct limiter *limiter, enum priority priority, uint32_t count)
{
	LOCKED(&limiter->lock);
	count = count < limiter->slots ? count : limiter->slots;
	limiter->used -= count < limiter->used ? count : limiter->used;
	limiter_count_claims(limiter, priority, -(int64_t)count);
	limiter_grant(limiter);
}

void limiter_stop(struct limiter *limiter)
{
	LOCKED(&limiter->lock);
	limiter->stopped = true;
	for (size_t priority = 0; priority < PRIORITY_MAX; priority++) {
		struct waiter *waiter;

		TAILQ_FOREACH(waiter, &limiter->queues[priority], order)
		{
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}
