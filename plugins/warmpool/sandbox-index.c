/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which values the indexes hold the Sandboxes of pools. The host calls these functions for
 * each state of a Sandbox, on any thread.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

int64_t sandbox_index_unready_since(struct json_object *sandbox)
{
	int64_t since = object_created_ms(sandbox), changed = 0;
	struct json_object *ready = asb_condition(sandbox, "Ready");

	if (asb_time_parse(asb_str(ready, "lastTransitionTime"), &changed) && changed > since) {
		since = changed;
	}
	return since;
}

void sandbox_index_hash_tail(const char *hash, char ret[SANDBOX_HASH_TAIL_SIZE])
{
	snprintf(ret, SANDBOX_HASH_TAIL_SIZE, "#%s", hash);
}

static bool sandbox_index_unschedulable(struct json_object *sandbox)
{
	return asb_condition_is(sandbox, "PodScheduled", "False") &&
	       asb_streq(asb_str(asb_condition(sandbox, "PodScheduled"), "reason"),
			 "Unschedulable");
}

static void sandbox_index_live(struct json_object *sandbox, const char *uid, struct asb_values *out)
{
	const char *hash = asb_label(sandbox, LABEL_BLUEPRINT_HASH);
	int64_t created = object_created_ms(sandbox);
	char tail[SANDBOX_HASH_TAIL_SIZE];

	hash = hash != NULL ? hash : "";
	sandbox_index_hash_tail(hash, tail);
	index_add(out, uid, tail, created);
	index_add(out, uid, TAIL_LIVE, created);
	index_add(out, uid, TAIL_BY_HASH, index_hash_rank(hash));
	if (asb_condition_is(sandbox, "Ready", "True")) {
		index_add(out, uid, TAIL_READY, created);
		return;
	}
	index_add(out, uid, TAIL_UNREADY, created);
	index_add(out, uid, sandbox_index_unschedulable(sandbox) ? TAIL_HELD : TAIL_LATE,
		  sandbox_index_unready_since(sandbox));
}

void sandbox_index_members(struct json_object *sandbox, struct asb_values *out)
{
	const char *uid = object_controller_uid(sandbox, &kind_pool);

	if (uid == NULL) {
		return;
	}
	index_add(out, uid, TAIL_ALL, object_created_ms(sandbox));
	if (asb_deleting(sandbox)) {
		return;
	}
	if (asb_condition_is(sandbox, "Finished", "True")) {
		index_add(out, uid, TAIL_ENDED, object_created_ms(sandbox));
		return;
	}
	sandbox_index_live(sandbox, uid, out);
}

/* A Sandbox of v1alpha1 or of a claim is never a pool's, whatever its labels say. */
void sandbox_index_orphans(struct json_object *sandbox, struct asb_values *out)
{
	const char *label = asb_label(sandbox, LABEL_WARM_POOL);

	if (label == NULL || asb_controller(sandbox, NULL) != NULL || asb_deleting(sandbox) ||
	    asb_label(sandbox, LABEL_CLAIM_UID) != NULL ||
	    dialect_of_sandbox(sandbox) != DIALECT_BETA) {
		return;
	}
	index_add(out, asb_ns(sandbox), label, object_created_ms(sandbox));
}
