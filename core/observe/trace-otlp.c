/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as an ExportTraceServiceRequest in JSON. Called by the tracer for each batch. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/observe/trace.h"

#define STATUS_ERROR 2

/* OTLP has ids in hexadecimal, unlike other bytes in protobuf's JSON. */
static void otlp_append_id(struct buf *out, const char *key, const uint8_t *id, size_t size)
{
	buf_printf(out, "\"%s\":\"", key);
	for (size_t i = 0; i < size; i++) {
		buf_printf(out, "%02x", id[i]);
	}
	buf_append_str(out, "\",");
}

static void otlp_append_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "\"%s\":", key);
	buf_append_json(out, text, strlen(text));
}

static void otlp_append_attribute(struct buf *out, const char *key, const char *value)
{
	buf_append_str(out, "{");
	otlp_append_text(out, "key", key);
	buf_append_str(out, ",\"value\":{");
	otlp_append_text(out, "stringValue", value);
	buf_append_str(out, "}}");
}

static void otlp_append_span(struct buf *out, const struct span *span)
{
	buf_append_char(out, '{');
	otlp_append_id(out, "traceId", span->context.trace_id, sizeof(span->context.trace_id));
	otlp_append_id(out, "spanId", span->id, sizeof(span->id));
	otlp_append_id(out, "parentSpanId", span->context.parent, sizeof(span->context.parent));
	otlp_append_text(out, "name", span->name);
	/* 64 bits are text in protobuf's JSON. */
	buf_printf(out,
		   ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64
		   "000\",\"endTimeUnixNano\":\"%" PRId64 "000\",\"attributes\":[",
		   (int)span->kind, span->start_us, span->end_us);
	for (size_t i = 0; i < span->attribute_count; i++) {
		buf_append_str(out, i > 0 ? "," : "");
		otlp_append_attribute(out, span->attributes[i].key, span->attributes[i].value);
	}
	buf_append_char(out, ']');
	if (span->error[0] != '\0') {
		buf_printf(out, ",\"status\":{\"code\":%d,", STATUS_ERROR);
		otlp_append_text(out, "message", span->error);
		buf_append_char(out, '}');
	}
	buf_append_char(out, '}');
}

int trace_otlp(const struct span *spans, size_t count, const char *service, struct buf *out)
{
	buf_append_str(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	otlp_append_attribute(out, "service.name", service);
	buf_append_str(out, ",");
	otlp_append_attribute(out, "service.version", PACKAGE_VERSION);
	buf_append_str(out, "]},\"scopeSpans\":[{\"scope\":{");
	otlp_append_text(out, "name", PACKAGE_NAME);
	buf_append_str(out, "},\"spans\":[");
	for (size_t i = 0; i < count; i++) {
		buf_append_str(out, i > 0 ? "," : "");
		otlp_append_span(out, &spans[i]);
	}
	return buf_append_str(out, "]}]}]}");
}
