/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/http/guard: who is shut down, and when. Connections are socket pairs, the clock is a number. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/http/server-private.h"

#define SECOND UINT64_C(1000000)

struct peer {
	struct connection *connection;
	int ours, theirs;
};

static struct peer add(struct guard *guard, uint64_t now)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	return (struct peer){ guard_add(guard, ends[0], now), ends[0], ends[1] };
}

static void drop(struct guard *guard, struct peer *peer)
{
	guard_remove(guard, peer->connection);
	close(peer->ours);
	close(peer->theirs);
}

/* Whether the other end sees that this one was shut down. */
static bool is_shut(const struct peer *peer)
{
	char byte;

	return recv(peer->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

static void the_longest_idle_connection_goes_first(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer first = add(&guard, 1), second = add(&guard, 2), third = add(&guard, 3);

	guard_enter(&guard, first.connection, PHASE_BUSY, 4);
	guard_enter(&guard, first.connection, PHASE_HEAD, 5); /* idle again, but not for long */
	assert_true(guard_evict(&guard));
	assert_true(is_shut(&second));
	assert_true(guard_evict(&guard));
	assert_true(is_shut(&third));
	guard_enter(&guard, first.connection, PHASE_BUSY, 6);
	assert_false(guard_evict(&guard));
	assert_false(is_shut(&first));
	drop(&guard, &first);
	drop(&guard, &second);
	drop(&guard, &third);
	assert_int_equal(guard.count, 0);
	guard_finish(&guard);
}

static void an_idle_connection_is_kept_for_its_time(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer idle = add(&guard, 0), busy = add(&guard, 0);

	guard_enter(&guard, busy.connection, PHASE_BUSY, 0);
	guard_check_deadlines(&guard, IDLE_US);
	assert_false(is_shut(&idle));
	guard_check_deadlines(&guard, IDLE_US + 1);
	assert_true(is_shut(&idle));
	guard_check_deadlines(&guard, 1000 * SECOND);
	assert_false(is_shut(&busy));
	drop(&guard, &idle);
	drop(&guard, &busy);
	guard_finish(&guard);
}

static void a_body_must_go_on_coming(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer quick = add(&guard, 0), slow = add(&guard, 0);

	guard_enter(&guard, quick.connection, PHASE_BODY, 0);
	guard_enter(&guard, slow.connection, PHASE_BODY, 0);
	quick.connection->bytes = BODY_WINDOW_BYTES;
	slow.connection->bytes = BODY_WINDOW_BYTES - 1;
	guard_check_deadlines(&guard, BODY_WINDOW_US - 1);
	assert_false(is_shut(&slow));
	guard_check_deadlines(&guard, BODY_WINDOW_US);
	assert_true(is_shut(&slow));
	assert_false(is_shut(&quick));
	guard_check_deadlines(&guard,
			      2 * BODY_WINDOW_US); /* nothing more came in its second window */
	assert_true(is_shut(&quick));
	drop(&guard, &quick);
	drop(&guard, &slow);
	guard_finish(&guard);
}

static void a_body_whose_sender_has_gone_is_given_up_at_once(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer gone = add(&guard, 0);

	guard_enter(&guard, gone.connection, PHASE_BODY, 0);
	guard_check_deadlines(&guard, 1);
	assert_false(gone.connection->shut_down);
	assert_int_equal(shutdown(gone.theirs, SHUT_WR), 0);
	guard_check_deadlines(&guard, 2);
	assert_true(gone.connection->shut_down);
	drop(&guard, &gone);
	guard_finish(&guard);
}

static void the_oldest_slow_body_goes_as_well(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer quick = add(&guard, 1), slow = add(&guard, 2), idle = add(&guard, 3);
	struct peer forgotten = add(&guard, 4), reader = add(&guard, 5);

	guard_enter(&guard, quick.connection, PHASE_BODY, 1);
	quick.connection->bytes = 1u << 20;
	guard_enter(&guard, slow.connection, PHASE_BODY, 2);
	guard_enter(&guard, forgotten.connection, PHASE_BODY, 4);
	forgotten.connection->ignored = true;
	guard_enter(&guard, reader.connection, PHASE_BUSY, 5);
	reader.connection->responding = true;

	struct peer *const order[] = { &forgotten, &slow, &idle, &quick, &reader };

	for (size_t i = 0; i < 5; i++) {
		assert_true(guard_evict(&guard));
		assert_true(order[i]->connection->shut_down);
	}
	assert_false(guard_evict(&guard));
	for (size_t i = 0; i < 5; i++) {
		drop(&guard, order[i]);
	}
	guard_finish(&guard);
}

static void a_body_that_is_forgotten_has_a_deadline(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer peer = add(&guard, 0);

	guard_enter(&guard, peer.connection, PHASE_BODY, 0);
	peer.connection->ignored = true;
	peer.connection->bytes = 1u << 20;
	guard_check_deadlines(&guard, BODY_IGNORED_US);
	assert_false(peer.connection->shut_down);
	peer.connection->bytes = 1u << 20;
	guard_check_deadlines(&guard, BODY_IGNORED_US + 1);
	assert_true(peer.connection->shut_down);
	drop(&guard, &peer);
	guard_finish(&guard);
}

static void all_bodies_share_one_budget(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer first = add(&guard, 0), second = add(&guard, 0), small = add(&guard, 0);
	size_t half = (BODIES_MAX - BODIES_FOR_SMALL) / 2;

	guard_enter(&guard, first.connection, PHASE_BODY, 0);
	guard_enter(&guard, second.connection, PHASE_BODY, 0);
	guard_enter(&guard, small.connection, PHASE_BODY, 0);
	assert_true(guard_hold(&guard, first.connection, half));
	assert_true(guard_hold(&guard, second.connection, half));
	/* No larger one is there that could go. */
	assert_false(guard_hold(&guard, second.connection, 1));
	/* A small one has room of its own; a larger one than small pushes out the largest. */
	assert_true(guard_hold(&guard, small.connection, BODY_SMALL));
	assert_false(first.connection->shut_down);
	assert_true(guard_hold(&guard, small.connection, 1));
	assert_true(first.connection->shut_down);
	assert_int_equal(guard.held, half + BODY_SMALL + 1);
	drop(&guard, &first);
	drop(&guard, &second);
	drop(&guard, &small);
	assert_int_equal(guard.held, 0);
	guard_finish(&guard);
}

static void all_blocks_share_one_budget(void **state)
{
	struct guard guard;
	struct peer small, large[BLOCKS_MAX / CONNECTION_MEMORY + 1];
	size_t count = sizeof(large) / sizeof(*large), cut = 0;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);
	small = add(&guard, 0);
	guard_count_block(&guard, small.connection, 4096);
	for (size_t i = 0; i < count; i++) {
		large[i] = add(&guard, 0);
	}
	for (size_t i = 0; i < count - 1; i++) {
		guard_count_block(&guard, large[i].connection, CONNECTION_MEMORY);
	}
	guard_check_blocks(&guard);
	assert_false(large[0].connection->shut_down);
	/* One is too many: the oldest ones with large blocks go. */
	guard_count_block(&guard, large[count - 1].connection, CONNECTION_MEMORY);
	guard_check_blocks(&guard);
	while (cut < count && large[cut].connection->shut_down) {
		cut++;
	}
	assert_in_range(cut, 1, count / 2);
	assert_false(large[count - 1].connection->shut_down);
	assert_false(small.connection->shut_down);
	assert_in_range(guard.blocks, 1, BLOCKS_MAX);
	drop(&guard, &small);
	for (size_t i = 0; i < count; i++) {
		drop(&guard, &large[i]);
	}
	assert_int_equal(guard.blocks, 0);
	assert_int_equal(guard.holder_count, 0);
	guard_finish(&guard);
}

static void a_block_is_counted_while_nobody_works_on_its_request(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer peer = add(&guard, 0);

	assert_int_equal(guard.blocks, 0);
	guard_count_block(&guard, peer.connection, 8192);
	guard_enter(&guard, peer.connection, PHASE_BODY, 1);
	assert_int_equal(guard.blocks, 8192);
	guard_enter(&guard, peer.connection, PHASE_BUSY, 1);
	assert_int_equal(guard.blocks, 0);
	guard_respond(&guard, peer.connection);
	assert_int_equal(guard.blocks, CONNECTION_MEMORY);
	guard_enter(&guard, peer.connection, PHASE_HEAD, 2);
	assert_int_equal(guard.blocks, CONNECTION_MEMORY);

	/* Commands and transfers are limited by their number. */
	struct request request = { .data = &guard };

	peer.connection->request = &request;
	guard_enter(&guard, peer.connection, PHASE_BODY, 3);
	guard_enter(&guard, peer.connection, PHASE_BUSY, 3);
	guard_respond(&guard, peer.connection);
	assert_int_equal(guard.blocks, 0);
	peer.connection->request = NULL;
	drop(&guard, &peer);
	guard_finish(&guard);
}

static void a_busy_connection_goes_with_its_client_but_not_with_half_of_it(void **state)
{
	struct guard guard;

	(void)state;
	assert_int_equal(guard_init(&guard, 10), 0);

	struct peer half = add(&guard, 0), gone = add(&guard, 0);

	guard_enter(&guard, half.connection, PHASE_BUSY, 0);
	guard_enter(&guard, gone.connection, PHASE_BUSY, 0);
	assert_int_equal(shutdown(half.theirs, SHUT_WR), 0);
	assert_int_equal(shutdown(gone.theirs, SHUT_RDWR), 0);
	guard_check_deadlines(&guard, 1);
	assert_false(half.connection->shut_down);
	assert_true(gone.connection->shut_down);
	drop(&guard, &half);
	drop(&guard, &gone);
	guard_finish(&guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_idle_connection_goes_first),
		cmocka_unit_test(an_idle_connection_is_kept_for_its_time),
		cmocka_unit_test(a_body_must_go_on_coming),
		cmocka_unit_test(the_oldest_slow_body_goes_as_well),
		cmocka_unit_test(a_body_that_is_forgotten_has_a_deadline),
		cmocka_unit_test(all_bodies_share_one_budget),
		cmocka_unit_test(a_body_whose_sender_has_gone_is_given_up_at_once),
		cmocka_unit_test(all_blocks_share_one_budget),
		cmocka_unit_test(a_block_is_counted_while_nobody_works_on_its_request),
		cmocka_unit_test(a_busy_connection_goes_with_its_client_but_not_with_half_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
