/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of a sandbox. libmicrohttpd implements the protocol, one thread (the caller of
 * server_run) serves all connections, and routes are tables. Handlers run in that thread and must
 * not block: they must not wait, hold a lock for long, or use a file system, which a guest can make
 * arbitrarily slow. Other threads do that (runtime/http/work.h). Handlers split whatever takes more
 * than a few milliseconds, so that the health check is answered in between.
 *
 *
 *	static const struct route routes[] = {
 *		{ "GET", "/exists/{path}", .handle = exists_handle },
 *		{ "POST", "/upload", .start = upload_start, .take = upload_take, .handle = upload_end },
 *		{ 0 },
 *	};
 *
 * The server itself responds, as FastAPI does, with 404, with 405 and Allow, with 307 for a slash
 * too many or too few, with 401 without the token, and with 400, 413, 414, 431 and 503 at its
 * limits.
 */
#ifndef ASB_RUNTIME_HTTP_SERVER_H
#define ASB_RUNTIME_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sched.h"

struct request;
struct server;

struct route {
	const char *method; /* "GET"; HEAD is another method. NULL ends a table */
	/* "/execute" matches that path only. "/list/{path}" matches everything below "/list/": the
	 * rest, with its slashes, is request_path(). */
	const char *path;
	/* The most bytes of a body. A larger one gets a 413, before it is read if Content-Length
	 * says so. 0 without take: a body is read and dropped. */
	size_t body_max;
	/* Optional: the header section has been read, nothing of the body. It may respond: then the
	 * body is not read, and the connection ends. */
	void (*start)(struct request *request);
	/* Optional: gets the body in order, in pieces of at most 64 KiB. It may respond, which
	 * drops the rest. Without it the body is collected: request_body(). */
	void (*take)(struct request *request, const char *data, size_t length);
	/* The request is complete. The handler responds now (request_respond_*), or later in the
	 * server's thread. It is not called when start or take has responded. */
	void (*handle)(struct request *request);
	/* It needs no token: the health check. */
	bool open;
};

#define SERVER_TABLES_MAX 8

struct server_config {
	const char *host;                              /* numeric, or "localhost" */
	uint16_t port;                                 /* 0: any free one */
	const char *token;                             /* copied; NULL: none is needed */
	void *arg;                                     /* request_arg() */
	const struct route *tables[SERVER_TABLES_MAX]; /* NULL ends the list */
};

/* Listens, but serves nothing yet. 0 or a negative code. */
int server_create(struct sched *sched, const struct server_config *config, struct server **ret,
		  struct error *reterr);
/* Ends every request that waits without a response, through its destroy function. NULL is fine.
 * False: a thread still waits for the file system. Then nothing that requests refer to may be
 * freed, and the process should end at once. */
bool server_destroy(struct server *server);
uint16_t server_port(const struct server *server);

/* Serves until server_stop. */
int server_run(struct server *server, struct error *reterr);
/* From any thread: server_run returns soon. */
void server_stop(struct server *server);

/* From any thread: calls fn(task) in the server's thread soon, in order. The caller owns the
 * memory of the task and may post it again from within fn. server_destroy calls the tasks that
 * still wait. */
struct server_task {
	void (*fn)(struct server_task *task);
	struct server_task *next;
	bool queued;
};
void server_post(struct server *server, struct server_task *task);

#endif
