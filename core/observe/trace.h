/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans: what was done under somebody's trace, sent to an OpenTelemetry collector. Made for work
 * that must not notice it: a finished span is copied into a bounded ring and a thread of its own
 * sends the ring in batches; when the collector is slow or away, spans are dropped and counted
 * (agent_sandbox_trace_spans_total), nothing waits.
 *
 * A span exists only under a context that somebody handed in (the annotation
 * opentelemetry.io/trace-context of a claim, a traceparent header) and whose sampled flag is set:
 * without one there is nothing to hang it under, and nothing is recorded.
 *
 * Sources: W3C Trace Context (https://www.w3.org/TR/trace-context/), OTLP 1 over HTTP with JSON
 * (https://opentelemetry.io/docs/specs/otlp/#otlphttp). Any thread, unless said otherwise.
 */
#ifndef ASB_CORE_OBSERVE_TRACE_H
#define ASB_CORE_OBSERVE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sched.h"
#include "core/observe/metrics.h"
#include "net/transport.h"

#define TRACE_RING 4096u     /* finished spans that may wait; more are dropped */
#define TRACE_BATCH 512u     /* spans in one request */
#define TRACE_ATTRIBUTES 6u  /* of one span */
#define TRACE_TEXT 96u       /* bytes of a name or a value, the NUL included; longer is cut */
#define TRACEPARENT_SIZE 56u /* "00-<32>-<16>-01" and a NUL */

/* Where a span belongs. All zero: nowhere. */
struct trace_context {
	uint8_t trace_id[16];
	uint8_t parent[8];
	bool sampled;
};

/* A traceparent header; false (and *ret zeroed) for anything the standard calls invalid. */
bool trace_parse(const char *traceparent, struct trace_context *ret);
/* The annotation's text: a JSON object of headers, of which "traceparent" counts. */
bool trace_parse_carrier(const char *json, struct trace_context *ret);

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 };

struct span {
	struct trace_context context; /* of its parent */
	uint8_t id[8];
	enum span_kind kind;
	int64_t start_us, end_us; /* wall clock */
	char name[TRACE_TEXT];
	size_t attribute_count;
	struct {
		const char *key; /* a constant */
		char value[TRACE_TEXT];
	} attributes[TRACE_ATTRIBUTES];
	char error[TRACE_TEXT]; /* "": it went well */
};

struct tracer_config {
	struct sched *sched;
	struct transport *transport; /* to the collector; borrowed; NULL: spans are only kept */
	struct metrics *metrics;     /* or NULL */
	const char *path;            /* "/v1/traces"; copied */
	const char *service;         /* service.name; copied */
};

struct tracer;
/* Starts the sending thread. */
struct tracer *tracer_create(const struct tracer_config *config);
/* Sends what is there, for at most two seconds, and joins the thread. NULL is fine. */
void tracer_destroy(struct tracer *tracer);

/* Begins a span under a context. tracer NULL, or a context that is not sampled: an empty span, on
 * which the other functions do nothing. */
void span_begin(struct tracer *tracer, const struct trace_context *context, enum span_kind kind,
		struct span *ret);
bool span_is_live(const struct span *span);
void span_name(struct span *span, const char *format, ...) PRINTF_LIKE(2, 3);
/* key is kept by reference; value NULL is left out. Never a secret. */
void span_attribute(struct span *span, const char *key, const char *value);
/* The context of its children. */
struct trace_context span_context(const struct span *span);
/* Ends it and hands it over; error NULL or "": it went well. */
void span_end(struct tracer *tracer, struct span *span, const char *error);

/*
 * A tracer as the environment configures it, with a transport of its own:
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (a whole URL) or OTEL_EXPORTER_OTLP_ENDPOINT (/v1/traces is
 * added), else http://localhost:4318; OTEL_EXPORTER_OTLP_HEADERS ("name=value,..."; may hold a
 * secret, never logged); OTEL_SERVICE_NAME instead of service.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
struct tracer *tracer_connect(struct sched *sched, struct metrics *metrics, const char *service,
			      struct error *reterr);

/* Appends spans as the body of an export request; private to the tracer and its tests. */
int trace_otlp(const struct span *spans, size_t count, const char *service, struct buf *out);

#endif
