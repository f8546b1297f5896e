/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/client/leader.h: how the lease is lost and released, and that two processes never have
 * it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/client/leader.h"
#include "tests/unit/core/lease-world.h"

#define NODES 3

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
	assert_true(leader_holds_lease(a.leader));
	pass(&a, 1000);
	assert_false(leader_holds_lease(a.leader));
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
	assert_false(leader_holds_lease(a.leader));
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
	assert_false(leader_holds_lease(a.leader));
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
	assert_true(leader_holds_lease(a.leader));
	pass(&a, 2000);
	assert_false(leader_holds_lease(a.leader));
	pass(&a, 20 * SECOND);
	assert_true(leader_holds_lease(a.leader));
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
	assert_true(leader_holds_lease(b.leader));
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
	assert_false(leader_holds_lease(a.leader));
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

/* ---- two leases ---- */

#define SECOND_OF(holder)                                                                                                                         \
	"{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"second\"},\"spec\":{\"holderIdentity\":\"" holder \
	"\",\"leaseDurationSeconds\":15}}"

static void begin_both(struct node *node, struct world *world, const char *identity)
{
	begin(node, world, identity);
	node->both = true;
}

static const char *second_holder(struct world *world)
{
	return asb_str(world->second, "spec", "holderIdentity");
}

static void both_leases_are_held_by_the_leader(void **state)
{
	struct world world;
	struct node a;

	(void)state;
	set_up(&world, 1);
	begin_both(&a, &world, "a");
	lead(&a);
	pass(&a, 1000);
	assert_int_equal(a.started, 1);
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	assert_string_equal(second_holder(&world), "a");
	pass(&a, 60 * SECOND);
	assert_true(leader_holds_lease(a.leader));
	assert_int_equal(a.lost, 0);
	finish(&a);
	tear_down(&world);
}

/* Another one renews the first or the second lease and never ends. */
static void kept_out(bool first)
{
	struct world world;
	struct node a;

	set_up(&world, 1);
	begin_both(&a, &world, "a");
	for (unsigned int i = 0; i < 30; i++) {
		CLEANUP_FREE char *times = xprintf("%u", i);

		if (first) {
			put_lease(&world, FOREIGN("b", "0"));
		} else {
			put_second(&world, SECOND_OF("b"));
		}
		asb_set_str(asb_at(first ? world.lease : world.second, "spec"), "renewTime", times);
		if (a.leader == NULL) {
			lead(&a);
		}
		pass(&a, 2 * SECOND);
		assert_false(leader_holds_lease(a.leader));
	}
	assert_int_equal(a.started, 0);
	assert_false(shown_as_leader(&a));
	leader_stop(a.leader, true);
	assert_string_equal(first ? spec(&world, "holderIdentity") : second_holder(&world), "b");
	if (!first) {
		assert_string_equal(spec(&world, "holderIdentity"), ""); /* given back */
	}
	finish(&a);
	tear_down(&world);
}

static void a_holder_of_either_lease_keeps_others_out(void **state)
{
	(void)state;
	kept_out(true);
	kept_out(false);
}

static void the_loss_of_either_lease_is_the_end(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct world world;
		struct node a;

		set_up(&world, 1);
		begin_both(&a, &world, "a");
		lead(&a);
		pass(&a, SECOND);
		if (first) {
			put_lease(&world, FOREIGN("b", "0"));
		} else {
			put_second(&world, SECOND_OF("b"));
		}
		pass(&a, 2 * SECOND);
		assert_int_equal(a.lost, 1);
		assert_false(leader_holds_lease(a.leader));
		finish(&a);
		tear_down(&world);
	}
}

static void both_leases_pass_to_a_standby_when_they_are_released(void **state)
{
	struct world world;
	struct node a, b;
	uint64_t released;

	(void)state;
	set_up(&world, 1);
	begin_both(&a, &world, "a");
	begin_both(&b, &world, "b");
	lead(&a);
	pass(&a, SECOND);
	lead(&b);
	pass(&a, 20 * SECOND);
	leader_stop(a.leader, true);
	released = sched_now_us(world.sched);
	assert_string_equal(spec(&world, "holderIdentity"), "");
	assert_string_equal(second_holder(&world), "");
	pass(&a, 3 * SECOND);
	assert_int_equal(b.started, 1);
	assert_true(b.started_us - released <= 2 * SECOND);
	finish(&a);
	finish(&b);
	tear_down(&world);
}

static void both_leases_of_the_dead_are_taken_when_one_would_be(void **state)
{
	struct world world;
	struct node a, b;

	(void)state;
	set_up(&world, 1);
	begin_both(&a, &world, "a");
	begin_both(&b, &world, "b");
	lead(&a);
	pass(&a, SECOND);
	lead(&b);
	pass(&a, 20 * SECOND);
	a.cut = true;
	pass(&a, 19 * SECOND); /* 2 s to the next renewal, 15 s, jitter */
	assert_int_equal(b.started, 1);
	finish(&a);
	finish(&b);
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

/* From each seed on, with one lease or with two. */
static void never_two_may_write(uint64_t seed, bool both, size_t *terms)
{
	struct node nodes[NODES];
	struct world world;

	set_up(&world, seed);
	for (size_t i = 0; i < NODES; i++) {
		char identity[8];

		snprintf(identity, sizeof(identity), "n%zu", i);
		begin(&nodes[i], &world, identity);
		nodes[i].both = both;
		lead(&nodes[i]);
	}
	for (unsigned int step = 0; step < 1000; step++) {
		size_t writers = 0;

		pass(&nodes[0], SECOND / 4);
		for (size_t i = 0; i < NODES; i++) {
			writers += leader_holds_lease(nodes[i].leader) ? 1 : 0;
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
				nodes[i].both = both;
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
		never_two_may_write(seed, seed % 2 == 1, &terms);
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
		assert_false(leader_holds_lease(a.leader) && leader_holds_lease(b.leader));
	}
	assert_true(leader_holds_lease(b.leader));
	finish(&a);
	finish(&b);
	tear_down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_renewed_in_time_is_lost),
		cmocka_unit_test(silence_is_lost_as_well),
		cmocka_unit_test(another_holder_ends_it_at_the_next_look),
		cmocka_unit_test(a_long_stop_shuts_the_gate_until_the_lease_is_ours_again),
		cmocka_unit_test(a_long_stop_in_which_another_took_over_is_the_end),
		cmocka_unit_test(a_released_lease_passes_to_a_standby_within_its_retry),
		cmocka_unit_test(stopping_without_release_leaves_the_lease),
		cmocka_unit_test(a_standby_that_stops_changes_nothing),
		cmocka_unit_test(a_silent_server_does_not_hold_up_the_end),
		cmocka_unit_test(both_leases_are_held_by_the_leader),
		cmocka_unit_test(a_holder_of_either_lease_keeps_others_out),
		cmocka_unit_test(the_loss_of_either_lease_is_the_end),
		cmocka_unit_test(both_leases_pass_to_a_standby_when_they_are_released),
		cmocka_unit_test(both_leases_of_the_dead_are_taken_when_one_would_be),
		cmocka_unit_test(two_never_may_write_at_the_same_time),
		cmocka_unit_test(a_lease_deleted_under_its_holder_does_not_make_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
