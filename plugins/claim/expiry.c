/* SPDX-License-Identifier: Apache-2.0 */
/* The expiry of a claim, spec.lifecycle: when it is due, and what is deleted then. reconcile.c asks
 * here first, so that nothing else is done for an expired claim. */
#include "config.h"

#include "plugins/claim/claim.h"

/* A later expiry is checked once a day: the clock may be corrected meanwhile. */
#define DAY_MS 86400000

enum expiry expiry_state(struct pass *pass)
{
	struct json_object *end = asb_at(pass->claim, "spec", "lifecycle", "shutdownTime");
	int64_t end_ms, left;

	if (end == NULL) {
		return EXPIRY_NONE;
	}
	if (!asb_time_parse(asb_as_str(end), &end_ms)) {
		return EXPIRY_INVALID;
	}
	left = end_ms - pass->now_ms;
	if (left <= 0) {
		return EXPIRY_DUE;
	}
	pass_again(pass, (uint64_t)(left < DAY_MS ? left : DAY_MS));
	return EXPIRY_LATER;
}

static void expiry_report(struct pass *pass)
{
	pass->call->host->event(pass->call, pass->claim, "Normal", "ClaimExpired",
				"Claim expired at %s",
				asb_str(pass->claim, "spec", "lifecycle", "shutdownTime"));
}

/* Policy Delete: the claim is deleted, and the garbage collector deletes what it owns. */
static int32_t expiry_delete_claim(struct pass *pass)
{
	/* Only this version is deleted: the shutdownTime may have been changed since. */
	struct asb_write write = asb_remove(WATCH_CLAIM, pass->claim, true);
	int32_t written = asb_write(pass->call, &write);

	if (written != ASB_OK && written != ASB_NOT_FOUND) {
		return status_write_failed(pass, &write, "delete the expired claim");
	}
	expiry_report(pass);
	return ASB_DONE;
}

/* Policy Retain: the claim's own Sandbox is deleted, and the claim stays and reports that. */
static int32_t expiry_retain_claim(struct pass *pass)
{
	bool first = !status_reason_is(pass, "ClaimExpired");
	struct json_object *found = NULL;
	int32_t result = ASB_ERROR;

	if (sandbox_find(pass, &found, &result) == SANDBOX_UNKNOWN) {
		return result;
	}
	if (pass->sandbox != NULL) {
		struct asb_write write = asb_remove(WATCH_SANDBOX, pass->sandbox, false);
		int32_t written = asb_write(pass->call, &write);

		if (written != ASB_OK && written != ASB_NOT_FOUND) {
			return status_write_failed(pass, &write,
						   "delete the Sandbox of the expired claim");
		}
		pass->sandbox = NULL;
	}
	pick_drop(pass);
	result =
		status_not_ready(pass, "ClaimExpired", "Claim expired. Sandbox resources deleted.");
	if (result == ASB_DONE && first) {
		expiry_report(pass);
	}
	return result;
}

int32_t expiry_enforce(struct pass *pass)
{
	const char *policy = asb_str(pass->claim, "spec", "lifecycle", "shutdownPolicy");

	return asb_streq(policy, "Delete") ? expiry_delete_claim(pass) : expiry_retain_claim(pass);
}
