/* SPDX-License-Identifier: Apache-2.0 */
/* A worker thread: takes a key, calls reconcile, and queues the key again if needed. Started by
 * core/controller/controller.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>

#include "base/json.h"
#include "core/controller/controller-private.h"
#include "core/observe/log.h"

#define QUIET_FAILURES \
	3u /* conflicts and the like pass by themselves: logged as warnings only from here on */

static const char *const results[] = { "success", "requeue_after", "error", "terminal_error" };

static const char *worker_result_of(int32_t result)
{
	switch (result) {
	case ASB_DONE:
		return results[0];
	case ASB_REQUEUE_AFTER:
		return results[1];
	case ASB_TERMINAL_ERROR:
		return results[3];
	default:
		return results[2];
	}
}

static void worker_report_failure(const struct call *call, const struct queue_item *item,
				  int32_t result)
{
	const char *const fields[] = { "plugin",    call->controller->plugin->head.name,
				       "namespace", call->ns,
				       "name",      call->name,
				       NULL };
	bool loud = result == ASB_TERMINAL_ERROR || queue_item_failures(item) >= QUIET_FAILURES;

	log_write(loud ? LOG_WARNING : LOG_DEBUG, fields, "reconcile failed: %s",
		  call->failure[0] != '\0' ? call->failure : "the plugin gave no reason");
}

static void worker_set_busy(struct worker *worker, uint64_t since_us)
{
	LOCKED(&worker->controller->lock);

	worker->busy_since_us = since_us;
}

/* Starts the span of a reconcile under the trace context that the object's client may have put on
 * it. */
static void worker_begin_span(struct call *call)
{
	struct tracer *tracer = call->controller->config.tracer;
	CLEANUP_JSON struct json_object *object = NULL;
	struct trace_context context;
	const char *carrier;

	if (tracer == NULL) {
		return;
	}
	object = store_get(call->controller->bindings[0].store, call->ns, call->name);
	carrier = object != NULL ? asb_annotation(object, ANNOTATION_TRACE_CONTEXT) : NULL;
	if (carrier == NULL || !trace_parse_carrier(carrier, &context)) {
		return;
	}
	span_begin(tracer, &context, SPAN_INTERNAL, &call->span);
	span_name(&call->span, "reconcile %s", call->controller->plugin->watches[0].kind.kind);
	span_attribute(&call->span, "k8s.namespace.name", call->ns);
	span_attribute(&call->span, "k8s.object.name", call->name);
}

static int32_t worker_reconcile(struct controller *controller, struct queue_item *item,
				uint64_t *ret_requeue_after_ms)
{
	struct asb_key key = { .ns = queue_item_ns(item), .name = queue_item_name(item) };
	bool was_gone = !store_has(controller->bindings[0].store, key.ns, key.name);
	struct call call;
	int32_t result;

	call_begin(&call, controller, key.ns, key.name);
	worker_begin_span(&call);
	result = controller->plugin->head.reconcile(controller->state, &call.base, &key,
						    ret_requeue_after_ms);
	if (result != ASB_DONE && result != ASB_REQUEUE_AFTER) {
		worker_report_failure(&call, item, result);
	}
	/* That the object is gone by now is not enough: the plugin must have been called once for
	 * the missing object with its key state still there. */
	if (was_gone && !store_has(controller->bindings[0].store, key.ns, key.name)) {
		key_state_forget(controller, key.ns, key.name);
		counted_forget(controller, key.ns, key.name);
	}
	span_attribute(&call.span, "result", worker_result_of(result));
	span_end(controller->config.tracer, &call.span,
		 result == ASB_DONE || result == ASB_REQUEUE_AFTER ? NULL : call.failure);
	call_finish(&call);
	return result;
}

static void worker_work_on(struct worker *worker, struct queue_item *item)
{
	struct controller *controller = worker->controller;
	const char *name = controller->plugin->head.name;
	uint64_t began = sched_now_us(controller->config.sched), after_ms = 0,
		 after_us = SCHED_FOREVER;
	int32_t result;

	worker_set_busy(worker, began);
	result = worker_reconcile(controller, item, &after_ms);
	worker_set_busy(worker, 0);
	metric_record(controller->durations,
		      (double)(sched_now_us(controller->config.sched) - began) / 1e6,
		      (const char *[]){ name });
	metric_record(controller->reconciles, 1,
		      (const char *[]){ name, worker_result_of(result) });
	if (result == ASB_REQUEUE_AFTER) {
		after_us = after_ms < SCHED_FOREVER / 1000 ? after_ms * 1000 : SCHED_FOREVER - 1;
	}
	queue_done(controller->queue, item,
		   result == ASB_DONE || result == ASB_REQUEUE_AFTER || result == ASB_TERMINAL_ERROR
			   ? QUEUE_FORGET
			   : QUEUE_RETRY,
		   after_us);
}

void worker_run(void *arg)
{
	struct worker *worker = arg;
	struct queue_item *item;

	while ((item = queue_get(worker->controller->queue)) != NULL) {
		worker_work_on(worker, item);
	}
}
