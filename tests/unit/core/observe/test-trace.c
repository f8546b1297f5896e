/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts as text, spans as a collector gets them, and that nothing waits for a collector. */
#include "config.h"

#include "core/observe/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* A collector in memory. */
struct collector {
	struct transport base; /* first */
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond changed;
	bool closed;           /* lock: requests wait */
	unsigned int requests; /* lock */
	struct buf body;       /* lock: the last one */
};

static void collect(struct transport *transport, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct collector *collector = (struct collector *)transport;

	assert_int_equal(count, 1);
	LOCKED(&collector->lock);
	while (collector->closed) {
		sched_cond_wait(&collector->changed, &collector->lock, SCHED_FOREVER);
	}
	collector->requests++;
	buf_clear(&collector->body);
	buf_append(&collector->body, requests[0].body, requests[0].body_length);
	responses[0] = (struct http_response){ .status = 200 };
	sched_cond_broadcast(&collector->changed);
}

static const struct transport_ops collector_ops = { .perform = collect };

static void collector_open(struct collector *collector, bool open)
{
	LOCKED(&collector->lock);

	collector->closed = !open;
	sched_cond_broadcast(&collector->changed);
}

static int set_up(void **state)
{
	struct collector *collector = xnew(struct collector);

	collector->base.ops = &collector_ops;
	collector->sched = sched_create();
	collector->body = (struct buf)BUF_INIT(16u << 20);
	sched_mutex_init(&collector->lock, collector->sched);
	sched_cond_init(&collector->changed, collector->sched);
	*state = collector;
	return 0;
}

static int tear_down(void **state)
{
	struct collector *collector = *state;

	sched_cond_finish(&collector->changed);
	sched_mutex_finish(&collector->lock);
	sched_destroy(collector->sched);
	buf_finish(&collector->body);
	free(collector);
	return 0;
}

static struct tracer *start(struct collector *collector, struct metrics *metrics)
{
	struct tracer_config config = {
		.sched = collector->sched,
		.transport = &collector->base,
		.metrics = metrics,
		.path = "/v1/traces",
		.service = "test",
	};

	return tracer_create(&config);
}

static void add_span(struct tracer *tracer, const char *name, const char *error)
{
	struct trace_context context;
	struct span span;

	assert_true(trace_parse(PARENT, &context));
	span_begin(tracer, &context, SPAN_CLIENT, &span);
	span_name(&span, "%s", name);
	span_attribute(&span, "k8s.object.name", "a\"b");
	span_end(tracer, &span, error);
}

static void a_valid_traceparent_is_read(void **state)
{
	struct trace_context context;

	(void)state;
	assert_true(trace_parse(PARENT, &context));
	assert_int_equal(context.trace_id[0], 0x0a);
	assert_int_equal(context.trace_id[15], 0x9c);
	assert_int_equal(context.parent[7], 0x31);
	assert_true(context.sampled);
	assert_true(
		trace_parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", &context));
	assert_false(context.sampled);
	/* A later version may say more. */
	assert_true(
		trace_parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", &context));
}

static void an_invalid_traceparent_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
		"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
		"00-0af7651916cd43dd8448eb211c8031\xc3\xa9-b7ad6b7169203331-01",
	};
	struct trace_context context;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (trace_parse(bad[i], &context)) {
			fail_msg("'%s' was read", bad[i]);
		}
	}
}

static void a_carrier_is_an_object_with_a_traceparent(void **state)
{
	struct trace_context context;

	(void)state;
	assert_true(trace_parse_carrier("{\"traceparent\":\"" PARENT "\",\"tracestate\":\"a=b\"}",
					&context));
	assert_true(context.sampled);
	assert_false(trace_parse_carrier("{\"traceparent\":7}", &context));
	assert_false(trace_parse_carrier("[\"" PARENT "\"]", &context));
	assert_false(trace_parse_carrier(PARENT, &context));
	assert_false(trace_parse_carrier("", &context));
}

static void a_context_that_is_not_sampled_makes_no_span(void **state)
{
	struct collector *collector = *state;
	struct tracer *tracer = start(collector, NULL);
	struct trace_context context = { .trace_id = { 1 }, .parent = { 1 } };
	struct span span;

	span_begin(tracer, &context, SPAN_INTERNAL, &span);
	assert_false(span_is_live(&span));
	span_end(tracer, &span, NULL);
	span_begin(NULL, &context, SPAN_INTERNAL, &span);
	assert_false(span_is_live(&span));
	tracer_destroy(tracer);
	assert_int_equal(collector->requests, 0);
}

static struct json_object *only(struct json_object *object, const char *name)
{
	struct json_object *array = json_object_object_get(object, name);

	assert_int_equal(json_object_array_length(array), 1);
	return json_object_array_get_idx(array, 0);
}

static void what_is_left_at_the_end_is_sent(void **state)
{
	struct collector *collector = *state;
	struct tracer *tracer = start(collector, NULL);
	CLEANUP_JSON struct json_object *sent = NULL;
	struct json_object *spans, *span;

	add_span(tracer, "create pods", NULL);
	add_span(tracer, "patch pods", "conflict");
	tracer_destroy(tracer);
	assert_int_equal(collector->requests, 1);
	sent = json_parse(buf_str(&collector->body), collector->body.length, NULL);
	spans = json_object_object_get(only(only(sent, "resourceSpans"), "scopeSpans"), "spans");
	assert_int_equal(json_object_array_length(spans), 2);
	span = json_object_array_get_idx(spans, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(span, "traceId")),
			    "0af7651916cd43dd8448eb211c80319c");
	assert_string_equal(json_object_get_string(json_object_object_get(span, "parentSpanId")),
			    "b7ad6b7169203331");
	assert_int_equal(strlen(json_object_get_string(json_object_object_get(span, "spanId"))),
			 16);
	assert_null(json_object_object_get(span, "status"));
	span = json_object_array_get_idx(spans, 1);
	assert_int_equal(json_object_get_int(json_object_object_get(
				 json_object_object_get(span, "status"), "code")),
			 2);
}

static void a_collector_that_hangs_costs_spans_not_time(void **state)
{
	struct collector *collector = *state;
	struct metrics *metrics = metrics_create(collector->sched);
	struct tracer *tracer = start(collector, metrics);
	CLEANUP_BUF struct buf text = BUF_INIT(1u << 20);

	collector_open(collector, false);
	for (unsigned int i = 0; i < TRACE_RING + TRACE_BATCH + 100; i++) {
		add_span(tracer, "x", NULL);
	}
	metrics_render(metrics, &text);
	assert_non_null(
		strstr(buf_str(&text), "agent_sandbox_trace_spans_total{result=\"dropped\"}"));
	collector_open(collector, true);
	tracer_destroy(tracer);
	metrics_destroy(metrics);
}

static void a_long_name_is_cut_between_characters(void **state)
{
	struct collector *collector = *state;
	struct tracer *tracer = start(collector, NULL);
	char name[181];
	CLEANUP_JSON struct json_object *sent = NULL;

	for (size_t i = 0; i + 3 < sizeof(name); i += 3) {
		memcpy(name + i, "\xe2\x82\xac", 4);
	}
	add_span(tracer, name, NULL);
	tracer_destroy(tracer);
	sent = json_parse(buf_str(&collector->body), collector->body.length, NULL);
	assert_non_null(sent);
	assert_int_equal(
		strlen(json_object_get_string(json_object_object_get(
			only(only(only(sent, "resourceSpans"), "scopeSpans"), "spans"), "name"))) %
			3,
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_traceparent_is_read),
		cmocka_unit_test(an_invalid_traceparent_is_refused),
		cmocka_unit_test(a_carrier_is_an_object_with_a_traceparent),
		cmocka_unit_test_setup_teardown(a_context_that_is_not_sampled_makes_no_span, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_left_at_the_end_is_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_collector_that_hangs_costs_spans_not_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_long_name_is_cut_between_characters, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
