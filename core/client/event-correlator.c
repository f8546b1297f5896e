/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the events that were reported before, and limits how many one object may have. Called by
 * core/client/events.c under its lock. */
#include "config.h"

#include "core/client/event-correlator.h"

#include <agent-sandbox/helpers.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "core/client/events.h"

#define KEY_MAX 4096
#define REFILL_US 300000000u

/* A token bucket of one object. */
struct bucket {
	struct event_link link;
	uint32_t tokens;
	uint64_t since_us; /* the last refill that was counted */
};

/* ---- what was used least recently is first ---- */

/* Looks up an entry and moves it to the end, as the one that was used last. */
static struct event_link *event_cache_use(struct event_cache *cache, const char *key)
{
	struct event_link *link = map_get(&cache->links, key);

	if (link != NULL) {
		TAILQ_REMOVE(&cache->order, link, order);
		TAILQ_INSERT_TAIL(&cache->order, link, order);
	}
	return link;
}

static void event_cache_add(struct event_cache *cache, struct event_link *link, const char *key)
{
	link->key = xstrdup(key);
	map_put(&cache->links, link->key, link);
	TAILQ_INSERT_TAIL(&cache->order, link, order);
}

static void event_cache_remove(struct event_cache *cache, struct event_link *link)
{
	map_remove(&cache->links, link->key);
	TAILQ_REMOVE(&cache->order, link, order);
	free(link->key);
}

/* ---- keys ---- */

static void correlator_append_object(struct buf *out, struct json_object *about)
{
	const char *uid = asb_uid(about), *kind = asb_str(about, "kind"), *name = asb_name(about);

	buf_printf(out, "%s\x1f%s\x1f%s\x1f%s", kind != NULL ? kind : "", asb_ns(about),
		   name != NULL ? name : "", uid != NULL ? uid : "");
}

/* The message counts by its hash: two that collide count as one event, which does no harm. */
static void correlator_append_report(struct buf *out, const struct event_report *report)
{
	uint64_t hash = hash_bytes(HASH_START, report->message, report->message_length);

	correlator_append_object(out, report->about);
	buf_printf(out, "\x1f%s\x1f%s\x1f%016llx", report->type, report->reason,
		   (unsigned long long)hash);
}

/* ---- the correlator ---- */

static struct event_entry *correlator_entry_of(struct event_link *link)
{
	return link != NULL ? CONTAINER_OF(link, struct event_entry, link) : NULL;
}

struct event_entry *event_correlator_find(struct event_correlator *correlator,
					  const struct event_report *report)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);

	correlator_append_report(&key, report);
	return correlator_entry_of(event_cache_use(&correlator->entries, buf_str(&key)));
}

static void correlator_forget_entry(struct event_correlator *correlator, struct event_entry *entry)
{
	event_cache_remove(&correlator->entries, &entry->link);
	json_object_put(entry->body);
	free(entry);
}

/* Forgets the entry that was used least recently of those that have nothing to send. */
static bool correlator_make_room(struct event_correlator *correlator)
{
	struct event_link *link;

	TAILQ_FOREACH(link, &correlator->entries.order, order)
	{
		struct event_entry *entry = correlator_entry_of(link);

		if (!entry->busy && !heap_has(&entry->due)) {
			correlator_forget_entry(correlator, entry);
			return true;
		}
	}
	return false;
}

struct event_entry *event_correlator_add(struct event_correlator *correlator,
					 const struct event_report *report)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
	struct event_entry *entry;

	if (correlator->entries.links.count >= EVENTS_CACHE_MAX &&
	    !correlator_make_room(correlator)) {
		return NULL;
	}
	correlator_append_report(&key, report);
	entry = xnew(struct event_entry);
	event_cache_add(&correlator->entries, &entry->link, buf_str(&key));
	return entry;
}

bool event_correlator_allow(struct event_correlator *correlator, struct json_object *about,
			    uint64_t now_us)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
	struct event_link *link;
	struct bucket *bucket;
	uint64_t refills;

	correlator_append_object(&key, about);
	link = event_cache_use(&correlator->buckets, buf_str(&key));
	if (link == NULL) {
		if (correlator->buckets.links.count >= EVENTS_CACHE_MAX) {
			bucket = CONTAINER_OF(TAILQ_FIRST(&correlator->buckets.order),
					      struct bucket, link);
			event_cache_remove(&correlator->buckets, &bucket->link);
			free(bucket);
		}
		bucket = xnew(struct bucket);
		bucket->tokens = EVENTS_BURST;
		bucket->since_us = now_us;
		event_cache_add(&correlator->buckets, &bucket->link, buf_str(&key));
	} else {
		bucket = CONTAINER_OF(link, struct bucket, link);
	}
	refills = (now_us - bucket->since_us) / REFILL_US;
	bucket->since_us += refills * REFILL_US;
	bucket->tokens = refills < EVENTS_BURST - bucket->tokens
				 ? bucket->tokens + (uint32_t)refills
				 : EVENTS_BURST;
	if (bucket->tokens == 0) {
		return false;
	}
	bucket->tokens--;
	return true;
}

void event_correlator_init(struct event_correlator *correlator)
{
	*correlator = (struct event_correlator){ 0 };
	TAILQ_INIT(&correlator->entries.order);
	TAILQ_INIT(&correlator->buckets.order);
}

void event_correlator_finish(struct event_correlator *correlator)
{
	struct event_link *link;

	while ((link = TAILQ_FIRST(&correlator->entries.order)) != NULL) {
		correlator_forget_entry(correlator, correlator_entry_of(link));
	}
	while ((link = TAILQ_FIRST(&correlator->buckets.order)) != NULL) {
		event_cache_remove(&correlator->buckets, link);
		free(CONTAINER_OF(link, struct bucket, link));
	}
	map_finish(&correlator->entries.links);
	map_finish(&correlator->buckets.links);
}
