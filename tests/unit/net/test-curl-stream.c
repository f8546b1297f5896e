/* SPDX-License-Identifier: Apache-2.0 */
/* What the libcurl transport promises about streams: bytes come at once, and every way to end is
 * told from the others. */
#include "config.h"

#include "tests/unit/net/transport-fixture.h"

#define SOON_MS 200u
#define ALIVE_MS 2000u /* long enough that a busy machine does not make a pause of it */

/* What a stream's reader got. */
struct reader {
	struct fixture *f;
	struct buf got;
	size_t enough; /* ends the stream at this many bytes; 0: never */
	bool counts;   /* tells the fixture of each call */
};

static int read_bytes(void *arg, const char *data, size_t length)
{
	struct reader *reader = arg;

	buf_append(&reader->got, data, length);
	if (reader->counts) {
		fixture_count(reader->f);
	}
	return reader->enough > 0 && reader->got.length >= reader->enough;
}

static struct http_response run_stream(struct reader *reader, uint32_t timeout_ms, uint32_t idle_ms)
{
	struct http_request request = { .method = "GET",
					.path = "/watch",
					.timeout_ms = timeout_ms };
	struct http_response response;

	reader->f->transport->ops->stream(reader->f->transport, &request, idle_ms, read_bytes,
					  reader, &response);
	return response;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* The second line goes out only when the reader has had the first. */
static void serve_lines(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, CHUNKED "4\r\none\n\r\n");
		if (fixture_wait(f, 1)) {
			test_peer_say(peer, "4\r\ntwo\n\r\n0\r\n\r\n");
		}
		test_peer_wait_gone(peer);
	}
}

static void bytes_come_as_they_are_sent(void **state)
{
	struct fixture f;
	struct reader reader = { .f = &f, .got = BUF_INIT(100), .counts = true };

	(void)state;
	fixture_plain(&f, serve_lines);

	struct http_response response = run_stream(&reader, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS);

	assert_string_equal(response.error, "");
	assert_int_equal(response.result, 0);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.body.length, 0);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\n");
	http_response_finish(&response);
	buf_finish(&reader.got);
	fixture_finish(&f);
}

static void the_reader_may_end_it(void **state)
{
	struct fixture f;
	struct reader reader = { .f = &f, .got = BUF_INIT(100), .counts = true, .enough = 4 };

	(void)state;
	fixture_plain(&f, serve_lines);

	struct http_response response = run_stream(&reader, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS);

	assert_int_equal(response.result, -ECANCELED);
	assert_true(response.maybe_sent);
	http_response_finish(&response);
	buf_finish(&reader.got);
	fixture_finish(&f);
}

static void serve_gone(void *arg, struct test_peer *peer)
{
	struct test_request request;

	(void)arg;
	while (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_respond(peer, 410, "Retry-After: 2\r\n", "{\"code\":410}");
	}
}

static void another_status_comes_with_its_body(void **state)
{
	struct fixture f;
	struct reader reader = { .f = &f, .got = BUF_INIT(100) };

	(void)state;
	fixture_plain(&f, serve_gone);

	struct http_response response = run_stream(&reader, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS);

	assert_int_equal(response.result, 0);
	assert_int_equal(response.status, 410);
	assert_int_equal(response.retry_after_ms, 2000);
	assert_string_equal(buf_str(&response.body), "{\"code\":410}");
	assert_int_equal(reader.got.length, 0);
	http_response_finish(&response);
	fixture_finish(&f);
}

/* Says a text per connection and keeps it open or ends it. */
struct script {
	struct fixture f; /* first: the server's arg */
	const char *text;
	bool stay;
};

static void serve_script(void *arg, struct test_peer *peer)
{
	struct script *script = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, script->text);
		if (script->stay) {
			test_peer_wait_gone(peer);
		}
	}
}

static void check_script(const char *text, bool stay, uint32_t timeout_ms, uint32_t idle_ms,
			 int result)
{
	struct script script;
	struct reader reader = { .f = &script.f, .got = BUF_INIT(100) };

	fixture_init(&script.f, NULL, NULL, serve_script);
	script.text = text;
	script.stay = stay;
	fixture_connect(&script.f, (struct curl_transport_config){ 0 });

	struct http_response response = run_stream(&reader, timeout_ms, idle_ms);

	if (result != 0) {
		assert_int_equal(response.result, result);
	} else {
		assert_true(response.result < 0);
	}
	assert_true(response.maybe_sent);
	http_response_finish(&response);
	buf_finish(&reader.got);
	fixture_finish(&script.f);
}

static void a_broken_end_is_no_end(void **state)
{
	(void)state;
	check_script(CHUNKED "4\r\none\n\r\n", false, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS, 0);
	check_script(CHUNKED "4\r\non", false, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS, 0);
	check_script("", false, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS, 0);
}

static void silence_ends_it(void **state)
{
	(void)state;
	/* No head; a head alone; silence after a byte; a foreign status that never ends. */
	check_script("", true, SOON_MS, TEST_TIMEOUT_MS, -ETIMEDOUT);
	check_script(CHUNKED, true, TEST_TIMEOUT_MS, SOON_MS, -ETIMEDOUT);
	check_script(CHUNKED "4\r\none\n\r\n", true, TEST_TIMEOUT_MS, SOON_MS, -ETIMEDOUT);
	check_script("HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\n{", true, SOON_MS, TEST_TIMEOUT_MS,
		     -ETIMEDOUT);
}

static void serve_ticks(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, CHUNKED);
		for (int i = 0; i < 8; i++) {
			uint64_t until = sched_now_us(f->sched) + ALIVE_MS * 200;

			test_peer_say(peer, "1\r\n.\r\n");
			LOCKED(&f->lock);
			while (sched_cond_wait(&f->changed, &f->lock, until) == 0) {
			}
		}
		test_peer_say(peer, "0\r\n\r\n");
		test_peer_wait_gone(peer);
	}
}

static void bytes_keep_it_alive_longer_than_any_timeout(void **state)
{
	struct fixture f;
	struct reader reader = { .f = &f, .got = BUF_INIT(100) };

	(void)state;
	fixture_plain(&f, serve_ticks);

	struct http_response response = run_stream(&reader, ALIVE_MS, ALIVE_MS);

	assert_string_equal(response.error, "");
	assert_int_equal(reader.got.length, 8);
	http_response_finish(&response);
	buf_finish(&reader.got);
	fixture_finish(&f);
}

static void stream_until_stopped(void *arg)
{
	struct reader reader = { .f = arg, .got = BUF_INIT(100) };
	struct http_response response = run_stream(&reader, 600000, 600000);

	if (response.result == -ECANCELED) {
		fixture_count(arg);
	}
	http_response_finish(&response);
	buf_finish(&reader.got);
}

static void serve_never(void *arg, struct test_peer *peer)
{
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		test_peer_say(peer, CHUNKED);
		fixture_count(arg);
		test_peer_wait_gone(peer);
	}
}

static void stopping_ends_all_streams_at_once(void **state)
{
	struct fixture f;
	struct sched_thread *threads[3];

	(void)state;
	fixture_plain(&f, serve_never);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f.sched, "watch", stream_until_stopped, &f);
	}
	assert_true(fixture_wait(&f, 3));
	f.transport->ops->stop(f.transport);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	assert_int_equal(f.count, 6);

	/* And none begins after that. */
	stream_until_stopped(&f);
	assert_int_equal(f.count, 7);
	assert_int_equal(test_server_connections(f.server), 3);
	fixture_finish(&f);
}

struct tokens {
	unsigned int refused;
};

static int tokens_get(void *arg, struct http_credentials *ret, struct error *reterr)
{
	struct tokens *tokens = arg;

	(void)reterr;
	ret->authorization = xprintf("Bearer %u", tokens->refused);
	return 0;
}

static void tokens_refused(void *arg, uint64_t generation)
{
	struct tokens *tokens = arg;

	(void)generation;
	tokens->refused++;
}

static void serve_token(void *arg, struct test_peer *peer)
{
	struct test_request request;
	char value[1024];

	(void)arg;
	while (test_peer_read(peer, &request)) {
		bool good = strcmp(test_request_header(&request, "Authorization", value),
				   "Bearer 1") == 0;

		test_request_finish(&request);
		test_peer_respond(peer, good ? 200 : 401, NULL, good ? "yes" : "no");
	}
}

static void refused_credentials_are_renewed(void **state)
{
	struct fixture f;
	struct tokens tokens = { 0 };
	struct reader reader = { .f = &f, .got = BUF_INIT(100) };
	struct http_credentials_source source = { .get = tokens_get,
						  .refused = tokens_refused,
						  .arg = &tokens };

	(void)state;
	fixture_init(&f, NULL, NULL, serve_token);
	fixture_connect(&f, (struct curl_transport_config){ .credentials = source });

	struct http_response response = run_stream(&reader, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS);

	assert_int_equal(response.status, 200);
	assert_int_equal(response.body.length, 0);
	assert_string_equal(buf_str(&reader.got), "yes");
	assert_int_equal(tokens.refused, 1);
	http_response_finish(&response);

	/* The token of "1 refused" is the right one; spoil it for good. */
	tokens.refused = 5;
	response = run_stream(&reader, TEST_TIMEOUT_MS, TEST_TIMEOUT_MS);
	assert_int_equal(response.status, 401);
	assert_string_equal(buf_str(&response.body), "no");
	assert_int_equal(tokens.refused, 6);
	http_response_finish(&response);
	buf_finish(&reader.got);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_as_they_are_sent),
		cmocka_unit_test(the_reader_may_end_it),
		cmocka_unit_test(another_status_comes_with_its_body),
		cmocka_unit_test(a_broken_end_is_no_end),
		cmocka_unit_test(silence_ends_it),
		cmocka_unit_test(bytes_keep_it_alive_longer_than_any_timeout),
		cmocka_unit_test(stopping_ends_all_streams_at_once),
		cmocka_unit_test(refused_credentials_are_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
