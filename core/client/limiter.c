/* SPDX-License-Identifier: Apache-2.0 */
/* Hands out the slots for requests in flight, by lane. Called by core/client/client around each exchange
 * with the API server. */
#include "config.h"

#include "core/client/lanes.h"

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

struct lanes {
	struct sched_mutex lock;
	struct queue queues[LANE_MAX]; /* lock */
	uint32_t slots;
	uint32_t used;       /* lock */
	uint32_t claims;     /* lock: of used, those of LANE_CLAIM */
	uint64_t claimed_us; /* lock: when one of them came or went last; 0: never */
	uint64_t pressed_us; /* lock: since when they come without a pause */
	bool stopped;        /* lock */
	double rate, burst;  /* requests a second; 0: no limit */
	double tokens;       /* lock: requests that may go now */
	uint64_t counted_us; /* lock: when tokens was true */
};

struct lanes *lanes_create(struct sched *sched, uint32_t slots)
{
	struct lanes *lanes = xnew(struct lanes);

	lanes->slots = slots > 0 ? slots : 1;
	sched_mutex_init(&lanes->lock, sched);
	return lanes;
}

void lanes_limit(struct lanes *lanes, double rate, double burst)
{
	LOCKED(&lanes->lock);
	lanes->rate = rate > 0 ? rate : 0;
	lanes->burst = burst > 1 ? burst : 1;
	lanes->tokens = lanes->burst;
	lanes->counted_us = sched_now_us(lanes->lock.sched);
}

void lanes_destroy(struct lanes *lanes)
{
	if (lanes != NULL) {
		sched_mutex_finish(&lanes->lock);
		free(lanes);
	}
}

/*
 * How many slots requests of a lane may fill up to: the lease always finds one, a claim finds some
 * that no refill may take. Never less than one, nor than what one caller asks for: that one goes in
 * when the rest is out.
 */
static uint32_t ceiling_of(const struct lanes *lanes, enum lane lane, uint32_t count)
{
	static const uint32_t kept_eighths[LANE_MAX] = { 0, 0, 1, 2, 4 };
	uint32_t kept = lane == LANE_LEASE ? 0 : 1 + lanes->slots * kept_eighths[lane] / 8;
	uint32_t ceiling = lanes->slots > kept ? lanes->slots - kept : 1;

	return ceiling > count ? ceiling : count;
}

/* What a request costs of the rate: a lease is never late for it, a batch not more than can ever be there. */
static double price_of(const struct lanes *lanes, enum lane lane, uint32_t count)
{
	if (lanes->rate <= 0 || lane == LANE_LEASE) {
		return 0;
	}
	return count < lanes->burst ? count : lanes->burst;
}

static void count_tokens(struct lanes *lanes)
{
	uint64_t now = sched_now_us(lanes->lock.sched);

	lanes->tokens += lanes->rate * (double)(now - lanes->counted_us) / 1e6;
	lanes->tokens = lanes->tokens < lanes->burst ? lanes->tokens : lanes->burst;
	lanes->counted_us = now;
}

/* When the rate lets this many go, if nobody else does. */
static uint64_t when_paid(const struct lanes *lanes, double price)
{
	double lacking = price - lanes->tokens;

	return lacking > 0 ? lanes->counted_us + 1 + (uint64_t)(lacking / lanes->rate * 1e6)
			   : SCHED_FOREVER;
}

/* Whether claims are to be through first. */
static bool gives_way(const struct lanes *lanes, enum lane lane)
{
	uint64_t now;

	if (lane < LANE_REFILL || lanes->claimed_us == 0) {
		return false;
	}
	now = sched_now_us(lanes->lock.sched);
	return (lanes->claims > 0 || now < lanes->claimed_us + LANES_PAUSE_US) &&
	       now < lanes->pressed_us + LANES_PATIENCE_US;
}

/* Claims come or go. */
static void count_claims(struct lanes *lanes, enum lane lane, int64_t change)
{
	uint64_t now;

	if (lane != LANE_CLAIM) {
		return;
	}
	now = sched_now_us(lanes->lock.sched);
	if (lanes->claims == 0 && now >= lanes->claimed_us + LANES_PAUSE_US) {
		lanes->pressed_us = now;
	}
	lanes->claims = (uint32_t)(lanes->claims + change);
	lanes->claimed_us = now > 0 ? now : 1;
}

static bool fits(const struct lanes *lanes, enum lane lane, uint32_t count)
{
	return !gives_way(lanes, lane) && lanes->used + count <= ceiling_of(lanes, lane, count) &&
	       price_of(lanes, lane, count) <= lanes->tokens;
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

/* Lets in whom there is room for. A waiter that does not fit stops the lanes below it: else those
 * would take slot by slot what a larger one above needs together. Lock held. */
static void grant(struct lanes *lanes)
{
	count_tokens(lanes);
	for (size_t lane = 0; lane < LANE_MAX; lane++) {
		struct queue *queue = &lanes->queues[lane];

		while (queue->first != NULL) {
			struct waiter *waiter = queue->first;

			if (!fits(lanes, (enum lane)lane, waiter->count)) {
				if (gives_way(lanes, (enum lane)lane) && !waiter->looks) {
					sched_cond_signal(&waiter->granted_cond);
				}
				return;
			}
			queue_remove(queue, waiter);
			lanes->used += waiter->count;
			count_claims(lanes, (enum lane)lane, waiter->count);
			lanes->tokens -= price_of(lanes, (enum lane)lane, waiter->count);
			waiter->granted = true;
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}

/* When to look again, though nobody leaves: at the end of the pause, if this is one. */
static uint64_t when_next(const struct lanes *lanes, enum lane lane, const struct waiter *waiter)
{
	uint64_t paid = when_paid(lanes, price_of(lanes, lane, waiter->count));
	uint64_t from = lanes->claims > 0 ? sched_now_us(lanes->lock.sched) : lanes->claimed_us;
	uint64_t pause = waiter->looks ? from + LANES_PAUSE_US : SCHED_FOREVER;

	return paid < pause ? paid : pause;
}

/* Waits in a lane's queue. Lock held. */
static int wait_turn(struct lanes *lanes, enum lane lane, struct waiter *waiter,
		     uint64_t deadline_us)
{
	queue_append(&lanes->queues[lane], waiter);
	for (;;) {
		uint64_t next;

		/* In this order: whoever need not give way any more is granted right after. */
		waiter->looks = gives_way(lanes, lane);
		grant(lanes);
		if (waiter->granted || lanes->stopped ||
		    sched_now_us(lanes->lock.sched) >= deadline_us) {
			break;
		}
		next = when_next(lanes, lane, waiter);
		sched_cond_wait(&waiter->granted_cond, &lanes->lock,
				next < deadline_us ? next : deadline_us);
	}
	if (waiter->granted) {
		return 0;
	}
	queue_remove(&lanes->queues[lane], waiter);
	if (lanes->stopped) {
		return -ECANCELED;
	}
	grant(lanes); /* who stood behind this one may fit */
	return -ETIMEDOUT;
}

int lanes_enter(struct lanes *lanes, enum lane lane, uint32_t count, uint64_t deadline_us)
{
	struct waiter waiter = { .count = count < lanes->slots ? count : lanes->slots };
	int rc;

	LOCKED(&lanes->lock);
	if (lanes->stopped) {
		return -ECANCELED;
	}
	sched_cond_init(&waiter.granted_cond, lanes->lock.sched);
	rc = wait_turn(lanes, lane, &waiter, deadline_us);
	sched_cond_finish(&waiter.granted_cond);
	return rc;
}

void lanes_leave(struct lanes *lanes, enum lane lane, uint32_t count)
{
	LOCKED(&lanes->lock);
	count = count < lanes->slots ? count : lanes->slots;
	lanes->used -= count < lanes->used ? count : lanes->used;
	count_claims(lanes, lane, -(int64_t)count);
	grant(lanes);
}

void lanes_stop(struct lanes *lanes)
{
	LOCKED(&lanes->lock);
	lanes->stopped = true;
	for (size_t lane = 0; lane < LANE_MAX; lane++) {
		for (struct waiter *waiter = lanes->queues[lane].first; waiter != NULL;
		     waiter = waiter->next) {
			sched_cond_signal(&waiter->granted_cond);
		}
	}
}
