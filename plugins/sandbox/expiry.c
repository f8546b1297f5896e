/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a Sandbox at its shutdownTime: its pods and its Service are deleted and its volumes
 * stay. The policy says whether the Sandbox is deleted too or keeps a last status. Called first in
 * each reconcile.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* A time far away is checked again after this, in case the clock is corrected meanwhile. */
#define FAR_MS (INT64_C(24) * 60 * 60 * 1000)

bool expiry_passed(struct pass *pass)
{
	const char *text = asb_str(pass->sandbox, "spec", "shutdownTime");
	int64_t due, left;

	if (text == NULL) {
		return false;
	}
	if (!asb_time_parse(text, &due)) {
		pass_error(pass, "spec.shutdownTime \"%s\" is not a date-time", text);
		return false;
	}
	left = due - asb_now_ms(pass->call);
	if (left > 0) {
		pass_again(pass, left < FAR_MS ? left : FAR_MS);
	}
	return left <= 0;
}

/* Writes that are sent as soon as one write_all is full. */
struct batch {
	struct asb_write writes[ASB_WRITE_MAX];
	uint32_t count;
};

/* Sends the batch. An object that is gone, or that has been replaced by another one of its name, is
 * as it should be. */
static void expiry_send(struct pass *pass, struct batch *batch)
{
	if (batch->count == 0) {
		return;
	}
	pass->call->host->write_all(pass->call, batch->writes, batch->count);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct child child = { 0 };

		pass_classify(pass, &child, &batch->writes[i]);
	}
	batch->count = 0;
}

static void expiry_add(struct pass *pass, struct batch *batch, struct asb_write write)
{
	batch->writes[batch->count++] = write;
	if (batch->count == ASB_WRITE_MAX) {
		expiry_send(pass, batch);
	}
}

/* Deletes the pods and the Service that the Sandbox owns and that are not being deleted yet. */
static void expiry_delete_children(struct pass *pass)
{
	struct json_object *const *pods = NULL, *service;
	uint32_t count =
		pass->call->host->list(pass->call, INDEX_OWNED_PODS, pass->uid, 0, 0, &pods);
	struct batch batch = { .count = 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (!asb_deleting(pods[i])) {
			expiry_add(pass, &batch, asb_remove(WATCH_POD, pods[i], false));
		}
	}
	service = asb_get(pass->call, WATCH_SERVICE, pass->ns, pass->name);
	if (pass_owns(pass, service) && !asb_deleting(service)) {
		expiry_add(pass, &batch, asb_remove(WATCH_SERVICE, service, false));
	}
	/* A pool's pod that is reserved and not adopted yet becomes free, and a Sandbox whose
	 * shutdownTime is moved starts cold. */
	if (pass->annotation != NULL) {
		expiry_add(pass, &batch, pod_name_patch(pass, NULL));
	}
	expiry_send(pass, &batch);
}

void expiry_enforce(struct pass *pass)
{
	struct json_object *ready = asb_condition(pass->sandbox, "Ready");
	bool done = asb_streq(asb_str(ready, "reason"), REASON_EXPIRED),
	     told_first = pass->dialect == DIALECT_BETA;

	/* Clients of v1beta1 see the reason before the pod goes. */
	if (told_first && !done) {
		status_write_expired(pass);
		if (pass->retry) {
			return;
		}
	}
	expiry_delete_children(pass);
	if (pass->retry && !told_first) {
		pod_find(pass);
		service_find(pass);
		status_write(pass);
		return;
	}
	pass->memory->lost_ms = 0;
	if (pass->retry || (done && !told_first)) {
		return;
	}
	if (asb_streq(asb_str(pass->sandbox, "spec", "shutdownPolicy"), "Delete")) {
		struct asb_write write = asb_remove(WATCH_SANDBOX, pass->sandbox, false);
		struct child child = { 0 };

		asb_write(pass->call, &write);
		pass_classify(pass, &child, &write);
		return;
	}
	if (!told_first) {
		status_write_expired(pass);
	}
}
