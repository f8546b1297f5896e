/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the libcurl transport share. An exchange is one request and its response; a
 * wire is an easy handle that carries one exchange after another; an auth is what all exchanges
 * with the same credentials send.
 */
#ifndef ASB_NET_CURL_INTERNAL_H
#define ASB_NET_CURL_INTERNAL_H

#include <curl/curl.h>

#include "net/curl-transport.h"

#define CONNECT_TIMEOUT_MS 5000L
#define REQUEST_BUFFER 16384L /* a TLS record; libcurl keeps one for each easy handle */
#define STREAM_BUFFER 32768L  /* a watch is one long read */
#define HEAD_MAX (128u << 10) /* of one response: libcurl itself would take any number of headers */
#define HEADER_LINE_MAX (64u << 10) /* of a request: tokens with many groups run to some KiB */
#define URL_MAX (64u << 10)
#define RETRY_AFTER_MAX_MS 3600000u /* a server that says more is not believed */

/* The headers and the certificate of one set of credentials. Immutable but for refs. */
struct auth {
	uint64_t id; /* never used twice */
	uint64_t generation;
	char *authorization; /* as the source gave it, or NULL */
	char *certificate;   /* PEM, with the generation in front (see auth_create); or NULL */
	char *key;
	struct curl_slist *headers; /* of every request */
	unsigned int refs;          /* transport->lock */
};

/* Requests that one caller waits for. Lives on the caller's stack. */
struct batch {
	struct sched_cond done;
	size_t pending; /* transport->lock */
};

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	struct auth *auth;
	uint64_t deadline_us;
	struct batch *batch;   /* NULL: a stream */
	struct exchange *next; /* in a queue */
	transport_bytes bytes; /* a stream's */
	void *bytes_arg;
	bool bytes_ended; /* bytes returned nonzero */
	bool too_big;
	bool head_seen;
	bool head_whole; /* the empty line came */
	size_t head_size;
	uint64_t last_byte_us;
};

struct wire {
	struct curl_transport *transport;
	CURL *easy;
	struct wire *next;         /* in the list of idle ones */
	struct exchange *exchange; /* NULL: idle */
	uint64_t auth_id;          /* whose certificate the handle has */
	struct buf url, accept, content_type;
	struct curl_slist accept_node, content_type_node; /* in front of the auth's headers */
	char error[CURL_ERROR_SIZE];
};

/* A stream that runs, so that stop can wake it. */
struct stream {
	CURLM *multi;
	struct stream *next, **link;
};

struct curl_transport {
	struct transport base;
	struct sched *sched;

	/* Constant after create. */
	char *base_url; /* without a slash at the end; tls_server_name as host if there is one */
	struct curl_slist *connect_to;
	char **headers; /* NULL-terminated */
	char *ca_pem, *ca_file, *proxy_url, *user_agent, *unix_socket;
	bool insecure;
	uint32_t connections;
	struct http_credentials_source source;

	struct sched_mutex lock;
	struct auth *auth;            /* lock: the newest */
	uint64_t last_auth_id;        /* lock */
	struct exchange *queue;       /* lock: submitted, not yet seen by the request thread */
	struct exchange **queue_tail; /* lock */
	bool polling;                 /* lock: the request thread needs a wakeup to see the queue */
	bool stopping;                /* lock */
	struct stream *streams;       /* lock */

	CURLM *multi; /* the request thread's; others only wake it */
	struct sched_thread *thread;
	struct exchange *waiting;       /* request thread: no free connection yet */
	struct exchange **waiting_tail; /* request thread */
	struct wire *idle;              /* request thread */
	struct wire **wires;            /* request thread: all of them, wire_count <= connections */
	uint32_t wire_count, active;    /* request thread */
};

/* curl-auth.c: credentials. */
/* The auth for the next request, with a reference; NULL and *reterr when there are no credentials
 * to be had. */
struct auth *auth_acquire(struct curl_transport *transport, struct error *reterr);
/* After a 401 to old: another auth than old, with a reference; NULL if there is no other. */
struct auth *auth_renew(struct curl_transport *transport, const struct auth *old);
/* Fails a response that has no credentials to be asked with. */
void auth_missing(struct http_response *response, const struct error *error);
void auth_release(struct curl_transport *transport, struct auth *auth);

/* curl-wire.c: easy handles. */
struct wire *wire_create(struct curl_transport *transport, long buffer_size, struct error *reterr);
void wire_destroy(struct wire *wire);
/* Readies the handle for an exchange; timeout_ms 0 is none. Negative: the response says why. */
int wire_begin(struct wire *wire, struct exchange *exchange, long timeout_ms);
/* Fills the response's result from what libcurl says and lets go of the exchange. */
void wire_end(struct wire *wire, CURLcode code);
/* The same for an exchange that is given up. */
void wire_cancel(struct wire *wire, int result, const char *why);
/* Fails an exchange that no wire has. */
void exchange_fail(struct exchange *exchange, int result, const char *why);

/* curl-engine.c: the request thread. */
void engine_run(void *transport);
/* Frees what the thread leaves. */
void engine_finish(struct curl_transport *transport);

/* curl-stream.c */
void stream_run(struct transport *transport, const struct http_request *request, uint32_t idle_ms,
		transport_bytes bytes, void *arg, struct http_response *ret);

#endif
