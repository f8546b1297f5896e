/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the libcurl transport share: a scheduler, a server that runs the test's
 * function, and a transport to it. */
#ifndef ASB_TESTS_UNIT_NET_TRANSPORT_FIXTURE_H
#define ASB_TESTS_UNIT_NET_TRANSPORT_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "net/curl-transport.h"
#include "tests/unit/net/test-server.h"

#define TEST_TIMEOUT_MS 20000u /* of requests that shall not time out */

struct fixture {
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond changed;
	unsigned int count; /* lock: whatever the test counts */
	struct test_server *server;
	struct transport *transport;
	char url[128];
};

static inline void fixture_init(struct fixture *fixture, const struct test_identity *identity,
				const struct test_identity *client_ca, test_serve serve)
{
	*fixture = (struct fixture){ .sched = sched_create() };
	sched_mutex_init(&fixture->lock, fixture->sched);
	sched_cond_init(&fixture->changed, fixture->sched);
	fixture->server = test_server_start(fixture->sched, &(struct test_server_config){
								    .identity = identity,
								    .client_ca = client_ca,
								    .serve = serve,
								    .arg = fixture,
							    });
	snprintf(fixture->url, sizeof(fixture->url), "%s://127.0.0.1:%u",
		 identity != NULL ? "https" : "http", test_server_port(fixture->server));
}

/* The transport, after the test has set in config what it wants. */
static inline void fixture_connect(struct fixture *fixture, struct curl_transport_config config)
{
	struct error error = { 0 };

	config.server = config.server != NULL ? config.server : fixture->url;
	config.user_agent = config.user_agent != NULL ? config.user_agent : "agent-sandbox-test/1";
	config.connections = config.connections > 0 ? config.connections : 4;
	fixture->transport = curl_transport_create(fixture->sched, &config, &error);
	assert_string_equal(error.text, "");
	assert_non_null(fixture->transport);
}

/* A server of serve and a plain transport to it. */
static inline void fixture_plain(struct fixture *fixture, test_serve serve)
{
	fixture_init(fixture, NULL, NULL, serve);
	fixture_connect(fixture, (struct curl_transport_config){ 0 });
}

static inline void fixture_finish(struct fixture *fixture)
{
	curl_transport_destroy(fixture->transport);
	test_server_stop(fixture->server);
	sched_cond_finish(&fixture->changed);
	sched_mutex_finish(&fixture->lock);
	sched_destroy(fixture->sched);
}

/* Counts one more and wakes whoever waits for the count. */
static inline unsigned int fixture_count(struct fixture *fixture)
{
	LOCKED(&fixture->lock);
	sched_cond_broadcast(&fixture->changed);
	return ++fixture->count;
}

/* Waits until count is reached; not for ever, so that a broken transport fails a test instead of
 * hanging it. */
static inline bool fixture_wait(struct fixture *fixture, unsigned int count)
{
	uint64_t deadline = sched_now_us(fixture->sched) + 30000000;

	LOCKED(&fixture->lock);
	while (fixture->count < count) {
		if (sched_cond_wait(&fixture->changed, &fixture->lock, deadline) == -ETIMEDOUT) {
			return false;
		}
	}
	return true;
}

static inline struct http_response fixture_get(struct fixture *fixture, const char *path,
					       uint32_t timeout_ms)
{
	struct http_request request = { .method = "GET", .path = path, .timeout_ms = timeout_ms };
	struct http_response response;

	transport_perform(fixture->transport, &request, &response, 1);
	return response;
}

/* Answers every request with 200 and an empty object. */
static inline void serve_ok(void *arg, struct test_peer *peer)
{
	struct test_request request;

	(void)arg;
	while (test_peer_read(peer, &request)) {
		test_request_finish(&request);
		if (!test_peer_respond(peer, 200, NULL, "{}")) {
			return;
		}
	}
}

#endif
