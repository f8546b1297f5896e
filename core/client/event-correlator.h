/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What core/client/events remembers: for each different event how often it was seen and which Event object
 * counts it, and for each object how many it may still have. Both forget what was used least
 * recently. Not locked.
 */
#ifndef ASB_CORE_CLIENT_EVENT_BOOK_H
#define ASB_CORE_CLIENT_EVENT_BOOK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/map.h"

/* One event as it is told: what makes it the same as another. Strings are borrowed. */
struct event_told {
	struct json_object *about;
	const char *type, *reason;
	const char *message;
	size_t message_length;
};

struct event_link {
	struct event_link *older, *newer;
	char *key;
};

struct event_entry {
	struct event_link link;
	struct heap_node due;      /* in the owner's heap while there is something to send */
	struct json_object *body;  /* of the Event, without name, times and count */
	char name[254];            /* of the Event on the server */
	int64_t first_us, last_us; /* wall clock */
	uint32_t count, sent_count;
	uint64_t sent_us;
	uint32_t failures;
	bool posted; /* it is on the server */
	bool busy;   /* being sent: it must not be forgotten */
};

/* What is remembered of one sort, in order of use. */
struct event_shelf {
	struct map links;
	struct event_link *oldest, *newest;
};

struct event_book {
	struct event_shelf entries, buckets;
};

void event_book_finish(struct event_book *book);
/* The entry of an event told before, or NULL. */
struct event_entry *event_book_find(struct event_book *book, const struct event_told *told);
/* A new entry for an event that find does not know. NULL when all entries wait to be sent. */
struct event_entry *event_book_add(struct event_book *book, const struct event_told *told);
/* Whether one more about this object is within EVENTS_BURST and its refill; takes it. */
bool event_book_allow(struct event_book *book, struct json_object *about, uint64_t now_us);

#endif
