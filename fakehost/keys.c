/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the plugin's own kind: the queue, the delays and the state of each key. The host
 * table and fakehost/enqueue.c add keys, fakehost/run.c takes them. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

struct fake_key *keys_get(struct asb_fake *fake, const char *ns, const char *name)
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

static void keys_drop_delay(struct asb_fake *fake, struct fake_key *key)
{
	if (heap_has(&key->delay)) {
		heap_remove(&fake->delayed, &key->delay);
	}
}

static void keys_append(struct asb_fake *fake, struct fake_key *key)
{
	keys_drop_delay(fake, key);
	key->queued = true;
	key->next = NULL;
	*(fake->queue_last != NULL ? &fake->queue_last->next : &fake->queue_first) = key;
	fake->queue_last = key;
	fake->queued++;
}

void keys_take(struct asb_fake *fake, struct fake_key *key)
{
	struct fake_key *previous = NULL;

	keys_drop_delay(fake, key);
	if (!key->queued) {
		return;
	}
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

void keys_enqueue(struct asb_fake *fake, const char *ns, const char *name, uint64_t delay_ms)
{
	struct fake_key *key = keys_get(fake, ns, name);
	uint64_t when = delay_ms < INT64_MAX - (uint64_t)fake->now_ms
				? (uint64_t)fake->now_ms + delay_ms
				: INT64_MAX;

	if (key->queued || (delay_ms > 0 && heap_has(&key->delay) && key->delay.when <= when)) {
		return;
	}
	if (delay_ms == 0) {
		keys_append(fake, key);
		return;
	}
	keys_drop_delay(fake, key);
	key->delay.when = when;
	heap_push(&fake->delayed, &key->delay);
}

void keys_forget_state(struct asb_fake *fake, struct fake_key *key)
{
	record_uncount(fake, key);
	free(TAKE(key->state));
	key->state_size = 0;
}

void keys_forget(struct asb_fake *fake, const char *ns, const char *name)
{
	struct fake_key *key = keys_get(fake, ns, name);

	/* A reconcile of this key may be using its state: then run.c frees it at the end. */
	if (!key->running) {
		keys_forget_state(fake, key);
	}
}

void keys_clear(struct asb_fake *fake)
{
	struct fake_key *key;
	size_t at = 0;

	while ((key = map_next(&fake->keys, &at, NULL)) != NULL) {
		keys_forget_state(fake, key);
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

void keys_queue_due(struct asb_fake *fake)
{
	struct heap_node *node;

	while ((node = heap_peek(&fake->delayed)) != NULL && node->when <= (uint64_t)fake->now_ms) {
		keys_append(fake, CONTAINER_OF(node, struct fake_key, delay));
	}
}
