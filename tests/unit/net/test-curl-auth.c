/* SPDX-License-Identifier: Apache-2.0 */
/* What the libcurl transport promises about both sides' identities: tokens and certificates that
 * change, and whom it takes for the server. */
#include "config.h"

#include <unistd.h>

#include "tests/unit/net/transport-fixture.h"

/* ---- credentials ---- */

/* A source whose token is "t<generation>", and the certificate with that generation if there are
 * any. */
struct source {
	struct sched_mutex lock;
	uint64_t generation;
	unsigned int asked, refused;
	bool stubborn; /* does not change when refused */
	bool broken;
	const struct test_identity *identity;
};

static int source_get(void *arg, struct http_credentials *ret, struct error *reterr)
{
	struct source *source = arg;

	LOCKED(&source->lock);
	source->asked++;
	if (source->broken) {
		return error_set(reterr, -EACCES, "the plugin said no");
	}
	ret->authorization = xprintf("Bearer t%u", (unsigned int)source->generation);
	ret->generation = source->generation;
	if (source->identity != NULL) {
		ret->certificate = xstrdup(source->identity->certificate_pem);
		ret->key = xstrdup(source->identity->key_pem);
	}
	return 0;
}

static void source_refused(void *arg, uint64_t generation)
{
	struct source *source = arg;

	LOCKED(&source->lock);
	source->refused++;
	if (generation == source->generation && !source->stubborn) {
		source->generation++;
	}
}

static struct http_credentials_source source_of(struct source *source, struct fixture *f)
{
	sched_mutex_init(&source->lock, f->sched);
	return (struct http_credentials_source){ .get = source_get,
						 .refused = source_refused,
						 .arg = source };
}

/* 200 for the token "t2" alone. */
static void serve_token(void *arg, struct test_peer *peer)
{
	struct test_request request;
	char value[1024];

	while (test_peer_read(peer, &request)) {
		bool good = strcmp(test_request_header(&request, "Authorization", value),
				   "Bearer t2") == 0;

		fixture_count(arg);
		test_request_finish(&request);
		test_peer_respond(peer, good ? 200 : 401, NULL, good ? "yes" : "a much longer no");
	}
}

static void refused_credentials_are_renewed_once(void **state)
{
	struct fixture f;
	struct source source = { .generation = 1 };
	struct http_request requests[2];
	struct http_response responses[2];

	(void)state;
	fixture_init(&f, NULL, NULL, serve_token);
	fixture_connect(&f,
			(struct curl_transport_config){ .credentials = source_of(&source, &f) });
	for (size_t i = 0; i < 2; i++) {
		requests[i] = (struct http_request){ .method = "GET",
						     .path = "/",
						     .timeout_ms = TEST_TIMEOUT_MS };
	}
	transport_perform(f.transport, requests, responses, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(responses[i].status, 200);
		assert_string_equal(buf_str(&responses[i].body), "yes");
		http_response_finish(&responses[i]);
	}
	assert_int_equal(source.refused, 1);
	assert_int_equal(f.count, 4);

	/* A second 401 is the response. */
	source.generation = 10;

	struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

	assert_int_equal(response.status, 401);
	assert_int_equal(source.refused, 2);
	assert_int_equal(f.count, 6);
	http_response_finish(&response);

	/* The same again would be refused again. */
	source.stubborn = true;
	response = fixture_get(&f, "/", TEST_TIMEOUT_MS);
	assert_int_equal(response.status, 401);
	assert_int_equal(f.count, 7);
	http_response_finish(&response);
	fixture_finish(&f);
	sched_mutex_finish(&source.lock);
}

static void missing_credentials_fail_the_request_with_their_text(void **state)
{
	struct fixture f;
	struct source source = { .broken = true };
	struct http_response response;

	(void)state;
	fixture_init(&f, NULL, NULL, serve_ok);
	fixture_connect(&f,
			(struct curl_transport_config){ .credentials = source_of(&source, &f) });
	response = fixture_get(&f, "/", TEST_TIMEOUT_MS);
	assert_int_equal(response.result, -EACCES);
	assert_false(response.maybe_sent);
	assert_string_equal(response.error, "credentials: the plugin said no");
	http_response_finish(&response);
	assert_int_equal(test_server_connections(f.server), 0);
	fixture_finish(&f);
	sched_mutex_finish(&source.lock);
}

/* ---- TLS ---- */

/* The name of the client's certificate, and the Host header. */
static void serve_name(void *arg, struct test_peer *peer)
{
	struct test_request request;
	char value[1024];

	(void)arg;
	while (test_peer_read(peer, &request)) {
		CLEANUP_FREE char *text = xprintf("%s|%s", test_peer_name(peer),
						  test_request_header(&request, "Host", value));

		test_request_finish(&request);
		test_peer_respond(peer, 200, NULL, text);
	}
}

static void a_new_generation_makes_new_connections(void **state)
{
	struct fixture f;
	struct test_identity ca, server, client;
	struct source source = { .generation = 5, .identity = &client };

	(void)state;
	test_identity_init(&ca, "ca", NULL, NULL);
	test_identity_init(&server, "server", "IP:127.0.0.1", &ca);
	test_identity_init(&client, "client", NULL, &ca);
	fixture_init(&f, &server, &ca, serve_name);
	fixture_connect(&f,
			(struct curl_transport_config){ .ca_pem = ca.certificate_pem,
							.credentials = source_of(&source, &f) });
	for (unsigned int i = 0; i < 6; i++) {
		source.generation = 5 + i / 3;

		struct http_response response = fixture_get(&f, "/", TEST_TIMEOUT_MS);

		assert_string_equal(response.error, "");
		assert_memory_equal(buf_str(&response.body), "client|", 7);
		http_response_finish(&response);
		assert_int_equal(test_server_connections(f.server), 1 + i / 3);
	}
	fixture_finish(&f);
	sched_mutex_finish(&source.lock);
	test_identity_finish(&client);
	test_identity_finish(&server);
	test_identity_finish(&ca);
}

static struct http_response ask_tls(struct fixture *f, struct curl_transport_config config)
{
	fixture_connect(f, config);

	struct http_response response = fixture_get(f, "/", TEST_TIMEOUT_MS);

	curl_transport_destroy(TAKE(f->transport));
	return response;
}

static void check_tls(struct fixture *f, struct curl_transport_config config, bool good,
		      const char *body)
{
	struct http_response response = ask_tls(f, config);

	if (good) {
		assert_string_equal(response.error, "");
		assert_int_equal(response.status, 200);
		assert_non_null(strstr(buf_str(&response.body), body));
	} else {
		assert_true(response.result < 0);
		assert_false(response.maybe_sent);
		assert_int_not_equal(response.error[0], '\0');
	}
	http_response_finish(&response);
}

static void servers_are_checked_against_the_ca_and_the_name(void **state)
{
	struct fixture f;
	struct test_identity ca, other, server, named;
	char file[] = "/tmp/test-curl-ca-XXXXXX";
	int fd = mkstemp(file);

	(void)state;
	test_identity_init(&ca, "ca", NULL, NULL);
	test_identity_init(&other, "other", NULL, NULL);
	test_identity_init(&server, "server", "IP:127.0.0.1", &ca);
	test_identity_init(&named, "named", "DNS:api.example", &ca);
	assert_true(write(fd, ca.certificate_pem, strlen(ca.certificate_pem)) > 0);
	close(fd);

	fixture_init(&f, &server, NULL, serve_name);
	check_tls(&f, (struct curl_transport_config){ .ca_pem = ca.certificate_pem }, true,
		  "|127.0.0.1:");
	check_tls(&f, (struct curl_transport_config){ .ca_file = file }, true, "|127.0.0.1:");
	check_tls(&f, (struct curl_transport_config){ .insecure = true }, true, "|127.0.0.1:");
	check_tls(&f, (struct curl_transport_config){ .ca_pem = other.certificate_pem }, false,
		  NULL);
	check_tls(&f, (struct curl_transport_config){ 0 }, false, NULL);
	fixture_finish(&f);

	fixture_init(&f, &named, NULL, serve_name);
	check_tls(&f, (struct curl_transport_config){ .ca_pem = ca.certificate_pem }, false, NULL);
	check_tls(&f,
		  (struct curl_transport_config){ .ca_pem = ca.certificate_pem,
						  .tls_server_name = "api.example" },
		  true, "|127.0.0.1:");
	fixture_finish(&f);

	unlink(file);
	test_identity_finish(&named);
	test_identity_finish(&server);
	test_identity_finish(&other);
	test_identity_finish(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_credentials_are_renewed_once),
		cmocka_unit_test(missing_credentials_fail_the_request_with_their_text),
		cmocka_unit_test(a_new_generation_makes_new_connections),
		cmocka_unit_test(servers_are_checked_against_the_ca_and_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
