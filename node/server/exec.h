/* SPDX-License-Identifier: Apache-2.0 */
/* POST /exec/... and /attach/...: parsing what is asked, and carrying a process's streams. */
#ifndef ASB_NODE_SERVER_EXEC_H
#define ASB_NODE_SERVER_EXEC_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sched.h"
#include "node/runtime/runtime.h"

#define EXEC_ARGUMENTS_MAX 1024 /* of a command; its bytes are bounded by the request's head */

/* A connection that is taken over. */
struct server_stream {
	struct sched *sched;
	struct runtime *runtime;
	int fd;   /* the connection */
	int stop; /* readable: everything ends */
};

struct exec_request {
	char uid[64], container[64];
	bool attach, in, tty;
	char *arguments[EXEC_ARGUMENTS_MAX + 1]; /* ours, ends in NULL */
};

/* target: "/exec/UID/NAME?QUERY". -ENOENT: another path; -EINVAL: a command that is none. */
int exec_parse(const char *target, struct exec_request **ret, struct error *reterr);
void exec_request_free(struct exec_request *request);
/* Answers on a blocking socket, head included; returns when the process has ended. */
void exec_serve(const struct server_stream *stream, const struct exec_request *request);

#endif
