/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a claim's life, spec.lifecycle: when it is due, and what is deleted then. reconcile.c
 * looks here first, so that an expired claim does nothing else. */
#include "config.h"

#include "plugins/claim/claim.h"

/* A delay the queue certainly takes; a later end is looked at once a day. */
#define DAY_MS 86400000

enum expiry expiry_look(struct pass *pass)
{
	struct json_object *end = asb_at(pass->claim, "spec", "lifecycle", "shutdownTime");
	int64_t end_ms, left;

	if (end == NULL) {
		return EXPIRY_NONE;
	}
	if (!asb_time_parse(asb_as_str(end), &end_ms)) {
		return EXPIRY_UNREADABLE;
	}
	left = end_ms - pass->now_ms;
	if (left <= 0) {
		return EXPIRY_DUE;
	}
	pass_again_after(pass, (uint64_t)(left < DAY_MS ? left : DAY_MS));
	return EXPIRY_LATER;
}

static void tell(struct pass *pass)
{
	pass->call->host->event(pass->call, pass->claim, "Normal", "ClaimExpired",
				"Claim expired at %s",
				asb_str(pass->claim, "spec", "lifecycle", "shutdownTime"));
}

/* Policy Delete: the claim goes, and by owner references all it made. */
static int32_t delete_claim(struct pass *pass)
{
	/* At exactly this version: the end may have been moved into the future since. */
	struct asb_write write = asb_remove(WATCH_CLAIM, pass->claim, true);
	int32_t written = asb_write(pass->call, &write);

	if (written != ASB_OK && written != ASB_NOT_FOUND) {
		return status_write_failed(pass, &write, "delete the expired claim");
	}
	tell(pass);
	return ASB_DONE;
}

/* Policy Retain: the Sandbox goes, if it is the claim's own, and the claim stays to say so. */
static int32_t retire(struct pass *pass)
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
	pick_forget(pass);
	result = status_say(pass, "ClaimExpired", "Claim expired. Sandbox resources deleted.");
	if (result == ASB_DONE && first) {
		tell(pass);
	}
	return result;
}

int32_t expiry_enforce(struct pass *pass)
{
	const char *policy = asb_str(pass->claim, "spec", "lifecycle", "shutdownPolicy");

	return asb_streq(policy, "Delete") ? delete_claim(pass) : retire(pass);
}
