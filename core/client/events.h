/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events (core/v1) about objects, sent by one thread in the last priority. The same event again is
 * counted in the one that is there (PATCH of count and lastTimestamp, at most one in 30 s each);
 * more than EVENTS_BURST in a short time about one object are dropped, as is what does not fit the
 * queue: an Event is a courtesy, never worth a stall.
 */
#ifndef ASB_CORE_CLIENT_EVENTS_H
#define ASB_CORE_CLIENT_EVENTS_H

#include <json-c/json.h>

#include "base/sched.h"
#include "core/client/client.h"

#define EVENTS_QUEUE_MAX 1000
#define EVENTS_BURST 25 /* about one object, refilled one in 300 s, as client-go does */
#define EVENTS_CACHE_MAX 4096

struct events;
/* component: source.component and reportingComponent. */
struct events *events_create(struct sched *sched, struct client *client, struct metrics *metrics,
			     const char *component);
/* Drops what is queued beyond a second's work and joins the thread. */
void events_stop(struct events *events);
void events_destroy(struct events *events);
/* about: an object with apiVersion, kind and metadata; read during the call only. message is cut at
 * 1024 bytes. Never waits. */
void events_emit(struct events *events, struct json_object *about, const char *type,
		 const char *reason, const char *message);

#endif
