/* SPDX-License-Identifier: Apache-2.0 */
/* The expiry of a claim, spec.lifecycle: when it is due, and what is deleted then. reconcile.c asks
 * here first, so that nothing else is done for an expired claim. */
#include "config.h"

#include "plugins/claim/claim.h"

/* A later expiry is checked once a day: the clock may be corrected meanwhile. */
#define DAY_MS 86400000

/* The latest time that can be written, 9999-12-31: a longer TTL never ends. */
#define END_OF_TIME_MS INT64_C(253402300799000)

/* When the time to live after the end of the pod is over, if the claim has one and its pod has
 * ended; the condition Finished says when. A TTL below 0, which the API server refuses, is none. */
static bool expiry_of_ttl(struct pass *pass, int64_t *ret_ms)
{
	struct json_object *ttl =
		asb_at(pass->claim, "spec", "lifecycle", "ttlSecondsAfterFinished");
	struct json_object *finished = asb_condition(pass->claim, "Finished");
	int64_t seconds = asb_int(ttl, -1), since;

	if (seconds < 0 || !asb_streq(asb_str(finished, "status"), "True") ||
	    !asb_time_parse(asb_str(finished, "lastTransitionTime"), &since) ||
	    seconds > (END_OF_TIME_MS - since) / 1000) {
		return false;
	}
	*ret_ms = since + seconds * 1000;
	return true;
}

enum expiry expiry_state(struct pass *pass)
{
	struct json_object *end = asb_at(pass->claim, "spec", "lifecycle", "shutdownTime");
	int64_t end_ms = INT64_MAX, ttl_ms = INT64_MAX, left;

	if (end != NULL && !asb_time_parse(asb_as_str(end), &end_ms)) {
		return EXPIRY_INVALID;
	}
	if (!expiry_of_ttl(pass, &ttl_ms) && end == NULL) {
		return EXPIRY_NONE;
	}
	end_ms = ttl_ms < end_ms ? ttl_ms : end_ms;
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

/* The Sandbox of a claim of v1beta1 that is retained, whatever its name is. */
static int32_t expiry_delete_sandbox(struct pass *pass)
{
	struct json_object *sandbox = beta_find_owned(pass);
	struct asb_write write;
	int32_t written;

	if (sandbox == NULL || asb_deleting(sandbox)) {
		return ASB_DONE;
	}
	write = asb_remove(WATCH_SANDBOX, sandbox, false);
	written = asb_write(pass->call, &write);
	if (written != ASB_OK && written != ASB_NOT_FOUND) {
		return status_write_failed(pass, &write, "delete the Sandbox of the expired claim");
	}
	return ASB_DONE;
}

static int32_t expiry_delete_beta(struct pass *pass, const char *policy)
{
	struct asb_write write = asb_remove(WATCH_CLAIM, pass->claim, true);
	int32_t written;

	write.flags = strcmp(policy, "DeleteForeground") == 0 ? ASB_FOREGROUND : 0;
	written = asb_write(pass->call, &write);
	if (written != ASB_OK && written != ASB_NOT_FOUND) {
		return status_write_failed(pass, &write, "delete the expired claim");
	}
	if (!pass->quiet) {
		pass->call->host->event(pass->call, pass->claim, "Normal", "ClaimExpired",
					"Deleting Claim (ShutdownPolicy=%s)", policy);
	}
	return ASB_DONE;
}

/* A claim of v1beta1 reports that it has expired before anything is deleted. */
static int32_t expiry_enforce_beta(struct pass *pass, const char *policy)
{
	bool retain = !asb_streq(policy, "Delete") && !asb_streq(policy, "DeleteForeground");

	if (!status_reason_is(pass, "ClaimExpired")) {
		int32_t result = status_not_ready(pass, "ClaimExpired",
						  "Claim expired. Sandbox cleanup initiated.");

		if (result != ASB_DONE) {
			return result;
		}
		if (!pass->quiet) {
			pass->call->host->event(pass->call, pass->claim, "Normal", "ClaimExpired",
						"Claim expired");
		}
		if (!retain) {
			/* The claim has another version now, and only that one is deleted. */
			pass_again(pass, 0);
			return ASB_DONE;
		}
	}
	return retain ? expiry_delete_sandbox(pass) : expiry_delete_beta(pass, policy);
}

int32_t expiry_enforce(struct pass *pass)
{
	const char *policy = asb_str(pass->claim, "spec", "lifecycle", "shutdownPolicy");

	if (pass->dialect == DIALECT_BETA) {
		return expiry_enforce_beta(pass, policy);
	}
	return asb_streq(policy, "Delete") ? expiry_delete_claim(pass) : expiry_retain_claim(pass);
}
