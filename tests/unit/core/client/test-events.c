/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/client/events.h, in simulated time. */
#include "config.h"

#include "core/client/events.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/memory.h"
#include "tests/unit/core/talk-server.h"

#define SECOND UINT64_C(1000000)

struct fixture {
	struct sched *sched;
	struct metrics *metrics;
	struct client *client;
	struct events *events;
	struct talk_server server;
	int status; /* of each response; negative: none comes */
	int patch_status;
};

static void serve(struct talk_server *server, const struct sent *sent,
		  struct http_response *response)
{
	struct fixture *f = server->arg;
	int status = strcmp(sent->method, "PATCH") == 0 && f->patch_status != 0 ? f->patch_status
										: f->status;

	if (status < 0) {
		response_fails(response, status, false);
	} else {
		respond_with(response, status, status < 300 ? "{\"kind\":\"Event\"}" : "no");
	}
}

static void set_up_on(struct fixture *f, struct sched *sched)
{
	*f = (struct fixture){ .sched = sched, .status = 201 };
	f->metrics = metrics_create(f->sched);
	talk_server_init(&f->server, f->sched, serve, f);
	f->client = client_create(&(struct client_config){
		.sched = f->sched, .transport = &f->server.transport, .slots = 4 });
	f->events = events_create(f->sched, f->client, f->metrics, "tester");
}

static void set_up(struct fixture *f)
{
	/* 2020-01-01T00:00:00Z */
	set_up_on(f, sched_create_simulation(1, INT64_C(1577836800000000)));
}

static void tear_down(struct fixture *f)
{
	events_destroy(f->events);
	client_destroy(f->client);
	metrics_destroy(f->metrics);
	talk_server_finish(&f->server);
	sched_destroy(f->sched);
}

static struct json_object *object(const char *ns, const char *name)
{
	static const struct asb_kind kind = { "agents.x-k8s.io", "v1alpha1", "sandboxes",
					      "Sandbox" };
	struct json_object *value = asb_new(&kind, ns, name);

	asb_set_str(asb_object_in(value, "metadata"), "uid", "u1");
	asb_set_str(asb_object_in(value, "metadata"), "resourceVersion", "5");
	return value;
}

static void emit(struct fixture *f, const char *name, const char *message)
{
	struct json_object *about = object("ns", name);

	events_emit(f->events, about, "Warning", "Failed", message);
	json_object_put(about);
}

static void pass(struct fixture *f, uint64_t us)
{
	talk_sleep(&f->server, us);
}

static struct json_object *sent_body(struct fixture *f, size_t index)
{
	struct json_object *body =
		json_parse(f->server.sent[index].body, strlen(f->server.sent[index].body), NULL);

	assert_non_null(body);
	return body;
}

static void assert_metric(struct fixture *f, const char *line)
{
	struct buf text = BUF_INIT(1u << 20);

	metrics_render(f->metrics, &text);
	if (strstr(buf_str(&text), line) == NULL) {
		print_error("no '%s' in:\n%s", line, buf_str(&text));
		fail();
	}
	buf_finish(&text);
}

/* ---- what is sent ---- */

static void an_event_says_who_what_and_when(void **state)
{
	struct fixture f;
	struct json_object *body;

	(void)state;
	set_up(&f);
	emit(&f, "box", "it broke");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, 1);
	assert_string_equal(f.server.sent[0].method, "POST");
	assert_memory_equal(f.server.sent[0].path, "/api/v1/namespaces/ns/events?", 29);
	body = sent_body(&f, 0);
	assert_string_equal(asb_str(body, "apiVersion"), "v1");
	assert_string_equal(asb_str(body, "kind"), "Event");
	assert_string_equal(asb_str(body, "metadata", "namespace"), "ns");
	assert_memory_equal(asb_name(body), "box.", 4);
	assert_int_equal(strlen(asb_name(body)), 4 + 16);
	assert_int_equal(strspn(asb_name(body) + 4, "0123456789abcdef"), 16);
	assert_string_equal(asb_str(body, "involvedObject", "apiVersion"),
			    "agents.x-k8s.io/v1alpha1");
	assert_string_equal(asb_str(body, "involvedObject", "kind"), "Sandbox");
	assert_string_equal(asb_str(body, "involvedObject", "namespace"), "ns");
	assert_string_equal(asb_str(body, "involvedObject", "name"), "box");
	assert_string_equal(asb_str(body, "involvedObject", "uid"), "u1");
	assert_string_equal(asb_str(body, "involvedObject", "resourceVersion"), "5");
	assert_string_equal(asb_str(body, "type"), "Warning");
	assert_string_equal(asb_str(body, "reason"), "Failed");
	assert_string_equal(asb_str(body, "message"), "it broke");
	assert_string_equal(asb_str(body, "source", "component"), "tester");
	assert_string_equal(asb_str(body, "reportingComponent"), "tester");
	assert_non_null(asb_str(body, "reportingInstance"));
	assert_string_equal(asb_str(body, "firstTimestamp"), "2020-01-01T00:00:00Z");
	assert_string_equal(asb_str(body, "lastTimestamp"), "2020-01-01T00:00:00Z");
	assert_int_equal(asb_int(asb_at(body, "count"), 0), 1);
	json_object_put(body);
	assert_metric(&f, "agent_sandbox_events_sent_total{verb=\"create\"} 1\n");
	tear_down(&f);
}

static void an_object_without_namespace_has_its_events_in_default(void **state)
{
	struct fixture f;
	struct json_object *about = object("", "node"), *body;

	(void)state;
	set_up(&f);
	events_emit(f.events, about, "Normal", "Seen", "x");
	json_object_put(about);
	pass(&f, SECOND);
	assert_memory_equal(f.server.sent[0].path, "/api/v1/namespaces/default/events?", 34);
	body = sent_body(&f, 0);
	assert_null(asb_at(body, "involvedObject", "namespace"));
	json_object_put(body);
	tear_down(&f);
}

static void long_names_and_messages_are_cut_where_they_may(void **state)
{
	char name[254], message[3000];
	struct fixture f;
	struct json_object *body;

	(void)state;
	memset(name, 'a', 253);
	name[253] = '\0';
	name[235] = '.'; /* where the cut falls */
	memset(message, 'm', sizeof(message));
	memcpy(message + 1023, "\xc3\xa9", 3);
	set_up(&f);
	emit(&f, name, message);
	pass(&f, SECOND);
	body = sent_body(&f, 0);
	assert_int_equal(strlen(asb_name(body)), 235 + 17);
	assert_int_equal(strlen(asb_str(body, "message")), 1023);
	json_object_put(body);
	tear_down(&f);
}

static void what_is_no_object_has_no_event(void **state)
{
	struct fixture f;
	struct json_object *nothing = json_object_new_object();

	(void)state;
	set_up(&f);
	events_emit(f.events, nothing, "Normal", "x", "y");
	json_object_put(nothing);
	pass(&f, SECOND);
	assert_int_equal(f.server.count, 0);
	tear_down(&f);
}

/* ---- the same again ---- */

static void repeats_are_counted_in_the_one_that_is_there(void **state)
{
	struct fixture f;
	struct json_object *body;
	char *name;

	(void)state;
	set_up(&f);
	emit(&f, "box", "it broke");
	pass(&f, SECOND);
	for (unsigned int i = 0; i < 9; i++) {
		emit(&f, "box", "it broke");
		pass(&f, SECOND);
	}
	assert_int_equal(f.server.count, 1);
	pass(&f, 21 * SECOND);
	assert_int_equal(f.server.count, 2);
	body = sent_body(&f, 0);
	name = xprintf("/api/v1/namespaces/ns/events/%s?", asb_name(body));
	json_object_put(body);
	assert_string_equal(f.server.sent[1].method, "PATCH");
	assert_memory_equal(f.server.sent[1].path, name, strlen(name));
	assert_string_equal(f.server.sent[1].content_type, "application/merge-patch+json");
	assert_string_equal(f.server.sent[1].body,
			    "{\"lastTimestamp\":\"2020-01-01T00:00:09Z\",\"count\":10}");
	assert_in_range(f.server.sent[1].when_us, 30 * SECOND, 31 * SECOND);
	free(name);
	/* Nothing new: nothing sent. */
	pass(&f, 100 * SECOND);
	assert_int_equal(f.server.count, 2);
	/* Later repeats go out at once, as the last is long ago. */
	emit(&f, "box", "it broke");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, 3);
	tear_down(&f);
}

static void other_words_are_another_event(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	emit(&f, "box", "it broke");
	emit(&f, "box", "it broke again");
	emit(&f, "fox", "it broke");
	pass(&f, SECOND);
	assert_int_equal(talk_server_sent(&f.server, "POST"), 3);
	tear_down(&f);
}

static void an_event_the_server_forgot_is_made_anew(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	emit(&f, "box", "it broke");
	pass(&f, 4000 * SECOND);
	f.patch_status = 404;
	emit(&f, "box", "it broke");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, 3);
	assert_string_equal(f.server.sent[1].method, "PATCH");
	assert_string_equal(f.server.sent[2].method, "POST");
	assert_string_not_equal(f.server.sent[2].body, f.server.sent[0].body);
	tear_down(&f);
}

/* ---- too many ---- */

static void a_burst_about_one_object_is_cut_and_refills_slowly(void **state)
{
	struct fixture f;
	char message[32];

	(void)state;
	set_up(&f);
	for (unsigned int i = 0; i < EVENTS_BURST + 5; i++) {
		snprintf(message, sizeof(message), "number %u", i);
		emit(&f, "box", message);
	}
	emit(&f, "fox", "is another object");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, EVENTS_BURST + 1);
	assert_metric(&f, "agent_sandbox_events_dropped_total{reason=\"burst\"} 5\n");
	pass(&f, 300 * SECOND);
	emit(&f, "box", "a");
	emit(&f, "box", "b");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, EVENTS_BURST + 2);
	tear_down(&f);
}

static void what_does_not_fit_the_queue_is_dropped_without_waiting(void **state)
{
	struct fixture f;
	char name[32];

	(void)state;
	set_up(&f);
	f.server.delay_us = 100 * SECOND;
	for (unsigned int i = 0; i < EVENTS_QUEUE_MAX + 200; i++) {
		snprintf(name, sizeof(name), "box-%u", i);
		emit(&f, name, "it broke");
	}
	assert_int_equal(sched_now_us(f.sched), 0);
	/* One may be on its way already. */
	f.server.delay_us = 0;
	pass(&f, 200 * SECOND);
	assert_in_range(f.server.count, EVENTS_QUEUE_MAX, EVENTS_QUEUE_MAX + 10);
	tear_down(&f);
}

static void what_is_remembered_is_bounded(void **state)
{
	struct fixture f;
	char name[32];

	(void)state;
	set_up(&f);
	for (unsigned int i = 0; i < EVENTS_CACHE_MAX + 500; i++) {
		snprintf(name, sizeof(name), "box-%u", i);
		emit(&f, name, "it broke");
		if (i % 100 == 0) {
			pass(&f, SECOND);
		}
	}
	pass(&f, SECOND);
	assert_int_equal(f.server.count, EVENTS_CACHE_MAX + 500);
	/* The latest is remembered, the first is told again. */
	emit(&f, name, "it broke");
	emit(&f, "box-0", "it broke");
	pass(&f, SECOND);
	assert_int_equal(f.server.count, EVENTS_CACHE_MAX + 501);
	tear_down(&f);
}

/* ---- failures ---- */

static void a_refused_event_is_counted_and_dropped(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.status = 403;
	emit(&f, "box", "one");
	emit(&f, "box", "two");
	pass(&f, 100 * SECOND);
	assert_int_equal(f.server.count, 2);
	assert_metric(&f, "agent_sandbox_events_dropped_total{reason=\"denied\"} 2\n");
	tear_down(&f);
}

static void an_event_waits_out_a_short_absence_of_the_server(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.status = -ECONNREFUSED;
	emit(&f, "box", "one");
	pass(&f, 15 * SECOND);
	f.status = 201;
	pass(&f, 10 * SECOND);
	assert_int_equal(f.server.count, 3);
	assert_metric(&f, "agent_sandbox_events_sent_total{verb=\"create\"} 1\n");
	f.status = -ECONNREFUSED;
	emit(&f, "box", "two");
	pass(&f, 200 * SECOND);
	assert_int_equal(f.server.count, 7); /* not for ever */
	assert_metric(&f, "agent_sandbox_events_dropped_total{reason=\"failed\"} 1\n");
	tear_down(&f);
}

static void stopping_sends_for_a_second_and_drops_the_rest(void **state)
{
	struct fixture f;
	char name[32];
	uint64_t start;

	(void)state;
	set_up(&f);
	f.server.delay_us = SECOND / 10;
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "box-%u", i);
		emit(&f, name, "it broke");
	}
	start = sched_now_us(f.sched);
	events_stop(f.events);
	assert_in_range(sched_now_us(f.sched) - start, SECOND, SECOND + SECOND / 5);
	assert_in_range(f.server.count, 10, 12);
	emit(&f, "late", "dropped");
	tear_down(&f);
}

static void stopping_flushes_counts_that_wait(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	emit(&f, "box", "it broke");
	pass(&f, SECOND);
	emit(&f, "box", "it broke");
	events_stop(f.events);
	assert_int_equal(f.server.count, 2);
	assert_int_equal(sched_now_us(f.sched), SECOND);
	tear_down(&f);
}

static void emit_many(void *arg)
{
	for (unsigned int i = 0; i < 100; i++) {
		emit(arg, i % 2 == 0 ? "box" : "fox", i % 3 == 0 ? "one" : "two");
	}
}

static void real_threads_may_emit_together(void **state)
{
	struct fixture f;
	struct sched_thread *threads[4];

	(void)state;
	set_up_on(&f, sched_create());
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f.sched, "emitter", emit_many, &f);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	events_stop(f.events);
	assert_int_equal(talk_server_sent(&f.server, "POST"), 4);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_says_who_what_and_when),
		cmocka_unit_test(an_object_without_namespace_has_its_events_in_default),
		cmocka_unit_test(long_names_and_messages_are_cut_where_they_may),
		cmocka_unit_test(what_is_no_object_has_no_event),
		cmocka_unit_test(repeats_are_counted_in_the_one_that_is_there),
		cmocka_unit_test(other_words_are_another_event),
		cmocka_unit_test(an_event_the_server_forgot_is_made_anew),
		cmocka_unit_test(a_burst_about_one_object_is_cut_and_refills_slowly),
		cmocka_unit_test(what_does_not_fit_the_queue_is_dropped_without_waiting),
		cmocka_unit_test(what_is_remembered_is_bounded),
		cmocka_unit_test(a_refused_event_is_counted_and_dropped),
		cmocka_unit_test(an_event_waits_out_a_short_absence_of_the_server),
		cmocka_unit_test(stopping_sends_for_a_second_and_drops_the_rest),
		cmocka_unit_test(stopping_flushes_counts_that_wait),
		cmocka_unit_test(real_threads_may_emit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
