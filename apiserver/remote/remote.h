/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl's sessions in pods: exec, attach, port-forward. The client's end is SPDY/3.1 on a
 * descriptor that the HTTP server gave away; the other is the node's unix socket (net/exec-frame.h).
 * A thread for each session, REMOTE_SESSIONS_MAX of them.
 *
 * A session ends when the process has ended and its response was read, or when the client is gone: then
 * the connection to the node is closed, by which the node ends the process.
 */
#ifndef ASB_APISERVER_REMOTE_REMOTE_H
#define ASB_APISERVER_REMOTE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/sched.h"

#define REMOTE_SESSIONS_MAX 64u
#define REMOTE_PROTOCOL "v4.channel.k8s.io" /* of exec and attach: since Kubernetes 1.4 */
#define REMOTE_FORWARD_PROTOCOL "portforward.k8s.io"

/* What the client asked for. */
struct remote_target {
	bool forward; /* else exec or attach */
	char *socket; /* the node's; ours, as is path */
	char *path;   /* "/exec/UID/NAME?...", "/attach/UID/NAME?...", or "/portforward/UID/" */
	bool in, out, err, tty;
	const char *protocol; /* what is answered in X-Stream-Protocol-Version */
};
void remote_target_free(struct remote_target *target);

struct remote;
struct remote *remote_create(struct sched *sched);
/* Ends all sessions and waits for their threads; there will be no more. NULL is fine, here and
 * below. */
void remote_stop(struct remote *remote);
/* Stopped before. */
void remote_destroy(struct remote *remote);

/* Takes a place; false: all are taken. Given back by remote_start's end, or by remote_leave. */
bool remote_enter(struct remote *remote);
void remote_leave(struct remote *remote);

/* The client's connection. receive and send do not wait, and set errno. */
struct remote_wire {
	int fd; /* to be waited for */
	ssize_t (*receive)(void *arg, char *data, size_t size);
	ssize_t (*send)(void *arg, const char *data, size_t size);
	bool (*pending)(void *arg); /* there are bytes for receive that no poll would tell */
	/* Closes it. Called once, on the session's thread or, while all end, at once. */
	void (*done)(void *arg);
	void *arg;
};
/* Answers with 101 and runs a session. */
void remote_start(struct remote *remote, struct remote_target *take_target,
		  const struct remote_wire *wire);

#endif
