/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines and the limit of a server's connections, which HTTP libraries do not have: their
 * timeout is of silence alone, so that a client that sends a byte now and then stays for ever, and
 * at their limit they accept nobody any more.
 *
 * A connection has a deadline for its first request's head, TLS handshake included, counted from
 * when it was accepted; for the heads of later requests, from their first byte; for the rest
 * between requests; for a body; and for a response, unless that is a stream, which may go on. When
 * the limit is reached, the connection that has been idle, or has been sending its head or its
 * body, for longest is cut; when there is none, the one with the oldest response that is not a
 * stream.
 *
 * A connection is cut by a shutdown of its socket: who serves it sees the end and closes it. A
 * thread of the guard looks at the deadlines. All functions may be called on any thread.
 */
#ifndef ASB_NET_HTTP_GUARD_H
#define ASB_NET_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/sched.h"

#define HTTP_GUARD_HEAD_US 10000000u /* any client on any network sends a head in less */
#define HTTP_GUARD_SWEEP_US 2000000u /* how often the deadlines are looked at */

enum http_phase {
	HTTP_PHASE_HEAD, /* idle, or a head is coming */
	HTTP_PHASE_BODY,
	HTTP_PHASE_ANSWER,
	HTTP_PHASE_STREAM, /* a response without an end of its own, or no HTTP any more */
	HTTP_PHASE_MAX
};

/* A connection, in the server's memory from http_guard_add to http_guard_remove. */
struct http_link {
	TAILQ_ENTRY(http_link) order; /* guard->lock; in the list of its phase */
	enum http_phase phase;        /* guard->lock */
	int fd;
	bool started;      /* guard->lock; PHASE_HEAD: bytes of a head have come */
	bool doomed;       /* guard->lock; it was cut, and is not removed yet */
	uint64_t since_us; /* guard->lock; of the phase, or of the head's first byte */
	uint64_t
		received; /* guard->lock; bytes that the socket had received when the phase began */
};

struct http_guard_config {
	struct sched *sched;
	size_t limit;     /* of connections */
	uint64_t idle_us; /* from a response to the next head's first byte */
	uint64_t body_us; /* from a head to its body's end */
	uint64_t
		response_us; /* from a request to its response's end; SCHED_FOREVER: without a limit */
	/* Called by the guard's thread after each look, no lock held; NULL: nothing. */
	void (*on_sweep)(void *arg);
	void *arg;
};

struct http_guard;
struct http_guard *http_guard_create(const struct http_guard_config *config);
/* No connection is accepted any more, and the thread ends. */
void http_guard_stop(struct http_guard *guard);
/* Every connection must have been removed. */
void http_guard_destroy(struct http_guard *guard);

/* Whether there is room for one more connection: at the limit, another one is cut for it. */
bool http_guard_accept(struct http_guard *guard);
/* A connection was accepted: its first head may come. */
void http_guard_add(struct http_guard *guard, struct http_link *link, int fd);
/* Its socket is about to be closed. */
void http_guard_remove(struct http_guard *guard, struct http_link *link);
/* It goes on to that phase. */
void http_guard_enter(struct http_guard *guard, struct http_link *link, enum http_phase phase);
/* The first line of a request has arrived. Servers of UNIX sockets call this, since those do not
 * count bytes. */
void http_guard_head(struct http_guard *guard, struct http_link *link);
/* Cuts the connection now, because its request gets no response. */
void http_guard_cut(struct http_guard *guard, struct http_link *link);

/* As many connections as were asked for, or as the limit of open files allows beside those that are
 * reserved for other things (at most half of all); at least 16. */
size_t http_guard_limit(size_t wanted, size_t reserved);

#endif
