/* SPDX-License-Identifier: Apache-2.0 */
/* One plugin at work: its stores, its queue, its workers. Owned by core/controller/manager.c. */
#include "config.h"

#include "core/controller/controller.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/cache/reflector.h"
#include "core/controller/controller-private.h"

static enum metric_type controller_metric_type(uint32_t type)
{
	return type == ASB_GAUGE_COUNTED ? METRIC_GAUGE : (enum metric_type)type;
}

static void controller_make_metrics(struct controller *controller)
{
	struct metrics *metrics = controller->config.metrics;
	const struct plugin *plugin = controller->plugin;

	if (metrics == NULL) {
		return;
	}
	controller->reconciles =
		metrics_family(metrics, "controller_runtime_reconcile_total",
			       "Reconciles by result.", METRIC_COUNTER, "controller,result", NULL);
	controller->durations =
		metrics_family(metrics, "controller_runtime_reconcile_time_seconds",
			       "How long a reconcile took.", METRIC_HISTOGRAM, "controller", NULL);
	for (uint32_t i = 0; i < plugin->metric_count; i++) {
		const struct asb_metric *metric = &plugin->metrics[i];

		controller->metrics[i] = metrics_family(metrics, metric->name, metric->help,
							controller_metric_type(metric->type),
							metric->labels, metric->buckets);
	}
}

struct controller *controller_create(const struct controller_config *config, struct error *reterr)
{
	struct controller *controller = xnew(struct controller);
	const struct asb_plugin *head = &config->plugin->head;

	controller->config = *config;
	controller->plugin = config->plugin;
	controller->host = &controller_host;
	controller->state = config->state;
	sched_mutex_init(&controller->lock, config->sched);
	controller->queue = queue_create(config->sched, config->metrics, head->name);
	controller_make_metrics(controller);
	if (head->init != NULL && head->init(controller->host, (struct asb_instance *)controller,
					     &controller->state) != 0) {
		error_set(reterr, -EINVAL,
			  "plugin '%s' (%s) failed to start: the reason is in the log above",
			  head->name, config->plugin->file);
		queue_destroy(controller->queue);
		sched_mutex_finish(&controller->lock);
		free(controller);
		return NULL;
	}
	return controller;
}

void controller_destroy(struct controller *controller)
{
	if (controller == NULL) {
		return;
	}
	if (controller->plugin->head.fini != NULL) {
		controller->plugin->head.fini(controller->state);
	}
	key_state_finish(controller);
	counted_finish(controller);
	queue_destroy(controller->queue);
	sched_mutex_finish(&controller->lock);
	free(controller->workers);
	free(controller);
}

const struct plugin *controller_plugin(const struct controller *controller)
{
	return controller->plugin;
}

void controller_bind_watch(struct controller *controller, uint32_t watch, struct store *store,
			   struct reflector *reflector, bool metadata_only)
{
	controller->bindings[watch] = (struct binding){ .store = store,
							.reflector = reflector,
							.metadata_only = metadata_only };
}

void controller_bind_index(struct controller *controller, uint32_t index, uint32_t store_index)
{
	controller->store_indexes[index] = store_index;
}

/* ---- from a change to keys ---- */

/* An asb_keys that puts its keys into the queue. */
struct key_sink {
	struct asb_keys keys;
	struct queue *queue;
	enum queue_priority priority;
};

static void controller_sink_add(struct asb_keys *keys, const char *ns, const char *name)
{
	struct key_sink *sink = CONTAINER_OF(keys, struct key_sink, keys);

	if (ns != NULL && name != NULL) {
		queue_add(sink->queue, ns, name, sink->priority);
	}
}

static void controller_enqueue_owner(struct controller *controller, struct key_sink *sink,
				     const char *ns, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *name = asb_str(owner, "name");

	if (owner != NULL && name != NULL &&
	    asb_owner_is(owner, &controller->plugin->watches[0].kind)) {
		controller_sink_add(&sink->keys, ns, name);
	}
}

static void controller_enqueue_index(struct controller *controller, struct key_sink *sink,
				     const char *index_name, const char *ns, const char *name)
{
	const struct plugin *plugin = controller->plugin;
	char value[STORE_KEY_MAX], keys[16][STORE_KEY_MAX];
	struct store_cursor cursor = { 0 };
	uint32_t index = 0;
	size_t count;

	while (plugin->indexes[index].watch != 0 ||
	       strcmp(plugin->indexes[index].name, index_name) != 0) {
		index++; /* it is there: plugin_copy has checked */
	}
	snprintf(value, sizeof(value), "%s/%s", ns, name);
	do {
		count = store_keys(controller->bindings[0].store, controller->store_indexes[index],
				   value, false, &cursor, keys, ARRAY_LEN(keys));
		for (size_t i = 0; i < count; i++) {
			char *slash = strchr(keys[i], '/');

			*slash = '\0';
			controller_sink_add(&sink->keys, keys[i], slash + 1);
		}
	} while (count == ARRAY_LEN(keys));
}

static void controller_enqueue_function(struct controller *controller,
					const struct asb_watch *watch, struct key_sink *sink,
					struct store_change *change)
{
	struct call call;

	call_begin(&call, controller, NULL, NULL);
	watch->enqueue_function(controller->state, &call.base, store_change_before(change),
				store_change_after(change), &sink->keys);
	call_finish(&call);
}

void controller_enqueue_change(struct controller *controller, uint32_t watch_number,
			       struct store_change *change)
{
	const struct asb_watch *watch = &controller->plugin->watches[watch_number];
	struct key_sink sink = {
		.keys.add = controller_sink_add,
		.queue = controller->queue,
		.priority = change->initial     ? QUEUE_LOW
			    : watch_number == 0 ? QUEUE_NORMAL
						: QUEUE_HIGH,
	};

	if ((watch->enqueue & ASB_ENQUEUE_SELF) != 0 &&
	    (watch_number == 0 ||
	     store_has(controller->bindings[0].store, change->ns, change->name))) {
		controller_sink_add(&sink.keys, change->ns, change->name);
	}
	if ((watch->enqueue & ASB_ENQUEUE_OWNER) != 0) {
		if (!store_change_keeps_owners(change)) {
			controller_enqueue_owner(controller, &sink, change->ns,
						 store_change_before(change));
		}
		controller_enqueue_owner(controller, &sink, change->ns, store_change_after(change));
	}
	if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0) {
		controller_enqueue_index(controller, &sink, watch->enqueue_index, change->ns,
					 change->name);
	}
	if ((watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0) {
		controller_enqueue_function(controller, watch, &sink, change);
	}
}

void controller_enqueue_filtered(struct controller *controller, uint32_t watch, const char *ns,
				 const char *name)
{
	if ((controller->plugin->watches[watch].enqueue & ASB_ENQUEUE_SELF) != 0 &&
	    store_has(controller->bindings[0].store, ns, name)) {
		queue_add(controller->queue, ns, name, QUEUE_NORMAL);
	}
}

void controller_enqueue(struct controller *controller, const char *ns, const char *name)
{
	queue_add(controller->queue, ns, name, QUEUE_NORMAL);
}

/* ---- running ---- */

/* The state of a watched kind, as far as the plugin has to wait for it: one that is optional may be
 * absent. */
static enum reflector_state controller_state_of(const struct controller *controller, uint32_t watch)
{
	const struct binding *binding = &controller->bindings[watch];
	bool optional = (controller->plugin->watches[watch].flags & ASB_WATCH_OPTIONAL) != 0;
	enum reflector_state state =
		binding->store != NULL ? reflector_state(binding->reflector) : REFLECTOR_SYNCED;

	return state == REFLECTOR_ABSENT && optional ? REFLECTOR_SYNCED : state;
}

const struct asb_kind *controller_waits_for(struct controller *controller, bool *ret_absent)
{
	const struct asb_kind *absent = NULL;

	for (uint32_t i = 0; i < controller->plugin->watch_count; i++) {
		enum reflector_state state = controller_state_of(controller, i);

		if (state == REFLECTOR_LISTING) {
			*ret_absent = false;
			return &controller->plugin->watches[i].kind;
		}
		if (state == REFLECTOR_ABSENT && absent == NULL) {
			absent = &controller->plugin->watches[i].kind;
		}
	}
	*ret_absent = absent != NULL;
	return absent;
}

bool controller_started(struct controller *controller)
{
	LOCKED(&controller->lock);

	return controller->worker_count > 0;
}

void controller_start(struct controller *controller)
{
	uint32_t count = controller->config.workers > 0 ? controller->config.workers : 1;

	LOCKED(&controller->lock);
	if (controller->worker_count > 0) {
		return;
	}
	controller->workers = xnew_array(struct worker, count);
	controller->worker_count = count;
	for (uint32_t i = 0; i < count; i++) {
		controller->workers[i].controller = controller;
		controller->workers[i].thread =
			sched_start(controller->config.sched, controller->plugin->head.name,
				    worker_run, &controller->workers[i]);
	}
}

void controller_shut(struct controller *controller)
{
	queue_stop(controller->queue);
}

void controller_join(struct controller *controller)
{
	for (uint32_t i = 0; i < controller->worker_count; i++) {
		sched_join(controller->workers[i].thread);
	}
	controller->worker_count = 0;
}

bool controller_idle(struct controller *controller)
{
	return queue_idle(controller->queue);
}

uint64_t controller_busy_since_us(struct controller *controller)
{
	uint64_t since = 0;

	LOCKED(&controller->lock);
	for (uint32_t i = 0; i < controller->worker_count; i++) {
		uint64_t busy = controller->workers[i].busy_since_us;

		if (busy != 0 && (since == 0 || busy < since)) {
			since = busy;
		}
	}
	return since;
}
