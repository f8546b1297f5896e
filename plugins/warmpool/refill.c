/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a pool of Sandboxes may create members: not before a delay has passed since it has lost one,
 * and not faster than a rate. Both are off by default. Called by sandboxes.c and fill.c.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* One member, in the thousandths that the rate is counted in. */
#define REFILL_MEMBER 1000

void refill_note(struct pass *pass, int64_t existing)
{
	struct warmpool_memory *memory = pass->memory;

	if (existing < memory->existing) {
		memory->dropped_ms = asb_now_ms(pass->call);
	}
	memory->existing = existing;
}

/* How many milliseconds creation has to wait; 0 also when the clock was set back. */
static int64_t refill_wait_ms(struct pass *pass)
{
	int64_t since = asb_now_ms(pass->call) - pass->memory->dropped_ms;
	int64_t delay = pass->settings->replenish_ms;

	return pass->memory->dropped_ms != 0 && since >= 0 && since < delay ? delay - since : 0;
}

/* Adds what the rate has earned since the last time. What is earned in one second may be saved. */
static void refill_earn(struct pass *pass)
{
	struct warmpool_memory *memory = pass->memory;
	int64_t rate = pass->settings->refill_rate, now = asb_now_ms(pass->call);
	int64_t most = rate > REFILL_MEMBER ? rate : REFILL_MEMBER;
	int64_t passed = now - memory->tokens_ms;

	if (memory->tokens_ms == 0 || passed >= most * 1000 / rate) {
		memory->tokens = most;
	} else if (passed > 0) {
		memory->tokens += passed * rate / 1000;
	}
	memory->tokens = memory->tokens < most ? memory->tokens : most;
	memory->tokens_ms = now;
}

int64_t refill_allow(struct pass *pass, int64_t missing)
{
	int64_t wait = refill_wait_ms(pass), rate = pass->settings->refill_rate, allowed;

	if (wait > 0) {
		pass_again(pass, (uint64_t)wait);
		return 0;
	}
	if (rate == 0) {
		return missing;
	}
	refill_earn(pass);
	allowed = pass->memory->tokens / REFILL_MEMBER;
	if (allowed < missing) {
		int64_t lacks = REFILL_MEMBER - pass->memory->tokens % REFILL_MEMBER;

		pass_again(pass, (uint64_t)((lacks * 1000 + rate - 1) / rate));
		return allowed;
	}
	return missing;
}

void refill_count(struct pass *pass, uint32_t count)
{
	if (pass->settings->refill_rate > 0) {
		pass->memory->tokens -= (int64_t)count * REFILL_MEMBER;
	}
}
