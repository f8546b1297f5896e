/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kubelet's backoff: 10 s doubling to 300 s, forgotten after 10 minutes without a try. It counts
 * from when something ended, so a container that ran for longer starts again at once. Pure; the
 * caller locks.
 */
#ifndef ASB_NODE_POD_BACKOFF_H
#define ASB_NODE_POD_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 10000
#define BACKOFF_MAX_MS 300000
#define BACKOFF_FORGET_MS (2 * BACKOFF_MAX_MS)

/* Zeroed: the next try may be made at once. */
struct backoff {
	int64_t delay_ms;
	int64_t tried_ms; /* when the last try was made */
};

/* How long from now until the next try after an end at ended_ms; 0: now. */
int64_t backoff_wait_ms(const struct backoff *backoff, int64_t ended_ms, int64_t now_ms);
/* A try is made now. */
void backoff_try(struct backoff *backoff, int64_t now_ms);
/* What this many tries in a row, the last one at tried_ms, would have left behind: after a restart
 * of the node. */
void backoff_resume(struct backoff *backoff, uint32_t tries, int64_t tried_ms);

#endif
