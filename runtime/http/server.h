/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of a sandbox: libmicrohttpd for the protocol, one thread (that of server_run) for
 * all connections, routes as tables. Handlers run in that thread and never block: no wait, no lock
 * that is held long, no call that looks at a file system, which a guest can make as slow as it likes:
 * that is done by other threads (runtime/http/work.h). The health check is answered between them, so
 * whatever takes more than a few milliseconds belongs into pieces.
 *
 *	static const struct route routes[] = {
 *		{ "GET", "/exists/{path}", .handle = exists_handle },
 *		{ "POST", "/upload", .start = upload_start, .take = upload_take, .handle = upload_end },
 *		{ 0 },
 *	};
 *
 * Answered by the server itself, as FastAPI does: 404, 405 with Allow, 307 for a slash too many or
 * too few, 401 where a token is asked for, 400/408/413/414/431 of the guards.
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
	/* "/execute" is that path alone. "/list/{path}" is everything below "/list/": the rest,
	 * slashes and all, is request_path(). */
	const char *path;
	/* The most bytes of a body; more is 413, told before it is read where Content-Length says so.
	 * 0 and no take: a body is read and forgotten. */
	size_t body_max;
	/* Optional: the head is there, nothing of the body. May answer: the body is not read then, and
	 * the connection ends. */
	void (*start)(struct request *request);
	/* Optional: a piece of the body as it comes, in order, at most 64 KiB. May answer, which
	 * discards the rest. Without it the body is collected: request_body(). */
	void (*take)(struct request *request, const char *data, size_t length);
	/* The request is complete. The handler responds now (request_respond_*), or later in the
	 * server's thread. It is not called when start or take has responded. */
	void (*handle)(struct request *request);
	/* Anybody may call it without a token: the health check. */
	bool open;
};

#define SERVER_TABLES_MAX 8

struct server_config {
	const char *host;                              /* numeric, or "localhost" */
	uint16_t port;                                 /* 0: any free one */
	const char *token;                             /* NULL: none is asked for. Copied. */
	void *arg;                                     /* request_arg() */
	const struct route *tables[SERVER_TABLES_MAX]; /* NULL ends the list */
};

/* Listens, but serves nothing yet. 0 or a negative code. */
int server_create(struct sched *sched, const struct server_config *config, struct server **ret,
		  struct error *reterr);
/* Every request that waits is ended without a response, through its free function. NULL is fine. False:
 * a thread still waits for the file system; nothing that requests refer to may be freed then, and the
 * process should end at once. */
bool server_destroy(struct server *server);
uint16_t server_port(const struct server *server);

/* Serves until server_stop. */
int server_run(struct server *server, struct error *reterr);
/* From any thread: server_run returns soon. */
void server_stop(struct server *server);

/* From any thread: calls fn(arg) in the server's thread, soon, in order. A task is the caller's
 * memory, and may be reused from within fn on. What still waits at server_destroy is called there. */
struct server_task {
	void (*fn)(struct server_task *task);
	struct server_task *next;
	bool queued;
};
void server_post(struct server *server, struct server_task *task);

#endif
