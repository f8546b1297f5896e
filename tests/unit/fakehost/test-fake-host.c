/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host: the world, who is woken, and when. */
#include "config.h"

#include "tests/unit/fakehost/widget.h"

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
	assert_string_equal(asb_str(widget, "metadata", "creationTimestamp"),
			    "2026-01-02T03:04:05Z");
	widget = asb_fake_put(fake, WIDGET_W ", spec: {size: 2}, status: {phase: Old}}");
	assert_string_equal(asb_uid(widget), uid);
	assert_string_not_equal(asb_resource_version(widget), version);
	assert_int_equal(asb_generation(widget), 2);
	assert_string_equal(asb_str(widget, "status", "phase"), "Old");
	widget = asb_fake_merge(fake, "Widget", "ns", "w",
				"status:\n  phase: New\nspec:\n  size: 3\n");
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
	struct json_object *pod = asb_fake_put(
		*state, POD_P ", uid: u-1, creationTimestamp: '2020-01-01T00:00:00Z'}}");

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
	assert_string_equal(asb_str(asb_fake_get(fake, "Widget", "ns", "w"), "status", "phase"),
			    "Running");
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

	asb_fake_put(
		fake,
		"{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: ns, name: v, uid: u-v}}");
	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {a: 1}}");
	assert_int_equal(settled(fake), 2);
	asb_fake_put(
		fake, POD_P
		", ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v, controller: true}]}}");
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/v");
	asb_fake_merge(
		fake, "Pod", "ns", "p",
		"{metadata: {ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: w, uid: u-w, controller: true}, {apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v}]}}");
	assert_int_equal(settled(fake), 2);
	asb_fake_merge(
		fake, "Pod", "ns", "p",
		"{metadata: {ownerReferences: [{apiVersion: other/v1, kind: Widget, name: w, uid: u-v, controller: true}, {apiVersion: example.com/v1, kind: Widget, name: v, uid: u-v}]}}");
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

	asb_fake_put(
		fake,
		"{apiVersion: example.com/v1, kind: Robot, metadata: {namespace: ns, name: r, labels: {widget: elsewhere}}}");
	assert_int_equal(settled(fake), 1);
	assert_string_equal(probe.last, "ns/elsewhere");
	asb_fake_delete(fake, "Robot", "ns", "r");
	assert_int_equal(settled(fake), 1);
}

static void only_own_objects_are_woken_by_name(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(fake,
		     "{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: other}}");
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

static int32_t enqueue_another(struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	(void)ret_requeue_after_ms;
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

static int32_t again_after_a_minute(struct asb_call *call, const struct asb_key *key,
				    uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	*ret_requeue_after_ms = 60000;
	return ASB_REQUEUE_AFTER;
}

static void again_is_called_when_its_time_has_come(void **state)
{
	struct asb_fake *fake = quiet(state);
	int64_t start = asb_fake_now_ms(fake);
	uint64_t after_ms = 0;

	probe.reconcile = again_after_a_minute;
	assert_int_equal(asb_fake_reconcile(fake, "ns", "w", &after_ms), ASB_REQUEUE_AFTER);
	assert_int_equal(after_ms, 60000);
	assert_int_equal(settled(fake), 0);
	assert_int_equal(asb_fake_advance(fake, 180000), 0);
	assert_int_equal(probe.calls, 3);
	assert_int_equal(asb_fake_now_ms(fake), start + 180000);
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

static int32_t retry(struct asb_call *call, const struct asb_key *key,
		     uint64_t *ret_requeue_after_ms)
{
	(void)key;
	(void)ret_requeue_after_ms;
	return call->host->fail(call, ASB_ERROR, "not %s", "yet");
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

static int32_t give_up(struct asb_call *call, const struct asb_key *key,
		       uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return ASB_TERMINAL_ERROR;
}

static void terminal_is_not_retried(void **state)
{
	struct asb_fake *fake = quiet(state);

	assert_int_equal(run(fake, give_up), ASB_TERMINAL_ERROR);
	assert_int_equal(asb_fake_next_ms(fake), -1);
}

static int32_t spin(struct asb_call *call, const struct asb_key *key,
		    uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	*ret_requeue_after_ms = 0;
	return ASB_REQUEUE_AFTER;
}

static void what_never_rests_is_told(void **state)
{
	struct asb_fake *fake = quiet(state);

	probe.reconcile = spin;
	asb_fake_merge(fake, "Widget", "ns", "w", "{spec: {a: 1}}");
	assert_int_equal(asb_fake_settle(fake), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		TEST(after_a_restart_everything_is_new),
		TEST(retries_back_off_until_one_succeeds),
		TEST(terminal_is_not_retried),
		TEST(what_never_rests_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
