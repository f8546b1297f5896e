/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every step of a reconcile needs: its facts, its errors, what the result of a write means,
 * whose an object is. Called by all other files of the plugin.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* How many outdated writes of one object are followed by a live read before they count as
 * errors. */
#define READS_MAX 2u

/* Bounds on the time between two checks of somebody else's object. */
#define FOREIGN_MIN_MS 1000
#define FOREIGN_MAX_MS 60000

void pass_init(struct pass *pass, const struct sandbox_state *state, struct asb_call *call,
	       struct json_object *sandbox)
{
	*pass = (struct pass){
		.call = call,
		.state = state,
		.memory = call->host->key_state(call, sizeof(struct sandbox_memory)),
		.sandbox = sandbox,
		.ns = asb_ns(sandbox),
		.name = asb_name(sandbox),
		.uid = asb_uid(sandbox),
		.claim_uid = object_controller_uid(sandbox, &kind_claim),
		.annotation = asb_annotation(sandbox, ANNOTATION_POD_NAME),
		.dialect = dialect_of_sandbox(sandbox),
		.suspended = dialect_suspended(sandbox),
		.error_reason = REASON_ERROR,
		.after_ms = REQUEUE_NEVER,
	};
	pass->wanted = pass->suspended == 0;
	pass->service_wish =
		pass->dialect == DIALECT_ALPHA ? DIALECT_SERVICE_TRUE : dialect_service(sandbox);
	asb_name_hash(pass->name, pass->hash);
}

void pass_error(struct pass *pass, const char *format, ...)
{
	va_list arguments;
	int length;

	if (*pass->error != '\0') {
		return;
	}
	va_start(arguments, format);
	length = vsnprintf(pass->error, sizeof(pass->error), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(pass->error)) {
		object_trim_text(pass->error);
	}
}

void pass_again(struct pass *pass, int64_t ms)
{
	requeue_after(&pass->after_ms, (uint64_t)ms);
}

/*
 * When to check somebody else's object again: after as long as the Sandbox has been waiting
 * already. The store may not keep such an object, and then its deletion enqueues no reconcile.
 */
static int64_t pass_foreign_pause_ms(struct pass *pass)
{
	struct json_object *ready = asb_condition(pass->sandbox, "Ready");
	int64_t since = 0, waited = 0;

	if (asb_streq(asb_str(ready, "status"), "False") &&
	    asb_time_parse(asb_str(ready, "lastTransitionTime"), &since)) {
		waited = asb_now_ms(pass->call) - since;
	}
	return waited < FOREIGN_MIN_MS   ? FOREIGN_MIN_MS
	       : waited > FOREIGN_MAX_MS ? FOREIGN_MAX_MS
					 : waited;
}

static const char *pass_or_unknown(const char *text)
{
	return text != NULL ? text : "?";
}

/* The word for a kind in the messages of v1beta1. */
static const char *pass_word(const struct asb_kind *kind)
{
	return kind == &kind_pod ? "pod" : kind == &kind_service ? "service" : "PVC";
}

static void pass_owned_by(struct pass *pass, const struct asb_kind *kind, const char *name,
			  struct json_object *owner)
{
	const char *owner_kind = pass_or_unknown(asb_str(owner, "kind")),
		   *owner_name = pass_or_unknown(asb_str(owner, "name"));

	if (pass->dialect == DIALECT_ALPHA) {
		pass_error(pass, "%s \"%s\" belongs to %s \"%s\"", kind->kind, name, owner_kind,
			   owner_name);
	} else {
		pass_error(pass, "%s \"%s\" is owned by %s/%s (UID: %s), not by sandbox \"%s\"",
			   pass_word(kind), name, owner_kind, owner_name,
			   pass_or_unknown(asb_str(owner, "uid")), pass->name);
	}
}

bool pass_may_adopt(struct pass *pass, struct child *child, const struct asb_kind *kind,
		    struct json_object *object)
{
	if (asb_streq(asb_label(object, LABEL_ADOPTABLE), "true") ||
	    asb_streq(asb_label(object, LABEL_NAME_HASH), pass->hash)) {
		return true;
	}
	child->failed = true;
	pass_again(pass, pass_foreign_pause_ms(pass));
	pass_error(
		pass,
		"cannot adopt unowned %s \"%s\": missing required pool authorization label (\"%s\") or sandbox tracking label (\"%s\")",
		pass_word(kind), asb_name(object), LABEL_ADOPTABLE, LABEL_NAME_HASH);
	return false;
}

void pass_foreign(struct pass *pass, struct child *child, const struct asb_kind *kind,
		  struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *name = asb_name(object);

	child->failed = true;
	pass_again(pass, pass_foreign_pause_ms(pass));
	if (owner != NULL) {
		pass_owned_by(pass, kind, name, owner);
	} else if (asb_deleting(object)) {
		pass_error(pass, "%s \"%s\" belongs to nobody and is being deleted", kind->kind,
			   name);
	} else {
		pass_error(pass, "%s \"%s\" belongs to nobody and was not made for this Sandbox",
			   kind->kind, name);
	}
}

void pass_stop(struct pass *pass, const char *why)
{
	pass->stopped = true;
	pass->retry = true;
	pass_error(pass, "%s", why);
}

/* Whether a write failed because the object is not what the store showed. */
static bool pass_is_outdated(const struct asb_write *write)
{
	if (write->verb == ASB_CREATE) {
		return write->result == ASB_ALREADY_EXISTS;
	}
	return write->result == ASB_NOT_FOUND || write->result == ASB_CONFLICT ||
	       write->result == ASB_INVALID;
}

enum outcome pass_classify(struct pass *pass, struct child *child, const struct asb_write *write)
{
	if (write->result == ASB_OK) {
		return OUTCOME_DONE;
	}
	if (write->result == ASB_CANCELLED ||
	    (write->result == ASB_UNREACHABLE && write->http_status == 0) ||
	    (write->result == ASB_CONFLICT && write->verb == ASB_CREATE)) {
		pass_stop(pass, write->message);
		return OUTCOME_FAILED;
	}
	if (pass_is_outdated(write) && child->reads++ < READS_MAX) {
		return OUTCOME_CHANGED;
	}
	child->failed = true;
	/* The API server refuses the object for good: only a change of the Sandbox can help. */
	if (pass->dialect == DIALECT_BETA && write->verb == ASB_CREATE &&
	    write->http_status == 422) {
		pass->error_reason = *pass->error == '\0' ? REASON_INVALID : pass->error_reason;
	} else {
		pass->retry = true;
	}
	pass_error(pass, "%s",
		   *write->message != '\0' ? write->message : "the API server refused a write");
	return OUTCOME_FAILED;
}

void pass_read(struct pass *pass, struct child *child, uint32_t watch, const char *name)
{
	int32_t result =
		pass->call->host->get_live(pass->call, watch, pass->ns, name, &child->object);

	if (result != ASB_OK) {
		child->object = NULL;
	}
	if (result == ASB_OK || result == ASB_NOT_FOUND) {
		return;
	}
	pass_stop(pass, "a live read failed");
}

struct json_object *pass_result(struct pass *pass, const struct asb_write *write, const char *name)
{
	struct json_object *stored = asb_get(pass->call, write->watch, pass->ns, name);

	return stored != NULL ? stored : write->ret;
}

void pass_done(struct pass *pass, struct child *child, const struct asb_write *write,
	       const char *name)
{
	switch (pass_classify(pass, child, write)) {
	case OUTCOME_DONE:
		child->object = pass_result(pass, write, name);
		break;
	case OUTCOME_CHANGED:
		pass_read(pass, child, write->watch, name);
		break;
	case OUTCOME_FAILED:
		break;
	}
}

bool pass_owns(const struct pass *pass, struct json_object *object)
{
	return object != NULL && asb_controlled_by(object, &kind_sandbox, pass->uid);
}
