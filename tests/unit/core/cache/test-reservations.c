/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/reservations.h. */
#include "config.h"

#include "core/cache/reservations.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/core-fixture.h"

static const struct asb_kind services = { "", "v1", "services", "Service" };
static const struct asb_kind foreign_pods = { "example.com", "v1", "pods", "Pod" };
static const struct asb_kind newer_pods = { "", "v2", "pods", "Pod" };

struct fixture {
	struct store_world world; /* its objects reserve by annotation */
	struct reservations *reservations;
};

/* The annotation is what the object reserves: "<namespace>/<name>". */
static void by_annotation(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_annotation(object, "reserves"), 0);
}

static void set_up(struct fixture *f)
{
	uint32_t index;

	store_world_init(&f->world);
	store_select_all(f->world.store);
	index = store_add_index(f->world.store, "reserves", by_annotation);
	store_seal(f->world.store);
	f->reservations = reservations_create(f->world.sched);
	reservations_add_index(f->reservations, &pods_kind, f->world.store, index);
}

static void tear_down(struct fixture *f)
{
	reservations_destroy(f->reservations);
	store_world_finish(&f->world);
}

static bool take(struct fixture *f, const char *name, const char *holder)
{
	return reservations_take(f->reservations, &pods_kind, "n", name, holder, NULL);
}

static void release(struct fixture *f, const char *name, const char *holder)
{
	reservations_release(f->reservations, &pods_kind, "n", name, holder);
}

/* "" when nobody has it. */
static void expect_holder(struct fixture *f, const char *name, const char *expected)
{
	char holder[STORE_KEY_MAX] = "";

	assert_int_equal(reservations_find(f->reservations, &pods_kind, "n", name, holder),
			 *expected != '\0');
	assert_string_equal(holder, expected);
}

static void what_one_has_another_does_not_get(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	expect_holder(&f, "p", "");
	assert_true(take(&f, "p", "n/one"));
	assert_false(take(&f, "p", "n/two"));
	assert_true(take(&f, "p", "n/one"));
	assert_true(take(&f, "q", "n/two"));
	expect_holder(&f, "p", "n/one");
	expect_holder(&f, "q", "n/two");
	assert_int_equal(reservations_count(f.reservations), 2);
	tear_down(&f);
}

static void only_the_holder_releases(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	release(&f, "p", "n/one");
	assert_true(take(&f, "p", "n/one"));
	release(&f, "p", "n/two");
	release(&f, "q", "n/one");
	expect_holder(&f, "p", "n/one");
	release(&f, "p", "n/one");
	expect_holder(&f, "p", "");
	assert_true(take(&f, "p", "n/two"));
	assert_int_equal(reservations_count(f.reservations), 1);
	tear_down(&f);
}

static void kinds_and_namespaces_do_not_mix(void **state)
{
	struct fixture f;
	char holder[STORE_KEY_MAX];

	(void)state;
	set_up(&f);
	assert_true(take(&f, "p", "n/one"));
	assert_true(reservations_take(f.reservations, &services, "n", "p", "n/two", NULL));
	assert_true(reservations_take(f.reservations, &foreign_pods, "n", "p", "n/two", NULL));
	assert_true(reservations_take(f.reservations, &pods_kind, "m", "p", "n/two", NULL));
	assert_false(reservations_find(f.reservations, &services, "m", "p", holder));
	/* Another version of a kind is the same kind. */
	assert_false(reservations_take(f.reservations, &newer_pods, "n", "p", "n/two", NULL));
	tear_down(&f);
}

static void objects_that_say_so_reserve(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	stream_shows(&f.world, "s", 5, ",'annotations':{'reserves':'n/p'}", "");
	expect_holder(&f, "p", "n/s");
	assert_false(take(&f, "p", "n/other"));
	assert_true(take(&f, "p", "n/s"));
	assert_int_equal(reservations_count(f.reservations), 1);
	tear_down(&f);
}

static void a_release_leaves_what_an_object_says(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_true(take(&f, "p", "n/s"));
	stream_shows(&f.world, "s", 5, ",'annotations':{'reserves':'n/p'}", "");
	release(&f, "p", "n/s");
	expect_holder(&f, "p", "n/s");
	stream_deletes(&f.world, "s", 6);
	expect_holder(&f, "p", "");
	tear_down(&f);
}

static void an_index_over_one_kind_says_nothing_of_others(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	stream_shows(&f.world, "s", 5, ",'annotations':{'reserves':'n/p'}", "");
	assert_true(reservations_take(f.reservations, &services, "n", "p", "n/other", NULL));
	tear_down(&f);
}

static void a_holder_keeps_what_it_took_first(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_true(take(&f, "p", "n/one"));
	stream_shows(&f.world, "s", 5, ",'annotations':{'reserves':'n/p'}", "");
	expect_holder(&f, "p", "n/one");
	assert_true(take(&f, "p", "n/one"));
	release(&f, "p", "n/one");
	expect_holder(&f, "p", "n/s");
	tear_down(&f);
}

struct race {
	struct reservations *reservations;
	struct sched_mutex lock;
	unsigned int winners; /* lock */
	unsigned int next;    /* lock */
};

static void race_for_all(void *arg)
{
	struct race *race = arg;
	char holder[32], name[32];

	sched_mutex_lock(&race->lock);
	snprintf(holder, sizeof(holder), "n/h%u", race->next++);
	sched_mutex_unlock(&race->lock);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		if (reservations_take(race->reservations, &pods_kind, "n", name, holder, NULL)) {
			LOCKED(&race->lock);
			race->winners++;
		}
	}
}

static void one_of_many_threads_wins(void **state)
{
	struct sched *sched = sched_create();
	struct sched_thread *threads[4];
	struct race race = { .reservations = reservations_create(sched) };

	(void)state;
	sched_mutex_init(&race.lock, sched);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(sched, "race", race_for_all, &race);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	assert_int_equal(race.winners, 100);
	assert_int_equal(reservations_count(race.reservations), 100);
	reservations_destroy(race.reservations);
	sched_mutex_finish(&race.lock);
	sched_destroy(sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_has_another_does_not_get),
		cmocka_unit_test(only_the_holder_releases),
		cmocka_unit_test(kinds_and_namespaces_do_not_mix),
		cmocka_unit_test(objects_that_say_so_reserve),
		cmocka_unit_test(a_release_leaves_what_an_object_says),
		cmocka_unit_test(an_index_over_one_kind_says_nothing_of_others),
		cmocka_unit_test(a_holder_keeps_what_it_took_first),
		cmocka_unit_test(one_of_many_threads_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
