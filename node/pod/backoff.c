/* SPDX-License-Identifier: Apache-2.0 */
/* When a container or an image is tried again. Called by node/pod/plan.c and node/pod/images.c. */
#include "config.h"

#include "node/pod/backoff.h"

int64_t backoff_wait_ms(const struct backoff *backoff, int64_t ended_ms, int64_t now_ms)
{
	int64_t until;

	if (backoff->delay_ms == 0 || ended_ms - backoff->tried_ms > BACKOFF_FORGET_MS) {
		return 0;
	}
	/* Where the clock was set back, the wait is still at most the delay. */
	until = (ended_ms < now_ms ? ended_ms : now_ms) + backoff->delay_ms;
	return until > now_ms ? until - now_ms : 0;
}

void backoff_try(struct backoff *backoff, int64_t now_ms)
{
	if (backoff->delay_ms == 0 || now_ms - backoff->tried_ms > BACKOFF_FORGET_MS) {
		backoff->delay_ms = BACKOFF_FIRST_MS;
	} else {
		backoff->delay_ms *= 2;
		backoff->delay_ms =
			backoff->delay_ms < BACKOFF_MAX_MS ? backoff->delay_ms : BACKOFF_MAX_MS;
	}
	backoff->tried_ms = now_ms;
}

void backoff_resume(struct backoff *backoff, uint32_t tries, int64_t tried_ms)
{
	*backoff = (struct backoff){ 0 };
	for (uint32_t i = 0; i < tries && backoff->delay_ms < BACKOFF_MAX_MS; i++) {
		backoff_try(backoff, 0);
	}
	backoff->tried_ms = tried_ms;
}
