/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of net/probe-http.h and of one try (node/probes/spec.h), against servers on the loopback. */
#include "config.h"

#include "net/probe-http.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "node/probes/spec.h"
#include "tests/unit/net/test-server.h"
#include "tests/unit/node/node-objects.h"

/* What the server saw last. */
struct seen {
	struct sched_mutex lock;
	char host[1024], agent[1024], extra[1024]; /* lock */
	unsigned int hops;                         /* lock */
};

struct world {
	struct sched *sched;
	struct test_identity identity;
	struct seen seen;
	struct test_server *plain, *tls;
};

static void note(struct seen *seen, const struct test_request *request)
{
	LOCKED(&seen->lock);
	test_request_header(request, "Host", seen->host);
	test_request_header(request, "User-Agent", seen->agent);
	test_request_header(request, "X-Extra", seen->extra);
	seen->hops++;
}

static void response(struct test_peer *peer, const char *path)
{
	char big[1024];

	if (strcmp(path, "/ok?x=1") == 0) {
		test_peer_respond(peer, 200, "", "fine");
	} else if (strcmp(path, "/bad") == 0) {
		test_peer_respond(peer, 503, "", "not yet");
	} else if (strcmp(path, "/here") == 0) {
		test_peer_respond(peer, 302, "Location: /ok?x=1\r\n", "");
	} else if (strcmp(path, "/away") == 0) {
		test_peer_respond(peer, 302, "Location: http://192.0.2.1/\r\n", "");
	} else if (strcmp(path, "/loop") == 0) {
		test_peer_respond(peer, 302, "Location: /loop\r\n", "");
	} else if (strcmp(path, "/endless") == 0) {
		memset(big, 'x', sizeof(big));
		test_peer_say(peer, "HTTP/1.1 200 OK\r\n\r\n");
		while (test_peer_write(peer, big, sizeof(big))) {
		}
	} else {
		test_peer_wait_gone(peer);
	}
}

static void serve(void *arg, struct test_peer *peer)
{
	struct test_request request;

	while (test_peer_read(peer, &request)) {
		note(arg, &request);
		response(peer, request.path);
		test_request_finish(&request);
	}
}

static int set_up(void **state)
{
	struct world *world = xnew(struct world);

	world->sched = sched_create();
	sched_mutex_init(&world->seen.lock, world->sched);
	test_identity_init(&world->identity, "test", "DNS:elsewhere.example", NULL);
	world->plain = test_server_start(
		world->sched, &(struct test_server_config){ .serve = serve, .arg = &world->seen });
	world->tls = test_server_start(world->sched,
				       &(struct test_server_config){ .identity = &world->identity,
								     .serve = serve,
								     .arg = &world->seen });
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	test_server_stop(world->plain);
	test_server_stop(world->tls);
	test_identity_finish(&world->identity);
	sched_mutex_finish(&world->seen.lock);
	sched_destroy(world->sched);
	free(world);
	return 0;
}

static enum probe_result try_json(const char *probe, const char *container, uint32_t timeout_ms,
				  int stop_fd, struct error *why)
{
	CLEANUP_JSON struct json_object *parsed = node_json(probe);
	CLEANUP_JSON struct json_object *holder = node_json(container);
	struct probe_spec spec;
	enum probe_result result;

	probe_spec_init(&spec, holder, parsed, "127.0.0.1");
	spec.timeout_ms = timeout_ms;
	result = probe_try(&spec, NULL, "id", stop_fd, why);
	probe_spec_finish(&spec);
	return result;
}

static enum probe_result get(struct world *world, const char *path, const char *more,
			     struct error *why)
{
	CLEANUP_FREE char *probe = xprintf("{\"httpGet\":{\"path\":\"%s\",\"port\":%u%s}}", path,
					   test_server_port(world->plain), more);

	*why = (struct error){ 0 };
	return try_json(probe, "{}", 20000, -1, why);
}

static void statuses_tell_success_from_failure(void **state)
{
	struct world *world = *state;
	struct error why;

	assert_int_equal(get(world, "/ok?x=1", "", &why), PROBE_SUCCESS);
	assert_int_equal(get(world, "ok?x=1", "", &why), PROBE_SUCCESS);
	assert_int_equal(get(world, "/bad", "", &why), PROBE_FAILURE);
	assert_string_equal(why.text, "HTTP probe failed with statuscode: 503");
}

static void headers_are_the_probes_own(void **state)
{
	struct world *world = *state;
	struct error why;

	assert_int_equal(
		get(world, "/ok?x=1",
		    ",\"httpHeaders\":[{\"name\":\"Host\",\"value\":\"app.example\"},{\"name\":\"X-Extra\",\"value\":\"a b\"}]",
		    &why),
		PROBE_SUCCESS);
	assert_string_equal(world->seen.host, "app.example");
	assert_string_equal(world->seen.extra, "a b");
	assert_int_equal(strncmp(world->seen.agent, "agent-sandbox-probe/", 20), 0);
	assert_int_equal(get(world, "/ok?x=1",
			     ",\"httpHeaders\":[{\"name\":\"X\",\"value\":\"a\\r\\nB: c\"}]", &why),
			 PROBE_FAILURE);
	assert_string_equal(why.text, "one of its httpHeaders is not a header");
}

static void redirects_are_followed_on_the_same_host(void **state)
{
	struct world *world = *state;
	struct error why;

	assert_int_equal(get(world, "/here", "", &why), PROBE_SUCCESS);
	assert_int_equal(world->seen.hops, 2);
	assert_int_equal(get(world, "/away", "", &why), PROBE_SUCCESS);
	assert_int_equal(world->seen.hops, 3);
	assert_int_equal(get(world, "/loop", "", &why), PROBE_FAILURE);
	assert_non_null(strstr(why.text, "stopped after 10 redirects"));
	assert_int_equal(world->seen.hops, 14);
}

static void an_endless_body_is_cut(void **state)
{
	struct error why;

	assert_int_equal(get(*state, "/endless", "", &why), PROBE_SUCCESS);
}

static void certificates_are_not_checked(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *probe = xprintf(
		"{\"httpGet\":{\"path\":\"/ok?x=1\",\"port\":\"web\",\"scheme\":\"HTTPS\"}}");
	CLEANUP_FREE char *container = xprintf(
		"{\"ports\":[{\"name\":\"other\",\"containerPort\":1},{\"name\":\"web\",\"containerPort\":%u}]}",
		test_server_port(world->tls));
	struct error why = { 0 };

	if (try_json(probe, container, 20000, -1, &why) != PROBE_SUCCESS) {
		fail_msg("%s", why.text);
	}
	assert_int_equal(try_json(probe, "{}", 20000, -1, &why), PROBE_FAILURE);
	assert_non_null(strstr(why.text, "none of the container's"));
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
	struct error why;

	setenv("http_proxy", "http://192.0.2.1:1", 1);
	assert_int_equal(get(*state, "/ok?x=1", "", &why), PROBE_SUCCESS);
	unsetenv("http_proxy");
}

static void what_does_not_answer_fails_in_time(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *silent = xprintf("{\"httpGet\":{\"path\":\"/silent\",\"port\":%u}}",
					    test_server_port(world->plain));
	CLEANUP_FREE char *closed =
		xprintf("{\"httpGet\":{\"path\":\"/\",\"port\":%u}}", test_port_closed());
	struct error why = { 0 };

	assert_int_equal(try_json(silent, "{}", 50, -1, &why), PROBE_FAILURE);
	assert_int_equal(why.code, -ETIMEDOUT);
	assert_non_null(strstr(why.text, "/silent"));
	assert_int_equal(try_json(closed, "{}", 20000, -1, &why), PROBE_FAILURE);
	assert_int_equal(why.code, -ECONNREFUSED);
}

static void who_ends_does_not_wait_for_an_answer(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *silent = xprintf("{\"httpGet\":{\"path\":\"/silent\",\"port\":%u}}",
					    test_server_port(world->plain));
	int stop = eventfd(1, EFD_CLOEXEC);
	struct error why = { 0 };
	uint64_t begin = sched_now_us(world->sched);

	assert_int_equal(try_json(silent, "{}", 60000, stop, &why), PROBE_UNKNOWN);
	assert_true(sched_now_us(world->sched) - begin < 30 * UINT64_C(1000000));
	close(stop);
}

static enum probe_result dial(const char *host, uint16_t port, struct error *why)
{
	CLEANUP_FREE char *probe =
		xprintf("{\"tcpSocket\":{\"host\":\"%s\",\"port\":%u}}", host, port);

	*why = (struct error){ 0 };
	return try_json(probe, "{}", 20000, -1, why);
}

static void connections_are_tried_by_address_and_by_name(void **state)
{
	struct world *world = *state;
	uint16_t open = test_server_port(world->plain), closed = test_port_closed();
	CLEANUP_FREE char *refused = xprintf("dial tcp 127.0.0.1:%u: Connection refused", closed);
	struct error why;

	assert_int_equal(dial("127.0.0.1", open, &why), PROBE_SUCCESS);
	assert_int_equal(dial("", open, &why), PROBE_SUCCESS);
	assert_int_equal(dial("localhost", open, &why), PROBE_SUCCESS);
	assert_int_equal(dial("localhost", closed, &why), PROBE_FAILURE);
	assert_int_equal(dial("127.0.0.1", closed, &why), PROBE_FAILURE);
	assert_string_equal(why.text, refused);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(statuses_tell_success_from_failure),
		CASE(headers_are_the_probes_own),
		CASE(redirects_are_followed_on_the_same_host),
		CASE(an_endless_body_is_cut),
		CASE(certificates_are_not_checked),
		CASE(a_proxy_of_the_environment_is_not_used),
		CASE(what_does_not_answer_fails_in_time),
		CASE(who_ends_does_not_wait_for_an_answer),
		CASE(connections_are_tried_by_address_and_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
