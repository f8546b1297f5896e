/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What core/client/events.c remembers: for each different event how often it was seen and which
 * Event object counts it, and for each object how many events it may still have. Both are bounded,
 * and forget first what was used least recently. The caller holds a lock.
 */
#ifndef ASB_CORE_CLIENT_EVENT_CORRELATOR_H
#define ASB_CORE_CLIENT_EVENT_CORRELATOR_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/heap.h"
#include "base/map.h"

/* One event as it is reported. Two are the same event if all of this is equal. Strings are
 * borrowed. */
struct event_report {
	struct json_object *about;
	const char *type, *reason;
	const char *message;
	size_t message_length;
};

struct event_link {
	TAILQ_ENTRY(event_link) order;
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

struct event_cache {
	struct map links;
	TAILQ_HEAD(, event_link) order; /* the one that was used least recently is first */
};

struct event_correlator {
	struct event_cache entries, buckets;
};

void event_correlator_init(struct event_correlator *correlator);
void event_correlator_finish(struct event_correlator *correlator);
/* The entry of an event that was reported before, or NULL. */
struct event_entry *event_correlator_find(struct event_correlator *correlator,
					  const struct event_report *report);
/* A new entry for an event that event_correlator_find does not know. NULL when all entries wait to
 * be sent. */
struct event_entry *event_correlator_add(struct event_correlator *correlator,
					 const struct event_report *report);
/* Whether one more event about this object is within EVENTS_BURST and its refill; if so it counts
 * as used. */
bool event_correlator_allow(struct event_correlator *correlator, struct json_object *about,
			    uint64_t now_us);

#endif
