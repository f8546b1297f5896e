/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet server: what the API server asks of the node, over HTTP on a UNIX socket (0600):
 *
 *	GET /logs/{pod uid}/{container}?tailLines=&sinceSeconds=&limitBytes=&follow=&timestamps=&previous=
 *	POST /exec/{pod uid}/{container}?command=...&command=...&stdin=&tty=    Upgrade: agent-sandbox-exec
 *	POST /attach/{pod uid}/{container}?stdin=&tty=                          Upgrade: agent-sandbox-exec
 *	POST /portforward/{pod uid}/{port}                                      Upgrade: agent-sandbox-forward
 *
 * After a 101 the connection speaks net/exec-frame.h, or carries the bytes of the pod's port. The
 * client sends nothing before the response.
 *
 * Each connection carries one request and has a thread of its own; the response ends with the
 * connection. A header section must be complete within ten seconds; with too many connections
 * the one that has waited longest for its header section is closed (net/http-guard.h).
 */
#ifndef ASB_NODE_SERVER_KUBELET_SERVER_H
#define ASB_NODE_SERVER_KUBELET_SERVER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sched.h"
#include "node/runtime/runtime.h"

/* Fewer than JOBS_MAX (node/pod/jobs.h): closed connections keep their threads until these have
 * noticed. */
#define KUBELET_CONNECTIONS_MAX 192

struct kubelet_server;
/* Replaces a socket on which no process listens. NULL and *reterr where it cannot listen. */
struct kubelet_server *kubelet_server_create(struct sched *sched, struct runtime *runtime,
					     const char *path, struct error *reterr);
/* Takes no more requests and ends those that can be ended; false: some still wait for the runtime
 * after two seconds, and the server must be left as it is. */
bool kubelet_server_stop(struct kubelet_server *server);
void kubelet_server_destroy(struct kubelet_server *server);

#endif
