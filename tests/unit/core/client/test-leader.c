/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/client/leader.h: how the lease is acquired and held. */
#include "config.h"

#include "core/client/leader.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/core/lease-world.h"

#define PATH "/apis/coordination.k8s.io/v1/namespaces/ns/leases/lock"

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
	assert_true(leader_holds_lease(a.leader));
	assert_true(shown_as_leader(&a));
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	assert_string_equal(spec(&world, "acquireTime"), "2020-01-01T00:00:00.500000Z");
	assert_string_equal(spec(&world, "renewTime"), "2020-01-01T00:00:00.500000Z");
	assert_int_equal(asb_int(asb_at(world.lease, "spec", "leaseDurationSeconds"), 0), 15);
	assert_int_equal(transitions(&world), 0);
	assert_string_equal(a.server.sent[0].path, PATH);
	assert_string_equal(
		a.server.sent[1].path,
		"/apis/coordination.k8s.io/v1/namespaces/ns/leases?fieldManager=agent-sandbox-controller");
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
	assert_false(leader_holds_lease(a.leader));
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
		assert_true(leader_holds_lease(a.leader));
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
	assert_true(leader_holds_lease(a.leader));
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
	assert_true(leader_holds_lease(a.leader));
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
	assert_true(leader_holds_lease(a.leader));
	assert_string_equal(spec(&world, "holderIdentity"), "a");
	finish(&a);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
