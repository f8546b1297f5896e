/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of requests, made from HAProxy's log. HAProxy chooses the id of each span and puts it into
 * the traceparent that it sends to the sandbox. When the request has ended HAProxy logs one line,
 * which becomes the span. */
#ifndef ASB_ROUTER_SPANS_H
#define ASB_ROUTER_SPANS_H

#include "base/error.h"
#include "base/sched.h"
#include "core/observe/trace.h"

struct spans;
/* Creates the log socket in run_dir and reads it in a thread. NULL and *reterr when that fails. */
struct spans *spans_create(struct sched *sched, struct tracer *tracer, const char *run_dir,
			   struct error *reterr);
void spans_destroy(struct spans *spans);

/* Parses one line: "<traceparent> <span id> <s> <ms> <duration> <status> <method> <id>
 * <namespace>". False: it is another line. *ret must be ended with span_end. */
bool spans_parse(struct tracer *tracer, const char *line, struct span *ret);

#endif
