/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/leader.h, with several processes and one Lease in simulated time. */
#include "config.h"

#include "core/leader.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/talk-server.h"

#define SECOND UINT64_C(1000000)
#define NODES 3
#define PATH "/apis/coordination.k8s.io/v1/namespaces/ns/leases/lock"

/* The one Lease, and the ways of a server to be unhelpful. */
struct world {
	struct sched *sched;
	struct json_object *lease; /* NULL: not there */
	uint64_t version;
	size_t conflicts_to_come; /* changes by others just before a PUT */
};

/* A process: its link to the server, its leader. */
struct node {
	struct world *world;
	struct talk_server server;
	struct metrics *metrics;
	struct client *client;
	struct leader *leader;
	char identity[32];
	bool cut;         /* no request arrives */
	bool loses;       /* requests are done, answers lost */
	bool forbidden;   /* 403 */
	uint64_t busy_us; /* on_started takes this long */
	unsigned int started, lost;
	bool others;
	uint64_t started_us, lost_us;
};

/* ---- the server ---- */

static void touch(struct world *world)
{
	char version[24];

	snprintf(version, sizeof(version), "%llu", (unsigned long long)++world->version);
	asb_set_str(asb_object_in(world->lease, "metadata"), "resourceVersion", version);
}

static void put_lease(struct world *world, const char *text)
{
	json_object_put(world->lease);
	world->lease = json_parse(text, strlen(text), NULL);
	assert_non_null(world->lease);
	touch(world);
}

static void answer_lease(struct world *world, struct http_answer *answer, int status)
{
	answer->status = status;
	json_print(world->lease, &answer->body);
}

static void write_lease(struct world *world, const struct sent *sent, struct http_answer *answer)
{
	struct json_object *body = json_parse(sent->body, strlen(sent->body), NULL);
	bool post = strcmp(sent->method, "POST") == 0;

	if (world->conflicts_to_come > 0 && world->lease != NULL && !post) {
		world->conflicts_to_come--;
		asb_set_annotation(world->lease, "touched", "yes");
		touch(world);
	}
	if (!post && world->lease == NULL) {
		answer_with(answer, 404, "");
	} else if (post ? world->lease != NULL
			: !asb_streq(asb_resource_version(body),
				     asb_resource_version(world->lease))) {
		answer_with(answer, 409,
			    post ? "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}" : "");
	} else {
		json_object_put(world->lease);
		world->lease = json_object_get(body);
		touch(world);
		answer_lease(world, answer, post ? 201 : 200);
	}
	json_object_put(body);
}

static void serve(struct talk_server *server, const struct sent *sent, struct http_answer *answer)
{
	struct node *node = server->arg;

	if (node->cut) {
		answer_fails(answer, -ECONNREFUSED, false);
	} else if (node->forbidden) {
		answer_with(answer, 403, "");
	} else if (strcmp(sent->method, "GET") != 0) {
		write_lease(node->world, sent, answer);
	} else if (node->world->lease == NULL) {
		answer_with(answer, 404, "");
	} else {
		answer_lease(node->world, answer, 200);
	}
	if (node->loses && answer->result == 0) {
		buf_clear(&answer->body);
		answer_fails(answer, -ETIMEDOUT, true);
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

static void begin(struct node *node, struct world *world, const char *identity)
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

static void lead(struct node *node)
{
	node->leader = leader_create(&(struct leader_config){
		.sched = node->world->sched,
		.client = node->client,
		.metrics = node->metrics,
		.ns = "ns",
		.name = "lock",
		.identity = node->identity,
		.on_started = on_started,
		.on_lost = on_lost,
		.arg = node,
	});
}

static void finish(struct node *node)
{
	node->server.transport.ops->stop(&node->server.transport);
	leader_destroy(node->leader);
	client_destroy(node->client);
	metrics_destroy(node->metrics);
	talk_server_finish(&node->server);
}

static void set_up(struct world *world, uint64_t seed)
{
	/* 2020-01-01T00:00:00.5Z */
	*world =
		(struct world){ .sched = sched_create_simulation(seed, INT64_C(1577836800500000)) };
}

static void tear_down(struct world *world)
{
	json_object_put(world->lease);
	sched_destroy(world->sched);
}

static void pass(struct node *node, uint64_t us)
{
	talk_sleep(&node->server, us);
}

static const char *spec(struct world *world, const char *name)
{
	return asb_str(world->lease, "spec", name);
}

static int64_t transitions(struct world *world)
{
	return asb_int(asb_at(world->lease, "spec", "leaseTransitions"), -1);
}

static bool shown_as_leader(struct node *node)
{
	struct buf text = BUF_INIT(1u << 20);
	bool shown;

	metrics_render(node->metrics, &text);
	shown = strstr(buf_str(&text), "leader_election_master_status{name=\"lock\"} 1\n") != NULL;
	buf_finish(&text);
	return shown;
}

#define FOREIGN(holder, times)                                                         \
	"{\"apiVersion\":\"coordination.k8s.io/"                                       \
	"v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"lock\"},\"spec\":{"          \
	"\"holderIdentity\":\"" holder                                                 \
	"\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,\"strategy\":\"kept\"," \
	"\"acquireTime\":\"" times "\",\"renewTime\":\"" times "\"}}"

/* ---- acquiring ---- */

static void an_absent_lease_is_taken_at_once(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, 1000);
	assert_int_equal(a.started, 1);
	assert_false(a.others);
	assert_true(leader_may_write(a.leader));
	assert_true(shown_as_leader(&a));
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	assert_string_equal(spec(&world, "acquireTime"), "2020-01-01T00:00:00.500000Z");
	assert_string_equal(spec(&world, "renewTime"), "2020-01-01T00:00:00.500000Z");
	assert_int_equal(asb_int(asb_at(world.lease, "spec", "leaseDurationSeconds"), 0), 15);
	assert_int_equal(transitions(&world), 0);
	assert_string_equal(a.server.sent[0].path, PATH);
	assert_string_equal(a.server.sent[1].path,
			    "/apis/coordination.k8s.io/v1/namespaces/ns/leases"
			    "?fieldManager=agent-sandbox-controller");
	assert_in_range(a.server.sent[1].timeout_ms, 1, 5000);
	finish(&a);
	tear_down(&world);
}

static void a_released_lease_is_taken_at_once(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	put_lease(&world, FOREIGN("", "2020-01-01T00:00:00.000000Z"));
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, 1000);
	assert_int_equal(a.started, 1);
	assert_true(a.others);
	assert_int_equal(transitions(&world), 5);
	assert_string_equal(spec(&world, "strategy"), "kept");
	finish(&a);
	tear_down(&world);
}

/* Whatever times a lease tells, ours count, from when we first saw it. */
static void takes_over_at(const char *lease)
{
	struct world world;
	struct node a;

	set_up(&world, 3);
	put_lease(&world, lease);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, 15 * SECOND);
	assert_int_equal(a.started, 0);
	assert_false(leader_may_write(a.leader));
	assert_false(shown_as_leader(&a));
	pass(&a, SECOND);
	assert_int_equal(a.started, 1);
	assert_true(a.others);
	assert_in_range(a.started_us, 15 * SECOND, 16 * SECOND);
	assert_int_equal(transitions(&world), 5);
	finish(&a);
	tear_down(&world);
}

static void expiry_is_by_our_clock_whatever_the_lease_says(void **state)
{
	(void)state;
	takes_over_at(FOREIGN("b", "2020-01-01T00:00:00.000000Z"));
	takes_over_at(FOREIGN("b", "1999-01-01T00:00:00.000000Z"));
	takes_over_at(FOREIGN("b", "2999-01-01T00:00:00.000000Z"));
	takes_over_at(FOREIGN("b", "nonsense"));
}

static void a_lease_that_changes_does_not_expire(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	put_lease(&world, FOREIGN("b", "0"));
	begin(&a, &world, "a");
	lead(&a);
	for (unsigned int i = 0; i < 10; i++) {
		char text[8];

		pass(&a, 5 * SECOND);
		snprintf(text, sizeof(text), "%u", i);
		asb_set_str(asb_object_in(world.lease, "spec"), "renewTime", text);
		touch(&world);
	}
	assert_int_equal(a.started, 0);
	/* Seen up to 2 s after the change. */
	pass(&a, 18 * SECOND);
	assert_in_range(a.started_us, 65 * SECOND, 68 * SECOND);
	finish(&a);
	tear_down(&world);
}

static void a_touched_lease_that_is_not_renewed_expires(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	put_lease(&world, FOREIGN("b", "0"));
	begin(&a, &world, "a");
	lead(&a);
	for (unsigned int i = 0; i < 16; i++) {
		pass(&a, SECOND);
		asb_set_annotation(world.lease, "touched", i % 2 == 0 ? "yes" : "no");
		touch(&world);
	}
	assert_int_equal(a.started, 1);
	finish(&a);
	tear_down(&world);
}

static void a_lost_answer_to_the_first_write_is_found_to_be_ours(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	a.loses = true;
	lead(&a);
	pass(&a, SECOND);
	assert_int_equal(a.started, 0);
	a.loses = false;
	/* What a write that is known to nobody but the server leaves behind. */
	json_object_put(world.lease);
	world.lease = NULL;
	put_lease(&world, FOREIGN("a", "0"));
	pass(&a, 3 * SECOND);
	assert_int_equal(a.started, 1);
	assert_false(a.others);
	assert_int_equal(transitions(&world), 4);
	finish(&a);
	tear_down(&world);
}

static void a_refusal_is_no_end(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	a.forbidden = true;
	lead(&a);
	pass(&a, 60 * SECOND);
	assert_int_equal(a.started, 0);
	a.forbidden = false;
	pass(&a, 3 * SECOND);
	assert_int_equal(a.started, 1);
	finish(&a);
	tear_down(&world);
}

/* ---- holding ---- */

static void the_lease_is_renewed_every_two_seconds(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	put_lease(&world, FOREIGN("", "0"));
	begin(&a, &world, "a");
	lead(&a);
	for (unsigned int i = 0; i < 21; i++) {
		pass(&a, SECOND);
		assert_true(leader_may_write(a.leader));
	}
	assert_int_equal(talk_server_sent(&a.server, "GET"), 1);
	assert_int_equal(talk_server_sent(&a.server, "PUT"), 11);
	assert_string_equal(spec(&world, "acquireTime"), "2020-01-01T00:00:00.500000Z");
	assert_string_equal(spec(&world, "renewTime"), "2020-01-01T00:00:20.500000Z");
	assert_int_equal(transitions(&world), 5);
	finish(&a);
	tear_down(&world);
}

static void changes_by_others_do_not_end_it(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	for (unsigned int i = 0; i < 10; i++) {
		pass(&a, 5 * SECOND);
		world.conflicts_to_come = 1;
	}
	assert_true(leader_may_write(a.leader));
	assert_int_equal(a.lost, 0);
	assert_string_equal(asb_annotation(world.lease, "touched"), "yes");
	finish(&a);
	tear_down(&world);
}

static void lost_answers_do_not_end_it_before_the_deadline(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	a.loses = true;
	pass(&a, 8 * SECOND);
	a.loses = false;
	pass(&a, 20 * SECOND);
	assert_true(leader_may_write(a.leader));
	assert_int_equal(a.lost, 0);
	finish(&a);
	tear_down(&world);
}

static void a_deleted_lease_is_made_again(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	json_object_put(world.lease);
	world.lease = NULL;
	pass(&a, 3 * SECOND);
	assert_true(leader_may_write(a.leader));
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	finish(&a);
	tear_down(&world);
}

/* ---- losing ---- */

static void not_renewed_in_time_is_lost(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, 3 * SECOND); /* renewed at 2 s */
	a.cut = true;
	pass(&a, 9 * SECOND - 1000);
	assert_true(leader_may_write(a.leader));
	pass(&a, 1000);
	assert_false(leader_may_write(a.leader));
	pass(&a, SECOND);
	assert_int_equal(a.lost, 1);
	assert_in_range(a.lost_us, 12 * SECOND, 13 * SECOND);
	assert_false(shown_as_leader(&a));
	finish(&a);
	tear_down(&world);
}

static void silence_is_lost_as_well(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, 3 * SECOND);
	a.server.delay_us = 100 * SECOND;
	pass(&a, 9 * SECOND);
	assert_false(leader_may_write(a.leader));
	pass(&a, SECOND);
	assert_int_equal(a.lost, 1);
	finish(&a);
	tear_down(&world);
}

static void another_holder_ends_it_at_the_next_look(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	put_lease(&world, FOREIGN("b", "0"));
	pass(&a, 2 * SECOND);
	assert_int_equal(a.lost, 1);
	assert_false(leader_may_write(a.leader));
	assert_string_equal(spec(&world, "holderIdentity"), "b");
	finish(&a);
	tear_down(&world);
}

static void a_long_stop_shuts_the_gate_until_the_lease_is_ours_again(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	a.busy_us = 30 * SECOND; /* the thread is held up, as by SIGSTOP */
	lead(&a);
	pass(&a, 10 * SECOND - 1000);
	assert_true(leader_may_write(a.leader));
	pass(&a, 2000);
	assert_false(leader_may_write(a.leader));
	pass(&a, 20 * SECOND);
	assert_true(leader_may_write(a.leader));
	assert_int_equal(a.lost, 0);
	finish(&a);
	tear_down(&world);
}

static void a_long_stop_in_which_another_took_over_is_the_end(void **state)
{
	struct world world;
	struct node a, b;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	begin(&b, &world, "b");
	a.busy_us = 30 * SECOND;
	lead(&a);
	pass(&a, 1000);
	lead(&b);
	pass(&a, 29 * SECOND);
	assert_int_equal(b.started, 1);
	assert_true(b.others);
	pass(&a, 2 * SECOND);
	assert_int_equal(a.lost, 1);
	assert_true(leader_may_write(b.leader));
	finish(&a);
	finish(&b);
	tear_down(&world);
}

/* ---- releasing ---- */

static void a_released_lease_passes_to_a_standby_within_its_retry(void **state)
{
	struct world world;
	struct node a, b;
	uint64_t released;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	begin(&b, &world, "b");
	lead(&a);
	pass(&a, SECOND);
	lead(&b);
	pass(&a, 20 * SECOND);
	world.conflicts_to_come = 1;
	leader_stop(a.leader, true);
	released = sched_now_us(world.sched);
	assert_false(leader_may_write(a.leader));
	assert_string_equal(spec(&world, "holderIdentity"), "");
	assert_int_equal(asb_int(asb_at(world.lease, "spec", "leaseDurationSeconds"), 0), 1);
	pass(&a, 3 * SECOND);
	assert_int_equal(b.started, 1);
	assert_true(b.started_us - released <= 2 * SECOND);
	assert_int_equal(a.lost, 0);
	finish(&a);
	finish(&b);
	tear_down(&world);
}

static void stopping_without_release_leaves_the_lease(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	leader_stop(a.leader, false);
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	finish(&a);
	tear_down(&world);
}

static void a_standby_that_stops_changes_nothing(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	put_lease(&world, FOREIGN("b", "0"));
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	leader_stop(a.leader, true);
	assert_string_equal(spec(&world, "holderIdentity"), "b");
	assert_int_equal(a.started, 0);
	finish(&a);
	tear_down(&world);
}

static void a_silent_server_does_not_hold_up_the_end(void **state)
{
	struct world world;
	struct node a;
	uint64_t start;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	lead(&a);
	pass(&a, SECOND);
	a.server.delay_us = 100 * SECOND;
	pass(&a, 1500000); /* within the renewal at 2 s */
	start = sched_now_us(world.sched);
	leader_stop(a.leader, true);
	assert_in_range(sched_now_us(world.sched) - start, 0, SECOND);
	finish(&a);
	tear_down(&world);
}

/* ---- the point of it ---- */

static void cut_or_heal(struct world *world, struct node *node)
{
	uint64_t what = sched_random(world->sched) % 8;

	node->cut = what == 0 || what == 1;
	node->loses = what == 2;
	node->server.delay_us = what == 3 ? sched_random(world->sched) % (20 * SECOND) : 0;
	if (what == 4 && world->lease != NULL) {
		world->conflicts_to_come = 1;
	}
}

static void never_two_may_write(uint64_t seed, size_t *terms)
{
	struct node nodes[NODES];
	struct world world;

	set_up(&world, seed);
	for (size_t i = 0; i < NODES; i++) {
		char identity[8];

		snprintf(identity, sizeof(identity), "n%zu", i);
		begin(&nodes[i], &world, identity);
		lead(&nodes[i]);
	}
	for (unsigned int step = 0; step < 1000; step++) {
		size_t writers = 0;

		pass(&nodes[0], SECOND / 4);
		for (size_t i = 0; i < NODES; i++) {
			writers += leader_may_write(nodes[i].leader) ? 1 : 0;
		}
		assert_true(writers <= 1);
		if (step % 20 == 0) {
			cut_or_heal(&world, &nodes[sched_random(world.sched) % NODES]);
		}
		for (size_t i = 0; i < NODES; i++) {
			if (nodes[i].lost > 0) { /* the process ends; another begins */
				char identity[32];

				snprintf(identity, sizeof(identity), "n%zu-%u", i, step);
				finish(&nodes[i]);
				begin(&nodes[i], &world, identity);
				lead(&nodes[i]);
			}
		}
	}
	*terms += (size_t)transitions(&world);
	for (size_t i = 0; i < NODES; i++) {
		finish(&nodes[i]);
	}
	tear_down(&world);
}

static void two_never_may_write_at_the_same_time(void **state)
{
	size_t terms = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		never_two_may_write(seed, &terms);
	}
	assert_true(terms > 20); /* the lease did move */
}

static void a_lease_deleted_under_its_holder_does_not_make_two(void **state)
{
	struct world world;
	struct node a, b;

	(void)state;
	set_up(&world, 1);
	begin(&a, &world, "a");
	begin(&b, &world, "b");
	lead(&a);
	pass(&a, SECOND);
	lead(&b);
	pass(&a, 3 * SECOND);
	a.cut = true;
	json_object_put(world.lease);
	world.lease = NULL;
	for (unsigned int i = 0; i < 200; i++) {
		pass(&a, SECOND / 10);
		assert_false(leader_may_write(a.leader) && leader_may_write(b.leader));
	}
	assert_true(leader_may_write(b.leader));
	finish(&a);
	finish(&b);
	tear_down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absent_lease_is_taken_at_once),
		cmocka_unit_test(a_released_lease_is_taken_at_once),
		cmocka_unit_test(expiry_is_by_our_clock_whatever_the_lease_says),
		cmocka_unit_test(a_lease_that_changes_does_not_expire),
		cmocka_unit_test(a_touched_lease_that_is_not_renewed_expires),
		cmocka_unit_test(a_lost_answer_to_the_first_write_is_found_to_be_ours),
		cmocka_unit_test(a_refusal_is_no_end),
		cmocka_unit_test(the_lease_is_renewed_every_two_seconds),
		cmocka_unit_test(changes_by_others_do_not_end_it),
		cmocka_unit_test(lost_answers_do_not_end_it_before_the_deadline),
		cmocka_unit_test(a_deleted_lease_is_made_again),
		cmocka_unit_test(not_renewed_in_time_is_lost),
		cmocka_unit_test(silence_is_lost_as_well),
		cmocka_unit_test(another_holder_ends_it_at_the_next_look),
		cmocka_unit_test(a_long_stop_shuts_the_gate_until_the_lease_is_ours_again),
		cmocka_unit_test(a_long_stop_in_which_another_took_over_is_the_end),
		cmocka_unit_test(a_released_lease_passes_to_a_standby_within_its_retry),
		cmocka_unit_test(stopping_without_release_leaves_the_lease),
		cmocka_unit_test(a_standby_that_stops_changes_nothing),
		cmocka_unit_test(a_silent_server_does_not_hold_up_the_end),
		cmocka_unit_test(two_never_may_write_at_the_same_time),
		cmocka_unit_test(a_lease_deleted_under_its_holder_does_not_make_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
