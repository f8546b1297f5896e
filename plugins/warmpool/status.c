/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports how large a pool is and how much of it is Ready, in its status and in the metrics.
 * reconcile.c calls it at the end of every reconcile.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static void status_set_metrics(struct asb_call *call, const struct asb_key *key, double size,
			       double ready)
{
	const char *labels[] = { key->ns, key->name };

	call->host->metric(call->instance, METRIC_SIZE, size, labels);
	call->host->metric(call->instance, METRIC_READY, ready, labels);
}

/* Both numbers are always written, zeros too: the scale subresource and the Ready column read them.
 */
static struct json_object *status_new(struct pass *pass, int64_t size, int64_t ready)
{
	struct json_object *old = asb_at(pass->pool, "status");
	struct json_object *status = json_object_is_type(old, json_type_object)
					     ? asb_copy(old)
					     : json_object_new_object();

	json_object_object_add(status, "replicas", json_object_new_int64(size));
	json_object_object_add(status, "readyReplicas", json_object_new_int64(ready));
	pass->members->status(pass, status);
	return status;
}

/* How many milliseconds the status has to wait; 0 also when the clock was set back. */
static int64_t status_wait_ms(const struct pass *pass, int64_t now)
{
	int64_t since = now - pass->memory->status_ms;

	return since >= 0 && since < STATUS_EVERY_MS ? STATUS_EVERY_MS - since : 0;
}

void status_report(struct pass *pass)
{
	int64_t size = pass_size(pass, &pass->members->live);
	int64_t ready = pass_size(pass, &pass->members->ready);
	int64_t now = asb_now_ms(pass->call), wait = status_wait_ms(pass, now);
	struct json_object *status;
	struct asb_write write;

	status_set_metrics(pass->call, pass->key, (double)size, (double)ready);
	status = status_new(pass, size, ready);
	if (json_object_equal(status, asb_at(pass->pool, "status"))) {
		json_object_put(status);
		return;
	}
	if (wait > 0) {
		json_object_put(status);
		pass_again(pass, (uint64_t)wait);
		return;
	}
	pass->memory->status_ms = now;
	write = asb_set_status(WATCH_POOL, pass->pool, status);
	if (asb_write(pass->call, &write) != ASB_OK && write.result != ASB_NOT_FOUND) {
		pass_failed(pass, &write);
	}
}

void status_forget(struct asb_call *call, const struct asb_key *key)
{
	status_set_metrics(call, key, 0, 0);
}
