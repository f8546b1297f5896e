/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes pods that a pool does not need, and takes care that none of them is anybody else's.
 * reconcile.c and rollout.c decide when.
 *
 * A pod is reserved for the moment of its deletion, so that no claim picks it meanwhile, and it is
 * deleted only as the store saw it: one that was adopted since has another resourceVersion and
 * stays.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* Nobody else's holder: a claim's is "<ns>/<name>", and no name has a colon. */
static void holder_of(const struct pool *pool, char ret[512])
{
	snprintf(ret, 512, "%s/pool:%s", pool->key->ns, pool->key->name);
}

/* Whether the deletion of one pod went well; if not, it makes no sense to go on in this turn. */
static bool is_removed(struct pool *pool, const struct asb_write *write)
{
	if (write->result == ASB_OK) {
		return true;
	}
	pool_failed(pool, write);
	return false;
}

/* Deletes those of the pods that nobody has reserved meanwhile; false: not now. */
static bool remove_pods(struct pool *pool, struct json_object *const pods[], uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	char holder[512];
	uint32_t sent = 0;
	bool removed = true;

	holder_of(pool, holder);
	for (uint32_t i = 0; i < count; i++) {
		if (pool->host->reserve(pool->call, WATCH_POD, asb_ns(pods[i]), asb_name(pods[i]),
					holder) == ASB_OK) {
			writes[sent] = asb_remove(WATCH_POD, pods[i], true);
			writes[sent++].priority = ASB_PRIORITY_REFILL;
		}
	}
	if (sent == 0) {
		pool_again(pool, LOOK_AGAIN_MS);
		return false;
	}
	pool->budget -= sent;
	(void)pool->host->write_all(pool->call, writes, sent);
	for (uint32_t i = 0; i < sent; i++) {
		pool->host->release(pool->call, WATCH_POD, writes[i].ns, writes[i].name, holder);
		removed = is_removed(pool, &writes[i]) && removed;
	}
	return removed;
}

void surplus_run(struct pool *pool, const struct removal *removal)
{
	int64_t wanted;

	while ((wanted = removal->wanted(pool)) > 0) {
		struct json_object *pods[ASB_WRITE_MAX];
		uint32_t limit = pool->budget < ASB_WRITE_MAX ? pool->budget : ASB_WRITE_MAX;
		uint32_t count;

		if (limit == 0) {
			pool_again(pool, 0);
			return;
		}
		count = removal->pick(pool, wanted < limit ? (uint32_t)wanted : limit, pods);
		if (count == 0) {
			pool_again(pool, LOOK_AGAIN_MS); /* claims have reserved the rest */
			return;
		}
		if (!remove_pods(pool, pods, count)) {
			return;
		}
	}
}

static uint32_t pick_any(struct pool *pool, uint32_t index, uint32_t flags, uint32_t limit,
			 struct json_object *ret[])
{
	struct json_object *const *pods = NULL;
	uint32_t count = pool_list(pool, index, ALL, limit, flags | ASB_LIST_UNRESERVED, &pods);

	for (uint32_t i = 0; i < count; i++) {
		ret[i] = pods[i];
	}
	return count;
}

static int64_t count_ended(struct pool *pool)
{
	return pool_count(pool, INDEX_ENDED, ALL);
}

static uint32_t pick_ended(struct pool *pool, uint32_t limit, struct json_object *ret[])
{
	return pick_any(pool, INDEX_ENDED, 0, limit, ret);
}

static int64_t count_surplus(struct pool *pool)
{
	return pool_count(pool, INDEX_LIVE, ALL) - rollout_limit(pool);
}

static uint32_t pick_newest(struct pool *pool, uint32_t limit, struct json_object *ret[])
{
	return pick_any(pool, INDEX_LIVE, ASB_LIST_REVERSE, limit, ret);
}

static const struct removal ended = { .wanted = count_ended, .pick = pick_ended };
static const struct removal surplus = { .wanted = count_surplus, .pick = pick_newest };

void surplus_ended(struct pool *pool)
{
	surplus_run(pool, &ended);
}

void surplus_trim(struct pool *pool)
{
	surplus_run(pool, &surplus);
}
