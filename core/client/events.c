/* SPDX-License-Identifier: Apache-2.0 */
/* Takes events from anybody without waiting, and sends them on one thread. Called by the host for
 * plugins. */
#include "config.h"

#include "core/client/events.h"

#include <agent-sandbox/helpers.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "core/client/event-correlator.h"
#include "core/observe/log.h"

#define MESSAGE_MAX 1024
#define REPEAT_US 30000000u /* between two counts of one Event */
#define RETRY_US 10000000u  /* after the server was out of reach */
#define RETRIES 3
#define STOP_US 1000000u
#define NAME_MAX_BYTES 253 /* of an object, as a DNS subdomain */

static const struct asb_kind event_kind = {
	.group = "", .version = "v1", .plural = "events", .kind = "Event"
};

struct events {
	struct sched *sched;
	struct client *client;
	char *component;
	char instance[256];
	struct metric *sent, *dropped;
	struct sched_mutex lock;
	struct sched_cond changed;
	struct sched_thread *thread;        /* NULL once joined */
	struct event_correlator correlator; /* lock */
	struct heap due;                    /* lock */
	bool stopping;                      /* lock */
	uint64_t stop_by_us;                /* lock */
	bool denied_logged;                 /* the thread's own */
};

static void events_count_dropped(struct events *events, const char *reason, double count)
{
	const char *const labels[] = { reason };

	metric_record(events->dropped, count, labels);
}

/* ---- bodies ---- */

/* "<object>.<16 hex digits>": unique, and sorted by object in lists. A name that was cut must not
 * end in a dot or dash. */
static void events_new_name(struct events *events, struct event_entry *entry)
{
	const char *about = asb_str(entry->body, "involvedObject", "name");
	size_t length = strnlen(about, NAME_MAX_BYTES - 17);

	while (length > 0 && (about[length - 1] == '.' || about[length - 1] == '-')) {
		length--;
	}
	snprintf(entry->name, sizeof(entry->name), "%.*s.%016llx", (int)length, about,
		 (unsigned long long)sched_random(events->sched));
}

static struct json_object *events_new_body(const struct events *events,
					   const struct event_report *report)
{
	const char *ns = asb_ns(report->about);
	struct json_object *body = asb_new(&event_kind, *ns != '\0' ? ns : "default", "");
	struct json_object *about = asb_object_in(body, "involvedObject");

	asb_set_str(about, "apiVersion", asb_str(report->about, "apiVersion"));
	asb_set_str(about, "kind", asb_str(report->about, "kind"));
	asb_set_str(about, "namespace", *ns != '\0' ? ns : NULL);
	asb_set_str(about, "name", asb_name(report->about));
	asb_set_str(about, "uid", asb_uid(report->about));
	asb_set_str(about, "resourceVersion", asb_resource_version(report->about));
	asb_set_str(body, "type", report->type);
	asb_set_str(body, "reason", report->reason);
	json_object_object_add(
		body, "message",
		json_object_new_string_len(report->message, (int)report->message_length));
	asb_set_str(asb_object_in(body, "source"), "component", events->component);
	asb_set_str(body, "reportingComponent", events->component);
	asb_set_str(body, "reportingInstance", events->instance);
	return body;
}

static void events_set_time(struct json_object *object, const char *name, int64_t wall_us)
{
	char text[21];

	asb_time_format(wall_us / 1000, text);
	asb_set_str(object, name, text);
}

/* The body of the next write: all of the Event, or what has changed since it was posted. The
 * caller's. Lock held. */
static struct json_object *events_next_body(const struct event_entry *entry)
{
	struct json_object *body = entry->posted ? json_object_new_object() : asb_copy(entry->body);

	if (!entry->posted) {
		asb_set_str(asb_object_in(body, "metadata"), "name", entry->name);
		events_set_time(body, "firstTimestamp", entry->first_us);
	}
	events_set_time(body, "lastTimestamp", entry->last_us);
	json_object_object_add(body, "count", json_object_new_int64(entry->count));
	return body;
}

/* ---- taking ---- */

/* Puts an entry where the thread finds it. Lock held. */
static void events_schedule(struct events *events, struct event_entry *entry, uint64_t when_us)
{
	entry->due.when = when_us;
	heap_push(&events->due, &entry->due);
	sched_cond_signal(&events->changed);
}

/* NULL, or why this event is dropped. Lock held. */
static const char *events_take(struct events *events, const struct event_report *report)
{
	uint64_t now = sched_now_us(events->sched);
	struct event_entry *entry = event_correlator_find(&events->correlator, report);
	bool waits = entry != NULL && (entry->busy || heap_has(&entry->due));

	if (events->stopping) {
		return "stopping";
	}
	/* What waits to be sent anyway only counts; the rest costs the server a request. */
	if (!waits && events->due.count >= EVENTS_QUEUE_MAX) {
		return "queue";
	}
	if (!waits && !event_correlator_allow(&events->correlator, report->about, now)) {
		return "burst";
	}
	if (entry == NULL) {
		entry = event_correlator_add(&events->correlator, report);
		if (entry == NULL) {
			return "queue";
		}
		entry->body = events_new_body(events, report);
		entry->first_us = sched_wall_us(events->sched);
		events_new_name(events, entry);
	}
	entry->count += entry->count < INT32_MAX ? 1 : 0;
	entry->last_us = sched_wall_us(events->sched);
	if (!waits) {
		uint64_t next = entry->sent_us + REPEAT_US;

		events_schedule(events, entry, entry->posted && next > now ? next : now);
	}
	return NULL;
}

void events_emit(struct events *events, struct json_object *about, const char *type,
		 const char *reason, const char *message)
{
	struct event_report report = {
		.about = about,
		.type = type,
		.reason = reason,
		.message = message,
		.message_length = utf8_cut(message, MESSAGE_MAX),
	};
	const char *dropped;

	if (asb_name(about) == NULL || asb_str(about, "kind") == NULL) {
		events_count_dropped(events, "no object", 1);
		return;
	}
	{
		LOCKED(&events->lock);
		dropped = events_take(events, &report);
	}
	if (dropped != NULL) {
		events_count_dropped(events, dropped, 1);
	}
}

/* ---- sending ---- */

/* Waits for an entry to send and marks it busy; NULL: stopped, with no time left or nothing to do.
 * Lock held. */
static struct event_entry *events_next_due(struct events *events)
{
	for (;;) {
		struct heap_node *node = heap_peek(&events->due);
		uint64_t now = sched_now_us(events->sched);

		if (events->stopping && (node == NULL || now >= events->stop_by_us)) {
			return NULL;
		}
		if (node != NULL && (node->when <= now || events->stopping)) {
			struct event_entry *entry = CONTAINER_OF(node, struct event_entry, due);

			heap_remove(&events->due, node);
			entry->busy = true;
			return entry;
		}
		sched_cond_wait(&events->changed, &events->lock,
				node != NULL ? node->when : SCHED_FOREVER);
	}
}

/* What becomes of an entry after a write. NULL, or why it is dropped. Lock held. */
static const char *events_settle(struct events *events, struct event_entry *entry,
				 const struct client_write *write)
{
	uint64_t now = sched_now_us(events->sched);

	entry->busy = false;
	/* The name is random, so the one that exists is what we sent. */
	if (write->result == ASB_OK || (write->result == ASB_ALREADY_EXISTS && !entry->posted)) {
		entry->posted = true;
		entry->failures = 0;
		entry->sent_us = now;
		if (entry->count > entry->sent_count) {
			events_schedule(events, entry, now + REPEAT_US);
		}
		return NULL;
	}
	if (write->result == ASB_NOT_FOUND && entry->posted) {
		/* The server forgets Events after an hour: this one begins again. */
		entry->posted = false;
		events_new_name(events, entry);
		events_schedule(events, entry, now);
		return NULL;
	}
	if (write->result == ASB_UNREACHABLE && entry->failures++ < RETRIES && !events->stopping) {
		events_schedule(events, entry, now + RETRY_US);
		return NULL;
	}
	entry->failures = 0;
	return write->result == ASB_FORBIDDEN ? "denied" : "failed";
}

/* Sends one entry, lock not held: busy keeps it. */
static void events_send_entry(struct events *events, struct event_entry *entry,
			      struct json_object *body, bool posted)
{
	const char *const verb[] = { posted ? "patch" : "create" };
	struct client_write write = {
		.verb = posted ? ASB_PATCH_MERGE : ASB_CREATE,
		.kind = &event_kind,
		.priority = PRIORITY_EVENT,
		.metadata_only = true,
		.ns = asb_str(entry->body, "metadata", "namespace"),
		.name = entry->name,
		.body = body,
	};
	const char *dropped;

	client_write_all(events->client, &write, 1);
	if (write.result == ASB_OK) {
		metric_record(events->sent, 1, verb);
	} else if (write.result == ASB_FORBIDDEN && !events->denied_logged) {
		events->denied_logged = true;
		log_warning("the API server refuses an Event, going on without it: %s",
			    write.message);
	}
	{
		LOCKED(&events->lock);
		dropped = events_settle(events, entry, &write);
	}
	if (dropped != NULL) {
		events_count_dropped(events, dropped, 1);
	}
	client_write_finish(&write);
}

static void events_run(void *arg)
{
	struct events *events = arg;

	for (;;) {
		CLEANUP_JSON struct json_object *body = NULL;
		struct event_entry *entry;
		bool posted;

		{
			LOCKED(&events->lock);
			entry = events_next_due(events);
			if (entry == NULL) {
				break;
			}
			posted = entry->posted;
			entry->sent_count = entry->count;
			body = events_next_body(entry);
		}
		events_send_entry(events, entry, body, posted);
	}
	events_count_dropped(events, "stopping", (double)events->due.count);
}

/* ---- life ---- */

struct events *events_create(struct sched *sched, struct client *client, struct metrics *metrics,
			     const char *component)
{
	struct events *events = xnew(struct events);

	events->sched = sched;
	events->client = client;
	events->component = xstrdup(component);
	/* The pod's name, where there is a pod; a simulation knows no host. */
	if (sched_is_simulation(sched) ||
	    gethostname(events->instance, sizeof(events->instance) - 1) != 0) {
		snprintf(events->instance, sizeof(events->instance), "%s", component);
	}
	if (metrics != NULL) {
		events->sent =
			metrics_family(metrics, "agent_sandbox_events_sent_total",
				       "Events sent, by verb.", METRIC_COUNTER, "verb", NULL);
		events->dropped = metrics_family(metrics, "agent_sandbox_events_dropped_total",
						 "Events dropped, by reason.", METRIC_COUNTER,
						 "reason", NULL);
	}
	event_correlator_init(&events->correlator);
	sched_mutex_init(&events->lock, sched);
	sched_cond_init(&events->changed, sched);
	events->thread = sched_start(sched, "events", events_run, events);
	return events;
}

void events_stop(struct events *events)
{
	{
		LOCKED(&events->lock);
		if (events->stopping) {
			return;
		}
		events->stopping = true;
		events->stop_by_us = sched_now_us(events->sched) + STOP_US;
		sched_cond_broadcast(&events->changed);
	}
	sched_join(TAKE(events->thread));
}

void events_destroy(struct events *events)
{
	if (events == NULL) {
		return;
	}
	events_stop(events);
	heap_finish(&events->due);
	event_correlator_finish(&events->correlator);
	sched_cond_finish(&events->changed);
	sched_mutex_finish(&events->lock);
	free(events->component);
	free(events);
}
