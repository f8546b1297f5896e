/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of one pass over a Sandbox: volumes, then pod and Service side by side, then the
 * status. The host calls it for each Sandbox that it or anything around it has changed.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The longest honest way: three pods to delete, or an annotation to drop, a pod to create, to
 * adopt, to label. */
#define ROUNDS 8u

/*
 * Pod and Service each say their next write until neither has one; the writes of a round travel
 * together. On the warm path that is one round: the pod's new owner beside the new Service.
 */
static void settle(struct pass *p)
{
	pod_look(p);
	service_look(p);
	for (unsigned int round = 0; round < ROUNDS && !p->stopped; round++) {
		struct asb_write writes[2] = { { 0 }, { 0 } };
		bool pod = pod_plan(p, &writes[0]);
		struct asb_write *service_write = &writes[pod ? 1 : 0];
		bool service = service_plan(p, service_write);

		if (!pod && !service) {
			return;
		}
		p->call->host->write_all(p->call, writes, (pod ? 1u : 0u) + (service ? 1u : 0u));
		if (pod) {
			pod_done(p, &writes[0]);
		}
		if (service) {
			service_done(p, service_write);
		}
	}
	p->retry = true;
}

/* A retry's backoff may be longer than what else is due, so that is asked for beside it. */
static int32_t result(struct pass *p, uint64_t *ret_requeue_after_ms)
{
	if (p->retry) {
		if (p->again_ms >= 0) {
			p->call->host->enqueue(p->call->instance, p->ns, p->name,
					       (uint64_t)p->again_ms);
		}
		return p->call->host->fail(p->call, ASB_ERROR, "%s",
					   *p->error != '\0' ? p->error
							     : "the world keeps changing");
	}
	if (p->again_ms >= 0) {
		*ret_requeue_after_ms = (uint64_t)p->again_ms;
		return ASB_REQUEUE_AFTER;
	}
	return ASB_DONE;
}

int32_t sandbox_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			  uint64_t *ret_requeue_after_ms)
{
	struct json_object *sandbox = asb_get(call, WATCH_SANDBOX, key->ns, key->name);
	struct pass pass;

	/* The garbage collector follows the owner references of one that is being deleted. */
	if (sandbox == NULL || asb_deleting(sandbox)) {
		return ASB_DONE;
	}
	pass_init(&pass, state, call, sandbox);
	if (expiry_passed(&pass)) {
		expiry_run(&pass);
	} else {
		volumes_ensure(&pass);
		settle(&pass);
		status_write(&pass);
	}
	return result(&pass, ret_requeue_after_ms);
}
