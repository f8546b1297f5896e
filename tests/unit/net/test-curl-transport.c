/* SPDX-License-Identifier: Apache-2.0 */
/* What the libcurl transport promises about requests: what goes out, what comes back, connections,
 * stopping. Credentials, faults, proxies and streams have their own files beside this one. */
#include "config.h"

#include "tests/unit/net/transport-fixture.h"

/* ---- what goes out and comes back ---- */

/* Answers with what it was asked: the head's interesting lines and the body. */
static void serve_echo(void *arg, struct test_peer *peer)
{
	static const char *const names[] = { "Accept",        "Content-Type",   "User-Agent",
					     "Expect",        "Host",           "X-More",
					     "Authorization", "Accept-Encoding" };
	struct test_request request;
	char value[1024];

	(void)arg;
	while (test_peer_read(peer, &request)) {
		CLEANUP_BUF struct buf text = BUF_INIT(4u << 20);

		buf_printf(&text, "%s %s|", request.method, request.path);
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			buf_printf(&text, "%s=%s|", names[i],
				   test_request_header(&request, names[i], value));
		}
		buf_append(&text, request.body, request.body_length);
		test_request_finish(&request);
		test_peer_respond(peer, 200, NULL, buf_str(&text));
	}
}

static void requests_go_out_as_they_are_given(void **state)
{
	static const char *const headers[] = { "X-More: yes", NULL };
	struct fixture f;
	struct http_request requests[] = {
		{ .method = "PATCH",
		  .path = "/a?b=c",
		  .content_type = "application/json-patch+json",
		  .body = "[1]",
		  .body_length = 3,
		  .accept = "application/x",
		  .timeout_ms = TEST_TIMEOUT_MS },
		{ .method = "GET", .path = "/../d", .timeout_ms = TEST_TIMEOUT_MS },
		{ .method = "DELETE", .path = "/e", .timeout_ms = TEST_TIMEOUT_MS },
		{ .method = "DELETE",
		  .path = "/e",
		  .content_type = "application/json",
		  .body = "{}",
		  .body_length = 2,
		  .timeout_ms = TEST_TIMEOUT_MS },
		{ .method = "POST",
		  .path = "/f",
		  .content_type = "text/plain",
		  .timeout_ms = TEST_TIMEOUT_MS },
	};
	const char *const expected[] = {
		"PATCH /p/q/a?b=c|Accept=application/x|Content-Type=application/json-patch+json|User-Agent=agent-sandbox-test/1|Expect=|Host=%s|X-More=yes|Authorization=|Accept-Encoding=|[1]",
		"GET /p/q/../d|Accept=application/json|Content-Type=|User-Agent=agent-sandbox-test/1|Expect=|Host=%s|X-More=yes|Authorization=|Accept-Encoding=|",
		"DELETE /p/q/e|Accept=application/json|Content-Type=|User-Agent=agent-sandbox-test/1|Expect=|Host=%s|X-More=yes|Authorization=|Accept-Encoding=|",
		"DELETE /p/q/e|Accept=application/json|Content-Type=application/json|User-Agent=agent-sandbox-test/1|Expect=|Host=%s|X-More=yes|Authorization=|Accept-Encoding=|{}",
		"POST /p/q/f|Accept=application/json|Content-Type=text/plain|User-Agent=agent-sandbox-test/1|Expect=|Host=%s|X-More=yes|Authorization=|Accept-Encoding=|",
	};

	(void)state;
	fixture_init(&f, NULL, NULL, serve_echo);

	CLEANUP_FREE char *server = xprintf("%s/p/q/", f.url);

	/* One connection and twice: no option of a request lives on in the next. */
	fixture_connect(&f, (struct curl_transport_config){
				    .server = server, .headers = headers, .connections = 1 });
	for (size_t i = 0; i < 2 * ARRAY_LEN(requests); i++) {
		struct http_response response;
		const char *host = f.url + strlen("http://"),
			   *mark = strstr(expected[i % ARRAY_LEN(requests)], "%s");
		CLEANUP_FREE char *text =
			xprintf("%.*s%s%s", (int)(mark - expected[i % ARRAY_LEN(requests)]),
				expected[i % ARRAY_LEN(requests)], host, mark + 2);

		transport_perform(f.transport, &requests[i % ARRAY_LEN(requests)], &response, 1);
		assert_int_equal(response.result, 0);
		assert_int_equal(response.status, 200);
		assert_string_equal(buf_str(&response.body), text);
		http_response_finish(&response);
	}
	assert_int_equal(test_server_connections(f.server), 1);
	fixture_finish(&f);
}

static void bodies_of_megabytes_go_out_whole(void **state)
{
	struct fixture f;
	size_t length = 1500000; /* from 1 MiB on, libcurl would like to wait for a 100 */
	CLEANUP_FREE char *body = xalloc(length + 1);
	struct http_request request = { .method = "PUT",
					.path = "/",
					.content_type = "a/b",
					.body = body,
					.body_length = length,
					.timeout_ms = TEST_TIMEOUT_MS };
	struct http_response response;

	(void)state;
	for (size_t i = 0; i < length; i++) {
		body[i] = (char)('a' + i % 26);
	}
	fixture_plain(&f, serve_echo);
	transport_perform(f.transport, &request, &response, 1);
	assert_int_equal(response.result, 0);
	assert_true(response.body.length > length);
	assert_non_null(strstr(response.body.data, "|Expect=|"));
	assert_string_equal(response.body.data + response.body.length - length, body);
	http_response_finish(&response);
	fixture_finish(&f);
}

static void serve_status(void *arg, struct test_peer *peer)
{
	struct test_request request;

	(void)arg;
	while (test_peer_read(peer, &request)) {
		if (strcmp(request.path, "/busy") == 0) {
			test_peer_respond(peer, 429, "retry-after:  7\r\n", "Too many requests");
		} else if (strcmp(request.path, "/moved") == 0) {
			test_peer_respond(peer, 302, "Location: /busy\r\n", "");
		} else if (strcmp(request.path, "/interim") == 0) {
			test_peer_say(peer, "HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\n");
			test_peer_respond(peer, 404, NULL, "{}");
		}
		test_request_finish(&request);
	}
}

static void any_status_is_an_answer(void **state)
{
	struct fixture f;
	struct http_response response;

	(void)state;
	fixture_plain(&f, serve_status);
	response = fixture_get(&f, "/busy", TEST_TIMEOUT_MS);
	assert_int_equal(response.result, 0);
	assert_int_equal(response.status, 429);
	assert_int_equal(response.retry_after_ms, 7000);
	assert_string_equal(buf_str(&response.body), "Too many requests");
	http_response_finish(&response);

	response = fixture_get(&f, "/moved", TEST_TIMEOUT_MS);
	assert_int_equal(response.status, 302);
	http_response_finish(&response);

	response = fixture_get(&f, "/interim", TEST_TIMEOUT_MS);
	assert_int_equal(response.status, 404);
	assert_int_equal(response.retry_after_ms, 0);
	http_response_finish(&response);
	fixture_finish(&f);
}

/* ---- connections ---- */

/* Answers no request before four have come. */
static void serve_four(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	while (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		fixture_count(f);
		if (!fixture_wait(f, 4)) {
			return;
		}
		test_peer_respond(peer, 200, NULL, "{}");
	}
}

static void requests_of_one_call_overlap(void **state)
{
	struct fixture f;
	struct http_request requests[4];
	struct http_response responses[4];

	(void)state;
	fixture_plain(&f, serve_four);
	for (size_t i = 0; i < 4; i++) {
		requests[i] = (struct http_request){ .method = "GET",
						     .path = "/",
						     .timeout_ms = TEST_TIMEOUT_MS };
	}
	transport_perform(f.transport, requests, responses, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(responses[i].result, 0);
		assert_int_equal(responses[i].status, 200);
		http_response_finish(&responses[i]);
	}
	assert_int_equal(test_server_connections(f.server), 4);
	fixture_finish(&f);
}

#define MANY_THREADS 6
#define MANY_REQUESTS 50

static void ask_many(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < MANY_REQUESTS; i++) {
		struct http_response response = fixture_get(f, "/x", TEST_TIMEOUT_MS);

		if (response.result == 0 && response.status == 200 &&
		    strcmp(buf_str(&response.body), "{}") == 0) {
			fixture_count(f);
		}
		http_response_finish(&response);
	}
}

static void many_threads_share_the_connections_there_are(void **state)
{
	struct fixture f;
	struct sched_thread *threads[MANY_THREADS];

	(void)state;
	fixture_init(&f, NULL, NULL, serve_ok);
	fixture_connect(&f, (struct curl_transport_config){ .connections = 3 });
	for (size_t i = 0; i < MANY_THREADS; i++) {
		threads[i] = sched_start(f.sched, "asker", ask_many, &f);
	}
	for (size_t i = 0; i < MANY_THREADS; i++) {
		sched_join(threads[i]);
	}
	assert_int_equal(f.count, MANY_THREADS * MANY_REQUESTS);
	assert_true(test_server_connections(f.server) <= 3);
	fixture_finish(&f);
}

/* ---- configuration and stopping ---- */

static void bad_configurations_are_refused(void **state)
{
	static const char *const broken[] = { "X: 1\r\nY: 2", NULL };
	static const struct curl_transport_config bad[] = {
		{ .server = NULL, .user_agent = "a", .connections = 1 },
		{ .server = "https://h", .user_agent = "curl/8", .connections = 1 },
		{ .server = "https://h", .user_agent = "a", .connections = 0 },
		{ .server = "ftp://h", .user_agent = "a", .connections = 1 },
		{ .server = "https://user:secret@h", .user_agent = "a", .connections = 1 },
		{ .server = "https://h/?q", .user_agent = "a", .connections = 1 },
		{ .server = "https://", .user_agent = "a", .connections = 1 },
		{ .server = "https://h", .user_agent = "a", .connections = 1, .headers = broken },
		{ .server = "https://h",
		  .user_agent = "a",
		  .connections = 1,
		  .proxy_url = "gopher://h" },
	};
	struct sched *sched = sched_create();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error error = { 0 };

		assert_null(curl_transport_create(sched, &bad[i], &error));
		assert_true(error.code < 0);
		assert_null(strstr(error.text, "secret"));
	}
	sched_destroy(sched);
}

static void serve_nothing(void *arg, struct test_peer *peer)
{
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		fixture_count(arg);
		test_peer_wait_gone(peer);
	}
}

static void ask_and_be_stopped(void *arg)
{
	struct http_response response = fixture_get(arg, "/", 600000);

	if (response.result == -ECANCELED) {
		fixture_count(arg);
	}
	http_response_finish(&response);
}

static void stopping_answers_everything_at_once(void **state)
{
	struct fixture f;
	struct sched_thread *threads[3];

	(void)state;
	fixture_init(&f, NULL, NULL, serve_nothing);
	fixture_connect(&f, (struct curl_transport_config){ .connections = 2 });
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f.sched, "asker", ask_and_be_stopped, &f);
	}
	/* Two are with the server, the third has no connection. */
	assert_true(fixture_wait(&f, 2));
	f.transport->ops->stop(f.transport);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	assert_int_equal(f.count, 5);

	struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

	assert_int_equal(response.result, -ECANCELED);
	assert_false(response.maybe_sent);
	http_response_finish(&response);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_out_as_they_are_given),
		cmocka_unit_test(bodies_of_megabytes_go_out_whole),
		cmocka_unit_test(any_status_is_an_answer),
		cmocka_unit_test(requests_of_one_call_overlap),
		cmocka_unit_test(many_threads_share_the_connections_there_are),
		cmocka_unit_test(bad_configurations_are_refused),
		cmocka_unit_test(stopping_answers_everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
