/* SPDX-License-Identifier: Apache-2.0 */
/* Which warm pod a claim gets, and its reservation until the Sandbox that names the pod is in the
 * store. sandbox.c asks for a pod before it creates the Sandbox, and keeps or releases the
 * reservation when it knows the result. */
#include "config.h"

#include "plugins/claim/claim.h"

/* How many pools of one template are searched: more would be a mistake, and each costs a lookup. */
#define POOLS_MAX 64
/* Another worker may reserve the same pod first. After this many tries a cold start is faster. */
#define TRIES_MAX 64

struct candidate {
	struct json_object *pod; /* NULL: none yet */
	int64_t rank;
};

static void pick_holder(const struct pass *pass, char ret[VALUE_SIZE])
{
	snprintf(ret, VALUE_SIZE, "%s/%s", pass->key->ns, pass->key->name);
}

void pick_release(struct pass *pass, const char *pod)
{
	char holder[VALUE_SIZE];

	if (*pod == '\0') {
		return;
	}
	pick_holder(pass, holder);
	pass->call->host->release(pass->call, WATCH_POD, pass->key->ns, pod, holder);
}

void pick_keep(struct pass *pass, const char *pod)
{
	if (strlen(pod) >= sizeof(pass->memory->pod)) {
		pick_release(pass, pod);
		pod = "";
	}
	snprintf(pass->memory->pod, sizeof(pass->memory->pod), "%s", pod);
}

void pick_drop(struct pass *pass)
{
	pick_release(pass, pass->memory->pod);
	pass->memory->pod[0] = '\0';
}

static bool pick_reserve(struct pass *pass, const char *pod)
{
	char holder[VALUE_SIZE];

	pick_holder(pass, holder);
	return pass->call->host->reserve(pass->call, WATCH_POD, pass->key->ns, pod, holder) ==
	       ASB_OK;
}

/* The pools that name the template: *ret has them, and their number is returned. The caller leaves
 * out those that are being deleted: their pods are deleted with them. */
static uint32_t pick_pools(struct pass *pass, struct json_object *claim_template,
			   struct json_object *const **ret)
{
	char value[VALUE_SIZE];

	snprintf(value, sizeof(value), "%s/%s", pass->key->ns, asb_name(claim_template));
	return pass->call->host->list(pass->call, INDEX_POOLS_BY_TEMPLATE, value, POOLS_MAX, 0,
				      ret);
}

/* Makes the first free pod of a pool the best one if it is better. hash NULL: of any
 * podTemplate. */
static void pick_offer(struct pass *pass, struct candidate *best, const char *pool,
		       const char *hash)
{
	struct json_object *const *pods = NULL;
	char value[VALUE_SIZE];
	int64_t rank;

	snprintf(value, sizeof(value), "%s/%s%s%s", pass->key->ns, pool, hash != NULL ? "/" : "",
		 hash != NULL ? hash : "");
	if (pass->call->host->list(pass->call, INDEX_WARM_PODS, value, 1, ASB_LIST_UNRESERVED,
				   &pods) == 0) {
		return;
	}
	rank = index_warm_pod_rank(pods[0]);
	if (best->pod == NULL || rank < best->rank) {
		*best = (struct candidate){ .pod = pods[0], .rank = rank };
	}
}

/* The best free pod of all pools: a pod of the current podTemplate if there is one, else of an old
 * one. */
static struct json_object *pick_best(struct pass *pass, struct json_object *const *pools,
				     uint32_t count, const char *hash)
{
	struct candidate best = { 0 };

	for (int current = 1; current >= 0 && best.pod == NULL; current--) {
		for (uint32_t i = 0; i < count; i++) {
			const char *uid = asb_uid(pools[i]);

			if (uid == NULL || asb_deleting(pools[i])) {
				continue;
			}
			if (current) {
				pick_offer(pass, &best, uid, hash);
				pick_offer(pass, &best, uid, "");
			} else {
				pick_offer(pass, &best, uid, NULL);
			}
		}
	}
	return best.pod;
}

/* Whether the pod that an earlier reconcile reserved can still be handed out. Then the same Sandbox
 * is sent again, and a first one that was created after all is not doubled. */
static bool pick_is_still_free(struct pass *pass, struct json_object *const *pools, uint32_t count)
{
	const char *name = pass->memory->pod, *pool;
	struct json_object *pod;

	if (*name == '\0') {
		return false;
	}
	pod = asb_get(pass->call, WATCH_POD, pass->key->ns, name);
	pool = pod != NULL ? index_warm_pod_pool(pod) : NULL;
	for (uint32_t i = 0; pool != NULL && i < count; i++) {
		if (asb_streq(pool, asb_uid(pools[i])) && !asb_deleting(pools[i])) {
			return pick_reserve(pass, name);
		}
	}
	return false;
}

void pick_pod(struct pass *pass, struct json_object *claim_template, struct pick *ret)
{
	struct json_object *const *pools = NULL;
	uint32_t count = pick_pools(pass, claim_template, &pools);
	char hash[65];

	*ret = (struct pick){ 0 };
	for (uint32_t i = 0; i < count; i++) {
		ret->pooled = ret->pooled || !asb_deleting(pools[i]);
	}
	if (pick_is_still_free(pass, pools, count)) {
		snprintf(ret->pod, sizeof(ret->pod), "%s", pass->memory->pod);
		return;
	}
	pick_drop(pass);
	if (!ret->pooled) {
		return;
	}
	asb_tree_hash(pass->call, asb_at(claim_template, "spec", "podTemplate"), hash);
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		struct json_object *pod = pick_best(pass, pools, count, hash);

		if (pod == NULL) {
			return;
		}
		if (pick_reserve(pass, asb_name(pod))) {
			snprintf(ret->pod, sizeof(ret->pod), "%s", asb_name(pod));
			return;
		}
	}
}
