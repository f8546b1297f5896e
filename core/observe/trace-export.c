/* SPDX-License-Identifier: Apache-2.0 */
/* The tracer: a ring of finished spans and the thread that sends them. Made by the process, filled
 * by core/observe/trace.c. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/observe/log.h"
#include "core/observe/trace-private.h"
#include "net/curl-transport.h"

#define GATHER_US 1000000u /* spans of one claim come within this: fewer requests */
#define SEND_MS 5000u
#define LAST_MS 2000u /* the process ends: that long for what is left */
#define BODY_MAX (4u << 20)

static void export_count(struct tracer *tracer, const char *result, size_t spans)
{
	if (tracer->spans != NULL) {
		metric_record(tracer->spans, (double)spans, &result);
	}
}

void tracer_add(struct tracer *tracer, const struct span *span)
{
	bool dropped;

	sched_mutex_lock(&tracer->lock);
	dropped = tracer->count == TRACE_RING;
	if (!dropped) {
		tracer->ring[(tracer->first + tracer->count++) % TRACE_RING] = *span;
		sched_cond_signal(&tracer->changed);
	}
	sched_mutex_unlock(&tracer->lock);
	if (dropped) {
		export_count(tracer, "dropped", 1);
	}
}

/* Waits for a first span, then a little for more, and takes at most one batch. 0 at the end. */
static size_t export_take_batch(struct tracer *tracer, struct span *batch, bool *ret_last)
{
	uint64_t until = 0;
	size_t taken = 0;

	LOCKED(&tracer->lock);
	while (tracer->count == 0 && !tracer->stopping) {
		sched_cond_wait(&tracer->changed, &tracer->lock, SCHED_FOREVER);
	}
	until = sched_now_us(tracer->config.sched) + GATHER_US;
	while (tracer->count < TRACE_BATCH && !tracer->stopping &&
	       sched_now_us(tracer->config.sched) < until) {
		sched_cond_wait(&tracer->changed, &tracer->lock, until);
	}
	while (taken < TRACE_BATCH && tracer->count > 0) {
		batch[taken++] = tracer->ring[tracer->first];
		tracer->first = (tracer->first + 1) % TRACE_RING;
		tracer->count--;
	}
	*ret_last = tracer->stopping;
	return taken;
}

/* Sends a batch once: spans may be lost, and a collector that refuses them would refuse them again.
 */
static bool export_send_batch(struct tracer *tracer, const struct span *batch, size_t spans,
			      bool last, struct http_response *response)
{
	CLEANUP_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct http_request request = {
		.method = "POST",
		.path = tracer->path,
		.content_type = "application/json",
		.timeout_ms = last ? LAST_MS : SEND_MS,
	};

	if (trace_otlp(batch, spans, tracer->service, &body) < 0) {
		*response = (struct http_response){ .error = "the spans do not fit a request" };
		return false;
	}
	request.body = buf_str(&body);
	request.body_length = body.length;
	transport_perform(tracer->config.transport, &request, response, 1);
	return response->result == 0 && response->status >= 200 && response->status < 300;
}

static void export_run(void *arg)
{
	struct tracer *tracer = arg;
	struct span *batch = xnew_array(struct span, TRACE_BATCH);
	bool last = false, was_well = true;
	size_t spans;

	while ((spans = export_take_batch(tracer, batch, &last)) > 0) {
		struct http_response response = { 0 };
		bool well = export_send_batch(tracer, batch, spans, last, &response);

		export_count(tracer, well ? "sent" : "failed", spans);
		/* A collector that stays away is said once, not once a second. */
		if (!well && was_well) {
			log_warning(
				"the collector refuses spans (status %d%s%s); spans are dropped until it accepts them",
				response.status, response.error[0] != '\0' ? ": " : "",
				response.error);
		}
		was_well = well;
		http_response_finish(&response);
		if (last && !well) {
			break;
		}
	}
	free(batch);
}

struct tracer *tracer_create(const struct tracer_config *config)
{
	struct tracer *tracer = xnew(struct tracer);

	tracer->config = *config;
	tracer->path = xstrdup(config->path);
	tracer->service = xstrdup(config->service);
	tracer->ring = xnew_array(struct span, TRACE_RING);
	sched_mutex_init(&tracer->lock, config->sched);
	sched_cond_init(&tracer->changed, config->sched);
	if (config->metrics != NULL) {
		tracer->spans = metrics_family(config->metrics, "agent_sandbox_trace_spans_total",
					       "Spans by what became of them", METRIC_COUNTER,
					       "result", NULL);
	}
	if (config->transport != NULL) {
		tracer->thread = sched_start(config->sched, "trace", export_run, tracer);
	}
	return tracer;
}

void tracer_destroy(struct tracer *tracer)
{
	if (tracer == NULL) {
		return;
	}
	sched_mutex_lock(&tracer->lock);
	tracer->stopping = true;
	sched_cond_broadcast(&tracer->changed);
	sched_mutex_unlock(&tracer->lock);
	if (tracer->thread != NULL) {
		sched_join(tracer->thread);
	}
	if (tracer->own != NULL) {
		tracer->own->ops->stop(tracer->own);
		curl_transport_destroy(tracer->own);
	}
	sched_cond_finish(&tracer->changed);
	sched_mutex_finish(&tracer->lock);
	free(tracer->ring);
	free(tracer->path);
	free(tracer->service);
	free(tracer);
}
