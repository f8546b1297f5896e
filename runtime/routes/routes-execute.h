/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that run commands. request_arg() is a struct runtime. */
#ifndef ASB_RUNTIME_ROUTES_ROUTES_EXECUTE_H
#define ASB_RUNTIME_ROUTES_ROUTES_EXECUTE_H

#include <stdbool.h>

#include "runtime/exec/command.h"
#include "runtime/http/server.h"

struct request;
struct execution_result;

/* POST /execute, POST /execute/stream */
extern const struct route routes_execute[];

/* Reads the command of a request; where it is false, the request is answered. */
bool execute_read(struct request *request, struct command *ret);
void execute_response_busy(struct request *request);
/* stream.c's route. */
void stream_handle(struct request *request);

/* What people read where a command was not started, or not ended: "Failed to execute command: ..." or
 * "Command timed out after N seconds"; false where neither is so. */
bool execute_problem(const struct execution_result *result, uint64_t timeout_s, struct buf *out);

#endif
