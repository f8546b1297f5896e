/* SPDX-License-Identifier: Apache-2.0 */
/* The request thread: takes exchanges from the queue, drives them over a bounded set of connections
 * and notifies their batches when they are done. Started by curl-transport.c; callers only see its
 * queue. */
#include "config.h"

#include <errno.h>

#include "base/memory.h"
#include "net/curl-internal.h"

#define POLL_MAX_MS 60000 /* while nothing happens */

static void engine_tell(struct curl_transport *transport, struct exchange *exchange)
{
	struct batch *batch = exchange->batch;

	/* The batch is gone as soon as the lock is: its owner takes it to look. */
	LOCKED(&transport->lock);
	if (--batch->pending == 0) {
		sched_cond_signal(&batch->done);
	}
}

static void engine_fail(struct curl_transport *transport, struct exchange *exchange, int result,
			const char *why)
{
	exchange_fail(exchange, result, why);
	engine_tell(transport, exchange);
}

/* Returns an idle handle, or a new one. */
static struct wire *engine_take_wire(struct curl_transport *transport)
{
	struct wire *wire = transport->idle;

	if (wire != NULL) {
		transport->idle = wire->next;
		return wire;
	}
	wire = wire_create(transport, REQUEST_BUFFER, NULL);
	if (wire != NULL) {
		transport->wires[transport->wire_count++] = wire;
	}
	return wire;
}

static void engine_put_wire(struct curl_transport *transport, struct wire *wire)
{
	wire->next = transport->idle;
	transport->idle = wire;
}

static void engine_start(struct curl_transport *transport, struct exchange *exchange, uint64_t now)
{
	if (exchange->deadline_us <= now) {
		engine_fail(transport, exchange, -ETIMEDOUT, "no connection was free in time");
		return;
	}

	struct wire *wire = engine_take_wire(transport);

	if (wire == NULL) {
		engine_fail(transport, exchange, -ENOMEM,
			    "libcurl has no memory for another handle");
		return;
	}
	/* Rounded up: 0 would mean for ever. */
	if (wire_begin(wire, exchange, (long)((exchange->deadline_us - now + 999) / 1000)) < 0) {
		engine_put_wire(transport, wire);
		engine_tell(transport, exchange);
		return;
	}
	if (curl_multi_add_handle(transport->multi, wire->easy) != CURLM_OK) {
		wire_cancel(wire, -EPROTO, "libcurl did not take the request");
		engine_put_wire(transport, wire);
		engine_tell(transport, exchange);
		return;
	}
	transport->active++;
}

/* Moves the submitted exchanges to the end of the waiting ones. False when the thread has to end.
 */
static bool engine_take_queue(struct curl_transport *transport)
{
	LOCKED(&transport->lock);
	transport->polling = false;
	if (transport->queue != NULL) {
		*transport->waiting_tail = transport->queue;
		transport->waiting_tail = transport->queue_tail;
		transport->queue = NULL;
		transport->queue_tail = &transport->queue;
	}
	return !transport->stopping;
}

static struct exchange *engine_take_waiting(struct curl_transport *transport)
{
	struct exchange *exchange = transport->waiting;

	if (exchange != NULL) {
		transport->waiting = exchange->next;
		if (transport->waiting == NULL) {
			transport->waiting_tail = &transport->waiting;
		}
	}
	return exchange;
}

/* libcurl holds excess requests back too, but does not mind their deadlines meanwhile. */
static void engine_start_waiting(struct curl_transport *transport)
{
	if (transport->waiting == NULL) {
		return;
	}

	uint64_t now = sched_now_us(transport->sched);

	while (transport->active < transport->connections && transport->waiting != NULL) {
		engine_start(transport, engine_take_waiting(transport), now);
	}
}

/* Fails the waiting exchanges whose deadline has passed. Returns the time until the next deadline.
 */
static int engine_expire_waiting(struct curl_transport *transport)
{
	struct exchange **link = &transport->waiting;
	uint64_t now, least = SCHED_FOREVER;

	if (transport->waiting == NULL) {
		return POLL_MAX_MS;
	}
	now = sched_now_us(transport->sched);
	while (*link != NULL) {
		struct exchange *exchange = *link;

		if (exchange->deadline_us <= now) {
			*link = exchange->next;
			engine_fail(transport, exchange, -ETIMEDOUT,
				    "no connection was free in time");
			continue;
		}
		if (exchange->deadline_us < least) {
			least = exchange->deadline_us;
		}
		link = &exchange->next;
	}
	transport->waiting_tail = link;
	return least - now < POLL_MAX_MS * UINT64_C(1000) ? (int)((least - now) / 1000) + 1
							  : POLL_MAX_MS;
}

/* Hands out the responses of finished transfers. True if there was one. */
static bool engine_finish_done(struct curl_transport *transport)
{
	CURLMsg *message;
	int left;
	bool any = false;

	while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}

		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result;
		struct wire *wire = NULL;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&wire);

		struct exchange *exchange = wire->exchange;

		/* In this order: removing may still call back, and the message dies with it. */
		curl_multi_remove_handle(transport->multi, easy);
		wire_end(wire, code);
		transport->active--;
		engine_put_wire(transport, wire);
		engine_tell(transport, exchange);
		any = true;
	}
	return any;
}

static void engine_cancel_all(struct curl_transport *transport)
{
	static const char why[] = "the transport was stopped";
	struct exchange *exchange;

	for (uint32_t i = 0; i < transport->wire_count; i++) {
		struct wire *wire = transport->wires[i];

		exchange = wire->exchange;
		if (exchange != NULL) {
			curl_multi_remove_handle(transport->multi, wire->easy);
			wire_cancel(wire, -ECANCELED, why);
			engine_tell(transport, exchange);
		}
	}
	while ((exchange = engine_take_waiting(transport)) != NULL) {
		engine_fail(transport, exchange, -ECANCELED, why);
	}
}

/* Whether nothing new was submitted. If so, the next submit interrupts the poll. */
static bool engine_about_to_poll(struct curl_transport *transport)
{
	LOCKED(&transport->lock);
	transport->polling = transport->queue == NULL && !transport->stopping;
	return transport->polling;
}

void engine_run(void *arg)
{
	struct curl_transport *transport = arg;
	int running;

	while (engine_take_queue(transport)) {
		engine_start_waiting(transport);
		curl_multi_perform(transport->multi, &running);
		if (engine_finish_done(transport) && transport->waiting != NULL) {
			continue;
		}

		int wait_ms = engine_expire_waiting(transport);

		if (engine_about_to_poll(transport)) {
			curl_multi_poll(transport->multi, NULL, 0, wait_ms, NULL);
		}
	}
	engine_cancel_all(transport);
}

void engine_finish(struct curl_transport *transport)
{
	for (uint32_t i = 0; i < transport->wire_count; i++) {
		wire_destroy(transport->wires[i]);
	}
	free(transport->wires);
	curl_multi_cleanup(transport->multi);
}
