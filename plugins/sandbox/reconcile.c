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

/*
 * Which of several pods a Sandbox of v1beta1 runs in cannot be known: nothing is created or touched.
 * Pods that are being deleted do not count.
 */
static bool reconcile_has_many(struct pass *pass)
{
	struct json_object *const *pods = NULL;
	uint32_t count = pass->call->host->list(pass->call, INDEX_OWNED_PODS, pass->uid, 0, 0,
						&pods),
		 living = 0;
	char text[128];

	for (uint32_t i = 0; i < count; i++) {
		living += asb_deleting(pods[i]) ? 0 : 1;
	}
	if (pass->dialect == DIALECT_ALPHA || living < 2) {
		return false;
	}
	snprintf(
		text, sizeof(text),
		"multiple Pods (%u) are controlled by this Sandbox; refusing to choose or create a Pod",
		living);
	pass->error_reason = REASON_MANY;
	pass_error(pass, "%s", text);
	if (!asb_streq(asb_str(asb_condition(pass->sandbox, "Ready"), "reason"), REASON_MANY)) {
		pass->call->host->event(pass->call, pass->sandbox, "Warning", REASON_MANY, "%s",
					text);
	}
	service_find(pass);
	return true;
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
		mode_follow(&pass);
		if (!reconcile_has_many(&pass)) {
			volumes_ensure(&pass);
			reconcile_children(&pass);
		}
		status_write(&pass);
	}
	return requeue_result(call, key, reconcile_result(&pass), pass.after_ms,
			      ret_requeue_after_ms);
}
