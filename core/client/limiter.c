/* SPDX-License-Identifier: Apache-2.0 */
/* Hands out the slots for requests in flight, by priority. Called by core/client/client around each exchange
 * with the API server. */
#include "config.h"

#include "core/client/limiter.h"

#include <errno.h>
#include <stdbool.h>

#include "base/memory.h"

/* On the stack of the thread that waits. */
struct waiter {
	struct waiter *previous, *next;
	struct sched_cond granted_cond;
	uint32_t count;
	bool granted;
	bool looks; /* it wakes by itself, to see whether it must still give way */
};

struct queue {
	struct waiter *first, *last;
};

struct limiter {
	struct sched_mutex lock;
	struct queue queues[PRIORITY_MAX]; /* lock */
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
 * How many slots requests of a priority may fill up to: the lease always finds one, a claim finds some
 * that no refill may take. Never less than one, nor than what one caller asks for: that one goes in
 * when the rest is out.
 */
static uint32_t ceiling_of(const struct limiter *limiter, enum priority priority, uint32_t count)
{
	static const uint32_t kept_eighths[PRIORITY_MAX] = { 0, 0, 1, 2, 4 };
	uint32_t kept =
		priority == PRIORITY_LEASE ? 0 : 1 + limiter->slots * kept_eighths[priority] / 8;
	uint32_t ceiling = limiter->slots > kept ? limiter->slots - kept : 1;

	return ceiling > count ? ceiling : count;
}

/* What a request costs of the rate: a lease is never late for it, a batch not more than can ever be there. */
static double price_of(const struct limiter *limiter, enum priority priority, uint32_t count)
{
	if (limiter->rate <= 0 || priority == PRIORITY_LEASE) {
		return 0;
	}
	return count < limiter->burst ? count : limiter->burst;
}

static void count_tokens(struct limiter *limiter)
{
	uint64_t now = sched_now_us(limiter->lock.sched);

	limiter->tokens += limiter->rate * (double)(now - limiter->counted_us) / 1e6;
	limiter->tokens = limiter->tokens < limiter->burst ? limiter->tokens : limiter->burst;
	limiter->counted_us = now;
}

/* When the rate lets this many go, if nobody else does. */
static uint64_t when_paid(const struct limiter *limiter, double price)
{
	double lacking = price - limiter->tokens;

	return lacking > 0 ? limiter->counted_us + 1 + (uint64_t)(lacking / limiter->rate * 1e6)
			   : SCHED_FOREVER;
}

/* Whether claims are to be through first. */
static bool gives_way(const struct limiter *limiter, enum priority priority)
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
static void count_claims(struct limiter *limiter, enum priority priority, int64_t change)
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

static bool fits(const struct limiter *limiter, enum priority priority, uint32_t count)
{
	return !gives_way(limiter, priority) &&
	       limiter->used + count <= ceiling_of(limiter, priority, count) &&
	       price_of(limiter, priority, count) <= limiter->tokens;
}

static void queue_append(struct queue *queue, struct waiter *waiter)
{
	waiter->previous = queue->last;
	if (queue->last != NULL) {
		queue->last->next = waiter;
	} else {
		queue->first = waiter;
	}
	queue->last = waiter;
}

static void queue_remove(struct queue *queue, struct waiter *waiter)
{
	if (waiter->previous != NULL) {
		waiter->previous->next = waiter->next;
	} else {
		queue->first = waiter->next;
	}
	if (waiter->next != NULL) {
		waiter->next->previous = waiter->previous;
	} else {
		queue->last = waiter->previous;
	}
}

/* Lets in whom there is room for. A waiter that does not fit stops the limiter below it: else those
 * would take slot by slot what a larger one above needs together. Lock held. */
static void grant(struct limiter *limiter)
{
	count_tokens(limiter);
	for (size_t priority = 0; priority < PRIORITY_MAX; priority++) {
		struct queue *queue = &limiter->queues[priority];

		while (queue->first != NULL) {
			struct waiter *waiter = queue->first;

			if (!fits(limiter, (enum priority)priority, waiter->count)) {
				if (gives_way(limiter, (enum priority)priority) && !waiter->looks) {
					sched_cond_signal(&waiter->granted_cond);
				}
				return;
			}
			queue_remove(queue, waiter);
			limiter->used += waiter->count;
			count_claims(limiter, (enum priority)priority, waiter->count);
			limiter->tokens -=
				price_of(limiter, (enum priority)priority, waiter->count);
			waiter->granted = true;
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}

/* When to look again, though nobody leaves: at the end of the pause, if this is one. */
static uint64_t when_next(const struct limiter *limiter, enum priority priority,
			  const struct waiter *waiter)
{
	uint64_t paid = when_paid(limiter, price_of(limiter, priority, waiter->count));
	uint64_t from =
		limiter->claims > 0 ? sched_now_us(limiter->lock.sched) : limiter->claimed_us;
	uint64_t pause = waiter->looks ? from + LIMITER_PAUSE_US : SCHED_FOREVER;

	return paid < pause ? paid : pause;
}

/* Waits in a priority's queue. Lock held. */
static int wait_turn(struct limiter *limiter, enum priority priority, struct waiter *waiter,
		     uint64_t deadline_us)
{
	queue_append(&limiter->queues[priority], waiter);
	for (;;) {
		uint64_t next;

		/* In this order: whoever need not give way any more is granted right after. */
		waiter->looks = gives_way(limiter, priority);
		grant(limiter);
		if (waiter->granted || limiter->stopped ||
		    sched_now_us(limiter->lock.sched) >= deadline_us) {
			break;
		}
		next = when_next(limiter, priority, waiter);
		sched_cond_wait(&waiter->granted_cond, &limiter->lock,
				next < deadline_us ? next : deadline_us);
	}
	if (waiter->granted) {
		return 0;
	}
	queue_remove(&limiter->queues[priority], waiter);
	if (limiter->stopped) {
		return -ECANCELED;
	}
	grant(limiter); /* who stood behind this one may fit */
	return -ETIMEDOUT;
}

int limiter_enter(struct limiter *limiter, enum priority priority, uint32_t count,
		  uint64_t deadline_us)
{
	struct waiter waiter = { .count = count < limiter->slots ? count : limiter->slots };
	int rc;

	LOCKED(&limiter->lock);
	if (limiter->stopped) {
		return -ECANCELED;
	}
	sched_cond_init(&waiter.granted_cond, limiter->lock.sched);
	rc = wait_turn(limiter, priority, &waiter, deadline_us);
	sched_cond_finish(&waiter.granted_cond);
	return rc;
}

void limiter_leave(struct limiter *limiter, enum priority priority, uint32_t count)
{
	LOCKED(&limiter->lock);
	count = count < limiter->slots ? count : limiter->slots;
	limiter->used -= count < limiter->used ? count : limiter->used;
	count_claims(limiter, priority, -(int64_t)count);
	grant(limiter);
}

void limiter_stop(struct limiter *limiter)
{
	LOCKED(&limiter->lock);
	limiter->stopped = true;
	for (size_t priority = 0; priority < PRIORITY_MAX; priority++) {
		for (struct waiter *waiter = limiter->queues[priority].first; waiter != NULL;
		     waiter = waiter->next) {
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}
