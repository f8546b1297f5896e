/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl transport through proxies: it goes there alone, and gives them nothing that is meant
 * for the server. */
#include "config.h"

#include <unistd.h>

#include "tests/unit/net/transport-fixture.h"

static int get_token(void *arg, struct http_credentials *ret, struct error *reterr)
{
	(void)arg;
	(void)reterr;
	ret->authorization = xstrdup("Bearer SECRET");
	return 0;
}

/* Refuses to connect with 502, but tells what it was asked with in a header. */
static void serve_refusal(void *arg, struct test_peer *peer)
{
	struct fixture *f = arg;
	struct test_request request;

	if (test_peer_read(peer, &request)) {
		if (strncmp(request.head, "CONNECT api.invalid:443 HTTP/1.1\r\n", 34) == 0 &&
		    strstr(request.head, "SECRET") == NULL &&
		    strstr(request.head, "X-More") == NULL) {
			fixture_count(f);
		}
		test_request_finish(&request);
		test_peer_respond(peer, 502, NULL, "no");
	}
}

static void proxies_see_no_credentials_and_their_refusal_is_no_answer(void **state)
{
	static const char *const headers[] = { "X-More: yes", NULL };
	struct fixture f;

	(void)state;
	/* A host of the environment's exceptions: a proxy that is named is used all the same. */
	setenv("NO_PROXY", "api.invalid", 1);
	fixture_init(&f, NULL, NULL, serve_refusal);
	fixture_connect(&f, (struct curl_transport_config){
				    .server = "https://api.invalid",
				    .proxy_url = f.url,
				    .headers = headers,
				    .credentials = { .get = get_token },
			    });

	struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

	assert_true(response.result < 0);
	assert_false(response.maybe_sent);
	assert_int_equal(f.count, 1);
	http_response_finish(&response);
	fixture_finish(&f);
	unsetenv("NO_PROXY");
}

/* Answers with the line it was asked with. */
static void serve_path(void *arg, struct test_peer *peer)
{
	struct test_request request;

	(void)arg;
	while (test_peer_read(peer, &request)) {
		test_peer_respond(peer, 200, NULL, request.path);
		test_request_finish(&request);
	}
}

static void the_environment_names_a_proxy_where_the_configuration_does_not(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NULL, NULL, serve_path);
	setenv("http_proxy", f.url, 1);
	fixture_connect(&f,
			(struct curl_transport_config){ .server = "http://api.invalid:8080/p" });

	struct http_response response = fixture_get(&f, "/x", TEST_TIMEOUT_MS);

	unsetenv("http_proxy");
	assert_int_equal(response.status, 200);
	assert_string_equal(buf_str(&response.body), "http://api.invalid:8080/p/x");
	http_response_finish(&response);
	fixture_finish(&f);
}

/* SOCKS 5: takes the greeting and the request, and counts when the name came unresolved. */
static void serve_socks(void *arg, struct test_peer *peer)
{
	static const char wanted[] = "\x05\x01\x00\x03\x0b"
				     "api.invalid";
	char data[64];
	size_t got = test_peer_read_some(peer, data, sizeof(data));

	if (got >= 3 && data[0] == 5) {
		test_peer_write(peer, "\x05\x00", 2);
		got = test_peer_read_some(peer, data, sizeof(data));
		if (got >= sizeof(wanted) - 1 && memcmp(data, wanted, sizeof(wanted) - 1) == 0) {
			fixture_count(arg);
		}
		/* "Host unreachable". */
		test_peer_write(peer, "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", 10);
	}
}

static void socks_proxies_look_names_up_themselves(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NULL, NULL, serve_socks);

	CLEANUP_FREE char *proxy = xprintf("socks5://127.0.0.1:%u", test_server_port(f.server));

	fixture_connect(&f, (struct curl_transport_config){ .server = "http://api.invalid",
							    .proxy_url = proxy });

	struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

	assert_true(response.result < 0);
	assert_false(response.maybe_sent);
	assert_int_equal(f.count, 1);
	http_response_finish(&response);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxies_see_no_credentials_and_their_refusal_is_no_answer),
		cmocka_unit_test(the_environment_names_a_proxy_where_the_configuration_does_not),
		cmocka_unit_test(socks_proxies_look_names_up_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
