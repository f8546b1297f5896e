/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of keys, the clock, and calling reconcile. Tests drive it; mappings and the host table
 * add keys. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

#define ROUNDS_MAX 1000
#define BACKOFF_FIRST_MS 5u
#define BACKOFF_MAX_MS 1000000u

static struct fake_key *key_of(struct asb_fake *fake, const char *ns, const char *name)
{
	CLEANUP_FREE char *text = xprintf("%s/%s", ns, name);
	struct fake_key *key = map_get(&fake->keys, text);

	if (key == NULL) {
		key = xnew(struct fake_key);
		key->key = xstrdup(text);
		key->ns = xstrdup(ns);
		key->name = key->key + strlen(ns) + 1;
		map_put(&fake->keys, key->key, key);
	}
	return key;
}

static void drop_delay(struct asb_fake *fake, struct fake_key *key)
{
	if (heap_has(&key->delay)) {
		heap_remove(&fake->delayed, &key->delay);
	}
}

static void append(struct asb_fake *fake, struct fake_key *key)
{
	drop_delay(fake, key);
	key->queued = true;
	key->next = NULL;
	*(fake->queue_last != NULL ? &fake->queue_last->next : &fake->queue_first) = key;
	fake->queue_last = key;
	fake->queued++;
}

/* Takes a key out of the queue, wherever it stands. */
static void unqueue(struct asb_fake *fake, struct fake_key *key)
{
	struct fake_key *previous = NULL;

	for (struct fake_key *at = fake->queue_first; at != key; at = at->next) {
		previous = at;
	}
	*(previous != NULL ? &previous->next : &fake->queue_first) = key->next;
	if (fake->queue_last == key) {
		fake->queue_last = previous;
	}
	key->queued = false;
	fake->queued--;
}

void run_enqueue(struct asb_fake *fake, const char *ns, const char *name, uint64_t delay_ms)
{
	struct fake_key *key = key_of(fake, ns, name);
	uint64_t when = delay_ms < INT64_MAX - (uint64_t)fake->now_ms
				? (uint64_t)fake->now_ms + delay_ms
				: INT64_MAX;

	if (key->queued || (delay_ms > 0 && heap_has(&key->delay) && key->delay.when <= when)) {
		return;
	}
	if (delay_ms == 0) {
		append(fake, key);
		return;
	}
	drop_delay(fake, key);
	key->delay.when = when;
	heap_push(&fake->delayed, &key->delay);
}

static void forget_memory(struct fake_key *key)
{
	free(TAKE(key->memory));
	key->memory_size = 0;
}

void run_forget(struct asb_fake *fake, const char *ns, const char *name)
{
	struct fake_key *key = key_of(fake, ns, name);

	/* The reconcile that runs may have it in hand: then it is freed at its end. */
	if (!key->running) {
		forget_memory(key);
	}
}

void run_clear(struct asb_fake *fake)
{
	struct fake_key *key;
	size_t at = 0;

	while ((key = map_next(&fake->keys, &at, NULL)) != NULL) {
		free(key->memory);
		free(key->key);
		free(key->ns);
		free(key);
	}
	map_finish(&fake->keys);
	heap_finish(&fake->delayed);
	fake->delayed = (struct heap)HEAP_INIT;
	fake->queue_first = NULL;
	fake->queue_last = NULL;
	fake->queued = 0;
}

void run_collect(struct asb_fake *fake)
{
	do {
		cache_update(fake);
	} while (!fake->collector_paused && objects_collect(fake->objects) > 0);
}

void asb_fake_pause_garbage_collector(struct asb_fake *fake, bool pause)
{
	fake->collector_paused = pause;
	run_collect(fake);
}

/* What follows from a result. */
static void conclude(struct asb_fake *fake, struct fake_key *key, int32_t result, uint64_t after_ms)
{
	uint64_t backoff = BACKOFF_FIRST_MS;

	switch (result) {
	case ASB_REQUEUE_AFTER:
		run_enqueue(fake, key->ns, key->name, after_ms);
		break;
	case ASB_ERROR:
		for (uint32_t i = 0; i < key->failures && backoff < BACKOFF_MAX_MS; i++) {
			backoff *= 2;
		}
		key->failures++;
		run_enqueue(fake, key->ns, key->name,
			    backoff < BACKOFF_MAX_MS ? backoff : BACKOFF_MAX_MS);
		return;
	case ASB_DONE:
	case ASB_TERMINAL_ERROR:
		break;
	default:
		fake_fatal("reconcile of %s returned %d, which is not a result of reconcile",
			   key->key, result);
	}
	key->failures = 0;
}

static int32_t reconcile(struct asb_fake *fake, struct fake_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	const struct asb_key place = { key->ns, key->name };
	struct fake_call call;
	int32_t result;

	if (fake->current != NULL) {
		fake_fatal("reconcile of %s was asked for within a reconcile", key->key);
	}
	*ret_requeue_after_ms = 0;
	call_init(&call, fake, key);
	fake->current = &call;
	key->running = true;
	result = fake->plugin->reconcile(fake->state, &call.call, &place, ret_requeue_after_ms);
	key->running = false;
	fake->current = NULL;
	arena_finish(&call.arena);
	if (objects_get(fake->objects, fake->kinds[0]->kind, key->ns, key->name) == NULL) {
		forget_memory(key);
	}
	conclude(fake, key, result, *ret_requeue_after_ms);
	run_collect(fake);
	return result;
}

static void queue_due(struct asb_fake *fake)
{
	struct heap_node *node;

	while ((node = heap_peek(&fake->delayed)) != NULL && node->when <= (uint64_t)fake->now_ms) {
		append(fake, CONTAINER_OF(node, struct fake_key, delay));
	}
}

int asb_fake_settle(struct asb_fake *fake)
{
	run_collect(fake);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		queue_due(fake);
		if (fake->queued == 0) {
			return 0;
		}
		for (size_t rest = fake->queued; rest > 0 && fake->queued > 0; rest--) {
			struct fake_key *key = fake->queue_first;
			uint64_t after_ms;

			unqueue(fake, key);
			reconcile(fake, key, &after_ms);
		}
	}
	return -1;
}

int32_t asb_fake_reconcile(struct asb_fake *fake, const char *ns, const char *name,
			   uint64_t *ret_requeue_after_ms)
{
	struct fake_key *key;
	uint64_t after_ms;
	int32_t result;

	run_collect(fake);
	key = key_of(fake, ns, name);
	if (key->queued) {
		unqueue(fake, key);
	}
	drop_delay(fake, key);
	result = reconcile(fake, key, &after_ms);
	if (ret_requeue_after_ms != NULL) {
		*ret_requeue_after_ms = after_ms;
	}
	return result;
}

int asb_fake_advance(struct asb_fake *fake, uint64_t ms)
{
	int64_t target = fake->now_ms + (int64_t)ms;
	struct heap_node *node;
	int r = asb_fake_settle(fake);

	while (r == 0 && (node = heap_peek(&fake->delayed)) != NULL &&
	       node->when <= (uint64_t)target) {
		fake->now_ms = (int64_t)node->when;
		r = asb_fake_settle(fake);
	}
	fake->now_ms = target;
	return r;
}

int64_t asb_fake_now_ms(struct asb_fake *fake)
{
	return fake->now_ms;
}

int64_t asb_fake_next_ms(struct asb_fake *fake)
{
	const struct heap_node *node = heap_peek(&fake->delayed);

	return node != NULL ? (int64_t)node->when - fake->now_ms : -1;
}
