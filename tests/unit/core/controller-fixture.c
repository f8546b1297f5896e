/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that does what a test tells it, and a controller around it. Used by the tests of
 * controller, host, informer and manager. */
#include "config.h"

#include "tests/unit/core/controller-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/observe/log.h"
#include "tests/unit/core/core-fixture.h"

const struct asb_kind rig_kinds[WATCHES] = {
	{ "example.com", "v1", "widgets", "Widget" },
	{ "", "v1", "pods", "Pod" },
	{ "", "v1", "services", "Service" },
	{ "", "v1", "secrets", "Secret" },
};

/* A plugin has no other way to meet its test. */
static struct rig *latest;

/* ---- the plugin ---- */

static int32_t init(const struct asb_host *host, struct asb_instance *instance, void **ret_state)
{
	(void)host;
	(void)instance;
	latest->inits++;
	*ret_state = latest;
	return latest->init_result;
}

static void fini(void *state)
{
	struct rig *rig = state;

	rig->finis++;
}

static void note_begin(struct rig *rig, const struct asb_key *key)
{
	LOCKED(&rig->lock);
	size_t length = strlen(rig->keys);

	snprintf(rig->keys + length, sizeof(rig->keys) - length, "%s%s/%s", length > 0 ? " " : "",
		 key->ns, key->name);
	rig->last_us = sched_now_us(rig->sched);
	rig->running++;
	rig->most = rig->running > rig->most ? rig->running : rig->most;
}

static void note_end(struct rig *rig)
{
	LOCKED(&rig->lock);

	rig->running--;
}

static int32_t reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	struct rig *rig = state;
	int32_t result = ASB_DONE;

	note_begin(rig, key);
	if (rig->reconcile != NULL) {
		result = rig->reconcile(rig, call, key, ret_requeue_after_ms);
	}
	note_end(rig);
	return result;
}

static void map(void *state, struct asb_call *call, struct json_object *before,
		struct json_object *after, struct asb_keys *out)
{
	struct rig *rig = state;

	rig->maps++;
	if (rig->enqueue != NULL) {
		rig->enqueue(rig, call, before, after, out);
	}
}

static void by_pod(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_str(object, "spec", "pod"), 0);
}

static void by_colour(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_str(object, "metadata", "labels", "colour"),
		 asb_int(asb_at(object, "status", "rank"), 0));
}

static void by_reserved(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_annotation(object, "reserves"), 0);
}

static const char *const widget_fields[] = { "spec", "status", NULL };
static const char *const pod_fields[] = { "status.phase", "status.rank", NULL };

static const struct asb_watch watches[] = {
	{ .kind = { "example.com", "v1", "widgets", "Widget" },
	  .enqueue = ASB_ENQUEUE_SELF,
	  .fields = widget_fields },
	{ .kind = { "", "v1", "pods", "Pod" },
	  .enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX,
	  .fields = pod_fields,
	  .enqueue_index = "by-pod" },
	{ .kind = { "", "v1", "services", "Service" },
	  .enqueue = ASB_ENQUEUE_SELF | ASB_ENQUEUE_FUNCTION,
	  .flags = ASB_WATCH_METADATA,
	  .enqueue_function = map },
	{ .kind = { "", "v1", "secrets", "Secret" }, .flags = ASB_WATCH_UNWATCHED },
	{ .kind = { 0 } },
};

static const struct asb_index indexes[] = {
	{ .name = "by-pod", .watch = WIDGET, .values = by_pod },
	{ .name = "by-colour", .watch = POD, .values = by_colour },
	{ .name = "reserving",
	  .watch = WIDGET,
	  .flags = ASB_INDEX_RESERVES,
	  .reserves = POD,
	  .values = by_reserved },
	{ 0 },
};

static const struct asb_option options[] = {
	{ .name = "colour", .fallback = "red", .help = "help" }, { .name = "size" }, { 0 }
};
static const double widget_ms_buckets[] = { 100, 250, 0 };
static const struct asb_metric metrics[] = {
	{ .name = "widgets_made_total",
	  .help = "Widgets made.",
	  .labels = "colour",
	  .type = ASB_COUNTER },
	{ .name = "widget_seconds", .help = "How long it took.", .type = ASB_HISTOGRAM },
	{ .name = "widget_ms",
	  .help = "How long it took.",
	  .type = ASB_HISTOGRAM,
	  .buckets = widget_ms_buckets },
	{ .name = "widgets", .help = "Widgets.", .labels = "colour", .type = ASB_GAUGE_COUNTED },
	{ 0 },
};

static const struct asb_plugin description = {
	ASB_PLUGIN_HEAD,    .name = "widget",       .version = "1",     .workers = 1,
	.watches = watches, .indexes = indexes,     .options = options, .metrics = metrics,
	.init = init,       .reconcile = reconcile, .fini = fini,
};

const struct asb_plugin *rig_description(void)
{
	return &description;
}

/* ---- the rig ---- */

void rig_init_bare(struct rig *rig)
{
	*rig = (struct rig){ 0 };
	latest = rig;
	log_set_level(LOG_ERROR);
	rig->sched = sched_create_simulation(1, INT64_C(1700000000000000));
	sched_mutex_init(&rig->lock, rig->sched);
	script_init(&rig->script, rig->sched);
	rig->metrics = metrics_create(rig->sched);
	assert_int_equal(plugin_copy(&description, "widget.so", &rig->plugin, NULL), 0);
}

void rig_finish_bare(struct rig *rig)
{
	metrics_destroy(rig->metrics);
	plugin_finish(&rig->plugin);
	script_finish(&rig->script);
	sched_mutex_finish(&rig->lock);
	sched_destroy(rig->sched);
}

static void make_parts(struct rig *rig)
{
	rig->client = client_create(&(struct client_config){
		.sched = rig->sched, .transport = &rig->script.transport, .slots = 8 });
	rig->events = events_create(rig->sched, rig->client, rig->metrics, "test");
	rig->reservations = reservations_create(rig->sched);
}

void rig_init_with(struct rig *rig, const char *const *option_values, uint32_t workers)
{
	struct error error = { 0 };

	rig_init_bare(rig);
	make_parts(rig);
	rig->controller = controller_create(
		&(struct controller_config){
			.sched = rig->sched,
			.plugin = &rig->plugin,
			.client = rig->client,
			.events = rig->events,
			.metrics = rig->metrics,
			.reservations = rig->reservations,
			.workers = workers,
			.option_values = option_values,
		},
		&error);
	assert_non_null(rig->controller);
	rig->informers =
		informers_create(&(struct informers_config){ .sched = rig->sched,
							     .client = rig->client,
							     .reservations = rig->reservations },
				 &rig->controller, 1);
	for (uint32_t watch = 0; watch < WATCHES; watch++) {
		rig->stores[watch] = informers_store(rig->informers, &rig_kinds[watch]);
	}
}

void rig_init(struct rig *rig)
{
	rig_init_with(rig, NULL, 1);
}

void rig_finish(struct rig *rig)
{
	controller_shut(rig->controller);
	controller_join(rig->controller);
	events_stop(rig->events);
	client_stop(rig->client);
	rig->script.transport.ops->stop(&rig->script.transport);
	controller_destroy(rig->controller);
	informers_destroy(rig->informers);
	events_destroy(rig->events);
	reservations_destroy(rig->reservations);
	client_destroy(rig->client);
	rig_finish_bare(rig);
}

static void stream(struct rig *rig, enum store_event event, uint32_t watch, const char *name,
		   uint64_t version, const char *metadata, const char *rest)
{
	CLEANUP_FREE char *text = object_text(name, version, metadata, rest);

	assert_int_equal(store_event(rig->stores[watch], event, text, strlen(text), NULL), 0);
}

void rig_put(struct rig *rig, uint32_t watch, const char *name, uint64_t version,
	     const char *metadata, const char *rest)
{
	stream(rig, STORE_MODIFIED, watch, name, version, metadata, rest);
}

void rig_delete(struct rig *rig, uint32_t watch, const char *name, uint64_t version)
{
	stream(rig, STORE_DELETED, watch, name, version, "", "");
}

const char *rig_take_keys(struct rig *rig, char ret[256])
{
	size_t length = 0;

	ret[0] = '\0';
	while (queue_depth(rig->controller->queue) > 0) {
		struct queue_item *item = queue_get(rig->controller->queue);
		int added = snprintf(ret + length, 256 - length, "%s%s/%s", length > 0 ? " " : "",
				     queue_item_ns(item), queue_item_name(item));

		length += (size_t)added;
		assert_true(length < 256);
		queue_done(rig->controller->queue, item, QUEUE_FORGET, SCHED_FOREVER);
	}
	return ret;
}
