/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this directory share. Only they include it. */
#ifndef ASB_RUNTIME_HTTP_SERVER_PRIVATE_H
#define ASB_RUNTIME_HTTP_SERVER_PRIVATE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/http/request.h"
#include "runtime/http/server.h"

#define TARGET_MAX (32u << 10) /* of a request line: paths of 4096 bytes, each escaped, and more */
#define HEAD_MAX (64u << 10)   /* of all header lines */
#define HEADERS_MAX 100u
/* libmicrohttpd keeps a head, and what it sends next, in one block a connection; unused pages of it
 * cost nothing. */
#define CONNECTION_MEMORY (128u << 10)

#define HEAD_US 10000000u /* from the first byte of a head to its end */
#define IDLE_US 75000000u /* between requests: longer than load balancers keep a connection */
#define BODY_WINDOW_US 20000000u
#define BODY_WINDOW_BYTES (10u << 10) /* a body brings this many bytes in each window */
#define BODY_IGNORED_US 20000000u     /* for all of a body that is read and forgotten */
/* Of all collected bodies together, those of requests that are worked on included; the last part of it
 * is for small bodies alone, so that a few large ones keep nobody from running a command. */
#define BODIES_MAX (64u << 20)
#define BODIES_FOR_SMALL (16u << 20)
#define BODY_SMALL (64u << 10)
#define WRITE_TIMEOUT_S 60u /* a reader that takes nothing for so long is gone */
#define SWEEP_US 2000000u

#define DISCARD_MAX \
	(1u << 20) /* of a body that is refused: read and forgotten, to keep the connection */

enum phase {
	PHASE_HEAD, /* idle, or a head is coming: listed, the one idle longest first */
	PHASE_BODY, /* listed, the one whose window is oldest first */
	PHASE_BUSY, /* a request is worked on or answered */
	PHASE_MAX
};

/* What the guards know of a connection. */
struct connection {
	struct connection *next, *previous; /* in the list of its phase */
	enum phase phase;
	int fd;                  /* libmicrohttpd's */
	struct request *request; /* that has begun on it and has not ended */
	bool started;            /* PHASE_HEAD: bytes of a head have come */
	bool ignored;            /* PHASE_BODY: it is read and forgotten */
	bool answering;          /* PHASE_BUSY: the client reads */
	bool paused;             /* PHASE_BODY: we are the slow ones */
	bool doomed;             /* it was shut down; libmicrohttpd will notice */
	uint64_t since;          /* the phase's, the head's or the window's begin */
	uint64_t begun;          /* the phase's begin */
	size_t held;             /* of its request's body, counted in guard.held */
	uint64_t bytes;          /* PHASE_HEAD: read before; PHASE_BODY: in this window */
};

struct guard {
	struct connection *first[PHASE_MAX], *last[PHASE_MAX];
	size_t count, limit;
	size_t held; /* of all bodies */
};

struct server {
	struct sched *sched;
	struct server_config config;
	char *token;
	struct MHD_Daemon *daemon;
	int listener, epoll, wake;
	uint16_t port;
	struct guard guard;
	struct work_pool *pool;
	struct request *requests; /* all that are begun */
	uint64_t sweep_at, accept_at;
	bool stopping;

	struct sched_mutex lock;
	struct server_task *tasks, **tasks_end; /* lock */
	bool stop;                              /* lock */
};

struct request_header {
	char *name, *value;
};
#define REQUEST_HEADERS_MAX 8

struct request {
	struct server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct request *next, *previous;
	const struct route *route;
	const char *method;
	char *target; /* as it came, shortened to TARGET_MAX + 1 */
	char *rest;   /* what {path} stands for */
	size_t rest_length;
	struct buf body;
	uint64_t received;
	struct MHD_Response *mhd_response; /* to be queued */
	unsigned int status;
	struct request_header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	void *data;
	void (*destroy)(void *data);
	unsigned int references; /* libmicrohttpd's request, and a streamed answer */
	bool begun, handled, closes, suspended, ended;
	bool paused; /* a piece of the body is worked on */
};

/* tasks.c: wakes the server's thread; runs what other threads have posted. */
void tasks_wake(struct server *server);
void tasks_run(struct server *server);

/* guard.c */
void guard_init(struct guard *guard, size_t limit);
struct connection *guard_add(struct guard *guard, int fd, uint64_t now);
void guard_remove(struct guard *guard, struct connection *connection);
void guard_enter(struct guard *guard, struct connection *connection, enum phase phase,
		 uint64_t now);
/* Shuts down one connection for another: the oldest of those whose body is forgotten anyway; else the
 * longest idle one or the oldest body that comes slowly, whichever is older; else the oldest one that
 * reads its response. False when all are worked on. */
bool guard_evict(struct guard *guard);
/* Whether there is room for length more bytes of the connection's body. Where there is none, larger
 * bodies that are still coming are shut down for it. */
bool guard_hold(struct guard *guard, struct connection *connection, size_t length);
/* Its body is gone. */
void guard_let_go(struct guard *guard, struct connection *connection);
/* Whether the client has closed its end and all it sent is read. */
bool guard_has_gone(const struct connection *connection);
void guard_sweep(struct guard *guard, uint64_t now);
/* How many connections this process can have, and how many transfers of files. */
size_t guard_limit(void);
size_t guard_transfers(void);

/* head.c: checks the size and the framing of a header section. 0, or the status to refuse it with. */
unsigned int head_check(const struct request *request);

/* route.c: finds the route, or answers 404, 405, 307 and returns NULL. */
const struct route *route_find(struct request *request);

/* exchange.c: libmicrohttpd's callbacks. */
void *request_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_on_data(void *server, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *data,
				size_t *data_size, void **request);
void request_on_end(void *server, struct MHD_Connection *mhd, void **request,
		    enum MHD_RequestTerminationCode why);
/* Ends what libmicrohttpd began and does not tell the end of; harmless where there is nothing. */
void request_drop(struct connection *connection);

/* request.c: frees the request with its last reference. */
void request_unref(struct request *request);

/* response.c */
void request_drop_response(struct request *request);
enum MHD_Result response_queue(struct request *request);

#endif
