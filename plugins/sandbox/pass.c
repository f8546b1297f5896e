/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every step of a pass needs: its facts, its errors, what the result of a write means, whose
 * an object is. Called by all other files of the plugin.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* Answers that say the world has changed are followed by a live look so often before they count as
 * errors. */
#define LOOKS_MAX 2u

/* Bounds on the time between two looks at somebody else's object. */
#define LOOK_AGAIN_MIN_MS 1000
#define LOOK_AGAIN_MAX_MS 60000

void pass_init(struct pass *p, const struct sandbox_state *state, struct asb_call *call,
	       struct json_object *sandbox)
{
	struct json_object *owner = asb_controller(sandbox, NULL);

	*p = (struct pass){
		.call = call,
		.state = state,
		.memory = call->host->key_state(call, sizeof(struct sandbox_memory)),
		.sandbox = sandbox,
		.ns = asb_ns(sandbox),
		.name = asb_name(sandbox),
		.uid = asb_uid(sandbox),
		.annotation = asb_annotation(sandbox, ANNOTATION_POD_NAME),
		.wanted = asb_int(asb_at(sandbox, "spec", "replicas"), 1) > 0,
		.again_ms = -1,
	};
	if (owner != NULL && asb_owner_is(owner, &sandbox_watches[WATCH_CLAIM].kind)) {
		p->claim_uid = asb_str(owner, "uid");
	}
	asb_name_hash(p->name, p->hash);
}

/* Cuts a character that the end of the buffer has cut already: the API server refuses broken UTF-8.
 */
static void trim_utf8(char *text)
{
	size_t length = strlen(text), start = length;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
		start--;
	}
	if (start > 0 && ((unsigned char)text[start - 1] & 0x80) != 0) {
		text[start - 1] = '\0';
	}
}

void pass_error(struct pass *p, const char *format, ...)
{
	va_list arguments;
	int length;

	if (*p->error != '\0') {
		return;
	}
	va_start(arguments, format);
	length = vsnprintf(p->error, sizeof(p->error), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(p->error)) {
		trim_utf8(p->error);
	}
}

void pass_again(struct pass *p, int64_t ms)
{
	if (p->again_ms < 0 || ms < p->again_ms) {
		p->again_ms = ms;
	}
}

/*
 * A foreign object may be one that the store does not keep, so its end may wake nobody: looked at
 * again after as long as the Sandbox has been waiting already.
 */
static int64_t look_again_ms(struct pass *p)
{
	struct json_object *ready = asb_condition(p->sandbox, "Ready");
	int64_t since = 0, waited = 0;

	if (asb_streq(asb_str(ready, "status"), "False") &&
	    asb_time_parse(asb_str(ready, "lastTransitionTime"), &since)) {
		waited = asb_now_ms(p->call) - since;
	}
	return waited < LOOK_AGAIN_MIN_MS   ? LOOK_AGAIN_MIN_MS
	       : waited > LOOK_AGAIN_MAX_MS ? LOOK_AGAIN_MAX_MS
					    : waited;
}

void pass_foreign(struct pass *p, struct side *side, uint32_t watch, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *kind = sandbox_watches[watch].kind.kind, *name = asb_name(object);

	side->failed = true;
	pass_again(p, look_again_ms(p));
	if (owner != NULL) {
		const char *owner_kind = asb_str(owner, "kind"),
			   *owner_name = asb_str(owner, "name");

		pass_error(p, "%s \"%s\" belongs to %s \"%s\"", kind, name,
			   owner_kind != NULL ? owner_kind : "?",
			   owner_name != NULL ? owner_name : "?");
	} else if (asb_deleting(object)) {
		pass_error(p, "%s \"%s\" belongs to nobody and is being deleted", kind, name);
	} else {
		pass_error(p, "%s \"%s\" belongs to nobody and was not made for this Sandbox", kind,
			   name);
	}
}

void pass_stop(struct pass *p, const char *why)
{
	p->stopped = true;
	p->retry = true;
	pass_error(p, "%s", why);
}

static bool met_another_world(const struct asb_write *write)
{
	if (write->verb == ASB_CREATE) {
		return write->result == ASB_ALREADY_EXISTS;
	}
	return write->result == ASB_NOT_FOUND || write->result == ASB_CONFLICT ||
	       write->result == ASB_INVALID;
}

enum outcome pass_judge(struct pass *p, struct side *side, const struct asb_write *write)
{
	if (write->result == ASB_OK) {
		return OUTCOME_DONE;
	}
	if (write->result == ASB_CANCELLED ||
	    (write->result == ASB_UNREACHABLE && write->http_status == 0) ||
	    (write->result == ASB_CONFLICT && write->verb == ASB_CREATE)) {
		pass_stop(p, write->message);
		return OUTCOME_FAILED;
	}
	if (met_another_world(write) && side->looks++ < LOOKS_MAX) {
		return OUTCOME_LOOK;
	}
	side->failed = true;
	p->retry = true;
	pass_error(p, "%s",
		   *write->message != '\0' ? write->message : "the API server refused a write");
	return OUTCOME_FAILED;
}

void pass_read(struct pass *p, struct side *side, uint32_t watch, const char *name)
{
	int32_t result = p->call->host->get_live(p->call, watch, p->ns, name, &side->object);

	if (result != ASB_OK) {
		side->object = NULL;
	}
	if (result == ASB_OK || result == ASB_NOT_FOUND) {
		return;
	}
	pass_stop(p, "a live read failed");
}

struct json_object *pass_result(struct pass *p, const struct asb_write *write, const char *name)
{
	struct json_object *stored = asb_get(p->call, write->watch, p->ns, name);

	return stored != NULL ? stored : write->ret;
}

void pass_done(struct pass *p, struct side *side, const struct asb_write *write, const char *name)
{
	switch (pass_judge(p, side, write)) {
	case OUTCOME_DONE:
		side->object = pass_result(p, write, name);
		break;
	case OUTCOME_LOOK:
		pass_read(p, side, write->watch, name);
		break;
	case OUTCOME_FAILED:
		break;
	}
}

bool pass_owns(const struct pass *p, struct json_object *object)
{
	return object != NULL &&
	       asb_controlled_by(object, &sandbox_watches[WATCH_SANDBOX].kind, p->uid);
}
