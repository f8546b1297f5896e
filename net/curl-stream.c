/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: one long response on a connection of its own, driven in the thread that wants it. The
 * transport's table of operations calls it, and its stop wakes it. */
#include "config.h"

#include <errno.h>

#include "base/memory.h"
#include "net/curl-internal.h"

#define STREAM_POLL_MAX_MS 60000

/* Lists the stream, so that stop can interrupt it. False when the transport is stopped already. */
static bool stream_enlist(struct curl_transport *transport, struct stream *stream)
{
	LOCKED(&transport->lock);
	if (transport->stopping) {
		return false;
	}
	stream->next = transport->streams;
	stream->link = &transport->streams;
	if (stream->next != NULL) {
		stream->next->link = &stream->next;
	}
	transport->streams = stream;
	return true;
}

static void stream_delist(struct curl_transport *transport, struct stream *stream)
{
	LOCKED(&transport->lock);
	*stream->link = stream->next;
	if (stream->next != NULL) {
		stream->next->link = stream->link;
	}
}

static bool stream_stopping(struct curl_transport *transport)
{
	LOCKED(&transport->lock);
	return transport->stopping;
}

/*
 * When the stream has waited too long: for the head, and for all of a response that is not the
 * stream (bytes got nothing, so the request's own deadline holds), or since the last byte.
 */
static uint64_t stream_deadline_of(const struct exchange *exchange, CURL *easy, uint64_t idle_us)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return exchange->head_seen && status == 200 ? exchange->last_byte_us + idle_us
						    : exchange->deadline_us;
}

static bool stream_done(CURLM *multi, CURLcode *ret)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			*ret = message->data.result;
			return true;
		}
	}
	return false;
}

/* Runs the stream to its end. The response says how it ended. */
static void stream_drive(struct wire *wire, CURLM *multi, uint64_t idle_us)
{
	struct curl_transport *transport = wire->transport;

	for (;;) {
		CURLcode code = CURLE_OK;
		int running;

		if (stream_stopping(transport)) {
			wire_cancel(wire, -ECANCELED, "the transport was stopped");
			return;
		}
		if (curl_multi_perform(multi, &running) != CURLM_OK) {
			wire_cancel(wire, -EPROTO, "libcurl failed");
			return;
		}
		if (stream_done(multi, &code)) {
			wire_end(wire, code);
			return;
		}

		uint64_t now = sched_now_us(transport->sched);
		uint64_t deadline = stream_deadline_of(wire->exchange, wire->easy, idle_us);

		if (deadline <= now) {
			wire_cancel(wire, -ETIMEDOUT,
				    wire->exchange->head_seen ? "no byte came for too long"
							      : "no response came in time");
			return;
		}

		uint64_t wait_ms = (deadline - now) / 1000 + 1;

		curl_multi_poll(multi, NULL, 0,
				wait_ms < STREAM_POLL_MAX_MS ? (int)wait_ms : STREAM_POLL_MAX_MS,
				NULL);
	}
}

static void stream_run_on(struct curl_transport *transport, struct wire *wire, CURLM *multi,
			  struct exchange *exchange, uint64_t idle_us)
{
	struct stream stream = { .multi = multi };

	if (!stream_enlist(transport, &stream)) {
		exchange_fail(exchange, -ECANCELED, "the transport was stopped");
		return;
	}
	if (wire_begin(wire, exchange, 0) == 0) {
		if (curl_multi_add_handle(multi, wire->easy) == CURLM_OK) {
			stream_drive(wire, multi, idle_us);
			curl_multi_remove_handle(multi, wire->easy);
		} else {
			wire_cancel(wire, -EPROTO, "libcurl did not take the request");
		}
	}
	stream_delist(transport, &stream);
}

static void stream_run_once(struct curl_transport *transport, struct exchange *exchange,
			    uint64_t idle_us)
{
	struct error error = { 0 };
	struct wire *wire = wire_create(transport, STREAM_BUFFER, &error);
	CURLM *multi = curl_multi_init();

	if (wire == NULL || multi == NULL) {
		exchange_fail(exchange, -ENOMEM,
			      wire == NULL ? error.text : "libcurl has no memory");
	} else {
		stream_run_on(transport, wire, multi, exchange, idle_us);
	}
	wire_destroy(wire);
	curl_multi_cleanup(multi);
}

void stream_run(struct transport *base, const struct http_request *request, uint32_t idle_ms,
		transport_bytes bytes, void *arg, struct http_response *ret)
{
	struct curl_transport *transport = CONTAINER_OF(base, struct curl_transport, base);
	struct error error = { 0 };
	uint64_t deadline = sched_now_us(transport->sched) + request->timeout_ms * UINT64_C(1000);

	*ret = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };

	struct auth *auth = auth_acquire(transport, &error);

	for (int attempt = 0; auth != NULL; attempt++) {
		struct exchange exchange = {
			.request = request,
			.response = ret,
			.auth = auth,
			.deadline_us = deadline,
			.bytes = bytes,
			.bytes_arg = arg,
		};
		struct auth *other = NULL;

		*ret = (struct http_response){ .body = ret->body };
		buf_clear(&ret->body);
		stream_run_once(transport, &exchange, idle_ms * UINT64_C(1000));
		if (ret->result == 0 && ret->status == 401 && attempt == 0) {
			other = auth_renew(transport, auth);
		}
		auth_release(transport, auth);
		if (other == NULL) {
			return;
		}
		auth = other;
	}
	auth_missing(ret, &error);
}
