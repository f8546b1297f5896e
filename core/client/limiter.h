/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send next: a bounded number of requests in flight, given out by lane (lease before claim
 * before status before refill before event), first come first served within one. A lower lane
 * leaves a few slots to the higher ones, so a refill of a thousand pods never stands before a
 * claim. And while requests of the claim lane come without a pause, refills and events wait, for the
 * first LANES_PATIENCE_US: what they would take of the API server's time makes the claims late, and
 * nobody waits for them.
 */
#ifndef ASB_CORE_CLIENT_LANES_H
#define ASB_CORE_CLIENT_LANES_H

#include "base/sched.h"

#include <stdint.h>

/* LANE_CLAIM to LANE_EVENT have the numbers of ASB_LANE_*. */
enum lane { LANE_LEASE, LANE_CLAIM, LANE_STATUS, LANE_REFILL, LANE_EVENT, LANE_MAX };

#define LANES_PAUSE_US 20000u      /* without a request of the claim lane: others may go */
#define LANES_PATIENCE_US 2000000u /* most that it holds those up, from its last pause on */

struct lanes;

/* slots: requests in flight at most. */
struct lanes *lanes_create(struct sched *sched, uint32_t slots);
/* At most rate requests a second (0 and less: no limit), burst of them at once; a lease is not
 * counted. */
void lanes_limit(struct lanes *lanes, double rate, double burst);
void lanes_destroy(struct lanes *lanes);
/* Waits until count slots (at most slots) are this caller's. -ETIMEDOUT past the deadline,
 * -ECANCELED after lanes_stop. */
int lanes_enter(struct lanes *lanes, enum lane lane, uint32_t count, uint64_t deadline_us);
void lanes_leave(struct lanes *lanes, enum lane lane, uint32_t count);
void lanes_stop(struct lanes *lanes);

#endif
