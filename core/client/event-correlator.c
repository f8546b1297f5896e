/* SPDX-License-Identifier: Apache-2.0 */
/* Finds events told before and counts how many an object has had. Called by core/client/events under its
 * lock. */
#include "config.h"

#include "core/client/event-correlator.h"

#include <agent-sandbox/helpers.h>

#include "base/buf.h"
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

/* ---- shelves ---- */

static void unlink_from(struct event_shelf *shelf, struct event_link *link)
{
	*(link->older != NULL ? &link->older->newer : &shelf->oldest) = link->newer;
	*(link->newer != NULL ? &link->newer->older : &shelf->newest) = link->older;
	link->older = link->newer = NULL;
}

static void link_newest(struct event_shelf *shelf, struct event_link *link)
{
	link->older = shelf->newest;
	*(shelf->newest != NULL ? &shelf->newest->newer : &shelf->oldest) = link;
	shelf->newest = link;
}

/* Looks up and notes the use. */
static struct event_link *shelf_use(struct event_shelf *shelf, const char *key)
{
	struct event_link *link = map_get(&shelf->links, key);

	if (link != NULL) {
		unlink_from(shelf, link);
		link_newest(shelf, link);
	}
	return link;
}

static void shelf_add(struct event_shelf *shelf, struct event_link *link, const char *key)
{
	link->key = xstrdup(key);
	map_put(&shelf->links, link->key, link);
	link_newest(shelf, link);
}

static void shelf_remove(struct event_shelf *shelf, struct event_link *link)
{
	map_remove(&shelf->links, link->key);
	unlink_from(shelf, link);
	free(link->key);
}

/* ---- keys ---- */

static void append_object(struct buf *out, struct json_object *about)
{
	const char *uid = asb_uid(about), *kind = asb_str(about, "kind"), *name = asb_name(about);

	buf_printf(out, "%s\x1f%s\x1f%s\x1f%s", kind != NULL ? kind : "", asb_ns(about),
		   name != NULL ? name : "", uid != NULL ? uid : "");
}

/* The message counts by its hash: two that collide are told as one, no harm. */
static void append_told(struct buf *out, const struct event_told *told)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < told->message_length; i++) {
		hash = (hash ^ (unsigned char)told->message[i]) * UINT64_C(1099511628211);
	}
	append_object(out, told->about);
	buf_printf(out, "\x1f%s\x1f%s\x1f%016llx", told->type, told->reason,
		   (unsigned long long)hash);
}

/* ---- the book ---- */

static struct event_entry *entry_of(struct event_link *link)
{
	return link != NULL ? CONTAINER_OF(link, struct event_entry, link) : NULL;
}

struct event_entry *event_book_find(struct event_book *book, const struct event_told *told)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);

	append_told(&key, told);
	return entry_of(shelf_use(&book->entries, buf_str(&key)));
}

static void entry_remove(struct event_book *book, struct event_entry *entry)
{
	shelf_remove(&book->entries, &entry->link);
	json_object_put(entry->body);
	free(entry);
}

/* Forgets the entry that was used least recently of those that have nothing to send. */
static bool make_room(struct event_book *book)
{
	struct event_entry *entry;

	for (struct event_link *link = book->entries.oldest; link != NULL; link = link->newer) {
		entry = entry_of(link);
		if (!entry->busy && !heap_has(&entry->due)) {
			entry_remove(book, entry);
			return true;
		}
	}
	return false;
}

struct event_entry *event_book_add(struct event_book *book, const struct event_told *told)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
	struct event_entry *entry;

	if (book->entries.links.count >= EVENTS_CACHE_MAX && !make_room(book)) {
		return NULL;
	}
	append_told(&key, told);
	entry = xnew(struct event_entry);
	shelf_add(&book->entries, &entry->link, buf_str(&key));
	return entry;
}

bool event_book_allow(struct event_book *book, struct json_object *about, uint64_t now_us)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
	struct event_link *link;
	struct bucket *bucket;
	uint64_t refills;

	append_object(&key, about);
	link = shelf_use(&book->buckets, buf_str(&key));
	if (link == NULL) {
		if (book->buckets.links.count >= EVENTS_CACHE_MAX) {
			bucket = CONTAINER_OF(book->buckets.oldest, struct bucket, link);
			shelf_remove(&book->buckets, &bucket->link);
			free(bucket);
		}
		bucket = xnew(struct bucket);
		bucket->tokens = EVENTS_BURST;
		bucket->since_us = now_us;
		shelf_add(&book->buckets, &bucket->link, buf_str(&key));
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

void event_book_finish(struct event_book *book)
{
	while (book->entries.oldest != NULL) {
		entry_remove(book, entry_of(book->entries.oldest));
	}
	while (book->buckets.oldest != NULL) {
		struct bucket *bucket = CONTAINER_OF(book->buckets.oldest, struct bucket, link);

		shelf_remove(&book->buckets, &bucket->link);
		free(bucket);
	}
	map_finish(&book->entries.links);
	map_finish(&book->buckets.links);
}
