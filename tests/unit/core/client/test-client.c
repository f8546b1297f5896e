/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/client/client.h: what becomes of a write, whatever the API server answers. */
#include "config.h"

#include "core/client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"
#include "tests/unit/core/client-fixture.h"

/* ---- a POST whose response is lost ---- */

static void a_lost_post_that_is_there_and_ours_is_success(void **state)
{
	static const struct step steps[] = { { "POST", LOST }, { "GET", 200, POD("mine") }, { 0 } };
	struct client_write write = { .verb = ASB_CREATE, .ns = "n", .metadata_only = true };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, POD("mine"));
	assert_int_equal(write.result, ASB_OK);
	assert_int_equal(write.http_status, 200);
	assert_string_equal(buf_str(&write.response), POD("mine"));
	assert_string_equal(f.server.sent[1].path, "/api/v1/namespaces/n/pods/p");
	assert_string_equal(f.server.sent[1].accept,
			    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
	client_write_finish(&write);
	tear_down(&f);
}

static void a_lost_post_that_is_there_and_foreign_exists(void **state)
{
	static const struct step foreign[] = { { "POST", LOST },
					       { "GET", 200, POD("other") },
					       { 0 } };
	static const struct step plain[] = { { "POST", LOST }, { "GET", 200, PLAIN_POD }, { 0 } };

	(void)state;
	expect(foreign, ASB_CREATE, POD("mine"), ASB_ALREADY_EXISTS, 409);
	expect(plain, ASB_CREATE, POD("mine"), ASB_ALREADY_EXISTS, 409);
	expect(plain, ASB_CREATE, PLAIN_POD, ASB_ALREADY_EXISTS,
	       409); /* no controller proves nothing */
}

static void a_lost_post_that_is_not_there_is_sent_once_more(void **state)
{
	static const struct step then_done[] = {
		{ "POST", LOST }, { "GET", 404, NOT_FOUND }, { "POST", 201, POD("mine") }, { 0 }
	};
	static const struct step then_lost[] = { { "POST", LOST },
						 { "GET", 404, NOT_FOUND },
						 { "POST", LOST },
						 { "GET", 200, POD("mine") },
						 { 0 } };
	static const struct step never_there[] = { { "POST", LOST },
						   { "GET", 404, NOT_FOUND },
						   { "POST", LOST },
						   { "GET", 404, NOT_FOUND },
						   { 0 } };
	static const struct step late[] = { { "POST", LOST },
					    { "GET", 404, NOT_FOUND },
					    { "POST", 409, EXISTS },
					    { "GET", 200, POD("mine") },
					    { 0 } };

	(void)state;
	expect(then_done, ASB_CREATE, POD("mine"), ASB_OK, 201);
	expect(then_lost, ASB_CREATE, POD("mine"), ASB_OK, 200);
	expect(never_there, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
	expect(late, ASB_CREATE, POD("mine"), ASB_OK, 200); /* the first arrived after all */
}

static void a_lost_post_that_cannot_be_read_back_is_unknown(void **state)
{
	static const struct step lost[] = { { "POST", LOST }, { "GET", LOST }, { 0 } };
	static const struct step denied[] = { { "POST", LOST },
					      { "GET", 403, STATUS("Forbidden", "no") },
					      { 0 } };
	static const struct step refused[] = { { "POST", LOST }, { "GET", -ECONNREFUSED }, { 0 } };

	(void)state;
	expect(lost, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
	expect(denied, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
	expect(refused, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
}

static void a_name_that_is_taken_is_read_back(void **state)
{
	static const struct step ours[] = { { "POST", 409, EXISTS },
					    { "GET", 200, POD("mine") },
					    { 0 } };
	static const struct step foreign[] = { { "POST", 409, EXISTS },
					       { "GET", 200, POD("other") },
					       { 0 } };
	static const struct step gone[] = { { "POST", 409, EXISTS },
					    { "GET", 404, NOT_FOUND },
					    { "POST", 201, POD("mine") },
					    { 0 } };
	static const struct step conflict[] = { { "POST", 409, STATUS("Conflict", "quota") },
						{ 0 } };

	(void)state;
	expect(ours, ASB_CREATE, POD("mine"), ASB_OK, 200);
	expect(foreign, ASB_CREATE, POD("mine"), ASB_ALREADY_EXISTS, 409);
	expect(gone, ASB_CREATE, POD("mine"), ASB_OK, 201);
	expect(conflict, ASB_CREATE, POD("mine"), ASB_CONFLICT, 409);
}

static void a_request_that_was_not_sent_is_not_repeated(void **state)
{
	static const struct step refused[] = { { "POST", -ECONNREFUSED }, { 0 } };
	static const struct step cancelled[] = { { "POST", -ECANCELED }, { 0 } };

	(void)state;
	expect(refused, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
	expect(cancelled, ASB_CREATE, POD("mine"), ASB_CANCELLED, 0);
}

static void a_lost_dry_run_leaves_nothing_to_read_back(void **state)
{
	static const struct step steps[] = { { "POST", LOST }, { 0 } };
	struct client_write write = { .verb = ASB_CREATE, .ns = "n", .dry_run = true };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, POD("mine"));
	assert_int_equal(write.result, ASB_UNREACHABLE);
	tear_down(&f);
}

static void a_lost_patch_is_unknown(void **state)
{
	static const struct step steps[] = { { "PATCH", LOST }, { 0 } };

	(void)state;
	expect(steps, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 0);
}

static void a_success_cut_short_counts_as_lost(void **state)
{
	static const struct step patch[] = { { "PATCH", 200, "{\"kind\":\"Pod\",\"metadata\":{" },
					     { 0 } };
	static const struct step empty[] = { { "PATCH", 200, "" }, { 0 } };
	static const struct step array[] = { { "PATCH", 200, "[]" }, { 0 } };
	static const struct step post[] = { { "POST", 201, "{\"kind\":\"Pod\"" },
					    { "GET", 200, POD("mine") },
					    { 0 } };
	static const struct step get[] = { { "POST", LOST },
					   { "GET", 200, "{\"kind\":\"Pod\"" },
					   { 0 } };

	(void)state;
	expect(patch, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 0);
	expect(empty, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 0);
	expect(array, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 0);
	expect(post, ASB_CREATE, POD("mine"), ASB_OK, 200);
	expect(get, ASB_CREATE, POD("mine"), ASB_UNREACHABLE, 0);
}

/* ---- trying again ---- */

static void a_429_waits_as_long_as_the_server_says(void **state)
{
	static const struct step steps[] = {
		{ "PATCH", 429, "Too many requests, please try again later.\n", 2000 },
		{ "PATCH", 200, PLAIN_POD },
		{ 0 }
	};
	struct client_write write = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, "{}");
	assert_int_equal(write.result, ASB_OK);
	assert_int_equal(f.server.sent[1].when_us, 2000000);
	client_write_finish(&write);
	tear_down(&f);
}

static void refusals_are_retried_with_growing_waits_until_the_deadline(void **state)
{
	struct step steps[] = {
		{ "PATCH", 429, "Too many requests" }, { "PATCH", 429, "Too many requests" },
		{ "PATCH", 429, "Too many requests" }, { "PATCH", 429, "Too many requests" },
		{ "PATCH", 429, "Too many requests" }, { "PATCH", 429, "Too many requests" },
		{ "PATCH", 429, "Too many requests" }, { 0 },
	};
	struct client_write write = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, "{}");
	assert_int_equal(write.result, ASB_UNREACHABLE);
	assert_int_equal(write.http_status, 429);
	assert_string_equal(write.message, "Too many requests");
	assert_in_range(f.server.count, 4, 6);
	assert_true(sched_now_us(f.sched) < CLIENT_DEADLINE_US);
	for (size_t i = 1; i < f.server.count; i++) {
		uint64_t wait = f.server.sent[i].when_us - f.server.sent[i - 1].when_us;

		assert_in_range(wait, 100000u << (i - 1), 150000u << (i - 1));
	}
	f.next = ARRAY_LEN(steps) - 1;
	tear_down(&f);
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state)
{
	static const struct step steps[] = { { "PATCH", 429, "later", 60000 }, { 0 } };

	(void)state;
	expect(steps, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 429);
}

static void a_500_is_retried_only_when_the_server_says_so(void **state)
{
	static const struct step plain[] = { { "PATCH", 500, STATUS("InternalError", "oops") },
					     { 0 } };
	static const struct step told[] = { { "PATCH", 503, "", 1000 },
					    { "PATCH", 200, PLAIN_POD },
					    { 0 } };
	static const struct step post[] = { { "POST", 504, "", 1000 },
					    { "POST", 409, EXISTS },
					    { "GET", 200, POD("mine") },
					    { 0 } };

	(void)state;
	expect(plain, ASB_PATCH_MERGE, "{}", ASB_UNREACHABLE, 500);
	expect(told, ASB_PATCH_MERGE, "{}", ASB_OK, 200);
	expect(post, ASB_CREATE, POD("mine"), ASB_OK, 200);
}

static void reading_back_is_retried_as_well(void **state)
{
	static const struct step steps[] = {
		{ "POST", LOST }, { "GET", 429, "later" }, { "GET", 200, POD("mine") }, { 0 }
	};

	(void)state;
	expect(steps, ASB_CREATE, POD("mine"), ASB_OK, 200);
}

/* ---- the gate, and stopping ---- */

static void expect_gate(const struct step *steps, size_t shuts, int32_t result)
{
	struct client_write write = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" };
	struct fixture f;

	set_up(&f, steps);
	f.gate_shuts = shuts;
	send_write(&f, &write, "{}");
	assert_int_equal(write.result, result);
	assert_true(strlen(write.message) > 0);
	tear_down(&f);
}

static void nothing_is_sent_through_a_shut_gate(void **state)
{
	static const struct step none[] = { { 0 } };
	static const struct step refused[] = { { "PATCH", 429, "later" }, { 0 } };
	static const struct step failed[] = { { "PATCH", 503, "", 1000 }, { 0 } };

	(void)state;
	expect_gate(none, 1, ASB_CANCELLED);
	expect_gate(none, 2, ASB_CANCELLED); /* it shuts when the connection is there */
	expect_gate(refused, 3, ASB_CANCELLED);
	expect_gate(refused, 4, ASB_CANCELLED);
	expect_gate(failed, 3, ASB_UNREACHABLE); /* the first may have been done: not for us to call
						    it cancelled */
}

static void reads_pass_a_shut_gate(void **state)
{
	static const struct step steps[] = { { "GET", 200, PLAIN_POD }, { 0 } };
	struct buf body = BUF_INIT(RESPONSE_MAX);
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	f.gate_shuts = 0;
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, NULL),
			 ASB_OK);
	buf_finish(&body);
	tear_down(&f);
}

static void reading_back_passes_a_shut_gate_and_sending_again_does_not(void **state)
{
	static const struct step there[] = { { "POST", LOST }, { "GET", 200, POD("mine") }, { 0 } };
	static const struct step gone[] = { { "POST", LOST }, { "GET", 404, NOT_FOUND }, { 0 } };
	const struct step *const scripts[] = { there, gone };
	const int32_t results[] = { ASB_OK, ASB_CANCELLED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct client_write write = { .verb = ASB_CREATE, .ns = "n" };
		struct fixture f;

		set_up(&f, scripts[i]);
		f.gate_shuts = 3;
		send_write(&f, &write, POD("mine"));
		assert_int_equal(write.result, results[i]);
		client_write_finish(&write);
		tear_down(&f);
	}
}

static void stop_after_a_second(void *arg)
{
	struct fixture *f = arg;

	talk_sleep(&f->server, 1000000);
	client_stop(f->client);
}

static void stopping_ends_a_wait_and_all_that_comes(void **state)
{
	static const struct step steps[] = { { "PATCH", 429, "later", 4000 }, { 0 } };
	struct client_write first = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" },
			    second = first;
	struct sched_thread *stopper;
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	stopper = sched_start(f.sched, "stopper", stop_after_a_second, &f);
	send_write(&f, &first, "{}");
	assert_int_equal(first.result, ASB_CANCELLED);
	assert_int_equal(sched_now_us(f.sched), 1000000);
	send_write(&f, &second, "{}");
	assert_int_equal(second.result, ASB_CANCELLED);
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, NULL, NULL),
			 ASB_CANCELLED);
	sched_join(stopper);
	assert_int_equal(f.server.count, 1);
	client_destroy(f.client);
	metrics_destroy(f.metrics);
	talk_server_finish(&f.server);
	sched_destroy(f.sched);
}

/* ---- several together ---- */

static void writes_go_together_and_end_each_on_its_own(void **state)
{
	static const struct step steps[] = { { "PATCH", 200, PLAIN_POD },
					     { "POST", LOST },
					     { "DELETE", 404, NOT_FOUND },
					     { "GET", 200, POD("mine") },
					     { 0 } };
	struct json_object *pod = parse(POD("mine")), *patch = parse("{}"), *wrong = parse("[]");
	struct client_write writes[] = {
		{ .verb = ASB_PATCH_MERGE,
		  .kind = &pods,
		  .priority = PRIORITY_CLAIM,
		  .ns = "n",
		  .name = "p",
		  .body = patch },
		{ .verb = ASB_PATCH_MERGE,
		  .kind = &pods,
		  .priority = PRIORITY_CLAIM,
		  .ns = "n",
		  .name = "p",
		  .body = wrong },
		{ .verb = ASB_CREATE,
		  .kind = &pods,
		  .priority = PRIORITY_CLAIM,
		  .ns = "n",
		  .body = pod },
		{ .verb = ASB_DELETE,
		  .kind = &pods,
		  .priority = PRIORITY_REFILL,
		  .ns = "n",
		  .name = "q" },
	};
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	client_write_all(f.client, writes, ARRAY_LEN(writes));
	assert_int_equal(writes[0].result, ASB_OK);
	assert_int_equal(writes[1].result, ASB_INVALID);
	assert_int_equal(writes[2].result, ASB_OK);
	assert_int_equal(writes[3].result, ASB_NOT_FOUND);
	assert_int_equal(f.server.sent[0].together, 3);
	assert_int_equal(f.server.sent[3].together, 1);
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		json_object_put(writes[i].body);
		client_write_finish(&writes[i]);
	}
	tear_down(&f);
}

static void fewer_slots_than_writes_send_them_in_turn(void **state)
{
	static const struct step steps[] = { { "DELETE", 404, NOT_FOUND },
					     { "DELETE", 404, NOT_FOUND },
					     { "DELETE", 404, NOT_FOUND },
					     { "DELETE", 404, NOT_FOUND },
					     { 0 } };
	struct client_write writes[4];
	struct fixture f;

	(void)state;
	set_up_slots(&f, steps, 2);
	for (size_t i = 0; i < 4; i++) {
		writes[i] = (struct client_write){ .verb = ASB_DELETE,
						   .kind = &pods,
						   .priority = PRIORITY_EVENT,
						   .ns = "n",
						   .name = "p" };
	}
	client_write_all(f.client, writes, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(writes[i].result, ASB_NOT_FOUND);
		assert_int_equal(f.server.sent[i].together, 2);
	}
	tear_down(&f);
}

/* ---- answers ---- */

static void removing_tells_gone_from_marked(void **state)
{
	static const struct step gone[] = {
		{ "DELETE", 200, "{\"kind\":\"Status\",\"status\":\"Success\"}" }, { 0 }
	};
	static const struct step marked[] = { { "DELETE", 200, PLAIN_POD }, { 0 } };
	struct client_write write = { .verb = ASB_DELETE, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	set_up(&f, gone);
	send_write(&f, &write, NULL);
	assert_int_equal(write.result, ASB_OK);
	assert_true(write.gone);
	assert_int_equal(write.response.length, 0);
	tear_down(&f);
	set_up(&f, marked);
	send_write(&f, &write, NULL);
	assert_int_equal(write.result, ASB_OK);
	assert_false(write.gone);
	assert_string_equal(buf_str(&write.response), PLAIN_POD);
	client_write_finish(&write);
	tear_down(&f);
}

static void statuses_have_their_codes(void **state)
{
	static const struct {
		int status;
		int32_t code;
	} table[] = {
		{ 200, ASB_OK },          { 201, ASB_OK },          { 202, ASB_OK },
		{ 400, ASB_INVALID },     { 401, ASB_FORBIDDEN },   { 403, ASB_FORBIDDEN },
		{ 404, ASB_NOT_FOUND },   { 408, ASB_UNREACHABLE }, { 409, ASB_CONFLICT },
		{ 410, ASB_INVALID },     { 413, ASB_INVALID },     { 422, ASB_INVALID },
		{ 429, ASB_UNREACHABLE }, { 500, ASB_UNREACHABLE }, { 504, ASB_UNREACHABLE },
		{ 302, ASB_UNREACHABLE }, { 0, ASB_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(client_code(table[i].status, "", 0), table[i].code);
	}
	assert_int_equal(client_code(409, EXISTS, strlen(EXISTS)), ASB_ALREADY_EXISTS);
}

static void the_servers_words_come_through_on_one_line(void **state)
{
	static const struct step steps[] = {
		{ "PATCH", 422, STATUS("Invalid", "spec.x: Invalid \\\"a\\\"\\nsecond line") },
		{ 0 }
	};
	struct client_write write = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, "{}");
	assert_int_equal(write.result, ASB_INVALID);
	assert_string_equal(write.message, "spec.x: Invalid \"a\" second line");
	tear_down(&f);
}

static void long_words_are_cut(void **state)
{
	char body[4096];
	const struct step steps[] = { { "PATCH", 400, body }, { 0 } };
	struct client_write write = { .verb = ASB_PATCH_MERGE, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	memset(body, 'w', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	set_up(&f, steps);
	send_write(&f, &write, "{}");
	assert_int_equal(strlen(write.message), sizeof(write.message) - 1);
	tear_down(&f);
}

static void reads_answer_bytes_or_an_error(void **state)
{
	static const struct step steps[] = { { "GET", 200, PLAIN_POD },
					     { "GET", 404, NOT_FOUND },
					     { "GET", 429, "later", 1000 },
					     { "GET", 200, PLAIN_POD },
					     { "GET", LOST },
					     { "GET", 200, "{" },
					     { 0 } };
	struct buf body = BUF_INIT(RESPONSE_MAX);
	struct error error = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, &error),
			 ASB_OK);
	assert_string_equal(buf_str(&body), PLAIN_POD);
	buf_finish(&body);
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, &error),
			 ASB_NOT_FOUND);
	assert_string_equal(error.text, "GET '/api/v1/namespaces/n/pods/p': pods \"p\" not found");
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, &error),
			 ASB_OK);
	buf_finish(&body);
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, &error),
			 ASB_UNREACHABLE);
	assert_int_equal(client_read(f.client, &pods, "n", "p", PRIORITY_CLAIM, &body, &error),
			 ASB_UNREACHABLE);
	tear_down(&f);
}

static void requests_and_writes_are_counted(void **state)
{
	static const struct step steps[] = { { "POST", LOST }, { "GET", 200, POD("mine") }, { 0 } };
	struct client_write write = { .verb = ASB_CREATE, .ns = "n" };
	struct buf text = BUF_INIT(1u << 20);
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	send_write(&f, &write, POD("mine"));
	assert_int_equal(metrics_render(f.metrics, &text), 0);
	assert_non_null(strstr(buf_str(&text),
			       "rest_client_requests_total{code=\"<error>\",method=\"POST\"} 1\n"));
	assert_non_null(strstr(buf_str(&text),
			       "rest_client_requests_total{code=\"200\",method=\"GET\"} 1\n"));
	assert_non_null(strstr(buf_str(&text),
			       "agent_sandbox_api_writes_total{kind=\"Pod\",verb=\"create\"} 1\n"));
	buf_finish(&text);
	client_write_finish(&write);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_post_that_is_there_and_ours_is_success),
		cmocka_unit_test(a_lost_post_that_is_there_and_foreign_exists),
		cmocka_unit_test(a_lost_post_that_is_not_there_is_sent_once_more),
		cmocka_unit_test(a_lost_post_that_cannot_be_read_back_is_unknown),
		cmocka_unit_test(a_name_that_is_taken_is_read_back),
		cmocka_unit_test(a_request_that_was_not_sent_is_not_repeated),
		cmocka_unit_test(a_lost_dry_run_leaves_nothing_to_read_back),
		cmocka_unit_test(a_lost_patch_is_unknown),
		cmocka_unit_test(a_success_cut_short_counts_as_lost),
		cmocka_unit_test(a_429_waits_as_long_as_the_server_says),
		cmocka_unit_test(refusals_are_retried_with_growing_waits_until_the_deadline),
		cmocka_unit_test(a_wait_beyond_the_deadline_is_not_begun),
		cmocka_unit_test(a_500_is_retried_only_when_the_server_says_so),
		cmocka_unit_test(reading_back_is_retried_as_well),
		cmocka_unit_test(nothing_is_sent_through_a_shut_gate),
		cmocka_unit_test(reads_pass_a_shut_gate),
		cmocka_unit_test(reading_back_passes_a_shut_gate_and_sending_again_does_not),
		cmocka_unit_test(stopping_ends_a_wait_and_all_that_comes),
		cmocka_unit_test(writes_go_together_and_end_each_on_its_own),
		cmocka_unit_test(fewer_slots_than_writes_send_them_in_turn),
		cmocka_unit_test(removing_tells_gone_from_marked),
		cmocka_unit_test(statuses_have_their_codes),
		cmocka_unit_test(the_servers_words_come_through_on_one_line),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(reads_answer_bytes_or_an_error),
		cmocka_unit_test(requests_and_writes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
