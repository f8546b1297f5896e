/* SPDX-License-Identifier: Apache-2.0 */
/* The two handlers that run commands, and what they share. request_arg() is a struct runtime. */
#ifndef ASB_RUNTIME_ROUTES_EXECUTE_REQUEST_H
#define ASB_RUNTIME_ROUTES_EXECUTE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/exec/command.h"

struct request;
struct execution_result;

/* POST /execute, in execute.c. */
void execute_handle(struct request *request);
/* POST /execute/stream, in stream.c. */
void stream_handle(struct request *request);

/* Reads the command of a request, which the caller owns then. False: the request has a response. */
bool execute_read(struct request *request, struct command *ret);
/* Responds with 503: too many commands run at once. */
void execute_respond_busy(struct request *request);
/* Appends the text for a command that was not started ("Failed to execute command: ...") or was
 * stopped by its timeout ("Command timed out after N seconds"). False: neither happened. */
bool execute_problem(const struct execution_result *result, uint64_t timeout_s, struct buf *out);

#endif
