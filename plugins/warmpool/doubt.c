/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods whose write had no response: each counts as existing until the API server says that it does
 * not. reconcile.c settles them before anything else; pods.c adds to them.
 *
 * A POST may still be on its way when its name is read and not found. The next pod is therefore
 * given the same name: whichever POST comes second finds the name taken, and the pool never has one
 * pod too many.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

enum response { ANSWER_EXISTS, ANSWER_MISSING, ANSWER_SETTLED, ANSWER_NONE };

/* Whether the store has the last word on this pod: it shows who controls it, or that it goes. */
static bool store_knows(struct pool *pool, const char *name)
{
	struct json_object *pod = asb_get(pool->call, WATCH_POD, pool->key->ns, name);

	return pod != NULL && (asb_controller(pod, NULL) != NULL || asb_deleting(pod));
}

static enum response ask(struct pool *pool, const char *name)
{
	struct json_object *pod = NULL;
	int32_t result;

	if (store_knows(pool, name)) {
		return ANSWER_SETTLED;
	}
	result = pool->host->get_live(pool->call, WATCH_POD, pool->key->ns, name, &pod);
	if (result == ASB_NOT_FOUND) {
		return ANSWER_MISSING;
	}
	if (result != ASB_OK) {
		return ANSWER_NONE;
	}
	/* Another's, going or without a controller: not one of ours that the store has yet to show.
	 */
	return asb_controlled_by(pod, &warmpool_watches[WATCH_POOL].kind, pool->uid) &&
			       !asb_deleting(pod)
		       ? ANSWER_EXISTS
		       : ANSWER_SETTLED;
}

static void copy_name(char ret[POD_NAME_SIZE], const char *name)
{
	snprintf(ret, POD_NAME_SIZE, "%s", name);
}

bool doubt_settle(struct pool *pool)
{
	struct pool_memory *memory = pool->memory;
	unsigned int count = memory->doubts;
	bool certain = true;

	memory->doubts = 0;
	for (unsigned int i = 0; i < count; i++) {
		char name[POD_NAME_SIZE];

		copy_name(name, memory->doubt[i]);
		switch (ask(pool, name)) {
		case ANSWER_NONE:
			certain = false;
			pool->failed = true;
			doubt_add(pool, name);
			(void)pool->host->fail(pool->call, ASB_ERROR, "cannot read Pod '%s'", name);
			break;
		case ANSWER_EXISTS:
			pool_again(pool, LOOK_AGAIN_MS);
			doubt_add(pool, name);
			break;
		case ANSWER_MISSING:
			copy_name(pool->again[pool->agains++], name);
			break;
		case ANSWER_SETTLED:
			break;
		}
	}
	return certain;
}

void doubt_add(struct pool *pool, const char *pod_name)
{
	struct pool_memory *memory = pool->memory;

	for (unsigned int i = 0; i < memory->doubts; i++) {
		if (strcmp(memory->doubt[i], pod_name) == 0) {
			return;
		}
	}
	if (memory->doubts < DOUBTS_MAX) {
		copy_name(memory->doubt[memory->doubts++], pod_name);
	}
}

unsigned int doubt_room(const struct pool *pool)
{
	return DOUBTS_MAX - pool->memory->doubts;
}
