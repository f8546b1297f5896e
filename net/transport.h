/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between core and the network: a table of two operations. Production is
 * net/curl-transport.h; the simulation responds from memory. Everything above sees only this.
 */
#ifndef ASB_NET_TRANSPORT_H
#define ASB_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define RESPONSE_MAX \
	(16u << 20) /* bytes of one response: etcd holds 1.5 MB objects, lists come in pages */

struct http_request {
	const char *method;       /* "GET" ... */
	const char *path;         /* from the root, with the query: "/api/v1/pods?limit=500" */
	const char *accept;       /* NULL: application/json */
	const char *content_type; /* NULL: no body */
	const char *body;
	size_t body_length;
	uint32_t
		timeout_ms; /* for all of it; a stream: until the first byte of the response's head */
	/* Asked when the connection is there and the request goes out, in any thread; false: it
	 * does not (-ECANCELED). Whatever was made sure of before may be long over by then, if the
	 * process was stopped. NULL: it may. */
	bool (*may_send)(void *arg);
	void *may_send_arg;
};

struct http_response {
	/* 0: the server answered; -ETIMEDOUT, -ECONNREFUSED, -ECANCELED, -EPROTO ...: it did not */
	int result;
	bool maybe_sent;         /* result != 0: the server may have received the request */
	int status;              /* 200 ... */
	uint32_t retry_after_ms; /* from Retry-After, 0: none */
	struct buf body;
	char error[256]; /* result != 0: a sentence */
};

/* Frees the body. */
void http_response_finish(struct http_response *response);

struct transport;

/* Gets bytes of a stream as they come; anything but 0 ends the stream. */
typedef int (*transport_bytes)(void *arg, const char *data, size_t length);

struct transport_ops {
	/* Sends count requests together; returns when each has its response. responses is zeroed by
	 * the callee. */
	void (*perform)(struct transport *transport, const struct http_request *requests,
			struct http_response *responses, size_t count);
	/* One long response, on a connection of its own, in the calling thread. bytes is called
	 * only for a 200; another status is in *ret with its body. Ends when the server ends it,
	 * when idle_ms pass without a byte (-ETIMEDOUT), when bytes says so or the transport is
	 * stopped (-ECANCELED). */
	void (*stream)(struct transport *transport, const struct http_request *request,
		       uint32_t idle_ms, transport_bytes bytes, void *arg,
		       struct http_response *ret);
	/* From now on nothing is sent; what waits returns -ECANCELED soon. Any thread. */
	void (*stop)(struct transport *transport);
};

struct transport {
	const struct transport_ops *ops;
};

static inline void transport_perform(struct transport *transport,
				     const struct http_request *requests,
				     struct http_response *responses, size_t count)
{
	transport->ops->perform(transport, requests, responses, count);
}

#endif
