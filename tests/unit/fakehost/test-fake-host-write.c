/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host: writes, their preconditions, faults. */
#include "config.h"

#include "tests/unit/fakehost/widget.h"

static struct json_object *parse(const char *text)
{
	struct json_object *tree = json_tokener_parse(text);

	assert_non_null(tree);
	return tree;
}

static const char *uid_of(struct asb_fake *fake, const char *kind, const char *name)
{
	return asb_uid(asb_fake_get(fake, kind, "ns", name));
}

/* The one write of try_write, its place in probe.arg. */
static int32_t send_one(struct asb_call *call, const struct asb_key *key,
			uint64_t *ret_requeue_after_ms)
{
	struct asb_write *write = (struct asb_write *)(uintptr_t)probe.arg;
	int32_t result = call->host->write_all(call, write, 1);

	(void)key;
	(void)ret_requeue_after_ms;
	assert_int_equal(result, write->result);
	assert_null(write->take_body);
	assert_int_equal(write->result == ASB_OK, *write->message == '\0');
	return ASB_DONE;
}

/* Sends a write and returns its result; what it points to is gone then. */
static int32_t try_write(struct asb_fake *fake, struct asb_write write)
{
	probe.arg = &write;
	run(fake, send_one);
	probe.arg = NULL;
	return write.result;
}

static struct asb_write of_pod(uint32_t verb, const char *uid, const char *body)
{
	return (struct asb_write){ .verb = verb,
				   .watch = POD,
				   .ns = "ns",
				   .name = "p",
				   .uid = uid,
				   .take_body = body != NULL ? parse(body) : NULL };
}

static struct asb_write creation(const char *owner_uid)
{
	struct json_object *body = asb_new(&widget_watches[POD].kind, "ns", "p");
	struct json_object *owner = parse(
		"{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"name\":\"w\",\"controller\":true}");
	struct json_object *owners = json_object_new_array();

	asb_set_str(owner, "uid", owner_uid);
	json_object_array_add(owners, owner);
	if (owner_uid != NULL) {
		json_object_object_add(asb_at(body, "metadata"), "ownerReferences", owners);
	} else {
		json_object_put(owners);
	}
	return asb_create(POD, ASB_PRIORITY_CLAIM, body);
}

static void a_create_that_is_there_already_is_done(void **state)
{
	struct asb_fake *fake = quiet(state);
	char uid[37];

	snprintf(uid, sizeof(uid), "%s", uid_of(fake, "Widget", "w"));
	assert_int_equal(try_write(fake, creation(uid)), ASB_OK);
	assert_int_equal(try_write(fake, creation(uid)), ASB_OK);
	assert_int_equal(try_write(fake, creation("another")), ASB_ALREADY_EXISTS);
	assert_int_equal(try_write(fake, creation(NULL)), ASB_ALREADY_EXISTS);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_int_equal(asb_fake_writes(fake), 4);
	asb_fake_delete(fake, "Pod", "ns", "p");
	assert_int_equal(try_write(fake, creation(NULL)), ASB_OK);
	assert_int_equal(try_write(fake, creation(NULL)), ASB_ALREADY_EXISTS);
}

static void a_create_needs_its_own_name(void **state)
{
	struct asb_fake *fake = quiet(state);
	struct asb_write write =
		asb_create(POD, 0, parse("{\"metadata\":{\"generateName\":\"p-\"}}"));

	assert_int_equal(try_write(fake, write), ASB_INVALID);
	write = asb_create(POD, 0, parse("{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\"}}"));
	write.name = NULL;
	write.ns = NULL;
	assert_int_equal(try_write(fake, write), ASB_OK);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", "p"));
}

static void patches_are_tested_against_the_uid(void **state)
{
	static const char add[] =
		"[{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":{\"a\":\"b\"}}]";
	static const char fails[] =
		"[{\"op\":\"test\",\"path\":\"/metadata/labels/a\",\"value\":\"c\"}]";
	struct asb_fake *fake = quiet(state);

	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_JSON, "u", add)), ASB_NOT_FOUND);
	asb_fake_put(fake, POD_P ", uid: u}}");
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_JSON, "v", add)), ASB_INVALID);
	assert_null(asb_label(asb_fake_get(fake, "Pod", "ns", "p"), "a"));
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_JSON, "u", add)), ASB_OK);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "p"), "a"), "b");
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_JSON, NULL, fails)), ASB_INVALID);
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_JSON, NULL, "{}")), ASB_INVALID);
	assert_string_equal(asb_fake_write(fake, 0), "PATCH_JSON Pod ns/p");
	/* What is no patch is not sent. */
	assert_int_equal(asb_fake_writes(fake), 4);
}

static void merges_are_tested_against_uid_and_version(void **state)
{
	static const char labels[] =
		"{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"status\":{\"phase\":\"no\"}}";
	struct asb_fake *fake = quiet(state);
	struct asb_write write;
	char version[24];

	asb_fake_put(fake, POD_P ", uid: u}}");
	snprintf(version, sizeof(version), "%s",
		 asb_resource_version(asb_fake_get(fake, "Pod", "ns", "p")));
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_MERGE, "v", labels)), ASB_INVALID);
	write = of_pod(ASB_PATCH_MERGE, "u", labels);
	write.resource_version = "1";
	assert_int_equal(try_write(fake, write), ASB_CONFLICT);
	write = of_pod(ASB_PATCH_MERGE, "u", labels);
	write.resource_version = version;
	assert_int_equal(try_write(fake, write), ASB_OK);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "p"), "a"), "b");
	assert_null(asb_at(asb_fake_get(fake, "Pod", "ns", "p"), "status"));
	assert_int_equal(try_write(fake, of_pod(ASB_PATCH_MERGE, "u", "[]")), ASB_INVALID);
}

static struct asb_write status_of(const char *uid, const char *body)
{
	return (struct asb_write){ .verb = ASB_SET_STATUS,
				   .watch = WIDGET,
				   .ns = "ns",
				   .name = "w",
				   .uid = uid,
				   .take_body = parse(body) };
}

static void an_equal_status_is_not_sent(void **state)
{
	struct asb_fake *fake = quiet(state);
	char uid[37];

	snprintf(uid, sizeof(uid), "%s", uid_of(fake, "Widget", "w"));
	assert_int_equal(try_write(fake, status_of(uid, "{\"a\":1,\"b\":{\"c\":2}}")), ASB_OK);
	assert_int_equal(try_write(fake, status_of(uid, "{\"b\":{\"c\":2},\"a\":1}")), ASB_OK);
	assert_int_equal(asb_fake_writes(fake), 1);
	assert_int_equal(try_write(fake, status_of(uid, "{\"a\":2}")), ASB_OK);
	assert_null(asb_at(asb_fake_get(fake, "Widget", "ns", "w"), "status", "b"));
	assert_int_equal(try_write(fake, status_of("another", "{\"a\":2}")), ASB_INVALID);
	assert_int_equal(try_write(fake, status_of(NULL, "{\"a\":2}")), ASB_INVALID);
	assert_int_equal(asb_fake_writes(fake), 3);
}

static struct asb_write of_widget(struct asb_fake *fake, uint32_t verb, const char *body)
{
	return (struct asb_write){ .verb = verb,
				   .watch = WIDGET,
				   .ns = "ns",
				   .name = "w",
				   .uid = uid_of(fake, "Widget", "w"),
				   .take_body = body != NULL ? parse(body) : NULL };
}

static void a_status_patch_whose_test_fails_changes_nothing(void **state)
{
	static const char first[] =
		"[{\"op\":\"test\",\"path\":\"/status\",\"value\":null},{\"op\":\"add\",\"path\":\"/status\",\"value\":{\"phase\":\"A\"}}]";
	static const char next[] =
		"[{\"op\":\"test\",\"path\":\"/status/phase\",\"value\":\"A\"},{\"op\":\"replace\",\"path\":\"/status/phase\",\"value\":\"B\"},{\"op\":\"add\",\"path\":\"/spec\",\"value\":{\"size\":1}}]";
	struct asb_fake *fake = quiet(state);
	struct asb_write write;

	assert_int_equal(try_write(fake, of_widget(fake, ASB_PATCH_STATUS, first)), ASB_OK);
	assert_string_equal(asb_fake_write(fake, 0), "PATCH_STATUS Widget ns/w");
	assert_int_equal(try_write(fake, of_widget(fake, ASB_PATCH_STATUS, first)), ASB_INVALID);
	assert_string_equal(asb_str(asb_fake_get(fake, "Widget", "ns", "w"), "status", "phase"),
			    "A");
	assert_int_equal(try_write(fake, of_widget(fake, ASB_PATCH_STATUS, next)), ASB_OK);
	assert_string_equal(asb_str(asb_fake_get(fake, "Widget", "ns", "w"), "status", "phase"),
			    "B");
	assert_null(asb_at(asb_fake_get(fake, "Widget", "ns", "w"), "spec", "size"));
	write = of_widget(fake, ASB_PATCH_STATUS, next);
	write.uid = "another";
	assert_int_equal(try_write(fake, write), ASB_INVALID);
	assert_int_equal(try_write(fake, of_widget(fake, ASB_PATCH_STATUS, "{}")), ASB_INVALID);
}

static void a_foreground_removal_waits_for_what_is_owned(void **state)
{
	struct asb_fake *fake = quiet(state);
	char pod[512];
	struct asb_write write;

	snprintf(
		pod, sizeof(pod),
		POD_P
		", ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: w, uid: %s, controller: true, blockOwnerDeletion: true}]}}",
		uid_of(fake, "Widget", "w"));
	asb_fake_put(fake, pod);
	asb_fake_pause_garbage_collector(fake, true);
	write = of_widget(fake, ASB_DELETE, NULL);
	write.flags = ASB_FOREGROUND;
	assert_int_equal(try_write(fake, write), ASB_OK);
	assert_string_equal(asb_fake_write(fake, 0), "REMOVE Widget ns/w (foreground)");
	assert_true(asb_deleting(asb_fake_get(fake, "Widget", "ns", "w")));
	asb_fake_pause_garbage_collector(fake, false);
	assert_null(asb_fake_get(fake, "Pod", "ns", "p"));
	assert_null(asb_fake_get(fake, "Widget", "ns", "w"));
}

static int32_t count_by_colour(struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	const char *const values[] = { probe.arg };

	(void)key;
	(void)ret_requeue_after_ms;
	assert_int_equal(call->host->now_ns(call->instance),
			 call->host->now_ms(call->instance) * 1000000);
	call->host->count_key(call, WIDGETS, probe.arg != NULL ? values : NULL);
	return ASB_DONE;
}

static double counted(struct asb_fake *fake, const char *colour)
{
	return asb_fake_metric_with(fake, "widgets", (const char *const[]){ colour });
}

static void a_key_is_counted_until_its_object_is_gone(void **state)
{
	struct asb_fake *fake = quiet(state);

	probe.arg = "red";
	run(fake, count_by_colour);
	run(fake, count_by_colour);
	assert_true(counted(fake, "red") == 1);
	probe.arg = "blue";
	run(fake, count_by_colour);
	assert_true(counted(fake, "red") == 0 && counted(fake, "blue") == 1);
	probe.arg = NULL;
	run(fake, count_by_colour);
	assert_true(asb_fake_metric(fake, "widgets") == 0);
	probe.arg = "red";
	run(fake, count_by_colour);
	asb_fake_delete(fake, "Widget", "ns", "w");
	assert_true(asb_fake_metric(fake, "widgets") == 0);
}

static void a_removal_hits_only_what_was_meant(void **state)
{
	struct asb_fake *fake = quiet(state);
	struct asb_write write;

	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, "u", NULL)), ASB_NOT_FOUND);
	asb_fake_put(fake, POD_P ", uid: u}}");
	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, "v", NULL)), ASB_CONFLICT);
	write = of_pod(ASB_DELETE, "u", NULL);
	write.resource_version = "1";
	assert_int_equal(try_write(fake, write), ASB_CONFLICT);
	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, "u", NULL)), ASB_OK);
	assert_null(asb_fake_get(fake, "Pod", "ns", "p"));
	asb_fake_put(fake, POD_P ", finalizers: [example.com/x]}}");
	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, NULL, NULL)), ASB_OK);
	assert_true(asb_deleting(asb_fake_get(fake, "Pod", "ns", "p")));
}

static void dry_runs_leave_no_trace(void **state)
{
	struct asb_fake *fake = quiet(state);
	struct asb_write write = creation(NULL);

	write.flags = ASB_DRY_RUN;
	assert_int_equal(try_write(fake, write), ASB_OK);
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE Pod ns/p (dry run)");
	asb_fake_put(fake, POD_P "}}");
	write = of_pod(ASB_DELETE, NULL, NULL);
	write.flags = ASB_DRY_RUN;
	assert_int_equal(try_write(fake, write), ASB_OK);
	write = of_pod(ASB_PATCH_MERGE, NULL, "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	write.flags = ASB_DRY_RUN;
	assert_int_equal(try_write(fake, write), ASB_OK);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", "p"));
	assert_null(asb_label(asb_fake_get(fake, "Pod", "ns", "p"), "a"));
	assert_int_equal(settled(fake), 0);
}

static int32_t several(struct asb_call *call, const struct asb_key *key,
		       uint64_t *ret_requeue_after_ms)
{
	struct asb_write writes[] = {
		creation(NULL),
		of_pod(ASB_PATCH_MERGE, "wrong", "{}"),
		of_pod(ASB_PATCH_MERGE, NULL, "{\"metadata\":{\"labels\":{\"colour\":\"red\"}}}"),
		{ .verb = ASB_DELETE, .watch = SERVICE, .ns = "ns", .name = "none" },
	};

	(void)key;
	(void)ret_requeue_after_ms;
	assert_int_equal(call->host->write_all(call, writes, 4), ASB_INVALID);
	assert_int_equal(writes[0].result, ASB_OK);
	assert_int_equal(writes[0].http_status, 201);
	assert_string_equal(asb_name(writes[0].ret), "p");
	assert_int_equal(writes[1].http_status, 422);
	assert_null(writes[1].ret);
	assert_int_equal(writes[2].result, ASB_OK);
	assert_int_equal(writes[3].result, ASB_NOT_FOUND);
	/* Read your writes. */
	assert_string_equal(asb_label(asb_get(call, POD, "ns", "p"), "colour"), "red");
	assert_int_equal(asb_count(call, BY_COLOUR, "red"), 1);
	assert_int_equal(call->host->write_all(call, NULL, 0), ASB_OK);
	return ASB_DONE;
}

static void writes_go_together_and_are_read_at_once(void **state)
{
	run(quiet(state), several);
}

static void faults_hit_the_next_write_that_matches(void **state)
{
	struct asb_fake *fake = quiet(state);

	asb_fake_fail(fake, ASB_DELETE, "Pod", ASB_FORBIDDEN, "no", false);
	asb_fake_fail(fake, ASB_CREATE, NULL, ASB_UNREACHABLE, "lost", true);
	asb_fake_fail(fake, 0, NULL, ASB_CANCELLED, "stop", false);
	assert_int_equal(try_write(fake, creation(NULL)), ASB_UNREACHABLE);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", "p"));
	assert_int_equal(try_write(fake, creation(NULL)), ASB_CANCELLED);
	assert_int_equal(asb_fake_writes(fake), 1);
	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, NULL, NULL)), ASB_FORBIDDEN);
	assert_non_null(asb_fake_get(fake, "Pod", "ns", "p"));
	assert_int_equal(try_write(fake, of_pod(ASB_DELETE, NULL, NULL)), ASB_OK);
}

static void a_lost_answer_is_found_again(void **state)
{
	struct asb_fake *fake = *state;

	asb_fake_put(fake, WIDGET_W "}");
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "lost", true);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_advance(fake, 5), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_non_null(asb_at(asb_fake_get(fake, "Widget", "ns", "w"), "status"));
}

static void snatch(struct asb_fake *fake, void *arg)
{
	asb_fake_before_write(fake, NULL, NULL);
	asb_fake_put(fake, arg);
}

static void the_world_may_change_before_a_write(void **state)
{
	static const char thief[] = POD_P ", labels: {colour: red}}}";
	struct asb_fake *fake = quiet(state);

	asb_fake_before_write(fake, snatch, (void *)(uintptr_t)thief);
	assert_int_equal(try_write(fake, creation(NULL)), ASB_ALREADY_EXISTS);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "p"), "colour"), "red");
}

static int32_t about_the_widget(struct asb_call *call, const struct asb_key *key,
				uint64_t *ret_requeue_after_ms)
{
	(void)ret_requeue_after_ms;
	call->host->event(call, asb_get(call, WIDGET, key->ns, key->name), "Warning", "Lost",
			  "%d lost", 3);
	return ASB_DONE;
}

static void events_are_told_by_object(void **state)
{
	struct asb_fake *fake = quiet(state);

	run(fake, about_the_widget);
	assert_string_equal(asb_fake_event(fake, 0), "Warning Lost Widget ns/w: 3 lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_create_that_is_there_already_is_done),
		TEST(a_create_needs_its_own_name),
		TEST(patches_are_tested_against_the_uid),
		TEST(merges_are_tested_against_uid_and_version),
		TEST(an_equal_status_is_not_sent),
		TEST(a_status_patch_whose_test_fails_changes_nothing),
		TEST(a_foreground_removal_waits_for_what_is_owned),
		TEST(a_key_is_counted_until_its_object_is_gone),
		TEST(a_removal_hits_only_what_was_meant),
		TEST(dry_runs_leave_no_trace),
		TEST(writes_go_together_and_are_read_at_once),
		TEST(faults_hit_the_next_write_that_matches),
		TEST(a_lost_answer_is_found_again),
		TEST(the_world_may_change_before_a_write),
		TEST(events_are_told_by_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
