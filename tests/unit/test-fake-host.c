/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host, with a plugin that makes a pod of each Widget and otherwise does what a test tells it. */
#include "config.h"

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's macro is in the way of the host's function. */
#undef fail

enum { WIDGET, POD, SERVICE, SECRET, LEASE, ROBOT };
enum { BY_POD, BY_COLOUR, RESERVING };
enum { MADE, SIZE, TIME };

typedef int32_t (*probe_function)(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms);

/* What the plugin does instead of its own work, and what it saw: a plugin has no other way to meet its test. */
static struct {
	probe_function reconcile;
	unsigned int calls, inits, finis;
	char last[64];
	void *arg;
} probe;

static const char *const widget_fields[] = { "spec", "status", NULL };
static const char *const pod_fields[] = { "status.phase", "spec.nodeName", NULL };
static const char *const labels[] = { "example.com/widget", NULL };

static void robot_changed(void *state, struct asb_call *call, struct json_object *before, struct json_object *after,
                          struct asb_keys *out)
{
	struct json_object *robot = after != NULL ? after : before;
	const char *widget = asb_label(robot, "widget");

	(void)state;
	assert_ptr_equal(call->host->get(call, POD, "nowhere", "x"), NULL);
	if (widget != NULL) {
		out->add(out, asb_ns(robot), widget);
	}
}

static const struct asb_watch watches[] = {
	[WIDGET] = { .kind = { "example.com", "v1", "widgets", "Widget" }, .map = ASB_MAP_SELF, .fields = widget_fields },
	[POD] = { .kind = { "", "v1", "pods", "Pod" },
	          .map = ASB_MAP_CONTROLLER | ASB_MAP_INDEX,
	          .fields = pod_fields,
	          .map_index = "by-pod" },
	[SERVICE] = { .kind = { "", "v1", "services", "Service" },
	              .map = ASB_MAP_SELF,
	              .flags = ASB_WATCH_OURS,
	              .keep_labels = labels },
	[SECRET] = { .kind = { "", "v1", "secrets", "Secret" },
	             .map = ASB_MAP_SELF,
	             .flags = ASB_WATCH_METADATA,
	             .fields = pod_fields },
	[LEASE] = { .kind = { "coordination.k8s.io", "v1", "leases", "Lease" },
	            .flags = ASB_WATCH_UNWATCHED,
	            .fields = widget_fields },
	[ROBOT] = { .kind = { "example.com", "v1", "robots", "Robot" },
	            .map = ASB_MAP_FUNCTION,
	            .flags = ASB_WATCH_OPTIONAL,
	            .map_function = robot_changed },
	{ { 0 } },
};

static void add_ns_name(struct json_object *object, const char *name, struct asb_values *out, int64_t rank)
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
	{ "greeting", "hello", "what to say" },
	{ 0 },
};

static const struct asb_metric metrics[] = {
	[MADE] = { .name = "made_total", .help = "Pods.", .labels = "ns,how", .type = ASB_COUNTER },
	[SIZE] = { .name = "size", .help = "Size.", .labels = "ns", .type = ASB_GAUGE },
	[TIME] = { .name = "time_seconds", .help = "Time.", .type = ASB_HISTOGRAM },
	{ 0 },
};

static int32_t widget_init(const struct asb_host *host, struct asb_instance *instance, void **ret_state)
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
	struct json_object *pod = asb_get(call, POD, asb_ns(widget), asb_name(widget)), *status, *body;
	struct asb_write write;

	if (pod == NULL) {
		body = asb_new(&watches[POD].kind, asb_ns(widget), asb_name(widget));
		asb_set_owner(body, widget);
		write = asb_create(POD, ASB_LANE_CLAIM, body);
		if (asb_write(call, &write) != ASB_OK) {
			return call->host->fail(call, ASB_RETRY, "create of the pod: %s", write.message);
		}
		pod = asb_get(call, POD, asb_ns(widget), asb_name(widget));
		assert_non_null(pod);
		call->host->event(call, widget, "Normal", "Made", "made %s", asb_name(pod));
	}
	status = json_object_new_object();
	asb_set_str(status, "phase", asb_str(pod, "status", "phase"));
	write = asb_set_status(WIDGET, widget, status);
	return asb_write(call, &write) == ASB_OK ? ASB_DONE : call->host->fail(call, ASB_RETRY, "%s", write.message);
}

static int32_t widget_reconcile(void *state, struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	struct json_object *widget = asb_get(call, WIDGET, key->ns, key->name);

	assert_non_null(state);
	probe.calls++;
	snprintf(probe.last, sizeof(probe.last), "%s/%s", key->ns, key->name);
	if (probe.reconcile != NULL) {
		return probe.reconcile(call, key, ret_after_ms);
	}
	return widget != NULL ? make_pod(call, widget) : ASB_DONE;
}

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "widget",
	.version = "1",
	.watches = watches,
	.indexes = indexes,
	.options = options,
	.metrics = metrics,
	.init = widget_init,
	.reconcile = widget_reconcile,
	.fini = widget_fini,
};

#define WIDGET_W "{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: ns, name: w}"
#define POD_P "{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: p"

static int setup(void **state)
{
	memset(&probe, 0, sizeof(probe));
	*state = asb_fake_create(&plugin);
	return 0;
}

static int teardown(void **state)
{
	asb_fake_destroy(*state);
	return probe.inits == probe.finis ? 0 : -1;
}

/* Runs a probe once for ns/w. */
static int32_t run(struct asb_fake *fake, probe_function function)
{
	int32_t verdict;

	probe.reconcile = function;
	verdict = asb_fake_reconcile(fake, "ns", "w", NULL);
	probe.reconcile = NULL;
	return verdict;
}

/* Settles, and says how often reconcile was called. */
static unsigned int settled(struct asb_fake *fake)
{
	probe.calls = 0;
	assert_int_equal(asb_fake_settle(fake), 0);
	return probe.calls;
}

static int32_t do_nothing(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_after_ms;
	return ASB_DONE;
}

/* A fake at rest with one Widget that nobody works on. */
static struct asb_fake *quiet(void **state)
{
	struct asb_fake *fake = *state;

	probe.reconcile = do_nothing;
	asb_fake_put(fake, WIDGET_W "}");
	assert_int_equal(settled(fake), 1);
	return fake;
}

/* ---- the world ---- */

static void objects_get_what_an_api_server_gives(void **state)
{
	struct asb_fake *fake = quiet(state);
	struct json_object *widget = asb_fake_get(fake, "Widget", "ns", "w");
	char uid[37], version[24];

	assert_non_null(asb_uid(widget));
	assert_int_equal(strlen(asb_uid(widget)), 36);
	snprintf(uid, sizeof(uid), "%s", asb_uid(widget));
	snprintf(version, sizeof(version), "%s", asb_resource_version(widget));
	assert_int_equal(asb_generation(widget), 1);
	assert_string_equal(asb_str(widget, "metadata", "creationTimestamp"), "2026-01-02T03:04:05Z");
	widget = asb_fake_put(fake, WIDGET_W ", spec: {size: 2}, status: {phase: Old}}");
	assert_string_equal(asb_uid(widget), uid);
	assert_string_not_equal(asb_resource_version(widget), version);
	assert_int_equal(asb_generation(widget), 2);
	assert_string_equal(asb_str(widget, "status", "phase"), "Old");
	widget = asb_fake_merge(fake, "Widget", "ns", "w", "status:\n  phase: New\nspec:\n  size: 3\n");
	assert_string_equal(asb_str(widget, "status", "phase"), "New");
	assert_int_equal(asb_int(asb_at(widget, "spec", "size"), 0), 3);
	widget = asb_fake_put(fake, WIDGET_W "}");
	assert_null(asb_at(widget, "status"));
	assert_int_equal(asb_fake_count(fake, "Widget"), 1);
	assert_ptr_equal(asb_fake_nth(fake, "Widget", 0), widget);
	assert_null(asb_fake_nth(fake, "Widget", 1));
	assert_null(asb_fake_get(fake, "Widget", "ns", "other"));
}

static void a_test_may_choose_uids_and_ages(void **state)
{
	struct json_object *pod =
		asb_fake_put(*state, POD_P ", uid: u-1, creationTimestamp: '2020-01-01T00:00:00Z'}}");

	assert_string_equal(asb_uid(pod), "u-1");
	assert_string_equal(asb_str(pod, "metadata", "creationTimestamp"), "2020-01-01T00:00:00Z");
}

static void what_is_owned_goes_with_its_owner(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_put(fake, WIDGET_W "}");
	assert_int_equal(settled(fake) > 0, 1);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", "w"));
	asb_fake_delete(fake, "Widget", "ns", "w");
	assert_null(asb_fake_get(fake, "Pod", "ns", "w"));
	asb_fake_delete(fake, "Widget", "ns", "w");
}

static void a_pod_may_take_its_time_to_end(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_put(fake, POD_P ", finalizers: [example.com/x]}}");
	asb_fake_start_deletion(fake, "Pod", "ns", "p");
	assert_true(asb_deleting(asb_fake_get(fake, "Pod", "ns", "p")));
	asb_fake_delete(fake, "Pod", "ns", "p");
	assert_null(asb_fake_get(fake, "Pod", "ns", "p"));
}

static void a_pod_becomes_ready(void **state)
{
	struct json_object *pod;

	asb_fake_put(*state, POD_P "}}");
	asb_fake_pod_ready(*state, "ns", "p");
	pod = asb_fake_get(*state, "Pod", "ns", "p");
	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_true(asb_condition_is(pod, "Ready", "True"));
}

/* ---- who is woken ---- */

static void an_own_object_is_reconciled_until_it_rests(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_put(fake, WIDGET_W "}");
	assert_true(settled(fake) > 0);
	assert_int_equal(settled(fake), 0);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE Pod ns/w");
	assert_string_equal(asb_fake_write(fake, 1), "SET_STATUS Widget ns/w");
	assert_null(asb_fake_write(fake, 2));
	assert_int_equal(asb_fake_writes(fake), 2);
	assert_string_equal(asb_fake_event(fake, 0), "Normal Made Widget ns/w: made w");
	assert_null(asb_fake_event(fake, 1));
	asb_fake_forget(fake);
	assert_null(asb_fake_write(fake, 0));
	assert_null(asb_fake_event(fake, 0));
	asb_fake_pod_ready(fake, "ns", "w");
	assert_true(settled(fake) > 0);
	assert_string_equal(asb_str(asb_fake_get(fake, "Widget", "ns", "w"), "status", "phase"), "Running");
	assert_string_equal(asb_fake_write(fake, 0), "SET_STATUS Widget ns/w");
	assert_null(asb_fake_write(fake, 1));
}

static void an_own_object_that_goes_is_told(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_delete(fake, "Widget", "ns", "w");
	assert_int_equal(settled(fake), 1);
}

static void the_controller_before_and_after_are_woken(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake, "{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: ns, name: v, uid: u-v}}");
	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {a: 1}}");
	assert_int_equal(settled(fake), 2);
	asb_fake_put(fake, POD_P ", ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v, "
	                         "controller: true}]}}");
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/v");
	asb_fake_merge(fake, "Pod", "ns", "p",
	               "{metadata: {ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: w, uid: u-w, "
	               "controller: true}, {apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v}]}}");
	assert_int_equal(settled(fake), 2);
	asb_fake_merge(fake, "Pod", "ns", "p",
	               "{metadata: {ownerReferences: [{apiVersion: other/v1, kind: Widget, name: w, uid: u-v, "
	               "controller: true}, {apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v}]}}");
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/w");
}

static void an_index_wakes_who_names_the_object(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {podName: p}}");
	assert_int_equal(settled(fake), 1);
	asb_fake_put(fake, POD_P "}}");
	assert_int_equal(settled(fake), 1);
	asb_fake_delete(fake, "Pod", "ns", "p");
	assert_int_equal(settled(fake), 1);
	asb_fake_put(fake, "{apiVersion: v1, kind: Pod, metadata: {namespace: other, name: p}}");
	assert_int_equal(settled(fake), 0);
}

static void a_function_wakes_whom_it_names(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake, "{apiVersion: example.com/v1, kind: Robot, metadata: {namespace: ns, name: r, "
	                   "labels: {widget: elsewhere}}}");
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/elsewhere");
	asb_fake_delete(fake, "Robot", "ns", "r");
	assert_int_equal(settled(fake), 1);
}

static void only_own_objects_are_woken_by_name(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake, "{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: other}}");
	assert_int_equal(settled(fake), 0);
	asb_fake_put(fake, "{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: w}}");
	assert_int_equal(settled(fake), 1);
	/* One that the store does not keep. */
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: w}}");
	assert_int_equal(settled(fake), 1);
	asb_fake_merge(fake, "Service", "ns", "w", "{spec: {a: 1}}");
	assert_int_equal(settled(fake), 0);
	asb_fake_delete(fake, "Service", "ns", "w");
	assert_int_equal(settled(fake), 1);
}

static void what_is_not_declared_wakes_nobody(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {podName: p}}");
	asb_fake_put(fake, POD_P "}}");
	settled(fake);
	asb_fake_merge(fake, "Pod", "ns", "p", "{status: {hostIP: 10.0.0.1}}");
	assert_int_equal(settled(fake), 0);
	asb_fake_merge(fake, "Pod", "ns", "p", "{status: {phase: Running}}");
	assert_int_equal(settled(fake), 1);
}

static int32_t enqueue_another(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)ret_after_ms;
	if (strcmp(key->name, "w") == 0) {
		call->host->enqueue(call->instance, "ns", "later", 50);
		call->host->enqueue(call->instance, "ns", "later", 20);
		call->host->enqueue(call->instance, "ns", "later", 30);
		call->host->enqueue(call->instance, "ns", "now", 0);
	}
	return ASB_DONE;
}

static void a_delayed_key_keeps_the_earlier_time(void **state)
{
	struct asb_fake *fake = quiet(state);

	probe.reconcile = enqueue_another;
	asb_fake_reconcile(fake, "ns", "w", NULL);
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/now");
	assert_int_equal(asb_fake_next_ms(fake), 20);
	assert_int_equal(asb_fake_advance(fake, 19), 0);
	assert_string_equal(probe.last, "ns/now");
	assert_int_equal(asb_fake_advance(fake, 1), 0);
	assert_string_equal(probe.last, "ns/later");
	assert_int_equal(asb_fake_next_ms(fake), -1);
}

static int32_t again_after_a_minute(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)call;
	(void)key;
	*ret_after_ms = 60000;
	return ASB_AGAIN;
}

static void again_is_called_when_its_time_has_come(void **state)
{
	struct asb_fake *fake = quiet(state);
	int64_t start = asb_fake_now_ms(fake);
	uint64_t after_ms = 0;

	probe.reconcile = again_after_a_minute;
	assert_int_equal(asb_fake_reconcile(fake, "ns", "w", &after_ms), ASB_AGAIN);
	assert_int_equal(after_ms, 60000);
	assert_int_equal(settled(fake), 0);
	assert_int_equal(asb_fake_advance(fake, 180000), 0);
	assert_int_equal(probe.calls, 3);
	assert_int_equal(asb_fake_now_ms(fake), start + 180000);
}

static int32_t retry(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)key;
	(void)ret_after_ms;
	return call->host->fail(call, ASB_RETRY, "not %s", "yet");
}

static void retries_back_off_until_one_succeeds(void **state)
{
	static const int64_t delays[] = { 5, 10, 20, 40, 80 };
	struct asb_fake *fake = quiet(state);

	probe.reconcile = retry;
	asb_fake_reconcile(fake, "ns", "w", NULL);
	assert_string_equal(asb_fake_failure(fake), "not yet");
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(settled(fake), 0);
		assert_int_equal(asb_fake_next_ms(fake), delays[i]);
		assert_int_equal(asb_fake_advance(fake, (uint64_t)delays[i]), 0);
	}
	asb_fake_advance(fake, 4000000);
	assert_true(asb_fake_next_ms(fake) <= 1000000);
	probe.reconcile = do_nothing;
	asb_fake_reconcile(fake, "ns", "w", NULL);
	assert_int_equal(asb_fake_next_ms(fake), -1);
	probe.reconcile = retry;
	asb_fake_reconcile(fake, "ns", "w", NULL);
	assert_int_equal(asb_fake_next_ms(fake), 5);
	asb_fake_forget(fake);
	assert_string_equal(asb_fake_failure(fake), "");
}

static int32_t give_up(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_after_ms;
	return ASB_TERMINAL;
}

static void terminal_is_not_retried(void **state)
{
	struct asb_fake *fake = quiet(state);

	assert_int_equal(run(fake, give_up), ASB_TERMINAL);
	assert_int_equal(asb_fake_next_ms(fake), -1);
}

static int32_t spin(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)call;
	(void)key;
	*ret_after_ms = 0;
	return ASB_AGAIN;
}

static void what_never_rests_is_told(void **state)
{
	struct asb_fake *fake = quiet(state);

	probe.reconcile = spin;
	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {a: 1}}");
	assert_int_equal(asb_fake_settle(fake), -1);
}

/* ---- the store ---- */

static int32_t see_fields(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	struct json_object *pod = asb_get(call, POD, "ns", "p"), *secret = asb_get(call, SECRET, "ns", "s"), *lease = NULL;

	(void)key;
	(void)ret_after_ms;
	assert_string_equal(asb_str(pod, "apiVersion"), "v1");
	assert_string_equal(asb_str(pod, "kind"), "Pod");
	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_string_equal(asb_str(pod, "spec", "nodeName"), "n1");
	assert_non_null(asb_resource_version(pod));
	assert_string_equal(asb_label(pod, "a"), "b");
	assert_null(asb_at(pod, "status", "podIP"));
	assert_null(asb_at(pod, "spec", "containers"));
	assert_null(asb_at(pod, "metadata", "finalizers"));
	/* The call's own copy. */
	json_object_object_del(pod, "metadata");
	assert_non_null(asb_uid(asb_get(call, POD, "ns", "p")));
	assert_non_null(asb_uid(secret));
	assert_null(asb_at(secret, "spec"));
	assert_null(asb_at(secret, "data"));
	assert_null(asb_get(call, LEASE, "ns", "l"));
	assert_int_equal(call->host->read(call, LEASE, "ns", "l", &lease), ASB_OK);
	assert_string_equal(asb_str(lease, "spec", "holderIdentity"), "me");
	assert_int_equal(call->host->read(call, LEASE, "ns", "none", &lease), ASB_NOT_FOUND);
	assert_null(asb_get(call, POD, "ns", "none"));
	return ASB_DONE;
}

static void get_shows_only_what_was_declared(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake, POD_P ", labels: {a: b}, finalizers: [x.y/z]}, spec: {nodeName: n1, containers: [{name: c}]}, "
	                         "status: {phase: Running, podIP: 10.0.0.1}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: s}, spec: {nodeName: x}, "
	                   "data: {k: djE=}}");
	asb_fake_put(fake, "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {namespace: ns, name: l}, "
	                   "spec: {holderIdentity: me}}");
	run(fake, see_fields);
}

static int32_t see_services(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)key;
	(void)ret_after_ms;
	assert_null(asb_get(call, SERVICE, "ns", "foreign"));
	assert_null(asb_get(call, SERVICE, "ns", "controlled-by-a-foreigner"));
	assert_non_null(asb_get(call, SERVICE, "ns", "labelled"));
	assert_non_null(asb_get(call, SERVICE, "ns", "controlled"));
	assert_non_null(asb_get(call, SERVICE, "ns", "controlled-by-a-robot"));
	return ASB_DONE;
}

static int32_t see_no_service(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	(void)key;
	(void)ret_after_ms;
	assert_null(asb_get(call, SERVICE, "ns", "labelled"));
	return ASB_DONE;
}

static void of_other_peoples_objects_nothing_is_kept(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake, "{apiVersion: example.com/v1, kind: Robot, metadata: {namespace: ns, name: w, uid: u}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: foreign, labels: {a: b}}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: labelled, "
	                   "labels: {example.com/widget: x}}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled, ownerReferences: "
	                   "[{apiVersion: example.com/v2, kind: Widget, name: w, uid: u, controller: true}]}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled-by-a-robot, "
	                   "ownerReferences: [{apiVersion: example.com/v1, kind: Robot, name: w, uid: u, controller: true}]}}");
	asb_fake_put(fake, "{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled-by-a-foreigner, "
	                   "ownerReferences: [{apiVersion: other/v1, kind: Widget, name: w, uid: u, controller: true}]}}");
	run(fake, see_services);
	asb_fake_merge(fake, "Service", "ns", "labelled", "{metadata: {labels: null}}");
	run(fake, see_no_service);
}

static void check_list(struct asb_call *call, uint32_t limit, uint32_t flags, const char *expected)
{
	struct json_object *const *pods = NULL;
	uint32_t count = call->host->list(call, BY_COLOUR, "red", limit, flags, &pods);
	char names[256] = "";

	for (uint32_t i = 0; i < count; i++) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ", asb_name(pods[i]));
	}
	assert_string_equal(names, expected);
}

static int32_t see_lists(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	struct json_object *const *pods = NULL;

	(void)key;
	(void)ret_after_ms;
	check_list(call, 0, 0, "c a d b ");
	check_list(call, 2, 0, "c a ");
	check_list(call, 0, ASB_LIST_REVERSE, "b d a c ");
	check_list(call, 3, ASB_LIST_REVERSE, "b d a ");
	assert_int_equal(call->host->reserve(call, POD, "ns", "a", "ns/x"), ASB_OK);
	check_list(call, 2, ASB_LIST_UNRESERVED, "c d ");
	check_list(call, 2, ASB_LIST_UNRESERVED | ASB_LIST_REVERSE, "b d ");
	assert_int_equal(asb_count(call, BY_COLOUR, "red"), 4);
	assert_int_equal(asb_count(call, BY_COLOUR, "blue"), 0);
	assert_int_equal(call->host->list(call, BY_COLOUR, "blue", 0, 0, &pods), 0);
	return ASB_DONE;
}

static void put_pod(struct asb_fake *fake, const char *name, const char *rank)
{
	char text[256];

	snprintf(text, sizeof(text),
	         "{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: %s, labels: {colour: red, rank: '%s'}}}", name,
	         rank);
	asb_fake_put(fake, text);
}

static void lists_go_by_rank_then_name(void **state)
{
	struct asb_fake *fake = quiet(state);

	put_pod(fake, "d", "2");
	put_pod(fake, "a", "9");
	put_pod(fake, "b", "3");
	put_pod(fake, "c", "1");
	put_pod(fake, "a", "2");
	put_pod(fake, "gone", "0");
	asb_fake_delete(fake, "Pod", "ns", "gone");
	run(fake, see_lists);
}

static int32_t see_reservations(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	const struct asb_host *host = call->host;

	(void)key;
	(void)ret_after_ms;
	assert_null(host->reserved(call, POD, "ns", "p"));
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/x"), ASB_OK);
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/x"), ASB_OK);
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/y"), ASB_EXISTS);
	assert_int_equal(host->reserve(call, SERVICE, "ns", "p", "ns/y"), ASB_OK);
	assert_string_equal(host->reserved(call, POD, "ns", "p"), "ns/x");
	host->release(call, POD, "ns", "p", "ns/y");
	assert_string_equal(host->reserved(call, POD, "ns", "p"), "ns/x");
	host->release(call, POD, "ns", "p", "ns/x");
	assert_null(host->reserved(call, POD, "ns", "p"));
	/* Reserved by the Widget's spec. */
	assert_string_equal(host->reserved(call, POD, "ns", "q"), "ns/w");
	host->release(call, POD, "ns", "q", "ns/w");
	assert_string_equal(host->reserved(call, POD, "ns", "q"), "ns/w");
	assert_int_equal(host->reserve(call, POD, "ns", "q", "ns/w"), ASB_OK);
	assert_int_equal(host->reserve(call, POD, "ns", "q", "ns/y"), ASB_EXISTS);
	host->release(call, POD, "ns", "q", "ns/w");
	return ASB_DONE;
}

static void reservations_have_one_holder(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {reserves: q}}");
	run(fake, see_reservations);
	assert_int_equal(asb_fake_reserve(fake, "Pod", "ns", "p", "ns/other"), ASB_OK);
	assert_string_equal(asb_fake_reserved(fake, "Pod", "ns", "p"), "ns/other");
	asb_fake_restart(fake);
	assert_null(asb_fake_reserved(fake, "Pod", "ns", "p"));
	assert_string_equal(asb_fake_reserved(fake, "Pod", "ns", "q"), "ns/w");
	asb_fake_delete(fake, "Widget", "ns", "w");
	assert_null(asb_fake_reserved(fake, "Pod", "ns", "q"));
}

static int32_t count_in_memory(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	unsigned char *memory = call->host->memory(call, 1);

	(void)key;
	*ret_after_ms = ++*memory;
	return ASB_DONE;
}

static uint64_t counted(struct asb_fake *fake)
{
	uint64_t count = 0;

	probe.reconcile = count_in_memory;
	asb_fake_reconcile(fake, "ns", "w", &count);
	probe.reconcile = do_nothing;
	return count;
}

static void memory_lasts_as_long_as_the_object(void **state)
{
	struct asb_fake *fake = quiet(state);

	assert_int_equal(counted(fake), 1);
	assert_int_equal(counted(fake), 2);
	asb_fake_delete(fake, "Widget", "ns", "w");
	assert_int_equal(counted(fake), 1);
	assert_int_equal(counted(fake), 1);
	asb_fake_put(fake, WIDGET_W "}");
	assert_int_equal(counted(fake), 1);
	assert_int_equal(counted(fake), 2);
	asb_fake_restart(fake);
	assert_int_equal(counted(fake), 1);
}

static void after_a_restart_everything_is_new(void **state)
{
	struct asb_fake *fake = quiet(state);

	probe.reconcile = again_after_a_minute;
	asb_fake_reconcile(fake, "ns", "w", NULL);
	probe.reconcile = do_nothing;
	asb_fake_restart(fake);
	assert_int_equal(probe.inits, 2);
	assert_int_equal(probe.finis, 1);
	assert_int_equal(asb_fake_next_ms(fake), -1);
	assert_int_equal(settled(fake), 1);
}

static int32_t see_services_of_the_host(struct asb_call *call, const struct asb_key *key, uint64_t *ret_after_ms)
{
	const struct asb_host *host = call->host;
	const char *const how[] = { "ns", "fast" }, *const slow[] = { "ns", "slow" };
	char hex[65];

	(void)key;
	(void)ret_after_ms;
	assert_string_equal(host->option(call->instance, 0), probe.arg);
	host->sha256(call->instance, "abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	host->metric(call->instance, MADE, 1, how);
	host->metric(call->instance, MADE, 2, how);
	host->metric(call->instance, MADE, 4, slow);
	host->metric(call->instance, SIZE, 7, how);
	host->metric(call->instance, SIZE, 5, how);
	host->metric(call->instance, TIME, 0.25, NULL);
	host->metric(call->instance, TIME, 0.5, NULL);
	host->log(call->instance, ASB_LOG_INFO, "%d things", 2);
	assert_true(host->random(call->instance) != host->random(call->instance));
	assert_true(host->now_ms(call->instance) == 1767323045000);
	return ASB_DONE;
}

static void the_host_serves_at_any_time(void **state)
{
	static const char *const chosen[] = { "greeting", "hi", "workers", "3", NULL };
	struct asb_fake *fake = asb_fake_create_with(&plugin, chosen);

	probe.arg = (char[]){ "hello" };
	run(*state, see_services_of_the_host);
	assert_true(asb_fake_metric(*state, "made_total") == 7);
	assert_true(asb_fake_metric(*state, "size") == 5);
	assert_true(asb_fake_metric(*state, "time_seconds") == 2);
	probe.arg = (char[]){ "hi" };
	run(fake, see_services_of_the_host);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(objects_get_what_an_api_server_gives),
		TEST(a_test_may_choose_uids_and_ages),
		TEST(what_is_owned_goes_with_its_owner),
		TEST(a_pod_may_take_its_time_to_end),
		TEST(a_pod_becomes_ready),
		TEST(an_own_object_is_reconciled_until_it_rests),
		TEST(an_own_object_that_goes_is_told),
		TEST(the_controller_before_and_after_are_woken),
		TEST(an_index_wakes_who_names_the_object),
		TEST(a_function_wakes_whom_it_names),
		TEST(only_own_objects_are_woken_by_name),
		TEST(what_is_not_declared_wakes_nobody),
		TEST(a_delayed_key_keeps_the_earlier_time),
		TEST(again_is_called_when_its_time_has_come),
		TEST(retries_back_off_until_one_succeeds),
		TEST(terminal_is_not_retried),
		TEST(what_never_rests_is_told),
		TEST(get_shows_only_what_was_declared),
		TEST(of_other_peoples_objects_nothing_is_kept),
		TEST(lists_go_by_rank_then_name),
		TEST(reservations_have_one_holder),
		TEST(memory_lasts_as_long_as_the_object),
		TEST(after_a_restart_everything_is_new),
		TEST(the_host_serves_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
