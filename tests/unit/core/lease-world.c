/* SPDX-License-Identifier: Apache-2.0 */
/* The server with the Leases, and the processes. Used by test-leader and test-leader-loss. */
#include "config.h"

#include "tests/unit/core/lease-world.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

/* ---- the server ---- */

/* A new version of a Lease. */
static void touch_lease(struct world *world, struct json_object *lease)
{
	char version[24];

	snprintf(version, sizeof(version), "%llu", (unsigned long long)++world->version);
	asb_set_str(asb_object_in(lease, "metadata"), "resourceVersion", version);
}

void touch(struct world *world)
{
	touch_lease(world, world->lease);
}

static void put_one(struct world *world, struct json_object **lease, const char *text)
{
	json_object_put(*lease);
	*lease = json_parse(text, strlen(text), NULL);
	assert_non_null(*lease);
	touch_lease(world, *lease);
}

void put_lease(struct world *world, const char *text)
{
	put_one(world, &world->lease, text);
}

void put_second(struct world *world, const char *text)
{
	put_one(world, &world->second, text);
}

static void respond_lease(struct json_object *lease, struct http_response *response, int status)
{
	response->status = status;
	json_print(lease, &response->body);
}

/* The Lease that a request is about. */
static struct json_object **lease_of(struct world *world, const struct sent *sent,
				     struct json_object *body)
{
	return strstr(sent->path, "/second") != NULL || asb_streq(asb_name(body), "second")
		       ? &world->second
		       : &world->lease;
}

static void write_lease(struct world *world, const struct sent *sent,
			struct http_response *response)
{
	struct json_object *body = json_parse(sent->body, strlen(sent->body), NULL);
	struct json_object **lease = lease_of(world, sent, body);
	bool post = strcmp(sent->method, "POST") == 0;

	if (world->conflicts_to_come > 0 && *lease != NULL && !post) {
		world->conflicts_to_come--;
		asb_set_annotation(*lease, "touched", "yes");
		touch_lease(world, *lease);
	}
	if (!post && *lease == NULL) {
		respond_with(response, 404, "");
	} else if (post ? *lease != NULL
			: !asb_streq(asb_resource_version(body), asb_resource_version(*lease))) {
		respond_with(response, 409,
			     post ? "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}" : "");
	} else {
		json_object_put(*lease);
		*lease = json_object_get(body);
		touch_lease(world, *lease);
		respond_lease(*lease, response, post ? 201 : 200);
	}
	json_object_put(body);
}

static void serve(struct talk_server *server, const struct sent *sent,
		  struct http_response *response)
{
	struct node *node = server->arg;

	if (node->cut) {
		response_fails(response, -ECONNREFUSED, false);
	} else if (node->forbidden) {
		respond_with(response, 403, "");
	} else if (strcmp(sent->method, "GET") != 0) {
		write_lease(node->world, sent, response);
	} else if (*lease_of(node->world, sent, NULL) == NULL) {
		respond_with(response, 404, "");
	} else {
		respond_lease(*lease_of(node->world, sent, NULL), response, 200);
	}
	if (node->loses && response->result == 0) {
		buf_clear(&response->body);
		response_fails(response, -ETIMEDOUT, true);
	}
}

/* ---- processes ---- */

static void on_started(void *arg, bool others)
{
	struct node *node = arg;

	node->started++;
	node->others = others;
	node->started_us = sched_now_us(node->world->sched);
	if (node->busy_us > 0) {
		talk_sleep(&node->server, node->busy_us);
	}
}

static void on_lost(void *arg)
{
	struct node *node = arg;

	node->lost++;
	node->lost_us = sched_now_us(node->world->sched);
}

void begin(struct node *node, struct world *world, const char *identity)
{
	*node = (struct node){ .world = world };
	snprintf(node->identity, sizeof(node->identity), "%s", identity);
	talk_server_init(&node->server, world->sched, serve, node);
	node->metrics = metrics_create(world->sched);
	node->client = client_create(&(struct client_config){ .sched = world->sched,
							      .transport = &node->server.transport,
							      .metrics = node->metrics,
							      .slots = 4 });
}

void lead(struct node *node)
{
	node->leader = leader_create(&(struct leader_config){
		.sched = node->world->sched,
		.client = node->client,
		.metrics = node->metrics,
		.ns = "ns",
		.names = { "lock", node->both ? "second" : NULL },
		.identity = node->identity,
		.on_started = on_started,
		.on_lost = on_lost,
		.arg = node,
	});
}

void finish(struct node *node)
{
	node->server.transport.ops->stop(&node->server.transport);
	leader_destroy(node->leader);
	client_destroy(node->client);
	metrics_destroy(node->metrics);
	talk_server_finish(&node->server);
}

void set_up(struct world *world, uint64_t seed)
{
	/* 2020-01-01T00:00:00.5Z */
	*world =
		(struct world){ .sched = sched_create_simulation(seed, INT64_C(1577836800500000)) };
}

void tear_down(struct world *world)
{
	json_object_put(world->lease);
	json_object_put(world->second);
	sched_destroy(world->sched);
}

void pass(struct node *node, uint64_t us)
{
	talk_sleep(&node->server, us);
}

const char *spec(struct world *world, const char *name)
{
	return asb_str(world->lease, "spec", name);
}

int64_t transitions(struct world *world)
{
	return asb_int(asb_at(world->lease, "spec", "leaseTransitions"), -1);
}

bool shown_as_leader(struct node *node)
{
	struct buf text = BUF_INIT(1u << 20);
	bool shown;

	metrics_render(node->metrics, &text);
	shown = strstr(buf_str(&text), "leader_election_master_status{name=\"lock\"} 1\n") != NULL;
	buf_finish(&text);
	return shown;
}
