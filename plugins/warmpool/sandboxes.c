/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of Sandboxes, as those of v1beta1 are: what a member looks like and how many there may be.
 * reconcile.c chooses this table; fill.c creates and adopts by it.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* ---- a member ---- */

/* Sets the labels that a member and its podTemplate have, and those that only a member has. */
static void sandboxes_label(struct pass *pass, struct json_object *object, bool member)
{
	char pool[9], template[9], pod_hash[65];

	asb_name_hash(pass->key->name, pool);
	asb_name_hash(pass->template_name, template);
	snprintf(pod_hash, sizeof(pod_hash), "%.*s", (int)BLUEPRINT_HASH_SIZE - 1, pass->hash);
	asb_set_label(object, LABEL_WARM_POOL, pool);
	asb_set_label(object, LABEL_TEMPLATE_HASH, template);
	asb_set_label(object, LABEL_BLUEPRINT_HASH, pass->blueprint_hash);
	asb_set_label(object, LABEL_POD_TEMPLATE_HASH, pod_hash);
	if (member) {
		asb_set_label(object, LABEL_CREATED_BY, "controller");
	}
}

static struct json_object *sandboxes_make(struct pass *pass, const char *name)
{
	struct json_object *sandbox = asb_new(&kind_sandbox, pass->key->ns, name), *pod_template;
	char prefix[256];

	snprintf(prefix, sizeof(prefix), "%s-", pass->key->name);
	asb_set_str(asb_object_in(sandbox, "metadata"), "generateName", prefix);
	sandboxes_label(pass, sandbox, true);
	asb_set_annotation(sandbox, ANNOTATION_TEMPLATE, pass->template_name);
	json_object_object_add(sandbox, "spec", asb_copy(pass->blueprint));
	pod_template = asb_object_in(asb_at(sandbox, "spec"), "podTemplate");
	sandboxes_label(pass, pod_template, false);
	if (pass->settings->eviction &&
	    asb_annotation(pod_template, ANNOTATION_SAFE_TO_EVICT) == NULL) {
		asb_set_annotation(pod_template, ANNOTATION_SAFE_TO_EVICT, "true");
	}
	dialect_mark_sandbox(sandbox, DIALECT_BETA);
	dialect_set_owner(sandbox, pass->pool);
	return sandbox;
}

/* ---- how many ---- */

/* Terminating members count until they are gone: a pool of Sandboxes has no surge. */
static int64_t sandboxes_existing(struct pass *pass)
{
	return pass_count(pass, INDEX_SANDBOXES, TAIL_ALL) + pass->memory->expected_count;
}

static int64_t sandboxes_missing(struct pass *pass)
{
	int64_t missing = pass->replicas - sandboxes_existing(pass);

	return missing > 0 ? refill_allow(pass, missing) : 0;
}

static uint32_t sandboxes_orphans(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	struct json_object *const *found = NULL;
	char value[256], hash[9];
	uint32_t count, picked = 0;

	asb_name_hash(pass->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s", pass->key->ns, hash);
	count = pass->host->list(pass->call, INDEX_SANDBOX_ORPHANS, value, 0, ASB_LIST_UNRESERVED,
				 &found);
	for (uint32_t i = 0; i < count && picked < limit; i++) {
		if (sandbox_removal_fits(pass, found[i])) {
			ret[picked++] = found[i];
		}
	}
	return picked;
}

static void sandboxes_trim(struct pass *pass)
{
	refill_note(pass, sandboxes_existing(pass));
	removal_ended(pass);
	sandbox_removal_stale(pass);
	progress_check(pass);
	sandbox_removal_surplus(pass);
	sandbox_removal_orphans(pass);
}

static void sandboxes_status(struct pass *pass, struct json_object *status)
{
	char hash[9], selector[64];

	asb_name_hash(pass->key->name, hash);
	snprintf(selector, sizeof(selector), LABEL_WARM_POOL "=%s", hash);
	asb_set_str(status, "selector", selector);
	json_object_object_add(status, "observedGeneration",
			       json_object_new_int64(asb_generation(pass->pool)));
}

const struct member_kind member_sandboxes = {
	.kind = &kind_sandbox,
	.watch = WATCH_SANDBOX,
	.label = LABEL_WARM_POOL,
	.first_batch = 1,
	.live = { INDEX_SANDBOXES, TAIL_LIVE },
	.ready = { INDEX_SANDBOXES, TAIL_READY },
	.ended = { INDEX_SANDBOXES, TAIL_ENDED },
	.counts_terminating = true,
	.make = sandboxes_make,
	.missing = sandboxes_missing,
	.orphans = sandboxes_orphans,
	.trim = sandboxes_trim,
	.status = sandboxes_status,
};
