/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a Sandbox at its shutdownTime: its pods and its Service go, its volumes stay, and by
 * policy the Sandbox goes too or keeps a last status. Called first in each pass.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* A far time is approached in days, so that a clock set right in between is noticed. */
#define FAR_MS (INT64_C(24) * 60 * 60 * 1000)

bool expiry_passed(struct pass *p)
{
	const char *text = asb_str(p->sandbox, "spec", "shutdownTime");
	int64_t due, left;

	if (text == NULL) {
		return false;
	}
	if (!asb_time_parse(text, &due)) {
		pass_error(p, "spec.shutdownTime \"%s\" is not a date-time", text);
		return false;
	}
	left = due - asb_now_ms(p->call);
	if (left > 0) {
		pass_again(p, left < FAR_MS ? left : FAR_MS);
	}
	return left <= 0;
}

/* Writes that go out as soon as there is a full set of them. */
struct batch {
	struct asb_write writes[ASB_WRITE_MAX];
	uint32_t count;
};

/* What is gone, or another of its name by now, is as wanted. */
static void flush(struct pass *p, struct batch *batch)
{
	if (batch->count == 0) {
		return;
	}
	p->call->host->write_all(p->call, batch->writes, batch->count);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct side side = { 0 };

		pass_judge(p, &side, &batch->writes[i]);
	}
	batch->count = 0;
}

static void add(struct pass *p, struct batch *batch, struct asb_write write)
{
	batch->writes[batch->count++] = write;
	if (batch->count == ASB_WRITE_MAX) {
		flush(p, batch);
	}
}

/* Everything that runs and is ours; nothing to do is no write. */
static void remove_all(struct pass *p)
{
	struct json_object *const *pods = NULL, *service;
	uint32_t count = p->call->host->list(p->call, INDEX_OWNED_PODS, p->uid, 0, 0, &pods);
	struct batch batch = { .count = 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (!asb_deleting(pods[i])) {
			add(p, &batch, asb_remove(WATCH_POD, pods[i], false));
		}
	}
	service = asb_get(p->call, WATCH_SERVICE, p->ns, p->name);
	if (pass_owns(p, service) && !asb_deleting(service)) {
		add(p, &batch, asb_remove(WATCH_SERVICE, service, false));
	}
	/* A pool's pod that was reserved and not yet taken is free again, and a new life starts
	 * cold. */
	if (p->annotation != NULL) {
		add(p, &batch, pod_name_patch(p, NULL));
	}
	flush(p, &batch);
}

void expiry_run(struct pass *p)
{
	struct json_object *ready = asb_condition(p->sandbox, "Ready");
	bool done = asb_streq(asb_str(ready, "reason"), REASON_EXPIRED);

	remove_all(p);
	if (p->retry) {
		pod_look(p);
		service_look(p);
		status_write(p);
		return;
	}
	p->memory->lost_ms = 0;
	if (done) {
		return;
	}
	if (asb_streq(asb_str(p->sandbox, "spec", "shutdownPolicy"), "Delete")) {
		struct asb_write write = asb_remove(WATCH_SANDBOX, p->sandbox, false);
		struct side side = { 0 };

		asb_write(p->call, &write);
		pass_judge(p, &side, &write);
		return;
	}
	status_write_expired(p);
}
