/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of one reconcile of a Sandbox: volumes, then pod and Service together, then the status.
 * The host calls it whenever a Sandbox or one of its objects has changed.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* No state needs more rounds than this: there may be three pods to delete, or an annotation to
 * remove and a pod to create, adopt and label. */
#define ROUNDS_MAX 8u

/*
 * Asks pod and Service for their next writes until neither has one, and sends the writes of a round
 * together. A warm start takes one round: the pod's new owner and the new Service.
 */
static void reconcile_children(struct pass *pass)
{
	pod_find(pass);
	service_find(pass);
	for (unsigned int round = 0; round < ROUNDS_MAX && !pass->stopped; round++) {
		struct asb_write writes[2] = { { 0 }, { 0 } };
		bool pod = pod_plan(pass, &writes[0]);
		struct asb_write *service_write = &writes[pod ? 1 : 0];
		bool service = service_plan(pass, service_write);

		if (!pod && !service) {
			return;
		}
		pass->call->host->write_all(pass->call, writes,
					    (pod ? 1u : 0u) + (service ? 1u : 0u));
		if (pod) {
			pod_done(pass, &writes[0]);
		}
		if (service) {
			service_done(pass, service_write);
		}
	}
	pass->retry = true;
}

static int32_t reconcile_result(struct pass *pass)
{
	if (!pass->retry) {
		return ASB_DONE;
	}
	return pass->call->host->fail(
		pass->call, ASB_ERROR, "%s",
		*pass->error != '\0' ? pass->error : "the pod or the Service keeps changing");
}

int32_t sandbox_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			  uint64_t *ret_requeue_after_ms)
{
	struct json_object *sandbox = asb_get(call, WATCH_SANDBOX, key->ns, key->name);
	struct pass pass;

	if (sandbox == NULL) {
		return ASB_DONE;
	}
	inventory_count(call, sandbox);
	/* The garbage collector deletes what a deleted Sandbox owns. */
	if (asb_deleting(sandbox)) {
		return ASB_DONE;
	}
	pass_init(&pass, state, call, sandbox);
	if (expiry_passed(&pass)) {
		expiry_enforce(&pass);
	} else {
		volumes_ensure(&pass);
		reconcile_children(&pass);
		status_write(&pass);
	}
	return requeue_result(call, key, reconcile_result(&pass), pass.after_ms,
			      ret_requeue_after_ms);
}
