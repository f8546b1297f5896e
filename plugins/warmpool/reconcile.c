/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One turn of a pool: looks at the store, then removes, takes in and makes pods, then tells. The
 * host calls it for a pool whenever the pool, its template or one of its pods has changed.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static const char *const verbs[] = {
	[ASB_CREATE] = "create",     [ASB_PATCH_JSON] = "patch",
	[ASB_PATCH_MERGE] = "patch", [ASB_SET_STATUS] = "set the status of",
	[ASB_DELETE] = "delete",
};

static void pool_value(const struct pool *pool, const char *tail, char ret[256])
{
	snprintf(ret, 256, "%s/%s", pool->uid, tail);
}

int64_t pool_count(struct pool *pool, uint32_t index, const char *tail)
{
	char value[256];

	pool_value(pool, tail, value);
	return (int64_t)asb_count(pool->call, index, value);
}

uint32_t pool_list(struct pool *pool, uint32_t index, const char *tail, uint32_t limit,
		   uint32_t flags, struct json_object *const **ret)
{
	char value[256];

	pool_value(pool, tail, value);
	return pool->host->list(pool->call, index, value, limit, flags, ret);
}

void pool_again(struct pool *pool, uint64_t ms)
{
	if (ms < pool->after_ms) {
		pool->after_ms = ms;
	}
}

void pool_failed(struct pool *pool, const struct asb_write *write)
{
	pool->failed = true;
	(void)pool->host->fail(pool->call, ASB_ERROR, "cannot %s %s '%s': %s", verbs[write->verb],
			       warmpool_watches[write->watch].kind.kind, write->name,
			       write->message);
}

/* The pool's memory, emptied if it is that of an earlier pool of the name. */
static struct pool_memory *recall(struct pool *pool)
{
	struct pool_memory *memory =
		(struct pool_memory *)pool->host->key_state(pool->call, sizeof(struct pool_memory));

	if (strncmp(memory->uid, pool->uid, sizeof(memory->uid) - 1) != 0) {
		*memory = (struct pool_memory){ 0 };
		snprintf(memory->uid, sizeof(memory->uid), "%s", pool->uid);
	}
	return memory;
}

/* The schema forbids what is not 0..INT32_MAX; clamped, no sum of it overflows. */
static int64_t replicas_of(struct json_object *object)
{
	int64_t replicas = asb_int(asb_at(object, "spec", "replicas"), 0);

	return replicas < 0 ? 0 : replicas > INT32_MAX ? INT32_MAX : replicas;
}

/* Finds the template; its absence is told once, and again only after it was there or another was
 * named. */
static void find_template(struct pool *pool)
{
	char hash[9];

	pool->template_name = asb_str(pool->object, "spec", "sandboxTemplateRef", "name");
	if (pool->template_name == NULL) {
		pool->template_name = "";
	}
	pool->template = asb_get(pool->call, WATCH_TEMPLATE, pool->key->ns, pool->template_name);
	if (pool->template != NULL) {
		asb_tree_hash(pool->call, asb_at(pool->template, "spec", "podTemplate"),
			      pool->hash);
		pool->memory->no_template[0] = '\0';
		return;
	}
	asb_name_hash(pool->template_name, hash);
	if (strcmp(pool->memory->no_template, hash) != 0) {
		snprintf(pool->memory->no_template, sizeof(pool->memory->no_template), "%s", hash);
		pool->host->event(pool->call, pool->object, "Warning", "TemplateNotFound",
				  "SandboxTemplate \"%s\" not found", pool->template_name);
	}
}

/* What to tell the host. A failed pool has its backoff, but its status does not wait for that. */
static int32_t result(struct pool *pool, uint64_t *ret_requeue_after_ms)
{
	if (pool->failed) {
		if (pool->after_ms != UINT64_MAX) {
			pool->host->enqueue(pool->call->instance, pool->key->ns, pool->key->name,
					    pool->after_ms);
		}
		return ASB_ERROR;
	}
	if (pool->after_ms != UINT64_MAX) {
		*ret_requeue_after_ms = pool->after_ms;
		return ASB_REQUEUE_AFTER;
	}
	return ASB_DONE;
}

int32_t warmpool_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms)
{
	struct pool pool = {
		.call = call,
		.host = call->host,
		.key = key,
		.object = asb_get(call, WATCH_POOL, key->ns, key->name),
		.budget = WRITES_PER_TURN,
		.after_ms = UINT64_MAX,
	};
	bool certain;

	(void)state;
	pool.uid = asb_uid(pool.object);
	if (pool.uid == NULL) {
		status_forget(call, key);
		return ASB_DONE;
	}
	if (asb_deleting(pool.object)) {
		return ASB_DONE; /* the pods go by their owner reference */
	}
	pool.replicas = replicas_of(pool.object);
	pool.memory = recall(&pool);
	certain = doubt_settle(&pool);
	find_template(&pool);

	/* Room first, so that what is made next fits. */
	surplus_ended(&pool);
	rollout_retire(&pool);
	surplus_trim(&pool);
	if (certain && pool.template != NULL) {
		pods_fill(&pool);
	}
	status_report(&pool);
	return result(&pool, ret_requeue_after_ms);
}
