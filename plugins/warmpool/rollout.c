/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many pods a pool of Pods may have. When the podTemplate has changed, the pods of the old one
 * are replaced a few at a time, so that claims always find pods. pods.c has pods deleted here and
 * asks how many there may be.
 *
 * Pods without a hash (the Go controller made them) count as current: nobody can tell what they
 * were made from, and they work.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

int64_t rollout_current(struct pass *pass, uint32_t index)
{
	return pass_count(pass, index, pass->hash) + pass_count(pass, index, "");
}

/* Without a template no pod is old: there would be nothing to replace it with. */
static int64_t rollout_count_old(struct pass *pass)
{
	if (pass->template == NULL) {
		return 0;
	}
	return pass_count(pass, INDEX_LIVE, TAIL_ALL) - rollout_current(pass, INDEX_LIVE);
}

int64_t rollout_limit(struct pass *pass)
{
	int64_t surge = pass->replicas < 20 ? 1 : pass->replicas / 10;

	if (pass->replicas == 0 || rollout_count_old(pass) <= 0) {
		return pass->replicas;
	}
	return pass->replicas + surge;
}

/* An old pod may be deleted while the other old pods and the new pods that are Ready are at least
 * replicas. */
static int64_t rollout_count_replaced(struct pass *pass)
{
	int64_t old = rollout_count_old(pass);
	int64_t ready = old > 0 ? rollout_current(pass, INDEX_READY) : 0;
	int64_t spare = old + ready - pass->replicas;

	return spare < old ? spare : old;
}

/*
 * Appends old pods from one end of INDEX_HASHES. Pods are sorted there by the rank of their hash,
 * so pods with another hash than the current one are at one end or the other, however many current
 * ones are in the middle.
 */
static uint32_t rollout_pick_end(struct pass *pass, const char *tail, uint32_t flags,
				 uint32_t limit, uint32_t count, struct json_object *ret[])
{
	struct json_object *const *pods = NULL;
	int64_t current = index_hash_rank(pass->hash);
	uint32_t found = pass_list(pass, INDEX_HASHES, tail, limit - count,
				   flags | ASB_LIST_UNRESERVED, &pods);

	for (uint32_t i = 0; i < found; i++) {
		const char *hash = asb_annotation(pods[i], ANNOTATION_POD_TEMPLATE_HASH);
		int64_t rank = hash != NULL ? index_hash_rank(hash) : current;

		if ((flags & ASB_LIST_REVERSE) != 0 ? rank <= current : rank >= current) {
			break;
		}
		ret[count++] = pods[i];
	}
	return count;
}

/* Pods that are not Ready are deleted first: claims can do without them. */
static const char *const rollout_tails[] = { TAIL_UNREADY, TAIL_READY };

static uint32_t rollout_pick_old(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	uint32_t count = 0;

	for (size_t i = 0; i < 2 && count < limit; i++) {
		count = rollout_pick_end(pass, rollout_tails[i], 0, limit, count, ret);
		if (count < limit) {
			count = rollout_pick_end(pass, rollout_tails[i], ASB_LIST_REVERSE, limit,
						 count, ret);
		}
	}
	return count;
}

void rollout_delete_old(struct pass *pass)
{
	static const struct removal old = {
		.watch = WATCH_POD,
		.wanted = rollout_count_replaced,
		.pick = rollout_pick_old,
	};

	removal_run(pass, &old);
}

static int64_t rollout_count_above(struct pass *pass)
{
	return pass_count(pass, INDEX_LIVE, TAIL_ALL) - rollout_limit(pass);
}

static uint32_t rollout_pick_newest(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	return removal_pick(pass, &pass->members->live, ASB_LIST_REVERSE, limit, ret);
}

void rollout_scale_down(struct pass *pass)
{
	static const struct removal above_limit = {
		.watch = WATCH_POD,
		.wanted = rollout_count_above,
		.pick = rollout_pick_newest,
	};

	removal_run(pass, &above_limit);
}
