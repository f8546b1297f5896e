/* SPDX-License-Identifier: Apache-2.0 */
/* The Widget plugin. The tests of the fake host load it. */
#include "config.h"

#include "tests/unit/fakehost/widget.h"

struct probe probe;

static const char *const widget_fields[] = { "spec", "status", NULL };
static const char *const pod_fields[] = { "status.phase", "spec.nodeName", NULL };
static const char *const labels[] = { "example.com/widget", NULL };

static void robot_changed(void *state, struct asb_call *call, struct json_object *before,
			  struct json_object *after, struct asb_keys *out)
{
	struct json_object *robot = after != NULL ? after : before;
	const char *widget = asb_label(robot, "widget");

	(void)state;
	assert_ptr_equal(call->host->get(call, POD, "nowhere", "x"), NULL);
	if (widget != NULL) {
		out->add(out, asb_ns(robot), widget);
	}
}

const struct asb_watch widget_watches[] = {
	[WIDGET] = { .kind = { "example.com", "v1", "widgets", "Widget" },
		     .enqueue = ASB_ENQUEUE_SELF,
		     .fields = widget_fields },
	[POD] = { .kind = { "", "v1", "pods", "Pod" },
		  .enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX,
		  .fields = pod_fields,
		  .enqueue_index = "by-pod" },
	[SERVICE] = { .kind = { "", "v1", "services", "Service" },
		      .enqueue = ASB_ENQUEUE_SELF,
		      .flags = ASB_WATCH_SELECTED,
		      .selector_labels = labels },
	[SECRET] = { .kind = { "", "v1", "secrets", "Secret" },
		     .enqueue = ASB_ENQUEUE_SELF,
		     .flags = ASB_WATCH_METADATA,
		     .fields = pod_fields },
	[LEASE] = { .kind = { "coordination.k8s.io", "v1", "leases", "Lease" },
		    .flags = ASB_WATCH_UNWATCHED,
		    .fields = widget_fields },
	[ROBOT] = { .kind = { "example.com", "v1", "robots", "Robot" },
		    .enqueue = ASB_ENQUEUE_FUNCTION,
		    .flags = ASB_WATCH_OPTIONAL,
		    .enqueue_function = robot_changed },
	{ { 0 } },
};

static void add_ns_name(struct json_object *object, const char *name, struct asb_values *out,
			int64_t rank)
{
	char value[320];

	if (name != NULL) {
		snprintf(value, sizeof(value), "%s/%s", asb_ns(object), name);
		out->add(out, value, rank);
	}
}

static void by_pod(struct json_object *widget, struct asb_values *out)
{
	add_ns_name(widget, asb_str(widget, "spec", "podName"), out, 0);
}

static void by_colour(struct json_object *pod, struct asb_values *out)
{
	const char *colour = asb_label(pod, "colour"), *rank = asb_label(pod, "rank");

	if (colour != NULL) {
		out->add(out, colour, 7);
		out->add(out, colour, rank != NULL ? rank[0] - '0' : 0);
	}
	/* Harmless: the object is a copy. */
	json_object_object_del(pod, "metadata");
}

static void reserving(struct json_object *widget, struct asb_values *out)
{
	add_ns_name(widget, asb_str(widget, "spec", "reserves"), out, 0);
}

static const struct asb_index indexes[] = {
	[BY_POD] = { .name = "by-pod", .watch = WIDGET, .values = by_pod },
	[BY_COLOUR] = { .name = "by-colour", .watch = POD, .values = by_colour },
	[RESERVING] = { .name = "reserving",
			.watch = WIDGET,
			.flags = ASB_INDEX_RESERVES,
			.reserves = POD,
			.values = reserving },
	{ 0 },
};

static const struct asb_option options[] = {
	{ .name = "greeting", .fallback = "hello", .help = "what to say" },
	{ 0 },
};

static const struct asb_metric metrics[] = {
	[MADE] = { .name = "made_total", .help = "Pods.", .labels = "ns,how", .type = ASB_COUNTER },
	[SIZE] = { .name = "size", .help = "Size.", .labels = "ns", .type = ASB_GAUGE },
	[TIME] = { .name = "time_seconds", .help = "Time.", .type = ASB_HISTOGRAM },
	[WIDGETS] = { .name = "widgets",
		      .help = "Widgets.",
		      .labels = "colour",
		      .type = ASB_GAUGE_COUNTED },
	{ 0 },
};

static int32_t widget_init(const struct asb_host *host, struct asb_instance *instance,
			   void **ret_state)
{
	probe.inits++;
	*ret_state = strdup(host->option(instance, 0));
	return 0;
}

static void widget_fini(void *state)
{
	probe.finis++;
	free(state);
}

/* A pod of the Widget's name, and the Widget's status. */
static int32_t make_pod(struct asb_call *call, struct json_object *widget)
{
	struct json_object *pod = asb_get(call, POD, asb_ns(widget), asb_name(widget)), *status,
			   *body;
	struct asb_write write;

	if (pod == NULL) {
		body = asb_new(&widget_watches[POD].kind, asb_ns(widget), asb_name(widget));
		asb_set_owner(body, widget);
		write = asb_create(POD, ASB_PRIORITY_CLAIM, body);
		if (asb_write(call, &write) != ASB_OK) {
			return call->host->fail(call, ASB_ERROR, "create of the pod: %s",
						write.message);
		}
		pod = asb_get(call, POD, asb_ns(widget), asb_name(widget));
		assert_non_null(pod);
		call->host->event(call, widget, "Normal", "Made", "made %s", asb_name(pod));
	}
	status = json_object_new_object();
	asb_set_str(status, "phase", asb_str(pod, "status", "phase"));
	write = asb_set_status(WIDGET, widget, status);
	return asb_write(call, &write) == ASB_OK
		       ? ASB_DONE
		       : call->host->fail(call, ASB_ERROR, "%s", write.message);
}

static int32_t widget_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
				uint64_t *ret_requeue_after_ms)
{
	struct json_object *widget = asb_get(call, WIDGET, key->ns, key->name);

	assert_non_null(state);
	probe.calls++;
	snprintf(probe.last, sizeof(probe.last), "%s/%s", key->ns, key->name);
	if (probe.reconcile != NULL) {
		return probe.reconcile(call, key, ret_requeue_after_ms);
	}
	return widget != NULL ? make_pod(call, widget) : ASB_DONE;
}

const struct asb_plugin widget_plugin = {
	ASB_PLUGIN_HEAD,           .name = "widget",    .version = "1",
	.watches = widget_watches, .indexes = indexes,  .options = options,
	.metrics = metrics,        .init = widget_init, .reconcile = widget_reconcile,
	.fini = widget_fini,
};

int setup(void **state)
{
	memset(&probe, 0, sizeof(probe));
	*state = asb_fake_create(&widget_plugin);
	return 0;
}

int teardown(void **state)
{
	asb_fake_destroy(*state);
	return probe.inits == probe.finis ? 0 : -1;
}

int32_t run(struct asb_fake *fake, probe_function function)
{
	int32_t result;

	probe.reconcile = function;
	result = asb_fake_reconcile(fake, "ns", "w", NULL);
	probe.reconcile = NULL;
	return result;
}

unsigned int settled(struct asb_fake *fake)
{
	probe.calls = 0;
	assert_int_equal(asb_fake_settle(fake), 0);
	return probe.calls;
}

int32_t do_nothing(struct asb_call *call, const struct asb_key *key, uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return ASB_DONE;
}

struct asb_fake *quiet(void **state)
{
	struct asb_fake *fake = *state;

	probe.reconcile = do_nothing;
	asb_fake_put(fake, WIDGET_W "}");
	assert_int_equal(settled(fake), 1);
	return fake;
}
