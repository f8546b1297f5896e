/* SPDX-License-Identifier: Apache-2.0 */
/* The order of one reconcile of a claim: expiry, NetworkPolicy, Sandbox, status, orphaned pods. The
 * host calls claim_reconcile whenever something that concerns the claim has changed, or the time
 * has come that an earlier reconcile asked for. */
#include "config.h"

#include "plugins/claim/claim.h"

/* Starts the memory of a claim that this process has not seen. */
static void reconcile_start_memory(struct pass *pass)
{
	if (pass->memory->started) {
		return;
	}
	pass->memory->started = 1;
	pass->memory->seen_ms = pass->now_ms;
	/* A claim that has had a Sandbox may have been Ready: no event is better than a second
	 * one. */
	pass->memory->never_ready = asb_str(pass->claim, "status", "sandbox", "Name") == NULL &&
				    !asb_condition_is(pass->claim, "Ready", "True") &&
				    !status_reason_is(pass, "SandboxMissing") &&
				    !status_reason_is(pass, "ClaimExpired");
}

/* The longest name that the API server accepts. */
#define NAME_BYTES_MAX 253

/* The claim's template, or NULL. *ret_name is its name, or "" if no object can have that name. */
static struct json_object *reconcile_template(struct pass *pass, const char **ret_name)
{
	const char *name = asb_str(pass->claim, "spec", "sandboxTemplateRef", "name");

	*ret_name = name != NULL && strlen(name) <= NAME_BYTES_MAX ? name : "";
	return **ret_name != '\0' ? asb_get(pass->call, WATCH_TEMPLATE, pass->key->ns, *ret_name)
				  : NULL;
}

/* Without a template nothing can be created. The template enqueues the claim when it appears. */
static int32_t reconcile_no_template(struct pass *pass, const char *name)
{
	char message[NAME_BYTES_MAX + 64];

	snprintf(message, sizeof(message), "SandboxTemplate \"%s\" not found", name);
	return status_not_ready(pass, "TemplateNotFound", message);
}

/* Creates the Sandbox. Its NetworkPolicy exists already. */
static int32_t reconcile_create(struct pass *pass, struct json_object *claim_template)
{
	int32_t result = ASB_DONE;

	if (asb_at(pass->claim, "status", "sandbox") != NULL) {
		result = status_not_ready(pass, "SandboxMissing", "Sandbox does not exist");
		if (result != ASB_DONE) {
			return result;
		}
	}
	result = sandbox_create(pass, claim_template);
	return result == ASB_DONE ? status_copy(pass) : result;
}

static int32_t reconcile_sandbox(struct pass *pass)
{
	struct json_object *found = NULL, *claim_template;
	const char *name = "";
	int32_t result = ASB_ERROR;

	switch (sandbox_find(pass, &found, &result)) {
	case SANDBOX_UNKNOWN:
		return result;
	case SANDBOX_FOREIGN:
		return status_foreign(pass, result, found);
	case SANDBOX_DELETING:
		return status_not_ready(pass, "SandboxMissing", "Sandbox is being deleted");
	default:
		break;
	}
	claim_template = reconcile_template(pass, &name);
	if (claim_template != NULL && !policy_sync(pass, claim_template, &result)) {
		return result;
	}
	if (pass->sandbox != NULL) {
		return status_copy(pass);
	}
	if (claim_template == NULL) {
		return reconcile_no_template(pass, name);
	}
	return reconcile_create(pass, claim_template);
}

static int32_t reconcile_claim(struct pass *pass)
{
	struct json_object *found = NULL;
	int32_t result = ASB_ERROR;

	switch (expiry_state(pass)) {
	case EXPIRY_DUE:
		return expiry_enforce(pass);
	case EXPIRY_INVALID:
		/* A Sandbox that runs goes on, but none is created while its end is not known. */
		if (sandbox_find(pass, &found, &result) == SANDBOX_UNKNOWN) {
			return result;
		}
		return status_error(pass, ASB_TERMINAL_ERROR,
				    "spec.lifecycle.shutdownTime is not a date-time");
	default:
		return pass->dialect == DIALECT_BETA ? beta_reconcile(pass)
						     : reconcile_sandbox(pass);
	}
}

/* The result of a reconcile whose two parts have different results: a retry if either needs one. */
static int32_t reconcile_worse(int32_t result, int32_t other)
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
		.after_ms = REQUEUE_NEVER,
	};
	const struct claim_state *settings = state;
	int32_t result;

	pass.domains = settings->domains;
	pass.quiet = settings->quiet;
	if (pass.claim == NULL || asb_deleting(pass.claim)) {
		/* The garbage collector deletes what the claim owns; only the reservation in memory
		 * has to be released here. */
		pick_drop(&pass);
		result = ASB_DONE;
	} else {
		pass.dialect = dialect_of_claim(pass.claim);
		reconcile_start_memory(&pass);
		result = reconcile_claim(&pass);
	}
	if (result >= 0) {
		pass.memory->failures = 0;
	}
	result = reconcile_worse(result, orphan_delete_all(&pass));
	return requeue_result(call, key, result, pass.after_ms, ret_requeue_after_ms);
}
