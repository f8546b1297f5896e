/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/queue.h to several workers: in simulated time with many seeds, and with real
 * threads. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "core/controller/queue.h"

struct fixture {
	struct sched *sched;
	struct queue *queue;
	struct sched_mutex lock;
	struct sched_cond changed;
	uint64_t seen_us;    /* lock; when a worker had a key last */
	unsigned int count;  /* lock; keys worked on */
	unsigned int inside; /* lock; workers that have one */
	bool twice;          /* lock; two had one at once */
	bool released;       /* lock; work_long may go on */
};

static void set_up(struct fixture *f, uint64_t seed)
{
	*f = (struct fixture){ .sched = sched_create_simulation(seed, 0) };
	f->queue = queue_create(f->sched, NULL, "test");
	sched_mutex_init(&f->lock, f->sched);
	sched_cond_init(&f->changed, f->sched);
}

static void tear_down(struct fixture *f)
{
	queue_destroy(f->queue);
	sched_cond_finish(&f->changed);
	sched_mutex_finish(&f->lock);
	sched_destroy(f->sched);
}

static void done(struct fixture *f, struct queue_item *item)
{
	queue_done(f->queue, item, QUEUE_FORGET, SCHED_FOREVER);
}

static void pass(struct fixture *f, uint64_t delay_us)
{
	uint64_t until = sched_now_us(f->sched) + delay_us;

	LOCKED(&f->lock);
	while (sched_now_us(f->sched) < until) {
		sched_cond_wait(&f->changed, &f->lock, until);
	}
}

/* A body of a worker: takes keys until the stop, and writes their names down. */
static void work(void *arg)
{
	struct fixture *f = arg;
	struct queue_item *item;

	while ((item = queue_get(f->queue)) != NULL) {
		sched_mutex_lock(&f->lock);
		f->count++;
		f->twice = f->twice || f->inside > 0;
		f->inside++;
		f->seen_us = sched_now_us(f->sched);
		sched_mutex_unlock(&f->lock);
		pass(f, 10);
		sched_mutex_lock(&f->lock);
		f->inside--;
		sched_cond_broadcast(&f->changed);
		sched_mutex_unlock(&f->lock);
		done(f, item);
	}
}

static void a_stop_wakes_all_workers(void *arg)
{
	struct fixture *f = arg;
	struct sched_thread *threads[3];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f->sched, "worker", work, f);
	}
	pass(f, 1000);
	queue_stop(f->queue);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
}

static void stopping_wakes_all_who_wait(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	sched_run(f.sched, a_stop_wakes_all_workers, &f);
	tear_down(&f);
}

static void many_additions_of_one_key(void *arg)
{
	struct fixture *f = arg;
	struct sched_thread *threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f->sched, "worker", work, f);
	}
	for (int i = 0; i < 50; i++) {
		queue_add(f->queue, "n", "a", QUEUE_NORMAL);
		pass(f, sched_random(f->sched) % 15);
	}
	pass(f, 100);
	queue_stop(f->queue);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
}

static void no_key_is_with_two_workers_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct fixture f;

		set_up(&f, seed);
		sched_run(f.sched, many_additions_of_one_key, &f);
		assert_false(f.twice);
		assert_true(f.count > 1);
		assert_true(queue_idle(f.queue));
		tear_down(&f);
	}
}

/* Takes keys; holds on to the one named "long" until it is released. */
static void work_long(void *arg)
{
	struct fixture *f = arg;
	struct queue_item *item;

	while ((item = queue_get(f->queue)) != NULL) {
		bool hold = strcmp(queue_item_name(item), "long") == 0;

		sched_mutex_lock(&f->lock);
		if (!hold) {
			f->count++;
			f->seen_us = sched_now_us(f->sched);
			sched_cond_broadcast(&f->changed);
		}
		while (hold && !f->released) {
			sched_cond_wait(&f->changed, &f->lock, SCHED_FOREVER);
		}
		sched_mutex_unlock(&f->lock);
		done(f, item);
	}
}

static void release(struct fixture *f)
{
	LOCKED(&f->lock);

	f->released = true;
	sched_cond_broadcast(&f->changed);
}

/* Two wait; whichever knows of the delay may be the one that gets the long work. */
static void a_delay_and_a_long_reconcile(void *arg)
{
	struct fixture *f = arg;
	struct sched_thread *threads[2];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f->sched, "worker", work_long, f);
	}
	pass(f, 100);
	queue_add_after(f->queue, "n", "soon", 1000);
	pass(f, 100);
	queue_add(f->queue, "n", "long", QUEUE_NORMAL);
	pass(f, 10000000);
	release(f);
	pass(f, 10000000);
	queue_stop(f->queue);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
}

static void a_delayed_key_is_on_time_while_another_worker_is_busy(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct fixture f;

		set_up(&f, seed);
		sched_run(f.sched, a_delay_and_a_long_reconcile, &f);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.seen_us, 1100);
		tear_down(&f);
	}
}

#define REAL_KEYS 10u

struct real {
	struct sched *sched;
	struct queue *queue;
	struct sched_mutex lock;
	bool busy[REAL_KEYS]; /* lock */
	bool twice;           /* lock */
};

static void work_for_real(void *arg)
{
	struct real *real = arg;
	struct queue_item *item;

	while ((item = queue_get(real->queue)) != NULL) {
		unsigned int key = (unsigned int)queue_item_name(item)[0] - '0';

		sched_mutex_lock(&real->lock);
		real->twice = real->twice || real->busy[key];
		real->busy[key] = true;
		sched_mutex_unlock(&real->lock);
		sched_mutex_lock(&real->lock);
		real->busy[key] = false;
		sched_mutex_unlock(&real->lock);
		queue_done(real->queue, item, key % 3 == 0 ? QUEUE_RETRY : QUEUE_FORGET,
			   key % 5 == 0 ? 50 : SCHED_FOREVER);
	}
}

static void real_threads_share_it(void **state)
{
	struct real real = { .sched = sched_create() };
	struct sched_thread *threads[4];

	(void)state;
	real.queue = queue_create(real.sched, NULL, "real");
	sched_mutex_init(&real.lock, real.sched);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(real.sched, "worker", work_for_real, &real);
	}
	for (unsigned int i = 0; i < 5000; i++) {
		char name[2] = { (char)('0' + i % REAL_KEYS), '\0' };

		if (i % 4 == 0) {
			queue_add_after(real.queue, "n", name, i % 100);
		} else {
			queue_add(real.queue, "n", name, i % 2 == 0 ? QUEUE_NORMAL : QUEUE_LOW);
		}
	}
	queue_stop(real.queue);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	assert_false(real.twice);
	queue_destroy(real.queue);
	sched_mutex_finish(&real.lock);
	sched_destroy(real.sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopping_wakes_all_who_wait),
		cmocka_unit_test(no_key_is_with_two_workers_at_once),
		cmocka_unit_test(a_delayed_key_is_on_time_while_another_worker_is_busy),
		cmocka_unit_test(real_threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
