/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the HTTP server share. Private to local/server*.c. */
#ifndef ASB_LOCAL_SERVER_PRIVATE_H
#define ASB_LOCAL_SERVER_PRIVATE_H

#include "base/buf.h"
#include "local/api.h"
#include "local/server.h"

#include <microhttpd.h>
#include <stdbool.h>

#define SERVER_URI_MAX 16384u           /* a label selector may be long */
#define SERVER_MEMORY (24u << 10)       /* of a connection: its head, and what is being sent */
#define SERVER_SILENCE_S 95u            /* Go's clients close after 90 s of rest themselves */
#define SERVER_FIRST_US 10000000u       /* from a connection to the first line of a request */
#define SERVER_REST_US 120000000u       /* from an answer to the next request's first line */
#define SERVER_HEAD_US 10000000u        /* from a head's first line to its end */
#define SERVER_BODY_US 60000000u        /* from a head to its body's end */
#define SERVER_SWEEP_US 2000000u        /* how often that is looked at */
#define SERVER_DISCARD_MAX (256u << 20) /* of a body too large, so that the client reads why */

enum phase { PHASE_FIRST, PHASE_REST, PHASE_HEAD, PHASE_BODY, PHASE_ANSWER };

struct stream;
struct remote;

/* A connection, from accept to close. */
struct link {
	struct link *previous, *next; /* server->lock */
	int fd;
	enum phase phase;      /* server->lock */
	uint64_t since_us;     /* server->lock; of the phase */
	struct stream *stream; /* server->lock; the watch or log that is being sent */
	struct MHD_Connection *connection;
};

struct server {
	struct server_config config;
	struct MHD_Daemon *tls, *local;
	char *socket_path;
	uint16_t port;

	struct sched_mutex lock;
	struct sched_cond changed;
	struct link *links; /* lock */
	size_t link_count;  /* lock */
	bool stopping;      /* lock */
	struct sched_thread *guard;
	struct remote *remote; /* sessions in pods */

	/* Logs that wait for bytes (server-log.c). */
	int epoll, wake_fd;
	uint64_t log_ids;    /* lock */
	struct stream *logs; /* lock; those that sleep */
	struct sched_thread *logger;
};

/* A watch or a log on its way; freed with its response. */
struct stream {
	struct server *server;
	struct MHD_Connection *connection;
	struct link *link;
	struct watch *watch;
	struct podlog *podlog;
	bool dead; /* server->lock; the client is gone */

	struct stream *log_next; /* server->lock */
	uint64_t log_id;
	bool log_sleeps; /* server->lock */
};

/* ---- server-exchange.c: requests ---- */
void *exchange_begin(void *arg, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *data,
				size_t *data_size, void **request_arg);
void exchange_end(void *arg, struct MHD_Connection *connection, void **request_arg,
		  enum MHD_RequestTerminationCode why);

/* ---- server-stream.c ---- */
/* The answer's watch or log becomes a response; NULL without memory. */
struct MHD_Response *stream_response(struct server *server, struct MHD_Connection *connection,
				     struct link *link, struct api_answer *answer);

/* ---- server-log.c ---- */
int logs_start(struct server *server, struct error *reterr);
void logs_stop(struct server *server);
/* Wakes the stream's connection when its log has bytes. The lock is not held. */
void logs_sleep(struct stream *stream);
void logs_forget(struct stream *stream);

/* ---- server-upgrade.c ---- */
/* Suspends the connection and gives it to a session, for which a place was taken. */
void upgrade_start(struct server *server, struct MHD_Connection *connection,
		   struct remote_target *take_target);

/* ---- server-guard.c: connections and their deadlines ---- */
enum MHD_Result guard_accept(void *arg, const struct sockaddr *address, socklen_t length);
void guard_connection(void *arg, struct MHD_Connection *connection, void **link,
		      enum MHD_ConnectionNotificationCode what);
void guard_phase(struct server *server, struct link *link, enum phase phase);
struct link *guard_link(struct MHD_Connection *connection);
void guard_start(struct server *server);
void guard_stop(struct server *server);

#endif
