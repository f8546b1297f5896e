/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send next: a bounded number of requests in flight, given out by priority (lease before
 * claim before status before refill before event), first come first served within one. A lower
 * priority leaves a few slots to the higher ones, so a refill of a thousand pods never stands
 * before a claim. And while requests of the claim priority come without a pause, refills and events
 * wait, for the first LIMITER_PATIENCE_US: what they would take of the API server's time makes the
 * claims late, and nobody waits for them.
 */
#ifndef ASB_CORE_CLIENT_LIMITER_H
#define ASB_CORE_CLIENT_LIMITER_H

#include <stdint.h>

#include "base/sched.h"

/* PRIORITY_CLAIM to PRIORITY_EVENT have the numbers of ASB_PRIORITY_*. */
enum priority {
	PRIORITY_LEASE,
	PRIORITY_CLAIM,
	PRIORITY_STATUS,
	PRIORITY_REFILL,
	PRIORITY_EVENT,
	PRIORITY_MAX
};

#define LIMITER_PAUSE_US 20000u      /* without a request of the claim priority: others may go */
#define LIMITER_PATIENCE_US 2000000u /* most that it holds those up, from its last pause on */

struct limiter;

/* slots: requests in flight at most. */
struct limiter *limiter_create(struct sched *sched, uint32_t slots);
/* At most rate requests a second (0 and less: no limit), burst of them at once; a lease is not
 * counted. */
void limiter_limit(struct limiter *limiter, double rate, double burst);
void limiter_destroy(struct limiter *limiter);
/* Waits until count slots (at most slots) are this caller's. -ETIMEDOUT past the deadline,
 * -ECANCELED after limiter_stop. */
int limiter_enter(struct limiter *limiter, enum priority priority, uint32_t count,
		  uint64_t deadline_us);
void limiter_leave(struct limiter *limiter, enum priority priority, uint32_t count);
void limiter_stop(struct limiter *limiter);

#endif
