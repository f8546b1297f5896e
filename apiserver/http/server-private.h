/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the HTTP server share. Private to apiserver/http. */
#ifndef ASB_APISERVER_HTTP_SERVER_PRIVATE_H
#define ASB_APISERVER_HTTP_SERVER_PRIVATE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "apiserver/api/api.h"
#include "apiserver/http/server.h"
#include "base/buf.h"
#include "net/http-guard.h"

#define SERVER_URI_MAX 16384u             /* a label selector may be long */
#define SERVER_PARAMETERS_MAX 64u         /* of a query: no route knows a third of that */
#define SERVER_MEMORY (24u << 10)         /* of a connection: its head, and what is being sent */
#define SERVER_SILENCE_S 95u              /* Go's clients close after 90 s of rest themselves */
#define SERVER_REST_US 120000000u         /* from a response to the next request */
#define SERVER_BODY_US 60000000u          /* from a head to its body's end */
#define SERVER_ANSWER_US 600000000u       /* a long list to a slow reader; watches and logs go on */
#define SERVER_BODIES_MAX (128u << 20)    /* of all requests together */
#define SERVER_DISCARD_MAX (256u << 20)   /* of a body too large, so that the client reads why */

struct exchange;
struct stream;
struct remote;

/* A connection, from accept to close. */
struct link {
	struct http_link http;
	struct exchange *exchange; /* its thread's; the request that has begun and has not ended */
};

struct server {
	struct server_config config;
	struct MHD_Daemon *tls, *local;
	char *socket_path;
	uint16_t port;

	struct sched_mutex lock;
	struct stream *streams; /* lock; watches on their way */
	size_t bodies;          /* lock; bytes of all requests */
	bool stopping;          /* lock */
	size_t asks;            /* lock; requests that wait for the node */
	struct sched_cond asked; /* lock; asks became less */
	struct http_guard *guard;
	struct remote *remote; /* sessions in pods */

	/* Logs that wait for bytes (log.c). */
	int epoll, wake_fd;
	uint64_t log_ids;    /* lock */
	struct stream *logs; /* lock; those that sleep */
	struct sched_thread *logger;
};

/* A watch or a log on its way; freed with its response. */
struct stream {
	struct server *server;
	struct MHD_Connection *connection;
	int fd;
	struct stream *previous, *next; /* server->lock; in server->streams */
	struct watch *watch;
	struct podlog *podlog;
	bool dead; /* server->lock; the client is gone */

	struct stream *log_next; /* server->lock */
	uint64_t log_id;
	bool log_sleeps; /* server->lock */
};

/* ---- link.c ---- */
struct link *link_of(struct MHD_Connection *connection);
void link_phase(struct server *server, struct MHD_Connection *connection, enum http_phase phase);

/* ---- exchange.c: requests ---- */
void *exchange_begin(void *arg, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *data,
				size_t *data_size, void **request_arg);
void exchange_end(void *arg, struct MHD_Connection *connection, void **request_arg,
		  enum MHD_RequestTerminationCode why);
/* NULL is fine. */
void exchange_free(struct server *server, struct exchange *exchange);

/* ---- stream.c ---- */
/* The response's watch or log becomes a response; NULL without memory. */
struct MHD_Response *stream_response(struct server *server, struct MHD_Connection *connection,
				     struct api_response *response);

/* ---- ask.c: requests that wait for the node ---- */
struct ask;
bool ask_is(const struct api_request *request);
/* Handles the request on a thread, and suspends its connection until then; the texts of the request
 * must stay. NULL: too many wait already, or the server stops. */
struct ask *ask_start(struct server *server, struct MHD_Connection *connection,
		      const struct api_request *request);
/* After the connection was resumed: hands out the response, and frees the rest. */
void ask_finish(struct ask *take, struct api_response *ret);
/* Waits until none waits. After server->stopping. */
void ask_stop_all(struct server *server);

/* ---- log.c ---- */
int logs_start(struct server *server, struct error *reterr);
void logs_stop(struct server *server);
/* Wakes the stream's connection when its log has bytes. The lock is not held. */
void logs_sleep(struct stream *stream);
void logs_forget(struct stream *stream);

/* ---- upgrade.c ---- */
/* Suspends the connection and gives it to a session, for which a place was taken. */
void upgrade_start(struct server *server, struct MHD_Connection *connection,
		   struct remote_target *take_target);

/* ---- guard.c: connections ---- */
enum MHD_Result guard_accept(void *arg, const struct sockaddr *address, socklen_t length);
void guard_connection(void *arg, struct MHD_Connection *connection, void **link,
		      enum MHD_ConnectionNotificationCode what);
/* Before the listeners start. */
void guard_start(struct server *server);
/* No connection is accepted any more. */
void guard_stop(struct server *server);

#endif
