/* SPDX-License-Identifier: Apache-2.0 */
/* What the libcurl transport promises when servers and networks misbehave: never a success that is
 * none, and the truth about whether a request may have been received. */
#include "config.h"

#include "tests/unit/net/transport-fixture.h"

#define SOON_MS 200u /* of requests that shall time out */

static void check_fault(struct fixture *f, uint32_t timeout_ms, int result, bool maybe_sent)
{
	struct http_response response = fixture_get(f, "/", timeout_ms);

	if (result != 0) {
		assert_int_equal(response.result, result);
	} else {
		assert_true(response.result < 0);
	}
	assert_int_equal(response.maybe_sent, maybe_sent);
	assert_int_not_equal(response.error[0], '\0');
	http_response_finish(&response);
}

static void refused_connections_are_not_sent(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *server = xprintf("http://127.0.0.1:%u", test_port_closed());

	(void)state;
	fixture_init(&f, NULL, NULL, serve_ok);
	fixture_connect(&f, (struct curl_transport_config){ .server = server });
	check_fault(&f, TEST_TIMEOUT_MS, -ECONNREFUSED, false);
	fixture_finish(&f);
}

static void unknown_hosts_are_not_sent(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NULL, NULL, serve_ok);
	fixture_connect(&f, (struct curl_transport_config){ .server = "http://nowhere.invalid" });
	check_fault(&f, 2000, 0, false);
	fixture_finish(&f);
}

/* Reads a request, says arg->text of the test, ends. */
struct script {
	struct fixture f; /* first: the server's arg */
	const char *text;
	bool reset;
};

static void serve_script(void *arg, struct test_peer *peer)
{
	struct script *script = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, script->text);
		if (script->reset) {
			test_peer_reset(peer);
		}
	}
}

static void broken_answers_are_errors(void **state)
{
	static const struct {
		const char *text;
		bool reset;
	} cases[] = {
		{ "", false },
		{ "", true },
		{ "HTTP/1.1 200 OK\r\nContent-Le", false },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":", false },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":", true },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{}", false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", true },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n{}\r\n", false },
		{ "SSH-2.0-OpenSSH_9.2\r\nhello\r\n", false },
		{ "\r\n\r\n\r\n", false },
		{ "HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct script script = { .text = cases[i].text, .reset = cases[i].reset };

		fixture_init(&script.f, NULL, NULL, serve_script);
		script.text = cases[i].text;
		script.reset = cases[i].reset;
		fixture_connect(&script.f, (struct curl_transport_config){ 0 });
		check_fault(&script.f, TEST_TIMEOUT_MS, 0, true);
		fixture_finish(&script.f);
	}
}

static void serve_bytes(void *arg, struct test_peer *peer)
{
	static const char text[] =
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nRetry-After: 3\r\n"
		"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n";
	struct test_request request;

	(void)arg;
	while (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		for (size_t i = 0; i < sizeof(text) - 1; i++) {
			test_peer_write(peer, text + i, 1);
		}
	}
}

static void answers_may_come_byte_by_byte(void **state)
{
	struct fixture f;

	(void)state;
	fixture_plain(&f, serve_bytes);
	for (int i = 0; i < 3; i++) {
		struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

		assert_int_equal(response.result, 0);
		assert_int_equal(response.retry_after_ms, 3000);
		assert_string_equal(buf_str(&response.body), "{\"a\":1}");
		http_response_finish(&response);
	}
	assert_int_equal(test_server_connections(f.server), 1);
	fixture_finish(&f);
}

static void serve_silence(void *arg, struct test_peer *peer)
{
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		fixture_count(arg);
		test_peer_wait_gone(peer);
	}
}

static void silence_times_out_and_may_have_been_sent(void **state)
{
	struct fixture f;

	(void)state;
	fixture_plain(&f, serve_silence);
	check_fault(&f, SOON_MS, -ETIMEDOUT, true);
	fixture_finish(&f);
}

static void serve_drip(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
		while (test_peer_say(peer, " ")) {
			LOCKED(&f->lock);
			sched_cond_wait(&f->changed, &f->lock, sched_now_us(f->sched) + 10000);
		}
	}
}

static void the_timeout_counts_for_the_whole_answer(void **state)
{
	struct fixture f;

	(void)state;
	fixture_plain(&f, serve_drip);
	check_fault(&f, SOON_MS, -ETIMEDOUT, true);
	fixture_finish(&f);
}

static void block(void *arg)
{
	struct http_response response = fixture_get(arg, "/", 600000);

	http_response_finish(&response);
}

static void waiting_for_a_connection_counts_and_is_not_sent(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NULL, NULL, serve_silence);
	fixture_connect(&f, (struct curl_transport_config){ .connections = 1 });

	struct sched_thread *thread = sched_start(f.sched, "blocker", block, &f);

	assert_true(fixture_wait(&f, 1));
	check_fault(&f, SOON_MS, -ETIMEDOUT, false);
	f.transport->ops->stop(f.transport);
	sched_join(thread);
	fixture_finish(&f);
}

/* The first connection answers once and then ends; later ones answer. */
static void serve_once_each(void *arg, struct test_peer *peer)
{
	struct test_request request;

	(void)arg;
	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_respond(peer, 200, NULL, "{}");
	}
}

static bool refuse(void *arg)
{
	(*(int *)arg)++;
	return false;
}

static void what_may_not_go_out_does_not(void **state)
{
	struct fixture f;
	struct http_response response;
	int asked = 0;
	struct http_request request = { .method = "POST",
					.path = "/",
					.content_type = "application/json",
					.body = "{}",
					.body_length = 2,
					.timeout_ms = TEST_TIMEOUT_MS,
					.may_send = refuse,
					.may_send_arg = &asked };

	(void)state;
	fixture_plain(&f, serve_once_each);
	transport_perform(f.transport, &request, &response, 1);
	assert_int_equal(response.result, -ECANCELED);
	assert_false(response.maybe_sent);
	assert_int_equal(asked, 1);
	http_response_finish(&response);
	fixture_finish(&f);
}

static void serve_flood(void *arg, struct test_peer *peer)
{
	static const char spaces[65536] = { ' ' };
	struct test_request request;

	(void)arg;
	if (test_peer_read(peer, &request)) {
		bool head = strcmp(request.path, "/head") == 0;
		bool going = test_peer_say(
			peer, head ? "HTTP/1.1 200 OK\r\n"
				   : "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");

		test_request_finish(&request);
		while (going) {
			going = head ? test_peer_say(peer,
						     "X-Header: and yet another one of them\r\n")
				     : test_peer_write(peer, spaces, sizeof(spaces));
		}
	}
}

static void answers_have_a_largest_size(void **state)
{
	struct fixture f;
	struct http_response response;

	(void)state;
	fixture_plain(&f, serve_flood);
	check_fault(&f, TEST_TIMEOUT_MS, -EMSGSIZE, true);
	response = fixture_get(&f, "/head", TEST_TIMEOUT_MS);
	assert_true(response.result < 0);
	http_response_finish(&response);
	fixture_finish(&f);
}

static void connections_that_died_idle_are_made_anew(void **state)
{
	struct fixture f;

	(void)state;
	fixture_plain(&f, serve_once_each);
	for (int i = 0; i < 5; i++) {
		struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

		assert_int_equal(response.result, 0);
		assert_int_equal(response.status, 200);
		http_response_finish(&response);
	}
	assert_int_equal(test_server_connections(f.server), 5);
	fixture_finish(&f);
}

/* Answers one request; takes a second one, goes away with it and does not come back. */
static void serve_and_vanish(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	for (int i = 0; test_peer_read(peer, &request); i++) {
		test_request_finish(&request);
		if (i == 1) {
			test_server_close(f->server);
			return;
		}
		test_peer_respond(peer, 200, NULL, "{}");
	}
}

/* libcurl sends such a request again and then says "connection refused". */
static void a_request_lost_on_a_kept_connection_may_have_been_sent(void **state)
{
	struct fixture f;
	struct http_response response;

	(void)state;
	fixture_plain(&f, serve_and_vanish);
	response = fixture_get(&f, "/", TEST_TIMEOUT_MS);
	assert_int_equal(response.status, 200);
	http_response_finish(&response);
	check_fault(&f, TEST_TIMEOUT_MS, 0, true);
	fixture_finish(&f);
}

static void bad_paths_do_not_go_out(void **state)
{
	struct fixture f;

	(void)state;
	fixture_plain(&f, serve_ok);

	struct http_response response = fixture_get(&f, "@elsewhere/", TEST_TIMEOUT_MS);

	assert_int_equal(response.result, -EINVAL);
	assert_false(response.maybe_sent);
	http_response_finish(&response);
	assert_int_equal(test_server_connections(f.server), 0);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_connections_are_not_sent),
		cmocka_unit_test(unknown_hosts_are_not_sent),
		cmocka_unit_test(broken_answers_are_errors),
		cmocka_unit_test(answers_may_come_byte_by_byte),
		cmocka_unit_test(silence_times_out_and_may_have_been_sent),
		cmocka_unit_test(the_timeout_counts_for_the_whole_answer),
		cmocka_unit_test(waiting_for_a_connection_counts_and_is_not_sent),
		cmocka_unit_test(what_may_not_go_out_does_not),
		cmocka_unit_test(answers_have_a_largest_size),
		cmocka_unit_test(connections_that_died_idle_are_made_anew),
		cmocka_unit_test(a_request_lost_on_a_kept_connection_may_have_been_sent),
		cmocka_unit_test(bad_paths_do_not_go_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
