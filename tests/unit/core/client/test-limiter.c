/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/client/limiter.h, in simulated time. */
#include "config.h"

#include "core/client/limiter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define SLOTS 16

struct fixture {
	struct sched *sched;
	struct limiter *limiter;
	struct sched_mutex lock;
	struct sched_cond sleeping;
	char order[64];        /* lock; who came in when, by letters */
	uint32_t inside, most; /* lock */
};

struct user {
	struct fixture *fixture;
	enum priority priority;
	uint32_t count;
	char letter;
	uint64_t deadline_us;
	uint64_t stays_us;
	uint64_t entered_us;
	int rc;
	struct sched_thread *thread;
};

static void set_up(struct fixture *f, uint64_t seed)
{
	*f = (struct fixture){ .sched = sched_create_simulation(seed, 0) };
	f->limiter = limiter_create(f->sched, SLOTS);
	sched_mutex_init(&f->lock, f->sched);
	sched_cond_init(&f->sleeping, f->sched);
}

static void tear_down(struct fixture *f)
{
	limiter_destroy(f->limiter);
	sched_cond_finish(&f->sleeping);
	sched_mutex_finish(&f->lock);
	sched_destroy(f->sched);
}

static void pass_until(struct fixture *f, uint64_t until_us)
{
	LOCKED(&f->lock);
	while (sched_now_us(f->sched) < until_us) {
		sched_cond_wait(&f->sleeping, &f->lock, until_us);
	}
}

static void use(void *arg)
{
	struct user *user = arg;
	struct fixture *f = user->fixture;

	user->rc = limiter_enter(f->limiter, user->priority, user->count, user->deadline_us);
	if (user->rc != 0) {
		return;
	}
	user->entered_us = sched_now_us(f->sched);
	{
		LOCKED(&f->lock);
		if (user->letter != '\0') {
			f->order[strlen(f->order)] = user->letter;
		}
		f->inside += user->count;
		f->most = f->inside > f->most ? f->inside : f->most;
	}
	pass_until(f, sched_now_us(f->sched) + user->stays_us);
	{
		LOCKED(&f->lock);
		f->inside -= user->count;
	}
	limiter_leave(f->limiter, user->priority, user->count);
}

/* Starts a user and gives it the time to stand in line. */
static void start(struct fixture *f, struct user *user, enum priority priority, uint32_t count,
		  char letter)
{
	*user = (struct user){ .fixture = f,
			       .priority = priority,
			       .count = count,
			       .letter = letter,
			       .deadline_us = SCHED_FOREVER,
			       .stays_us = 100 };
	user->thread = sched_start(f->sched, "user", use, user);
	pass_until(f, sched_now_us(f->sched) + 1);
}

static void take_all(struct fixture *f)
{
	assert_int_equal(limiter_enter(f->limiter, PRIORITY_LEASE, SLOTS, SCHED_FOREVER), 0);
}

static void higher_lanes_go_first_and_equals_in_order(void **state)
{
	struct user users[6];
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	take_all(&f);
	start(&f, &users[0], PRIORITY_EVENT, SLOTS, 'e');
	start(&f, &users[1], PRIORITY_REFILL, SLOTS, 'r');
	start(&f, &users[2], PRIORITY_CLAIM, SLOTS, 'a');
	start(&f, &users[3], PRIORITY_CLAIM, SLOTS, 'b');
	start(&f, &users[4], PRIORITY_STATUS, SLOTS, 's');
	start(&f, &users[5], PRIORITY_LEASE, SLOTS, 'l');
	limiter_leave(f.limiter, PRIORITY_LEASE, SLOTS);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		sched_join(users[i].thread);
	}
	assert_string_equal(f.order, "labsre");
	tear_down(&f);
}

static void no_more_than_the_slots_are_ever_in(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct user users[24];
		struct fixture f;

		set_up(&f, seed);
		for (size_t i = 0; i < ARRAY_LEN(users); i++) {
			users[i] = (struct user){ .fixture = &f,
						  .priority = (enum priority)(i % PRIORITY_MAX),
						  .count = 1 + (uint32_t)(i * 7 % 5),
						  .letter = '.',
						  .deadline_us = SCHED_FOREVER,
						  .stays_us = i % 3 };
			users[i].thread = sched_start(f.sched, "user", use, &users[i]);
		}
		for (size_t i = 0; i < ARRAY_LEN(users); i++) {
			sched_join(users[i].thread);
			assert_int_equal(users[i].rc, 0);
		}
		assert_in_range(f.most, 5, SLOTS);
		assert_int_equal(f.inside, 0);
		tear_down(&f);
	}
}

/* Fills a priority one by one and says how many it takes. */
static uint32_t capacity(struct fixture *f, enum priority priority)
{
	uint32_t count = 0;

	while (limiter_enter(f->limiter, priority, 1, sched_now_us(f->sched)) == 0) {
		count++;
	}
	return count;
}

static void lower_lanes_leave_slots_to_higher_ones(void **state)
{
	struct fixture f;
	uint32_t events, refills, statuses, claims;

	(void)state;
	set_up(&f, 1);
	events = capacity(&f, PRIORITY_EVENT);
	refills = capacity(&f, PRIORITY_REFILL);
	statuses = capacity(&f, PRIORITY_STATUS);
	claims = capacity(&f, PRIORITY_CLAIM);
	assert_true(events > 0 && refills > 0 && statuses > 0 && claims > 0);
	assert_int_equal(capacity(&f, PRIORITY_LEASE), 1);
	assert_int_equal(events + refills + statuses + claims + 1, SLOTS);
	tear_down(&f);
}

static void a_single_slot_serves_every_lane(void **state)
{
	struct sched *sched = sched_create_simulation(1, 0);
	struct limiter *limiter = limiter_create(sched, 1);

	(void)state;
	for (size_t priority = PRIORITY_MAX;
	     priority-- > 0;) { /* after a claim a refill would wait */
		assert_int_equal(limiter_enter(limiter, (enum priority)priority, 1, 0), 0);
		assert_int_equal(limiter_enter(limiter, (enum priority)priority, 1, 0), -ETIMEDOUT);
		limiter_leave(limiter, (enum priority)priority, 1);
	}
	limiter_destroy(limiter);
	sched_destroy(sched);
}

static void small_ones_below_do_not_starve_a_large_one_above(void **state)
{
	struct user large, small;
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_EVENT, 2, 0), 0);
	start(&f, &large, PRIORITY_CLAIM, SLOTS, 'C'); /* does not fit beside the two */
	start(&f, &small, PRIORITY_REFILL, 1, 'r');    /* would fit, and must not overtake */
	assert_string_equal(f.order, "");
	limiter_leave(f.limiter, PRIORITY_EVENT, 2);
	sched_join(large.thread);
	sched_join(small.thread);
	assert_string_equal(f.order, "Cr");
	tear_down(&f);
}

static void a_deadline_ends_the_wait_and_frees_those_behind(void **state)
{
	struct user large, small;
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_LEASE, 1, 0), 0);
	large = (struct user){ .fixture = &f,
			       .priority = PRIORITY_CLAIM,
			       .count = SLOTS,
			       .letter = 'C',
			       .deadline_us = 5000 };
	large.thread = sched_start(f.sched, "large", use, &large);
	pass_until(&f, 1);
	start(&f, &small, PRIORITY_REFILL, 1, 'r');
	sched_join(large.thread);
	sched_join(small.thread);
	assert_int_equal(large.rc, -ETIMEDOUT);
	assert_string_equal(f.order, "r");
	assert_in_range(sched_now_us(f.sched), 5000, 5200);
	limiter_leave(f.limiter, PRIORITY_LEASE, 1);
	tear_down(&f);
}

static void stopping_wakes_all_who_wait(void **state)
{
	struct user users[3];
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	take_all(&f);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		start(&f, &users[i], PRIORITY_CLAIM, 1, 'x');
	}
	limiter_stop(f.limiter);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		sched_join(users[i].thread);
		assert_int_equal(users[i].rc, -ECANCELED);
	}
	limiter_leave(f.limiter, PRIORITY_LEASE, SLOTS);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_LEASE, 1, SCHED_FOREVER), -ECANCELED);
	assert_string_equal(f.order, "");
	tear_down(&f);
}

static void more_than_all_slots_is_all_slots(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_EVENT, SLOTS * 2, 0), 0);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_LEASE, 1, 0), -ETIMEDOUT);
	limiter_leave(f.limiter, PRIORITY_EVENT, SLOTS * 2);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_LEASE, SLOTS, 0), 0);
	tear_down(&f);
}

static void use_often(void *arg)
{
	struct user *user = arg;

	for (size_t i = 0; i < 200; i++) {
		use(user);
	}
}

static void real_threads_share_the_slots(void **state)
{
	struct user users[8];
	struct fixture f = { .sched = sched_create() };

	(void)state;
	f.limiter = limiter_create(f.sched, 4);
	sched_mutex_init(&f.lock, f.sched);
	sched_cond_init(&f.sleeping, f.sched);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		users[i] = (struct user){ .fixture = &f,
					  .priority = (enum priority)(i % PRIORITY_MAX),
					  .count = 1 + (uint32_t)i % 2,
					  .deadline_us = SCHED_FOREVER };
		users[i].thread = sched_start(f.sched, "user", use_often, &users[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		sched_join(users[i].thread);
	}
	assert_in_range(f.most, 1, 4);
	tear_down(&f);
}

/* When each of count requests went in, in microseconds from the first. */
static void times_of(struct fixture *f, enum priority priority, size_t count, uint64_t ret_us[])
{
	uint64_t began = sched_now_us(f->sched);

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(limiter_enter(f->limiter, priority, 1, SCHED_FOREVER), 0);
		ret_us[i] = sched_now_us(f->sched) - began;
		limiter_leave(f->limiter, priority, 1);
	}
}

static void a_rate_spaces_requests_after_its_burst(void **state)
{
	struct fixture f;
	uint64_t us[6];

	(void)state;
	set_up(&f, 1);
	limiter_limit(f.limiter, 10, 3);
	times_of(&f, PRIORITY_CLAIM, 6, us);
	assert_int_equal(us[2], 0);
	assert_in_range(us[3], 99000, 101000);
	assert_in_range(us[5], 299000, 301000);
	tear_down(&f);
}

static void a_lease_is_not_counted_towards_the_rate(void **state)
{
	struct fixture f;
	uint64_t us[6];

	(void)state;
	set_up(&f, 1);
	limiter_limit(f.limiter, 1, 1);
	times_of(&f, PRIORITY_LEASE, 6, us);
	assert_int_equal(us[5], 0);
	tear_down(&f);
}

static void a_batch_larger_than_the_burst_goes_when_the_burst_is_full(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	limiter_limit(f.limiter, 10, 2);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_CLAIM, 4, SCHED_FOREVER), 0);
	limiter_leave(f.limiter, PRIORITY_CLAIM, 4);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_CLAIM, 4, SCHED_FOREVER), 0);
	limiter_leave(f.limiter, PRIORITY_CLAIM, 4);
	assert_in_range(sched_now_us(f.sched), 199000, 201000);
	tear_down(&f);
}

static void the_rate_does_not_outlive_a_deadline(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	limiter_limit(f.limiter, 0.1, 1);
	assert_int_equal(limiter_enter(f.limiter, PRIORITY_CLAIM, 1, SCHED_FOREVER), 0);
	limiter_leave(f.limiter, PRIORITY_CLAIM, 1);
	assert_int_equal(
		limiter_enter(f.limiter, PRIORITY_CLAIM, 1, sched_now_us(f.sched) + 500000),
		-ETIMEDOUT);
	tear_down(&f);
}

/* How long a refill takes to get in while claims come one after the other with such pauses. */
static uint64_t refill_waits(uint64_t pause_us, enum priority priority, int claims)
{
	struct user refill;
	struct fixture f;
	uint64_t begin, waited;

	set_up(&f, 1);
	pass_until(&f, 1000000);
	assert_int_equal(limiter_enter(f.limiter, priority, 1, 0), 0);
	begin = sched_now_us(f.sched);
	start(&f, &refill, PRIORITY_REFILL, 1, 'r');
	for (int i = 0; i < claims; i++) {
		pass_until(&f, sched_now_us(f.sched) + 10000);
		limiter_leave(f.limiter, priority, 1);
		pass_until(&f, sched_now_us(f.sched) + pause_us);
		assert_int_equal(limiter_enter(f.limiter, priority, 1, 0), 0);
	}
	pass_until(&f, sched_now_us(f.sched) + 10000);
	limiter_leave(f.limiter, priority, 1);
	sched_join(refill.thread);
	waited = refill.entered_us - begin;
	tear_down(&f);
	return waited;
}

static void refills_wait_for_a_pause_between_claims(void **state)
{
	(void)state;
	assert_in_range(refill_waits(0, PRIORITY_STATUS, 5), 0, 2);
	assert_in_range(refill_waits(0, PRIORITY_CLAIM, 0), 10000 + LIMITER_PAUSE_US,
			10000 + 2 * LIMITER_PAUSE_US);
	assert_in_range(refill_waits(1000, PRIORITY_CLAIM, 50), 50 * 11000,
			51 * 11000 + 2 * LIMITER_PAUSE_US);
	/* The first pause that is long enough, by however little. */
	assert_in_range(refill_waits(LIMITER_PAUSE_US + 1, PRIORITY_CLAIM, 50),
			10000 + LIMITER_PAUSE_US, 10000 + LIMITER_PAUSE_US + 1);
	assert_in_range(refill_waits(LIMITER_PAUSE_US + 1000, PRIORITY_CLAIM, 50),
			10000 + LIMITER_PAUSE_US, 10000 + LIMITER_PAUSE_US + 1);
	assert_in_range(refill_waits(2 * LIMITER_PAUSE_US, PRIORITY_CLAIM, 50),
			10000 + LIMITER_PAUSE_US, 10000 + 2 * LIMITER_PAUSE_US);
}

static void claims_without_a_pause_hold_refills_up_for_a_while_only(void **state)
{
	(void)state;
	assert_in_range(refill_waits(1000, PRIORITY_CLAIM, 1000),
			LIMITER_PATIENCE_US - LIMITER_PAUSE_US,
			LIMITER_PATIENCE_US + LIMITER_PAUSE_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(higher_lanes_go_first_and_equals_in_order),
		cmocka_unit_test(no_more_than_the_slots_are_ever_in),
		cmocka_unit_test(lower_lanes_leave_slots_to_higher_ones),
		cmocka_unit_test(a_single_slot_serves_every_lane),
		cmocka_unit_test(small_ones_below_do_not_starve_a_large_one_above),
		cmocka_unit_test(a_deadline_ends_the_wait_and_frees_those_behind),
		cmocka_unit_test(stopping_wakes_all_who_wait),
		cmocka_unit_test(more_than_all_slots_is_all_slots),
		cmocka_unit_test(real_threads_share_the_slots),
		cmocka_unit_test(a_rate_spaces_requests_after_its_burst),
		cmocka_unit_test(a_lease_is_not_counted_towards_the_rate),
		cmocka_unit_test(a_batch_larger_than_the_burst_goes_when_the_burst_is_full),
		cmocka_unit_test(the_rate_does_not_outlive_a_deadline),
		cmocka_unit_test(refills_wait_for_a_pause_between_claims),
		cmocka_unit_test(claims_without_a_pause_hold_refills_up_for_a_while_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
