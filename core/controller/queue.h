/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work queue of one controller: keys, each at most once, never handed out twice at a time.
 *
 * A key that is added while it waits is still there once; added while it is being worked on, it
 * comes again when that is done. Keys of high priority go before those of normal priority, three to
 * one: of a thousand claims that come at once each is finished before many more are started, and
 * none waits for all. Keys of an initial list have low priority and go behind all others. A delayed
 * key keeps the earlier time. Failed keys come back after 5 ms doubling to 1000 s, until they
 * succeed. Otherwise the semantics are those of client-go's workqueue. Thread-safe.
 */
#ifndef ASB_CORE_CONTROLLER_QUEUE_H
#define ASB_CORE_CONTROLLER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sched.h"
#include "core/observe/metrics.h"

#define QUEUE_BACKOFF_FIRST_US 5000u
#define QUEUE_BACKOFF_MAX_US 1000000000u

enum queue_priority {
	QUEUE_HIGH,   /* something that its reconcile waits for has changed */
	QUEUE_NORMAL, /* the object itself has changed */
	QUEUE_LOW,    /* the object was in the initial list */
};

struct queue;
struct queue_item; /* a key that was handed out */

/* name: the metrics' label. metrics may be NULL. */
struct queue *queue_create(struct sched *sched, struct metrics *metrics, const char *name);
/* After queue_stop, when no worker is inside. */
void queue_destroy(struct queue *queue);

void queue_add(struct queue *queue, const char *ns, const char *name, enum queue_priority priority);
void queue_add_after(struct queue *queue, const char *ns, const char *name, uint64_t delay_us);

/* Waits for a key. NULL after queue_stop. The item is the caller's until queue_done. */
struct queue_item *queue_get(struct queue *queue);
const char *queue_item_ns(const struct queue_item *item);
const char *queue_item_name(const struct queue_item *item);
/* How often in a row it has failed before. */
uint32_t queue_item_failures(const struct queue_item *item);

enum queue_outcome {
	QUEUE_FORGET, /* done; its failures are forgotten */
	QUEUE_RETRY,  /* failed: again after its backoff */
};
/* Gives an item back. FORGET with after_us below SCHED_FOREVER: again after that time at the
 * latest. */
void queue_done(struct queue *queue, struct queue_item *item, enum queue_outcome outcome,
		uint64_t after_us);

/* Everything waiting is forgotten, queue_get returns NULL. */
void queue_stop(struct queue *queue);
/* Keys ready to be handed out. */
size_t queue_depth(struct queue *queue);
/* Whether nothing is ready or being worked on: delayed keys do not count. */
bool queue_idle(struct queue *queue);

#endif
