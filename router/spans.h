/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of requests from HAProxy's log: HAProxy makes each span's id and puts it into the
 * traceparent that goes on to the sandbox; when the request has ended it sends one line, which
 * becomes the span. */
#ifndef ASB_ROUTER_SPANS_H
#define ASB_ROUTER_SPANS_H

#include "base/error.h"
#include "base/sched.h"
#include "core/observe/trace.h"

struct spans;
/* Binds run_dir's log socket and reads it on a thread. */
struct spans *spans_create(struct sched *sched, struct tracer *tracer, const char *run_dir,
			   struct error *reterr);
void spans_destroy(struct spans *spans);

/* One line: "<traceparent> <span id> <s> <ms> <duration> <status> <method> <id> <namespace>". False
 * for any other. Live until span_end. */
bool spans_parse(struct tracer *tracer, const char *line, struct span *ret);

#endif
