/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server of local mode apart from HTTP: a request in, a response out. The HTTP server, tests
 * and other transports stand on it.
 *
 * Thread-safe: any thread may ask. It takes the lock of the objects for short times only, and never
 * while it parses a body or prints a response. A response is one of three: a body; a watch, to be read
 * as it goes on (apiserver/api/watch.h); a stream from elsewhere (logs of a pod).
 */
#ifndef ASB_APISERVER_API_API_H
#define ASB_APISERVER_API_API_H

#include <stdbool.h>
#include <stddef.h>

#include "apiserver/api/budget.h"
#include "base/buf.h"
#include "base/error.h"

#define API_BODY_MAX (3u << 20)     /* bytes of a request's body, as the real server takes them */
#define API_ANSWER_MAX (256u << 20) /* a list that is not asked for in pages */
#define API_UNREAD_MAX (512u << 20) /* of all responses and watches: printed and not sent yet */
#define API_UNREAD_FREE (64u << 10) /* what is not larger is sent in any case */

/* A pod on this node shows a process of the host: no node runs it, and port-forward leads to the address in its annotation. */
#define MIRROR_NODE "agent-sandbox-local"
/* "127.0.0.1:PORT". Honoured for pods on MIRROR_NODE alone, whatever port of the pod is asked for. */
#define MIRROR_FORWARD_ANNOTATION "agent-sandbox.local/port-forward-address"
#define MIRROR_POD "sandbox-router"

struct api;
struct sched;
struct watch;
struct podlog;
struct remote_target;

struct api_config {
	struct sched *sched;
	const char *
		state_dir; /* the directory that keeps the objects; NULL: they are in memory alone */
	const char *ca;    /* PEM, for kube-root-ca.crt; "" for none */
	const char *secret;      /* signs the tokens of service accounts (apiserver/api/token.h) */
	const char *node_socket; /* of the node, for logs; NULL: there is none */
	const char *audit_log;   /* the file that gets a line for each write; NULL: none */
	const char *address;     /* "127.0.0.1:6443", as /api tells it; may be set later */
	size_t unread_max;       /* 0: API_UNREAD_MAX */
};

/* Opens the storage, loads what is there, starts the thread of time (garbage, bookmarks, ends of
 * watches). NULL and *reterr. */
struct api *api_create(const struct api_config *config, struct error *reterr);
/* All watches must be closed, and all shares of responses released. NULL is fine. */
void api_destroy(struct api *api);
void api_set_address(struct api *api, const char *address);
/* Ends all watches, those of later requests too, and wakes their readers. */
void api_stop(struct api *api);

struct api_request {
	const char *method;       /* "GET" ... */
	const char *path;         /* encoded, without the query */
	const char *query;        /* encoded; "" for none */
	const char *accept;       /* "" for none; so the others */
	const char *content_type; /* "" means JSON */
	const char *user;         /* who asks: "system:serviceaccount:NS:NAME", "admin" */
	const char *upgrade;      /* the header's value; NULL for none; so the next */
	const char *protocols;    /* of X-Stream-Protocol-Version, "a, b" */
	const char *body;
	size_t length;
};

struct api_response {
	int status;
	const char *content_type; /* static */
	struct buf body;
	struct budget_share unread; /* of the body; who takes the body takes this too */
	const char *allow;     /* static; for a 405, else NULL */
	int retry_after_s;     /* 0: none */
	char *warnings;        /* one a line for Warning headers, or NULL */
	struct watch *watch;   /* a watch: body is empty */
	struct podlog *podlog; /* logs: so too */
	/* exec, attach, port-forward, with status 101: the connection becomes theirs. */
	struct remote_target *remote;
};

/* Never fails: what goes wrong is a response. *ret need not be initialised. */
void api_handle(struct api *api, const struct api_request *request, struct api_response *ret);
void api_response_finish(struct api_response *response);
/* Makes the Status for what is refused before there is a request. */
void api_refuse(int status, const char *message, struct api_response *ret);

#endif
