/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a session share. Private to apiserver/remote; all of it belongs to the session's
 * thread. */
#ifndef ASB_APISERVER_REMOTE_REMOTE_PRIVATE_H
#define ASB_APISERVER_REMOTE_REMOTE_PRIVATE_H

#include <poll.h>
#include <stdint.h>

#include "apiserver/remote/remote.h"
#include "apiserver/remote/spdy.h"
#include "base/buf.h"
#include "base/error.h"

#define REMOTE_PIECE 32768u      /* bytes read at a time */
#define REMOTE_FULL (256u << 10) /* that wait to be sent; then nothing more is read */
/* What may stand in a buffer: full, and what one reading of each side adds. */
#define REMOTE_CEILING (REMOTE_FULL + 4 * REMOTE_PIECE)
#define REMOTE_PAIRS_MAX 256u /* connections through one port-forward */
#define REMOTE_POLLS_MAX (REMOTE_PAIRS_MAX + 2)

/* ---- remote-link.c: one connection to the node ---- */

struct link_node {
	int fd; /* -1: none (any more) */
	struct buf in, out;
	int status;    /* of HTTP's answer; 0: none yet. 101: it is taken over */
	bool ended;    /* no more bytes will come */
	bool out_ends; /* when out is empty, so is said */
	bool out_ended;
};
void link_node_init(struct link_node *link);
void link_node_finish(struct link_node *link);
/* -EIO ... and *reterr: nobody answers at the socket. */
int link_node_open(struct link_node *link, const char *socket, const char *path,
		   const char *protocol, struct error *reterr);
/* What to wait for; reads: there is room for what it sends. */
struct pollfd link_node_poll(const struct link_node *link, bool reads);
/* Reads, where it may, and writes once. False: it is broken. */
bool link_node_move(struct link_node *link, short events, bool reads);

/* ---- the two kinds of session ---- */

struct remote_session {
	struct sched *sched;
	const struct remote_target *target;
	struct spdy *spdy;
	struct buf out;       /* frames for the client */
	uint64_t deadline_us; /* the client must have done its part by then; SCHED_FOREVER */
};

struct remote_kind {
	void *(*create)(struct remote_session *session);
	void (*destroy)(void *state);
	const struct spdy_events *events; /* arg is the state */
	/* Nothing more may be read from the client for now. */
	bool (*full)(const void *state);
	/* Up to REMOTE_PAIRS_MAX descriptors to wait for. */
	size_t (*polls)(const void *state, struct pollfd *fds);
	/* The same ones, with what happened. False: the session is over once out is sent. */
	bool (*move)(void *state, const struct pollfd *fds, size_t count);
};

extern const struct remote_kind remote_exec_kind, remote_forward_kind;

#endif
