/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/queue.h, in simulated time. */
#include "config.h"

#include "core/controller/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct sched *sched;
	struct queue *queue;
	struct sched_mutex lock;
	struct sched_cond changed;
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

/* Takes the next key, which must be this one. */
static struct queue_item *take(struct fixture *f, const char *ns, const char *name)
{
	struct queue_item *item = queue_get(f->queue);

	assert_non_null(item);
	assert_string_equal(queue_item_ns(item), ns);
	assert_string_equal(queue_item_name(item), name);
	return item;
}

static void done(struct fixture *f, struct queue_item *item)
{
	queue_done(f->queue, item, QUEUE_FORGET, SCHED_FOREVER);
}

static void take_and_forget(struct fixture *f, const char *ns, const char *name)
{
	done(f, take(f, ns, name));
}

static void pass(struct fixture *f, uint64_t delay_us)
{
	uint64_t until = sched_now_us(f->sched) + delay_us;

	LOCKED(&f->lock);
	while (sched_now_us(f->sched) < until) {
		sched_cond_wait(&f->changed, &f->lock, until);
	}
}

static void keys_come_in_order_of_arrival(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "b", QUEUE_NORMAL);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "", "c", QUEUE_NORMAL);
	assert_int_equal(queue_depth(f.queue), 3);
	take_and_forget(&f, "n", "b");
	take_and_forget(&f, "n", "a");
	take_and_forget(&f, "", "c");
	assert_int_equal(queue_depth(f.queue), 0);
	tear_down(&f);
}

static void a_key_added_while_it_waits_stays_one(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "a", QUEUE_LOW);
	assert_int_equal(queue_depth(f.queue), 1);
	take_and_forget(&f, "n", "a");
	assert_true(queue_idle(f.queue));
	tear_down(&f);
}

static void equal_names_in_two_namespaces_are_two_keys(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "m", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	assert_int_equal(queue_depth(f.queue), 2);
	tear_down(&f);
}

static void a_key_added_while_worked_on_comes_again_when_that_is_done(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	assert_int_equal(queue_depth(f.queue), 0);
	assert_false(queue_idle(f.queue));
	done(&f, item);
	assert_int_equal(queue_depth(f.queue), 1);
	take_and_forget(&f, "n", "a");
	assert_true(queue_idle(f.queue));
	tear_down(&f);
}

static void keys_of_an_initial_list_go_behind_fresh_ones(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "old1", QUEUE_LOW);
	queue_add(f.queue, "n", "old2", QUEUE_LOW);
	queue_add(f.queue, "n", "new", QUEUE_NORMAL);
	take_and_forget(&f, "n", "new");
	take_and_forget(&f, "n", "old1");
	take_and_forget(&f, "n", "old2");
	tear_down(&f);
}

static void keys_under_way_go_first_but_not_for_ever(void **state)
{
	static const char *const order[] = { "u1", "u2", "u3", "f1", "u4", "u5", "f2" };
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "f1", QUEUE_NORMAL);
	queue_add(f.queue, "n", "f2", QUEUE_NORMAL);
	queue_add(f.queue, "n", "u1", QUEUE_HIGH);
	queue_add(f.queue, "n", "u2", QUEUE_HIGH);
	queue_add(f.queue, "n", "u3", QUEUE_NORMAL);
	queue_add(f.queue, "n", "u3", QUEUE_HIGH);
	queue_add(f.queue, "n", "u4", QUEUE_HIGH);
	queue_add(f.queue, "n", "u5", QUEUE_HIGH);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		take_and_forget(&f, "n", order[i]);
	}
	tear_down(&f);
}

static void a_key_added_while_worked_on_comes_in_the_most_urgent_order(void **state)
{
	struct queue_item *item;
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "b", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	queue_add(f.queue, "n", "a", QUEUE_LOW);
	queue_add(f.queue, "n", "a", QUEUE_HIGH);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	done(&f, item);
	take_and_forget(&f, "n", "a");
	item = take(&f, "n", "b");
	queue_add(f.queue, "n", "b", QUEUE_LOW); /* no trace of what a's was */
	done(&f, item);
	queue_add(f.queue, "n", "c", QUEUE_NORMAL);
	take_and_forget(&f, "n", "c");
	take_and_forget(&f, "n", "b");
	tear_down(&f);
}

static void a_key_of_the_initial_list_moves_up_when_it_is_asked_for(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_LOW);
	queue_add(f.queue, "n", "b", QUEUE_LOW);
	queue_add(f.queue, "n", "c", QUEUE_LOW);
	queue_add(f.queue, "n", "b", QUEUE_NORMAL);
	queue_add(f.queue, "n", "b", QUEUE_LOW);
	take_and_forget(&f, "n", "b");
	take_and_forget(&f, "n", "a");
	take_and_forget(&f, "n", "c");
	tear_down(&f);
}

static void a_delayed_key_comes_at_its_time(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add_after(f.queue, "n", "a", 3000000);
	assert_int_equal(queue_depth(f.queue), 0);
	assert_true(queue_idle(f.queue));
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 3000000);
	tear_down(&f);
}

static void a_delayed_key_keeps_the_earlier_time(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add_after(f.queue, "n", "a", 5000000);
	queue_add_after(f.queue, "n", "a", 2000000);
	queue_add_after(f.queue, "n", "a", 9000000);
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 2000000);
	pass(&f, 60000000);
	queue_add(f.queue, "n", "end", QUEUE_NORMAL);
	take_and_forget(&f, "n", "end");
	tear_down(&f);
}

static void a_delay_of_nothing_is_an_addition(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add_after(f.queue, "n", "a", 0);
	assert_int_equal(queue_depth(f.queue), 1);
	tear_down(&f);
}

static void an_addition_takes_the_place_of_a_delay(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add_after(f.queue, "n", "a", 5000000);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 0);
	queue_add_after(f.queue, "n", "b", 60000000);
	take_and_forget(&f, "n", "b");
	tear_down(&f);
}

static void a_delay_while_worked_on_is_kept(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	queue_add_after(f.queue, "n", "a", 1000000);
	done(&f, item);
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 1000000);
	tear_down(&f);
}

static void a_delay_that_ends_while_worked_on_waits_for_that(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	queue_add_after(f.queue, "n", "a", 1000);
	queue_add_after(f.queue, "n", "b", 2000);
	take_and_forget(&f, "n", "b");
	assert_int_equal(queue_depth(f.queue), 0);
	done(&f, item);
	take_and_forget(&f, "n", "a");
	tear_down(&f);
}

static void an_endless_delay_never_comes(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	pass(&f, 10);
	queue_add_after(f.queue, "n", "never", SCHED_FOREVER - 5);
	queue_add_after(f.queue, "n", "a", 1);
	take_and_forget(&f, "n", "a");
	assert_true(queue_idle(f.queue));
	tear_down(&f);
}

static void failures_back_off_from_5_ms_doubling_to_1000_s(void **state)
{
	uint64_t expected = 0, began = 0;
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	for (uint32_t i = 0; i < 40; i++) {
		struct queue_item *item = take(&f, "n", "a");

		assert_true(i == 0 || sched_now_us(f.sched) - began == expected);
		assert_int_equal(queue_item_failures(item), i);
		expected = i == 0 ? 5000 : expected * 2 < 1000000000 ? expected * 2 : 1000000000;
		began = sched_now_us(f.sched);
		queue_done(f.queue, item, QUEUE_RETRY, SCHED_FOREVER);
	}
	tear_down(&f);
}

static void success_forgets_failures(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	for (int i = 0; i < 3; i++) {
		queue_done(f.queue, take(&f, "n", "a"), QUEUE_RETRY, SCHED_FOREVER);
	}
	done(&f, take(&f, "n", "a"));
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	assert_int_equal(queue_item_failures(item), 0);
	queue_done(f.queue, item, QUEUE_RETRY, SCHED_FOREVER);
	queue_done(f.queue, take(&f, "n", "a"), QUEUE_FORGET, 1000);
	item = take(&f, "n", "a");
	assert_int_equal(queue_item_failures(item), 0);
	done(&f, item);
	tear_down(&f);
}

static void a_failed_key_comes_before_its_backoff_when_it_is_asked_for(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_done(f.queue, take(&f, "n", "a"), QUEUE_RETRY, SCHED_FOREVER);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 0);
	assert_int_equal(queue_item_failures(item), 1);
	done(&f, item);
	tear_down(&f);
}

static void done_can_ask_for_the_key_again_after_a_time(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_done(f.queue, take(&f, "n", "a"), QUEUE_FORGET, 7000000);
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 7000000);
	tear_down(&f);
}

static void done_keeps_an_earlier_delay(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	item = take(&f, "n", "a");
	queue_add_after(f.queue, "n", "a", 1000);
	queue_done(f.queue, item, QUEUE_FORGET, 7000000);
	take_and_forget(&f, "n", "a");
	assert_int_equal(sched_now_us(f.sched), 1000);
	tear_down(&f);
}

static void a_stop_forgets_what_waits(void **state)
{
	struct fixture f;
	struct queue_item *item;

	(void)state;
	set_up(&f, 1);
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "b", QUEUE_NORMAL);
	queue_add_after(f.queue, "n", "c", 1);
	item = take(&f, "n", "a");
	queue_stop(f.queue);
	assert_null(queue_get(f.queue));
	queue_add(f.queue, "n", "d", QUEUE_NORMAL);
	queue_done(f.queue, item, QUEUE_RETRY, SCHED_FOREVER);
	assert_null(queue_get(f.queue));
	tear_down(&f);
}

static void what_it_does_is_counted(void **state)
{
	struct fixture f;
	struct metrics *metrics;
	struct buf text = BUF_INIT(1u << 20);

	(void)state;
	set_up(&f, 1);
	queue_destroy(f.queue);
	metrics = metrics_create(f.sched);
	f.queue = queue_create(f.sched, metrics, "test");
	queue_add(f.queue, "n", "a", QUEUE_NORMAL);
	queue_add(f.queue, "n", "b", QUEUE_NORMAL);
	pass(&f, 2000000);
	queue_done(f.queue, take(&f, "n", "a"), QUEUE_RETRY, SCHED_FOREVER);
	assert_int_equal(metrics_render(metrics, &text), 0);
	assert_non_null(strstr(buf_str(&text), "workqueue_adds_total{name=\"test\"} 2\n"));
	assert_non_null(strstr(buf_str(&text), "workqueue_retries_total{name=\"test\"} 1\n"));
	assert_non_null(strstr(buf_str(&text), "workqueue_depth{name=\"test\"} 1\n"));
	assert_non_null(
		strstr(buf_str(&text), "workqueue_queue_duration_seconds_sum{name=\"test\"} 2\n"));
	buf_finish(&text);
	queue_destroy(f.queue);
	f.queue = NULL;
	metrics_destroy(metrics);
	tear_down(&f);
}

static void a_name_no_object_can_have_is_left_out(void **state)
{
	struct fixture f;
	char name[1000];

	(void)state;
	set_up(&f, 1);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	queue_add(f.queue, "n", name, QUEUE_NORMAL);
	queue_add_after(f.queue, "n", name, 5);
	assert_int_equal(queue_depth(f.queue), 0);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_in_order_of_arrival),
		cmocka_unit_test(a_key_added_while_it_waits_stays_one),
		cmocka_unit_test(equal_names_in_two_namespaces_are_two_keys),
		cmocka_unit_test(a_key_added_while_worked_on_comes_again_when_that_is_done),
		cmocka_unit_test(keys_of_an_initial_list_go_behind_fresh_ones),
		cmocka_unit_test(keys_under_way_go_first_but_not_for_ever),
		cmocka_unit_test(a_key_added_while_worked_on_comes_in_the_most_urgent_order),
		cmocka_unit_test(a_key_of_the_initial_list_moves_up_when_it_is_asked_for),
		cmocka_unit_test(a_delayed_key_comes_at_its_time),
		cmocka_unit_test(a_delayed_key_keeps_the_earlier_time),
		cmocka_unit_test(a_delay_of_nothing_is_an_addition),
		cmocka_unit_test(an_addition_takes_the_place_of_a_delay),
		cmocka_unit_test(a_delay_while_worked_on_is_kept),
		cmocka_unit_test(a_delay_that_ends_while_worked_on_waits_for_that),
		cmocka_unit_test(an_endless_delay_never_comes),
		cmocka_unit_test(failures_back_off_from_5_ms_doubling_to_1000_s),
		cmocka_unit_test(success_forgets_failures),
		cmocka_unit_test(a_failed_key_comes_before_its_backoff_when_it_is_asked_for),
		cmocka_unit_test(done_can_ask_for_the_key_again_after_a_time),
		cmocka_unit_test(done_keeps_an_earlier_delay),
		cmocka_unit_test(a_stop_forgets_what_waits),
		cmocka_unit_test(what_it_does_is_counted),
		cmocka_unit_test(a_name_no_object_can_have_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
