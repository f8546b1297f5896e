/* SPDX-License-Identifier: Apache-2.0 */
/* Calls reconcile for the keys that are due, and moves the clock. Tests call it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

#define ROUNDS_MAX 1000
#define BACKOFF_FIRST_MS 5u
#define BACKOFF_MAX_MS 1000000u

/* Does what a result asks for. */
static void run_handle_result(struct asb_fake *fake, struct fake_key *key, int32_t result,
			      uint64_t after_ms)
{
	uint64_t backoff = BACKOFF_FIRST_MS;

	switch (result) {
	case ASB_REQUEUE_AFTER:
		keys_enqueue(fake, key->ns, key->name, after_ms);
		break;
	case ASB_ERROR:
		for (uint32_t i = 0; i < key->failures && backoff < BACKOFF_MAX_MS; i++) {
			backoff *= 2;
		}
		key->failures++;
		keys_enqueue(fake, key->ns, key->name,
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

static int32_t run_reconcile(struct asb_fake *fake, struct fake_key *key,
			     uint64_t *ret_requeue_after_ms)
{
	const struct asb_key place = { key->ns, key->name };
	struct fake_call call;
	int32_t result;

	if (fake->current != NULL) {
		fake_fatal("a reconcile of %s was started within a reconcile", key->key);
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
		keys_forget_state(fake, key);
	}
	run_handle_result(fake, key, result, *ret_requeue_after_ms);
	update_collect(fake);
	return result;
}

int asb_fake_settle(struct asb_fake *fake)
{
	update_collect(fake);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		keys_queue_due(fake);
		if (fake->queued == 0) {
			return 0;
		}
		for (size_t rest = fake->queued; rest > 0 && fake->queued > 0; rest--) {
			struct fake_key *key = fake->queue_first;
			uint64_t after_ms;

			keys_take(fake, key);
			run_reconcile(fake, key, &after_ms);
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

	update_collect(fake);
	key = keys_get(fake, ns, name);
	keys_take(fake, key);
	result = run_reconcile(fake, key, &after_ms);
	if (ret_requeue_after_ms != NULL) {
		*ret_requeue_after_ms = after_ms;
	}
	return result;
}

int asb_fake_advance(struct asb_fake *fake, uint64_t ms)
{
	int64_t target = fake->now_ms + (int64_t)ms;
	struct heap_node *node;
	int code = asb_fake_settle(fake);

	while (code == 0 && (node = heap_peek(&fake->delayed)) != NULL &&
	       node->when <= (uint64_t)target) {
		fake->now_ms = (int64_t)node->when;
		code = asb_fake_settle(fake);
	}
	fake->now_ms = target;
	return code;
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
