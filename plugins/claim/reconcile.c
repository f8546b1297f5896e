/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over one claim, from what the store holds to what is missing: expiry, NetworkPolicy,
 * Sandbox, status, pods without an owner, in this order. The host calls claim_reconcile whenever
 * something that concerns the claim has changed, or a time has come. */
#include "config.h"

#include "plugins/claim/claim.h"

void pass_again_after(struct pass *pass, uint64_t ms)
{
	if (ms < pass->after_ms) {
		pass->after_ms = ms;
	}
}

/* Begins the memory of a claim that this process has not seen. */
static void remember(struct pass *pass)
{
	if (pass->memory->begun) {
		return;
	}
	pass->memory->begun = 1;
	pass->memory->seen_ms = pass->now_ms;
	/* One that has had a Sandbox may have been Ready: better no event than a second one. */
	pass->memory->never_ready = asb_str(pass->claim, "status", "sandbox", "Name") == NULL &&
				    !asb_condition_is(pass->claim, "Ready", "True") &&
				    !status_reason_is(pass, "SandboxMissing") &&
				    !status_reason_is(pass, "ClaimExpired");
}

/* The API server takes no longer names. */
#define NAME_BYTES_MAX 253

/* The claim's template, or NULL; its name goes to *ret_name, which is "" where it can be no
 * object's. */
static struct json_object *find_template(struct pass *pass, const char **ret_name)
{
	const char *name = asb_str(pass->claim, "spec", "sandboxTemplateRef", "name");

	*ret_name = name != NULL && strlen(name) <= NAME_BYTES_MAX ? name : "";
	return **ret_name != '\0' ? asb_get(pass->call, WATCH_TEMPLATE, pass->key->ns, *ret_name)
				  : NULL;
}

/* Without a template nothing can be made; the claim wakes when it appears. */
static int32_t say_template_missing(struct pass *pass, const char *name)
{
	char message[NAME_BYTES_MAX + 64];

	snprintf(message, sizeof(message), "SandboxTemplate \"%s\" not found", name);
	return status_say(pass, "TemplateNotFound", message);
}

/* The Sandbox is to be made: from the template, after its NetworkPolicy. */
static int32_t start(struct pass *pass, struct json_object *claim_template)
{
	int32_t result = ASB_DONE;

	if (asb_at(pass->claim, "status", "sandbox") != NULL) {
		result = status_say(pass, "SandboxMissing", "Sandbox does not exist");
		if (result != ASB_DONE) {
			return result;
		}
	}
	result = sandbox_make(pass, claim_template);
	return result == ASB_DONE ? status_pass_on(pass) : result;
}

static int32_t provide(struct pass *pass)
{
	struct json_object *found = NULL, *claim_template;
	const char *name = "";
	int32_t result = ASB_ERROR;

	switch (sandbox_find(pass, &found, &result)) {
	case SANDBOX_UNKNOWN:
		return result;
	case SANDBOX_FOREIGN:
		return status_foreign(pass, result, found);
	case SANDBOX_LEAVING:
		return status_say(pass, "SandboxMissing", "Sandbox is being deleted");
	default:
		break;
	}
	claim_template = find_template(pass, &name);
	if (claim_template != NULL && !policy_sync(pass, claim_template, &result)) {
		return result;
	}
	if (pass->sandbox != NULL) {
		return status_pass_on(pass);
	}
	if (claim_template == NULL) {
		return say_template_missing(pass, name);
	}
	return start(pass, claim_template);
}

static int32_t run(struct pass *pass)
{
	struct json_object *found = NULL;
	int32_t result = ASB_ERROR;

	switch (expiry_look(pass)) {
	case EXPIRY_DUE:
		return expiry_enforce(pass);
	case EXPIRY_UNREADABLE:
		/* What runs goes on; nothing is begun whose end cannot be known. */
		if (sandbox_find(pass, &found, &result) == SANDBOX_UNKNOWN) {
			return result;
		}
		return status_error(pass, ASB_TERMINAL_ERROR,
				    "spec.lifecycle.shutdownTime is not a date-time");
	default:
		return provide(pass);
	}
}

/* What a pass ends with when its two halves disagree: a retry is due if either wants one. */
static int32_t worse(int32_t result, int32_t other)
{
	return result == ASB_ERROR || other == ASB_DONE ? result : other;
}

int32_t claim_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			uint64_t *ret_requeue_after_ms)
{
	struct pass pass = {
		.call = call,
		.key = key,
		.claim = asb_get(call, WATCH_CLAIM, key->ns, key->name),
		.memory = call->host->key_state(call, sizeof(struct claim_memory)),
		.now_ms = asb_now_ms(call),
		.after_ms = PASS_NEVER,
	};
	int32_t result;

	(void)state;
	if (pass.claim == NULL || asb_deleting(pass.claim)) {
		/* Owner references clean up; only what is kept in memory is ours to give back. */
		pick_forget(&pass);
		result = ASB_DONE;
	} else {
		remember(&pass);
		result = run(&pass);
	}
	if (result >= 0) {
		pass.memory->failures = 0;
	}
	result = worse(result, orphans_settle(&pass));
	if (pass.after_ms == PASS_NEVER) {
		return result;
	}
	if (result < 0) {
		/* A failed pass is called again by backoff, or not at all: an expiry must not wait
		 * for that. */
		call->host->enqueue(call->instance, key->ns, key->name, pass.after_ms);
		return result;
	}
	*ret_requeue_after_ms = pass.after_ms;
	return ASB_REQUEUE_AFTER;
}
