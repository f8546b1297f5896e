/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells how large a pool is and how much of it is Ready, in its status and in the metrics.
 * reconcile.c calls it at the end of every turn.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static void set_metrics(struct asb_call *call, const struct asb_key *key, double size, double ready)
{
	const char *labels[] = { key->ns, key->name };

	call->host->metric(call->instance, METRIC_SIZE, size, labels);
	call->host->metric(call->instance, METRIC_READY, ready, labels);
}

/* Both numbers are always written, zeros too: the scale subresource and the Ready column read them.
 */
static struct json_object *new_status(struct json_object *old, int64_t size, int64_t ready)
{
	struct json_object *status = json_object_is_type(old, json_type_object)
					     ? asb_copy(old)
					     : json_object_new_object();

	json_object_object_add(status, "replicas", json_object_new_int64(size));
	json_object_object_add(status, "readyReplicas", json_object_new_int64(ready));
	return status;
}

/* How long to wait until status may be written; 0 also when the clock was set back. */
static int64_t wait_ms(const struct pool *pool, int64_t now)
{
	int64_t since = now - pool->memory->status_ms;

	return since >= 0 && since < STATUS_EVERY_MS ? STATUS_EVERY_MS - since : 0;
}

void status_report(struct pool *pool)
{
	struct json_object *old = asb_at(pool->object, "status");
	int64_t size = pool_count(pool, INDEX_LIVE, ALL);
	int64_t ready = pool_count(pool, INDEX_READY, ALL);
	int64_t now = asb_now_ms(pool->call), wait = wait_ms(pool, now);
	struct asb_write write;

	set_metrics(pool->call, pool->key, (double)size, (double)ready);
	if (asb_int(asb_at(old, "replicas"), -1) == size &&
	    asb_int(asb_at(old, "readyReplicas"), -1) == ready) {
		return;
	}
	if (wait > 0) {
		pool_again(pool, (uint64_t)wait);
		return;
	}
	pool->memory->status_ms = now;
	write = asb_set_status(WATCH_POOL, pool->object, new_status(old, size, ready));
	if (asb_write(pool->call, &write) != ASB_OK && write.result != ASB_NOT_FOUND) {
		pool_failed(pool, &write);
	}
}

void status_forget(struct asb_call *call, const struct asb_key *key)
{
	set_metrics(call, key, 0, 0);
}
