/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces the pods of an old podTemplate by those of the new one, a few at a time, so that claims
 * always find pods. reconcile.c retires old pods here, pods.c and surplus.c ask how many there may
 * be.
 *
 * Pods without a hash (the Go controller made them) count as current: nobody can tell, and they are
 * good pods.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

int64_t rollout_current(struct pool *pool, uint32_t index)
{
	return pool_count(pool, index, pool->hash) + pool_count(pool, index, "");
}

/* Without a template nothing is old: there would be nothing to replace it. */
static int64_t count_old(struct pool *pool)
{
	if (pool->template == NULL) {
		return 0;
	}
	return pool_count(pool, INDEX_LIVE, ALL) - rollout_current(pool, INDEX_LIVE);
}

int64_t rollout_limit(struct pool *pool)
{
	int64_t surge = pool->replicas < 20 ? 1 : pool->replicas / 10;

	if (pool->replicas == 0 || count_old(pool) <= 0) {
		return pool->replicas;
	}
	return pool->replicas + surge;
}

/* An old pod may go when those that stay, old ones and new ones that are Ready, still are replicas.
 */
static int64_t wanted(struct pool *pool)
{
	int64_t old = count_old(pool);
	int64_t spare = old + (old > 0 ? rollout_current(pool, INDEX_READY) : 0) - pool->replicas;

	return spare < old ? spare : old;
}

/*
 * Appends old pods from one end of INDEX_HASHES. Pods stand there by the rank of their hash, so
 * those with another than the current one are at one end or the other, however many current ones
 * are between.
 */
static uint32_t pick_from(struct pool *pool, const char *tail, uint32_t flags, uint32_t limit,
			  uint32_t count, struct json_object *ret[])
{
	struct json_object *const *pods = NULL;
	int64_t current = hash_rank(pool->hash);
	uint32_t found = pool_list(pool, INDEX_HASHES, tail, limit - count,
				   flags | ASB_LIST_UNRESERVED, &pods);

	for (uint32_t i = 0; i < found; i++) {
		const char *hash = asb_annotation(pods[i], ANNOTATION_HASH);
		int64_t rank = hash != NULL ? hash_rank(hash) : current;

		if ((flags & ASB_LIST_REVERSE) != 0 ? rank <= current : rank >= current) {
			break;
		}
		ret[count++] = pods[i];
	}
	return count;
}

/* Those that are not Ready first: claims can do without them. */
static const char *const tails[] = { UNREADY, READY };

static uint32_t pick_old(struct pool *pool, uint32_t limit, struct json_object *ret[])
{
	uint32_t count = 0;

	for (size_t i = 0; i < 2 && count < limit; i++) {
		count = pick_from(pool, tails[i], 0, limit, count, ret);
		if (count < limit) {
			count = pick_from(pool, tails[i], ASB_LIST_REVERSE, limit, count, ret);
		}
	}
	return count;
}

static const struct removal old_ones = { .wanted = wanted, .pick = pick_old };

void rollout_retire(struct pool *pool)
{
	surplus_run(pool, &old_ones);
}
