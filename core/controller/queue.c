/* SPDX-License-Identifier: Apache-2.0 */
/* The work queue of one controller. Informers add keys, workers take them; both through
 * core/controller/controller. */
#include "config.h"

#include "core/controller/queue.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/heap.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/memory.h"

enum { QUEUE_PRIORITIES = QUEUE_LOW + 1 };

#define HIGH_IN_A_ROW 3 /* while a key of normal priority waits */

struct queue_item {
	TAILQ_ENTRY(queue_item) position; /* in a ready list */
	struct heap_node delay;
	uint64_t added_us;
	uint32_t failures;
	enum queue_priority
		priority;      /* of the list it is in, or comes to when it was added again */
	bool ready;            /* in a ready list */
	bool processing;       /* handed out */
	bool again;            /* added while handed out */
	const char *ns, *name; /* within text */
	char text[];           /* "ns/name", the key in the map, then ns again */
};

TAILQ_HEAD(ready_list, queue_item);

struct queue {
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond changed; /* something is ready, or an earlier delay, or stopped */
	struct map items;          /* all that follows is guarded by lock */
	struct ready_list ready[QUEUE_PRIORITIES];
	struct heap delayed;
	size_t depth, processing;
	unsigned int
		in_a_row; /* keys of high priority since one of normal priority was handed out */
	bool stopped;
	struct metric *adds, *retries, *waited, *depths;
	char *name;
};

static void queue_update_depth(struct queue *queue)
{
	const char *label = queue->name;

	metric_record(queue->depths, (double)queue->depth, &label);
}

struct queue *queue_create(struct sched *sched, struct metrics *metrics, const char *name)
{
	struct queue *queue = xnew(struct queue);

	queue->sched = sched;
	queue->name = xstrdup(name);
	sched_mutex_init(&queue->lock, sched);
	sched_cond_init(&queue->changed, sched);
	for (size_t priority = 0; priority < QUEUE_PRIORITIES; priority++) {
		TAILQ_INIT(&queue->ready[priority]);
	}
	if (metrics != NULL) {
		queue->adds = metrics_family(metrics, "workqueue_adds_total",
					     "Keys added to the work queue.", METRIC_COUNTER,
					     "name", NULL);
		queue->retries = metrics_family(metrics, "workqueue_retries_total",
						"Keys that failed and were queued again.",
						METRIC_COUNTER, "name", NULL);
		queue->waited = metrics_family(metrics, "workqueue_queue_duration_seconds",
					       "How long a key waited before it was handed out.",
					       METRIC_HISTOGRAM, "name", NULL);
		queue->depths =
			metrics_family(metrics, "workqueue_depth", "Keys ready to be handed out.",
				       METRIC_GAUGE, "name", NULL);
		/* Dashboards expect the series from the start. */
		metric_record(queue->adds, 0, (const char *[]){ queue->name });
		metric_record(queue->retries, 0, (const char *[]){ queue->name });
		queue_update_depth(queue);
	}
	return queue;
}

void queue_destroy(struct queue *queue)
{
	struct queue_item *item;
	size_t at = 0;

	if (queue == NULL) {
		return;
	}
	while ((item = map_next(&queue->items, &at, NULL)) != NULL) {
		free(item);
	}
	map_finish(&queue->items);
	heap_finish(&queue->delayed);
	sched_cond_finish(&queue->changed);
	sched_mutex_finish(&queue->lock);
	free(queue->name);
	free(queue);
}

static struct queue_item *queue_find_or_make(struct queue *queue, const char *ns, const char *name)
{
	size_t ns_length = strlen(ns), size = ns_length + strlen(name) + 2;
	char key[640];
	struct queue_item *item;

	if (size > sizeof(key)) {
		return NULL; /* no such object can exist: names have at most 253 bytes */
	}
	snprintf(key, sizeof(key), "%s/%s", ns, name);
	item = map_get(&queue->items, key);
	if (item == NULL) {
		item = xalloc(sizeof(*item) + size + ns_length + 1);
		memcpy(item->text, key, size);
		memcpy(item->text + size, ns, ns_length + 1);
		item->name = item->text + ns_length + 1;
		item->ns = item->text + size;
		map_put(&queue->items, item->text, item);
	}
	return item;
}

static void queue_append_ready(struct queue *queue, struct queue_item *item,
			       enum queue_priority priority)
{
	if (heap_has(&item->delay)) {
		heap_remove(&queue->delayed, &item->delay);
	}
	item->priority = priority;
	item->ready = true;
	TAILQ_INSERT_TAIL(&queue->ready[priority], item, position);
	queue->depth++;
	queue_update_depth(queue);
	sched_cond_signal(&queue->changed);
}

static void queue_unlink_ready(struct queue *queue, struct queue_item *item)
{
	TAILQ_REMOVE(&queue->ready[item->priority], item, position);
	item->ready = false;
	queue->depth--;
	queue_update_depth(queue);
}

static void queue_add_locked(struct queue *queue, struct queue_item *item,
			     enum queue_priority priority)
{
	if (item->processing) {
		item->priority =
			!item->again || priority < item->priority ? priority : item->priority;
		item->again = true;
		return;
	}
	if (!item->ready) {
		item->added_us = sched_now_us(queue->sched);
		queue_append_ready(queue, item, priority);
	} else if (priority < item->priority) {
		queue_unlink_ready(queue, item); /* somebody asks for it now */
		queue_append_ready(queue, item, priority);
	}
}

void queue_add(struct queue *queue, const char *ns, const char *name, enum queue_priority priority)
{
	LOCKED(&queue->lock);
	struct queue_item *item = queue->stopped ? NULL : queue_find_or_make(queue, ns, name);

	if (item != NULL) {
		metric_record(queue->adds, 1, (const char *[]){ queue->name });
		queue_add_locked(queue, item, priority);
	}
}

static void queue_delay_locked(struct queue *queue, struct queue_item *item, uint64_t when_us)
{
	if (item->ready || (heap_has(&item->delay) && item->delay.when <= when_us)) {
		return;
	}
	if (heap_has(&item->delay)) {
		heap_remove(&queue->delayed, &item->delay);
	}
	item->delay.when = when_us;
	heap_push(&queue->delayed, &item->delay);
	if (heap_peek(&queue->delayed) == &item->delay) {
		/* To all: the one who knows of the delay may get another key before it ends, and be
		 * long at it. */
		sched_cond_broadcast(&queue->changed);
	}
}

static uint64_t queue_later(struct queue *queue, uint64_t delay_us)
{
	uint64_t now = sched_now_us(queue->sched);

	return delay_us < SCHED_FOREVER - now ? now + delay_us : SCHED_FOREVER - 1;
}

void queue_add_after(struct queue *queue, const char *ns, const char *name, uint64_t delay_us)
{
	LOCKED(&queue->lock);
	struct queue_item *item = queue->stopped ? NULL : queue_find_or_make(queue, ns, name);

	if (item == NULL) {
		return;
	}
	if (delay_us == 0) {
		queue_add_locked(queue, item, QUEUE_NORMAL);
	} else {
		queue_delay_locked(queue, item, queue_later(queue, delay_us));
	}
}

static void queue_add_due(struct queue *queue)
{
	struct heap_node *node;

	while ((node = heap_peek(&queue->delayed)) != NULL &&
	       node->when <= sched_now_us(queue->sched)) {
		struct queue_item *item = CONTAINER_OF(node, struct queue_item, delay);

		heap_remove(&queue->delayed, node);
		queue_add_locked(queue, item, QUEUE_NORMAL);
	}
}

static struct queue_item *queue_next_ready(struct queue *queue)
{
	struct queue_item *high = TAILQ_FIRST(&queue->ready[QUEUE_HIGH]),
			  *normal = TAILQ_FIRST(&queue->ready[QUEUE_NORMAL]);

	if (high != NULL && (normal == NULL || queue->in_a_row < HIGH_IN_A_ROW)) {
		queue->in_a_row++;
		return high;
	}
	queue->in_a_row = 0;
	return normal != NULL ? normal : TAILQ_FIRST(&queue->ready[QUEUE_LOW]);
}

struct queue_item *queue_get(struct queue *queue)
{
	LOCKED(&queue->lock);

	for (;;) {
		struct queue_item *item;
		struct heap_node *next;

		if (queue->stopped) {
			return NULL;
		}
		queue_add_due(queue);
		item = queue_next_ready(queue);
		if (item != NULL) {
			queue_unlink_ready(queue, item);
			item->processing = true;
			queue->processing++;
			metric_record(queue->waited,
				      (double)(sched_now_us(queue->sched) - item->added_us) / 1e6,
				      (const char *[]){ queue->name });
			return item;
		}
		next = heap_peek(&queue->delayed);
		sched_cond_wait(&queue->changed, &queue->lock,
				next != NULL ? next->when : SCHED_FOREVER);
	}
}

const char *queue_item_ns(const struct queue_item *item)
{
	return item->ns;
}

const char *queue_item_name(const struct queue_item *item)
{
	return item->name;
}

uint32_t queue_item_failures(const struct queue_item *item)
{
	return item->failures;
}

static uint64_t queue_backoff(uint32_t failures)
{
	uint64_t delay = QUEUE_BACKOFF_FIRST_US;

	for (; failures > 0 && delay < QUEUE_BACKOFF_MAX_US; failures--) {
		delay *= 2;
	}
	return delay < QUEUE_BACKOFF_MAX_US ? delay : QUEUE_BACKOFF_MAX_US;
}

void queue_done(struct queue *queue, struct queue_item *item, enum queue_outcome outcome,
		uint64_t after_us)
{
	LOCKED(&queue->lock);

	item->processing = false;
	queue->processing--;
	if (outcome == QUEUE_RETRY) {
		metric_record(queue->retries, 1, (const char *[]){ queue->name });
		after_us = queue_backoff(item->failures++);
	} else {
		item->failures = 0;
	}
	if (queue->stopped) {
		return;
	}
	if (item->again) {
		item->again = false;
		item->added_us = sched_now_us(queue->sched);
		queue_append_ready(queue, item, item->priority);
	} else if (after_us != SCHED_FOREVER) {
		queue_delay_locked(queue, item, queue_later(queue, after_us));
	} else if (!heap_has(&item->delay)) {
		map_remove(&queue->items, item->text);
		free(item);
	}
}

void queue_stop(struct queue *queue)
{
	LOCKED(&queue->lock);

	queue->stopped = true;
	sched_cond_broadcast(&queue->changed);
}

size_t queue_depth(struct queue *queue)
{
	LOCKED(&queue->lock);

	return queue->depth;
}

bool queue_idle(struct queue *queue)
{
	LOCKED(&queue->lock);

	return queue->depth == 0 && queue->processing == 0;
}
