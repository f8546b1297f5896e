/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of Pods, as those of v1alpha1 are: what a member looks like and how many there may be.
 * reconcile.c chooses this table; fill.c creates and adopts by it.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static int64_t pods_smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* An expected pod counts as existing, and a pod that has ended counts until it terminates. */
static int64_t pods_missing(struct pass *pass)
{
	int64_t expected = pass->memory->expected_count;
	int64_t ended = pass_count(pass, INDEX_ENDED, TAIL_ALL);
	int64_t existing = pass_count(pass, INDEX_LIVE, TAIL_ALL) + ended + expected;
	int64_t wanted = pass->replicas - rollout_current(pass, INDEX_LIVE) - expected;

	return pods_smaller(wanted, rollout_limit(pass) - existing);
}

static struct json_object *pods_make(struct pass *pass, const char *name)
{
	struct pod_template_pool pool = {
		.name = pass->key->name,
		.template_name = pass->template_name,
		.hash = pass->hash,
	};
	struct json_object *pod = pod_template_pool_pod(
		asb_at(pass->template, "spec", "podTemplate"), pass->key->ns, name, &pool);

	dialect_set_owner(pod, pass->pool);
	return pod;
}

static uint32_t pods_orphans(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	char value[256], hash[9];
	struct json_object *const *pods = NULL;
	uint32_t count;

	asb_name_hash(pass->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s/%s", pass->key->ns, hash, pass->hash);
	count = pass->host->list(pass->call, INDEX_ORPHANS, value, limit, ASB_LIST_UNRESERVED,
				 &pods);
	for (uint32_t i = 0; i < count; i++) {
		ret[i] = pods[i];
	}
	return count;
}

static void pods_trim(struct pass *pass)
{
	removal_ended(pass);
	rollout_delete_old(pass);
	rollout_scale_down(pass);
}

/* Clients of v1alpha1 know the two numbers only. */
static void pods_status(struct pass *pass, struct json_object *status)
{
	(void)pass;
	json_object_object_del(status, "selector");
	json_object_object_del(status, "observedGeneration");
}

const struct member_kind member_pods = {
	.kind = &kind_pod,
	.watch = WATCH_POD,
	.label = LABEL_POOL,
	.first_batch = ASB_WRITE_MAX,
	.live = { INDEX_LIVE, TAIL_ALL },
	.ready = { INDEX_READY, TAIL_ALL },
	.ended = { INDEX_ENDED, TAIL_ALL },
	.make = pods_make,
	.missing = pods_missing,
	.orphans = pods_orphans,
	.trim = pods_trim,
	.status = pods_status,
};
