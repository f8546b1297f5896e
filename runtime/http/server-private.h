/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this directory share. Only they include it. */
#ifndef ASB_RUNTIME_HTTP_SERVER_PRIVATE_H
#define ASB_RUNTIME_HTTP_SERVER_PRIVATE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "runtime/http/request.h"
#include "runtime/http/server.h"

#define TARGET_MAX (32u << 10) /* of a request line: a path of 4096 bytes, each escaped, fits */
#define HEAD_MAX (64u << 10)   /* of all header lines */
#define HEADERS_MAX 100u
/* libmicrohttpd keeps the header section, and what it sends next, in one block for each connection:
 * a request line and header lines of the largest size fit, with 16 KiB for its own use. Pages of the
 * block cost nothing until the first use. At the end of a request libmicrohttpd clears the whole
 * block, so that it is in memory until the connection is closed. */
#define CONNECTION_MEMORY (112u << 10)
/* The blocks of all connections together that are idle or read a request, and of those whose client
 * does not read a short response. Those of running commands and of transfers are not in it: there
 * is a limit on their number. */
#define BLOCKS_MAX (64u << 20)

#define HEAD_US 10000000u /* from the first byte of a header section to its end */
#define IDLE_US 75000000u /* between requests: longer than load balancers keep a connection */
#define BODY_WINDOW_US 20000000u
#define BODY_WINDOW_BYTES (10u << 10) /* the least bytes of a body in each window */
#define BODY_IGNORED_US 20000000u     /* for the whole of a body that is read and dropped */
/* The memory of all collected bodies together, with those of requests that are worked on. A part
 * of it is for small bodies only, so that a few large ones do not stop others from running
 * commands. */
#define BODIES_MAX (64u << 20)
#define BODIES_FOR_SMALL (16u << 20)
#define BODY_SMALL (64u << 10)
#define WRITE_TIMEOUT_S 60u /* a client that reads nothing for so long is disconnected */
#define CHECK_US 2000000u

#define DISCARD_MAX \
	(1u << 20) /* the part of a refused body that is read and dropped to keep the connection */

enum phase {
	PHASE_HEAD, /* idle, or a header section is being read: in a list, the oldest first */
	PHASE_BODY, /* a body is being read: in a list, the oldest first */
	PHASE_BUSY, /* a request is worked on, or its response is sent */
	PHASE_MAX
};

/* A connection, as guard.c sees it. */
struct connection {
	TAILQ_ENTRY(connection) link; /* in the list of its phase */
	enum phase phase;
	int fd;                  /* owned by libmicrohttpd */
	struct request *request; /* the one that has started and not ended; NULL: none */
	bool started;            /* PHASE_HEAD: bytes of a header section have come */
	bool ignored;            /* PHASE_BODY: the body is read and dropped */
	bool responding;         /* PHASE_BUSY: the client reads a response */
	bool paused;             /* PHASE_BODY: the server does not read it at present */
	bool shut_down;          /* its socket was shut down; libmicrohttpd will notice */
	uint64_t since;          /* when the phase, the header section or the window began */
	uint64_t phase_since;    /* when the phase began */
	size_t held;             /* bytes of its request's body in memory, counted in guard.held */
	uint64_t bytes;          /* PHASE_HEAD: received before it; PHASE_BODY: in this window */
	size_t block;            /* bytes of its block in memory, counted in guard.blocks; 0: not */
	bool served;             /* a request has ended: the whole block is in memory */
	TAILQ_ENTRY(connection) block_link; /* in guard.holders when block > 0 */
};

struct guard {
	TAILQ_HEAD(connections, connection) connections[PHASE_MAX]; /* the oldest first */
	size_t count, limit;
	size_t held;                      /* bytes of all bodies in memory */
	int epoll;                        /* reports the connections that have received something */
	TAILQ_HEAD(, connection) holders; /* those with block > 0, the oldest first */
	size_t holder_count;
	size_t blocks; /* the sum of connection.block */
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
	LIST_HEAD(, request) requests; /* all that have started */
	uint64_t check_at, accept_at;
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
	LIST_ENTRY(request) link; /* in server->requests */
	const struct route *route;
	const char *method;
	char *target; /* as it was received, cut to TARGET_MAX + 1 */
	char *rest;   /* what {path} matches */
	size_t rest_length;
	struct buf body;
	uint64_t received;
	struct MHD_Response *mhd_response; /* not queued yet */
	unsigned int status;
	struct request_header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	void *data;
	void (*destroy)(void *data);
	unsigned int references; /* of libmicrohttpd, and of a streamed response */
	bool has_head, handled, closes, suspended, ended;
	bool paused; /* a piece of the body is being worked on */
};

/* tasks.c: wakes the server's thread; runs what other threads have posted. */
void tasks_wake(struct server *server);
void tasks_run(struct server *server);

/* guard.c */
/* 0 or -errno. guard_finish must follow in both cases. */
int guard_init(struct guard *guard, size_t limit);
void guard_finish(struct guard *guard);
struct connection *guard_add(struct guard *guard, int fd, uint64_t now);
void guard_remove(struct guard *guard, struct connection *connection);
void guard_enter(struct guard *guard, struct connection *connection, enum phase phase,
		 uint64_t now);
/* Shuts down one connection to make room: the oldest one whose body is dropped anyway; else the
 * longest idle one or the oldest one with a slow body, whichever is older; else the oldest one that
 * reads its response. False when all requests are worked on. */
bool guard_evict(struct guard *guard);
/* Reserves memory for length more bytes of the connection's body. Connections with larger bodies
 * that are still being read are shut down for it. False when that is not enough. */
bool guard_hold(struct guard *guard, struct connection *connection, size_t length);
/* Gives back the memory of its body. */
void guard_let_go(struct guard *guard, struct connection *connection);
/* The client reads a response from now on. */
void guard_respond(struct guard *guard, struct connection *connection);
/* Counts the blocks of connections that have received something since the last call, and shuts down
 * connections with large blocks, the oldest ones first, when all blocks together are too large. To
 * be called before libmicrohttpd reads. */
void guard_check_blocks(struct guard *guard);
/* Sets the bytes of its block that are in memory. */
void guard_count_block(struct guard *guard, struct connection *connection, size_t size);
/* Whether the client has closed its end and everything it sent has been read. */
bool guard_has_gone(const struct connection *connection);
/* Shuts down the connections that are too late, and those in PHASE_BUSY that are reset. A client
 * that has only closed its own end may still read its response. The caller resumes those that are
 * suspended. */
void guard_check_deadlines(struct guard *guard, uint64_t now);
/* How many connections the limit of open files allows, and how many transfers of files. */
size_t guard_limit(void);
size_t guard_transfers(void);

/* head.c: checks the size and the framing of a header section. 0, or the status to refuse it
 * with. */
unsigned int head_check(const struct request *request);

/* route.c: finds the route, or responds with 404, 405 or 307 and returns NULL. */
const struct route *route_find(struct request *request);

/* exchange.c: libmicrohttpd's callbacks. */
void *request_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_on_data(void *server, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *data,
				size_t *data_size, void **request);
void request_on_end(void *server, struct MHD_Connection *mhd, void **request,
		    enum MHD_RequestTerminationCode why);
/* Ends a request that libmicrohttpd has started and will not report again. No request is fine. */
void request_drop(struct connection *connection);

/* request.c: frees the request with its last reference. */
void request_unref(struct request *request);

/* response.c */
void request_drop_response(struct request *request);
enum MHD_Result response_queue(struct request *request);

#endif
