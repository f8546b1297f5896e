/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orphaned pods: another controller took them out of a pool for a claim and never handed them over,
 * because it ended between its two writes. They have no owner, but the labels with the claim's UID
 * and a Sandbox's name hash. The Sandbox plugin adopts the pod that its claim's Sandbox names; all
 * others are deleted here. Called by reconcile.c at the end of each reconcile.
 */
#include "config.h"

#include "plugins/claim/claim.h"

/* A pod that appears while this process runs is checked after this time: the Sandbox that it
 * belongs to may arrive by another watch a little later. */
#define ORPHAN_PAUSE_MS 5000
/* The time until the next check: a Sandbox that exists but is not in the store may arrive
 * meanwhile. */
#define CHECK_AGAIN_MS 1000
/* How many are checked in one reconcile; each may cost a read and a write. */
#define ORPHANS_MAX 8

bool orphan_is(struct json_object *pod)
{
	/* A pod with the label sandbox-uid was handed over before: whoever removed its owner may
	 * want to keep it. A pod with the pool's label is still in its pool. */
	return asb_label(pod, LABEL_CLAIM_UID) != NULL && asb_label(pod, LABEL_NAME_HASH) != NULL &&
	       asb_label(pod, LABEL_SANDBOX_UID) == NULL && asb_label(pod, LABEL_POOL) == NULL &&
	       asb_length(asb_array(pod, "metadata", "ownerReferences")) == 0 && !asb_deleting(pod);
}

void orphan_enqueue(void *state, struct asb_call *call, struct json_object *before,
		    struct json_object *after, struct asb_keys *out)
{
	(void)state;
	(void)before;
	(void)out;
	/* Its claim may be gone, so the key is the pod's own name. */
	if (after != NULL && orphan_is(after)) {
		call->host->enqueue(call->instance, asb_ns(after), asb_name(after),
				    ORPHAN_PAUSE_MS);
	}
}

/* Whether this Sandbox wants the pod: it names the pod, or it has the pod's name and names none. */
static bool orphan_is_wanted_by(struct json_object *sandbox, struct json_object *pod)
{
	const char *named = asb_annotation(sandbox, ANNOTATION_POD_NAME);

	if (sandbox == NULL || asb_deleting(sandbox) ||
	    asb_streq(asb_str(asb_condition(sandbox, "Ready"), "reason"), "SandboxExpired")) {
		return false;
	}
	if (named == NULL || asb_streq(named, asb_name(sandbox))) {
		return asb_streq(asb_name(sandbox), asb_name(pod));
	}
	return asb_streq(named, asb_name(pod)) &&
	       asb_controlled_by(sandbox, &kind_claim, asb_label(pod, LABEL_CLAIM_UID));
}

/* Whether a Sandbox in the store wants the pod. */
static bool orphan_is_wanted(struct pass *pass, struct json_object *pod)
{
	struct json_object *const *named = NULL;
	char value[VALUE_SIZE];
	uint32_t count;

	if (orphan_is_wanted_by(asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, asb_name(pod)),
				pod)) {
		return true;
	}
	snprintf(value, sizeof(value), "%s/%s", pass->key->ns, asb_name(pod));
	count = pass->call->host->list(pass->call, INDEX_NAMED_PODS, value, 0, 0, &named);
	for (uint32_t i = 0; i < count; i++) {
		if (orphan_is_wanted_by(named[i], pod)) {
			return true;
		}
	}
	return false;
}

/* The name of the Sandbox that may want the pod although the store does not show it: the name of
 * the pod's claim; if the store has no such claim, the name of this key. */
static const char *orphan_sandbox_name(struct pass *pass, struct json_object *pod)
{
	struct json_object *const *claims = NULL;
	char value[VALUE_SIZE];

	snprintf(value, sizeof(value), "%s/%.63s", pass->key->ns, asb_label(pod, LABEL_CLAIM_UID));
	return pass->call->host->list(pass->call, INDEX_CLAIMS_BY_UID, value, 1, 0, &claims) > 0
		       ? asb_name(claims[0])
		       : pass->key->name;
}

/* Deletes the pod only as the store saw it: a pod that was adopted meanwhile has another
 * resourceVersion. */
static int32_t orphan_delete(struct pass *pass, struct json_object *pod)
{
	struct asb_write write = asb_remove(WATCH_POD, pod, true);
	int32_t result;

	write.priority = ASB_PRIORITY_REFILL;
	result = asb_write(pass->call, &write);
	if (result == ASB_OK) {
		pass->call->host->event(
			pass->call, pod, "Warning", "OrphanedPodDeleted",
			"Pod \"%s\" was taken out of its pool for the SandboxClaim with UID %.63s and never handed over: deleted",
			asb_name(pod), asb_label(pod, LABEL_CLAIM_UID));
		return ASB_DONE;
	}
	if (result == ASB_NOT_FOUND || result == ASB_CONFLICT) {
		return ASB_DONE; /* its change, or its end, is on its way to the store */
	}
	return pass->call->host->fail(pass->call, ASB_ERROR,
				      "cannot delete the orphaned Pod '%s': %s", asb_name(pod),
				      write.message);
}

static int32_t orphan_check(struct pass *pass, struct json_object *pod)
{
	struct json_object *sandbox = NULL;
	int32_t result;

	if (!orphan_is(pod) || orphan_is_wanted(pass, pod)) {
		return ASB_DONE;
	}
	result = pass->call->host->get_live(pass->call, WATCH_SANDBOX, pass->key->ns,
					    orphan_sandbox_name(pass, pod), &sandbox);
	if (result == ASB_NOT_FOUND) {
		return orphan_delete(pass, pod);
	}
	if (result != ASB_OK) {
		return pass->call->host->fail(
			pass->call, ASB_ERROR,
			"cannot read the Sandbox that may want the Pod '%s': result %d",
			asb_name(pod), (int)result);
	}
	if (orphan_is_wanted_by(sandbox, pod)) {
		pass_again(pass, CHECK_AGAIN_MS);
		return ASB_DONE;
	}
	return orphan_delete(pass, pod);
}

int32_t orphan_delete_all(struct pass *pass)
{
	struct json_object *const *pods = NULL;
	char value[VALUE_SIZE], hash[9];
	uint32_t count;
	int32_t result =
		orphan_check(pass, asb_get(pass->call, WATCH_POD, pass->key->ns, pass->key->name));

	asb_name_hash(pass->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s", pass->key->ns, hash);
	count = pass->call->host->list(pass->call, INDEX_ORPHANS, value, ORPHANS_MAX, 0, &pods);
	for (uint32_t i = 0; i < count; i++) {
		int32_t one = orphan_check(pass, pods[i]);

		result = result == ASB_DONE ? one : result;
	}
	if (count == ORPHANS_MAX) {
		pass_again(pass, CHECK_AGAIN_MS);
	}
	return result;
}
