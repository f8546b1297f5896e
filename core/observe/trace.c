/* SPDX-License-Identifier: Apache-2.0 */
/* Trace contexts as text, and spans from their beginning to the tracer. Called wherever work is
 * done under a trace. */
#include "config.h"

#include "core/observe/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "core/observe/trace-private.h"

#define CARRIER_MAX 8192u /* a traceparent and a tracestate are far smaller */

/* ---- contexts ---- */

static int trace_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads 2 * size lower case digits; false if there are others, or all are zero. */
static bool trace_read_hex(const char *text, uint8_t *ret, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++) {
		int high = trace_digit(text[2 * i]);
		int low = high < 0 ? -1 : trace_digit(text[2 * i + 1]);

		if (low < 0) {
			return false;
		}
		ret[i] = (uint8_t)(high << 4 | low);
		any |= ret[i];
	}
	return any != 0;
}

/* "vv-<32>-<16>-ff": a later version may have more behind it, after a dash. */
static bool trace_has_shape(const char *text)
{
	size_t length = strnlen(text, TRACEPARENT_SIZE);

	return length >= TRACEPARENT_SIZE - 1 && trace_digit(text[0]) >= 0 &&
	       trace_digit(text[1]) >= 0 && strncmp(text, "ff", 2) != 0 && text[2] == '-' &&
	       text[35] == '-' && text[52] == '-' &&
	       (text[55] == '\0' || (text[55] == '-' && strncmp(text, "00", 2) != 0));
}

bool trace_parse(const char *traceparent, struct trace_context *ret)
{
	struct trace_context context = { 0 };
	int high, low;

	*ret = context;
	if (!trace_has_shape(traceparent) ||
	    !trace_read_hex(traceparent + 3, context.trace_id, sizeof(context.trace_id)) ||
	    !trace_read_hex(traceparent + 36, context.parent, sizeof(context.parent))) {
		return false;
	}
	high = trace_digit(traceparent[53]);
	low = trace_digit(traceparent[54]);
	if (high < 0 || low < 0) {
		return false;
	}
	context.sampled = (low & 1) != 0;
	*ret = context;
	return true;
}

bool trace_parse_carrier(const char *json, struct trace_context *ret)
{
	CLEANUP_JSON struct json_object *carrier = NULL;
	struct json_object *value = NULL;
	size_t length = strnlen(json, CARRIER_MAX);

	*ret = (struct trace_context){ 0 };
	if (length == CARRIER_MAX) {
		return false;
	}
	carrier = json_parse(json, length, NULL);
	return json_object_is_type(carrier, json_type_object) &&
	       json_object_object_get_ex(carrier, "traceparent", &value) &&
	       json_object_is_type(value, json_type_string) &&
	       trace_parse(json_object_get_string(value), ret);
}

/* ---- spans ---- */

/* Copies as much as fits without cutting a UTF-8 character. */
static void trace_copy_text(char ret[TRACE_TEXT], const char *text)
{
	size_t length = strnlen(text, TRACE_TEXT);

	if (length == TRACE_TEXT) {
		length--;
		while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80) {
			length--;
		}
	}
	memcpy(ret, text, length);
	ret[length] = '\0';
}

bool span_is_live(const struct span *span)
{
	return span->start_us != 0;
}

void span_begin(struct tracer *tracer, const struct trace_context *context, enum span_kind kind,
		struct span *ret)
{
	uint64_t id;

	memset(ret, 0, sizeof(*ret));
	if (tracer == NULL || !context->sampled) {
		return;
	}
	do {
		id = sched_random(tracer->config.sched);
	} while (id == 0);
	ret->context = *context;
	ret->kind = kind;
	ret->start_us = sched_wall_us(tracer->config.sched);
	memcpy(ret->id, &id, sizeof(ret->id));
}

void span_name(struct span *span, const char *format, ...)
{
	char text[2 * TRACE_TEXT];
	va_list args;

	if (span_is_live(span)) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		trace_copy_text(span->name, text);
	}
}

void span_attribute(struct span *span, const char *key, const char *value)
{
	if (span_is_live(span) && value != NULL && span->attribute_count < TRACE_ATTRIBUTES) {
		span->attributes[span->attribute_count].key = key;
		trace_copy_text(span->attributes[span->attribute_count++].value, value);
	}
}

struct trace_context span_context(const struct span *span)
{
	struct trace_context context = span->context;

	memcpy(context.parent, span->id, sizeof(context.parent));
	return context;
}

void span_end(struct tracer *tracer, struct span *span, const char *error)
{
	if (!span_is_live(span)) {
		return;
	}
	if (span->end_us == 0) {
		span->end_us = sched_wall_us(tracer->config.sched);
	}
	trace_copy_text(span->error, error != NULL ? error : "");
	tracer_add(tracer, span);
	span->start_us = 0;
}
