/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a reconcile: its result and the time of the next one. Called by each reconcile.c. */
#include "config.h"

#include "plugins/common/requeue.h"

int32_t requeue_result(struct asb_call *call, const struct asb_key *key, int32_t result,
		       uint64_t after_ms, uint64_t *ret_requeue_after_ms)
{
	if (after_ms == REQUEUE_NEVER) {
		return result;
	}
	if (result < 0) {
		call->host->enqueue(call->instance, key->ns, key->name, after_ms);
		return result;
	}
	*ret_requeue_after_ms = after_ms;
	return ASB_REQUEUE_AFTER;
}
