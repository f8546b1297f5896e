/* SPDX-License-Identifier: Apache-2.0 */
/* When a request that the API server put off is tried again. Called by core/client/client only. */
#include "config.h"

#include "core/client/client-private.h"

bool retry_when(struct sched *sched, uint32_t tries, uint32_t retry_after_ms, uint64_t until_us,
		uint64_t *ret_us)
{
	uint64_t wait = (uint64_t)CLIENT_BACKOFF_US << (tries < 8 ? tries : 8), when;

	if (retry_after_ms > 0) {
		/* The server's word, whole: earlier is refused again and counts against us. */
		wait = (retry_after_ms < CLIENT_RETRY_AFTER_MAX_MS ? retry_after_ms
								   : CLIENT_RETRY_AFTER_MAX_MS) *
		       UINT64_C(1000);
	} else {
		wait += sched_random(sched) % (wait / 2);
	}
	when = sched_now_us(sched) + wait;
	if (when >= until_us) {
		return false;
	}
	*ret_us = when;
	return true;
}
