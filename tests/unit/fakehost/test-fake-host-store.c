/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host: what a plugin sees. */
#include "config.h"

#include "tests/unit/fakehost/widget.h"

static int32_t see_fields(struct asb_call *call, const struct asb_key *key,
			  uint64_t *ret_requeue_after_ms)
{
	struct json_object *pod = asb_get(call, POD, "ns", "p"),
			   *secret = asb_get(call, SECRET, "ns", "s"), *lease = NULL;

	(void)key;
	(void)ret_requeue_after_ms;
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
	assert_int_equal(call->host->get_live(call, LEASE, "ns", "l", &lease), ASB_OK);
	assert_string_equal(asb_str(lease, "spec", "holderIdentity"), "me");
	assert_int_equal(call->host->get_live(call, LEASE, "ns", "none", &lease), ASB_NOT_FOUND);
	assert_null(asb_get(call, POD, "ns", "none"));
	return ASB_DONE;
}

static void get_shows_only_what_was_declared(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(
		fake, POD_P
		", labels: {a: b}, finalizers: [x.y/z]}, spec: {nodeName: n1, containers: [{name: c}]}, status: {phase: Running, podIP: 10.0.0.1}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: s}, spec: {nodeName: x}, data: {k: djE=}}");
	asb_fake_put(
		fake,
		"{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {namespace: ns, name: l}, spec: {holderIdentity: me}}");
	run(fake, see_fields);
}

static int32_t see_services(struct asb_call *call, const struct asb_key *key,
			    uint64_t *ret_requeue_after_ms)
{
	(void)key;
	(void)ret_requeue_after_ms;
	assert_null(asb_get(call, SERVICE, "ns", "foreign"));
	assert_null(asb_get(call, SERVICE, "ns", "controlled-by-a-foreigner"));
	assert_non_null(asb_get(call, SERVICE, "ns", "labelled"));
	assert_non_null(asb_get(call, SERVICE, "ns", "controlled"));
	assert_non_null(asb_get(call, SERVICE, "ns", "controlled-by-a-robot"));
	return ASB_DONE;
}

static int32_t see_no_service(struct asb_call *call, const struct asb_key *key,
			      uint64_t *ret_requeue_after_ms)
{
	(void)key;
	(void)ret_requeue_after_ms;
	assert_null(asb_get(call, SERVICE, "ns", "labelled"));
	return ASB_DONE;
}

static void of_other_peoples_objects_nothing_is_kept(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_put(
		fake,
		"{apiVersion: example.com/v1, kind: Robot, metadata: {namespace: ns, name: w, uid: r}}");
	asb_fake_put(
		fake,
		"{apiVersion: example.com/v2, kind: Widget, metadata: {namespace: ns, name: other, uid: u}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: foreign, labels: {a: b}}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: labelled, labels: {example.com/widget: x}}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled, ownerReferences: [{apiVersion: example.com/v2, kind: Widget, name: other, uid: u, controller: true}]}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled-by-a-robot, ownerReferences: [{apiVersion: example.com/v1, kind: Robot, name: w, uid: r, controller: true}]}}");
	asb_fake_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: controlled-by-a-foreigner, ownerReferences: [{apiVersion: other/v1, kind: Widget, name: w, uid: u, controller: true}]}}");
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
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			 asb_name(pods[i]));
	}
	assert_string_equal(names, expected);
}

static int32_t see_lists(struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	struct json_object *const *pods = NULL;

	(void)key;
	(void)ret_requeue_after_ms;
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

	snprintf(
		text, sizeof(text),
		"{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: %s, labels: {colour: red, rank: '%s'}}}",
		name, rank);
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

static int32_t see_reservations(struct asb_call *call, const struct asb_key *key,
				uint64_t *ret_requeue_after_ms)
{
	const struct asb_host *host = call->host;

	(void)key;
	(void)ret_requeue_after_ms;
	assert_null(host->reserved(call, POD, "ns", "p"));
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/x"), ASB_OK);
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/x"), ASB_OK);
	assert_int_equal(host->reserve(call, POD, "ns", "p", "ns/y"), ASB_ALREADY_EXISTS);
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
	assert_int_equal(host->reserve(call, POD, "ns", "q", "ns/y"), ASB_ALREADY_EXISTS);
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

static int32_t count_in_memory(struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	unsigned char *memory = call->host->key_state(call, 1);

	(void)key;
	*ret_requeue_after_ms = ++*memory;
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

static int32_t see_services_of_the_host(struct asb_call *call, const struct asb_key *key,
					uint64_t *ret_requeue_after_ms)
{
	const struct asb_host *host = call->host;
	const char *const how[] = { "ns", "fast" }, *const slow[] = { "ns", "slow" };
	char hex[65];

	(void)key;
	(void)ret_requeue_after_ms;
	assert_string_equal(host->option(call->instance, 0), probe.arg);
	host->sha256(call->instance, "abc", 3, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
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
	struct asb_fake *fake = asb_fake_create_with(&widget_plugin, chosen);

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
		TEST(get_shows_only_what_was_declared),
		TEST(of_other_peoples_objects_nothing_is_kept),
		TEST(lists_go_by_rank_then_name),
		TEST(reservations_have_one_holder),
		TEST(memory_lasts_as_long_as_the_object),
		TEST(the_host_serves_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
