/* SPDX-License-Identifier: Apache-2.0 */
/* When a reconcile asks to be called again: the earliest time that any of its steps has asked
 * for. */
#ifndef PLUGINS_COMMON_REQUEUE_H
#define PLUGINS_COMMON_REQUEUE_H

#include <agent-sandbox/plugin.h>

/* No step has asked for another call. */
#define REQUEUE_NEVER UINT64_MAX

/* Asks for another call after ms milliseconds at the latest. */
static inline void requeue_after(uint64_t *after_ms, uint64_t ms)
{
	*after_ms = ms < *after_ms ? ms : *after_ms;
}

/* What reconcile returns: result, or ASB_REQUEUE_AFTER when it is ASB_DONE and a step has asked for
 * another call. The backoff of a failed reconcile may be longer than what a step has asked for, so
 * that is enqueued besides. */
int32_t requeue_result(struct asb_call *call, const struct asb_key *key, int32_t result,
		       uint64_t after_ms, uint64_t *ret_requeue_after_ms);

#endif
