/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/pod/room.h: room comes back when a pod is seen to be gone, and wakes who waits. */
#include "config.h"

#include "node/pod/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

struct fixture {
	struct sched *sched;
	struct room *room;
	char woken[512]; /* "ns/a ns/b" */
};

static const struct node_capacity capacity = { .cpu_milli = 1000, .memory = 1000, .pods = 3 };

static void wake(void *arg, const char *ns, const char *name)
{
	struct fixture *fixture = arg;
	size_t length = strlen(fixture->woken);

	snprintf(fixture->woken + length, sizeof(fixture->woken) - length, "%s%s/%s",
		 length > 0 ? " " : "", ns, name);
}

static int set_up(void **state)
{
	struct fixture *fixture = xnew(struct fixture);

	fixture->sched = sched_create();
	fixture->room = room_create(fixture->sched, &capacity, wake, fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	room_destroy(fixture->room);
	sched_destroy(fixture->sched);
	free(fixture);
	return 0;
}

/* A pod's uid is "u-" and its name, where the test says no other. */
static enum room_response ask_as(struct fixture *fixture, const char *name, const char *uid,
				 uint64_t cpu, uint64_t memory, const char *why)
{
	const struct node_capacity asked = { .cpu_milli = cpu, .memory = memory, .pods = 1 };
	CLEANUP_BUF struct buf text = BUF_INIT(1000);
	enum room_response response = room_ask(fixture->room, "ns", name, uid, &asked, &text);

	assert_string_equal(buf_str(&text), why);
	return response;
}

static enum room_response ask(struct fixture *fixture, const char *name, uint64_t cpu,
			      uint64_t memory, const char *why)
{
	CLEANUP_FREE char *uid = xprintf("u-%s", name);

	return ask_as(fixture, name, uid, cpu, memory, why);
}

static void see(struct fixture *fixture, const char *name, uint64_t cpu)
{
	const struct node_capacity asked = { .cpu_milli = cpu, .pods = 1 };
	CLEANUP_FREE char *uid = xprintf("u-%s", name);

	room_taken(fixture->room, "ns", name, uid, &asked);
}

static void expect_woken(struct fixture *fixture, const char *woken)
{
	assert_string_equal(fixture->woken, woken);
	fixture->woken[0] = '\0';
}

static void room_comes_back_when_a_pod_is_gone(void **state)
{
	struct fixture *fixture = *state;

	/* One pod after the other, each wholly gone before the next: nothing ever waits. */
	for (int i = 0; i < 50; i++) {
		CLEANUP_FREE char *name = xprintf("p-%d", i);

		assert_int_equal(ask(fixture, name, 900, 900, ""), ROOM_PROMISED);
		if (i % 2 == 0) {
			see(fixture, name, 900);
		}
		/* Also of one that was never seen on the node. */
		room_left(fixture->room, "ns", name);
	}
	expect_woken(fixture, "");
}

static void room_is_not_counted_twice(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, "a", 500, 0, ""), ROOM_PROMISED);
	assert_int_equal(ask(fixture, "a", 500, 0, ""), ROOM_HELD);
	see(fixture, "a", 500);
	see(fixture, "a", 500);
	assert_int_equal(ask(fixture, "b", 500, 0, ""), ROOM_PROMISED);
	assert_int_equal(ask(fixture, "c", 1, 0, "1 Insufficient cpu"), ROOM_NONE);
}

static void a_departure_wakes_those_it_has_room_for_in_their_order(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, "big", 800);
	see(fixture, "small", 200);
	assert_int_equal(ask(fixture, "z", 500, 0, "1 Insufficient cpu"), ROOM_NONE);
	assert_int_equal(ask(fixture, "y", 900, 0, "1 Insufficient cpu"), ROOM_NONE);
	assert_int_equal(ask(fixture, "x", 300, 0, "1 Insufficient cpu"), ROOM_NONE);
	assert_int_equal(ask(fixture, "w", 300, 0, "1 Insufficient cpu"), ROOM_NONE);
	room_left(fixture->room, "ns", "big");
	expect_woken(fixture, "ns/z ns/x");
	assert_int_equal(ask(fixture, "x", 300, 0, ""), ROOM_PROMISED);
	assert_int_equal(ask(fixture, "z", 500, 0, ""), ROOM_PROMISED);
	/* Who has no room yet is woken by the next. */
	room_left(fixture->room, "ns", "small");
	expect_woken(fixture, "");
	room_left(fixture->room, "ns", "z");
	expect_woken(fixture, "ns/w");
	/* Who is gone is not woken. */
	room_left(fixture->room, "ns", "w");
	room_left(fixture->room, "ns", "x");
	expect_woken(fixture, "ns/y");
}

static void every_kind_of_room_is_kept_and_given_back(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, "a", 0, 600, ""), ROOM_PROMISED);
	assert_int_equal(ask(fixture, "b", 0, 600, "1 Insufficient memory"), ROOM_NONE);
	assert_int_equal(ask(fixture, "b", 2000, 600, "1 Insufficient cpu, 1 Insufficient memory"),
			 ROOM_NONE);
	assert_int_equal(ask(fixture, "b", 0, 600, "1 Insufficient memory"), ROOM_NONE);
	room_left(fixture->room, "ns", "a");
	expect_woken(fixture, "ns/b");
	see(fixture, "1", 0);
	see(fixture, "2", 0);
	see(fixture, "3", 0);
	assert_int_equal(ask(fixture, "4", 0, 0, "1 Too many pods"), ROOM_NONE);
	room_left(fixture->room, "ns", "2");
	expect_woken(fixture, "ns/b");
	room_left(fixture->room, "ns", "1");
	expect_woken(fixture, "ns/b ns/4");
}

static void a_promise_is_given_back_when_it_cannot_be_kept(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, "a", 900, 0, ""), ROOM_PROMISED);
	assert_int_equal(ask(fixture, "b", 900, 0, "1 Insufficient cpu"), ROOM_NONE);
	room_give_back(fixture->room, "ns", "a", "u-other");
	expect_woken(fixture, "");
	room_give_back(fixture->room, "ns", "a", "u-a");
	expect_woken(fixture, "ns/b");
	/* What is on the node is not. */
	see(fixture, "b", 900);
	room_give_back(fixture->room, "ns", "b", "u-b");
	assert_int_equal(ask(fixture, "a", 900, 0, "1 Insufficient cpu"), ROOM_NONE);
}

static void the_next_pod_of_a_name_has_not_the_room_of_the_last(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, "a", 900);
	assert_int_equal(ask(fixture, "b", 900, 0, "1 Insufficient cpu"), ROOM_NONE);
	/* It was deleted and made again, and nobody saw it gone. */
	room_unbound(fixture->room, "ns", "a", "u-a");
	expect_woken(fixture, "");
	room_unbound(fixture->room, "ns", "a", "u-new");
	expect_woken(fixture, "ns/b");
	assert_int_equal(ask(fixture, "b", 900, 0, ""), ROOM_PROMISED);
	assert_int_equal(ask_as(fixture, "a", "u-new", 900, 0, "1 Insufficient cpu"), ROOM_NONE);
}

static void a_count_that_was_overtaken_does_not_count(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begun = room_count_begin(fixture->room);

	see(fixture, "a", 900);
	room_left(fixture->room, "ns", "a");
	assert_false(room_count_end(fixture->room, begun));
	assert_false(room_counted(fixture->room));
	begun = room_count_begin(fixture->room);
	see(fixture, "b", 900);
	assert_true(room_count_end(fixture->room, begun));
	assert_true(room_counted(fixture->room));
}

static void who_waits_for_a_node_that_takes_pods_again_is_woken(void **state)
{
	struct fixture *fixture = *state;
	const struct node_capacity asked = { .cpu_milli = 700, .pods = 1 };

	room_wait(fixture->room, "ns", "a", &asked);
	room_wait(fixture->room, "ns", "b", &asked);
	room_wake_all(fixture->room);
	expect_woken(fixture, "ns/a");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(room_comes_back_when_a_pod_is_gone),
		CASE(room_is_not_counted_twice),
		CASE(a_departure_wakes_those_it_has_room_for_in_their_order),
		CASE(every_kind_of_room_is_kept_and_given_back),
		CASE(a_promise_is_given_back_when_it_cannot_be_kept),
		CASE(the_next_pod_of_a_name_has_not_the_room_of_the_last),
		CASE(a_count_that_was_overtaken_does_not_count),
		CASE(who_waits_for_a_node_that_takes_pods_again_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
