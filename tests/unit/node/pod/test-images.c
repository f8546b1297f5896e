/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/pod/images.c, with the fake runtime. */
#include "config.h"

#include "node/pod/images.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "node/runtime/fake.h"

#define LONG_US 10000000u

struct world {
	struct sched *sched;
	struct runtime *runtime;
	struct jobs *jobs;
	struct images *images;
	struct sched_mutex lock;
	struct sched_cond woken_one;
	uint32_t woken; /* lock */
};

static void on_changed(void *arg UNUSED, const char *uid UNUSED)
{
}

static void on_wake(void *arg, const char *uid UNUSED)
{
	struct world *world = arg;

	LOCKED(&world->lock);
	world->woken++;
	sched_cond_broadcast(&world->woken_one);
}

static void begin(struct world *world)
{
	*world = (struct world){ .sched = sched_create() };
	sched_mutex_init(&world->lock, world->sched);
	sched_cond_init(&world->woken_one, world->sched);
	assert_int_equal(0, fake_runtime_create(world->sched, NULL, on_changed, NULL,
						&world->runtime, NULL));
	world->jobs = jobs_create(world->sched);
	world->images = images_create(world->sched, world->runtime, world->jobs, on_wake, world);
}

static void end(struct world *world)
{
	jobs_destroy(world->jobs);
	images_destroy(world->images);
	world->runtime->ops->destroy(world->runtime);
	sched_cond_finish(&world->woken_one);
	sched_mutex_finish(&world->lock);
	sched_destroy(world->sched);
}

static void await(struct world *world, uint32_t count)
{
	uint64_t until = sched_now_us(world->sched) + LONG_US;

	LOCKED(&world->lock);
	while (world->woken < count &&
	       sched_cond_wait(&world->woken_one, &world->lock, until) == 0) {
	}
	assert_true(world->woken >= count);
}

static void images_wake_who_waited(void **state UNUSED)
{
	struct image_response response;
	struct world world;

	begin(&world);
	images_ask(world.images, "fake/run", RUNTIME_PULL_ALWAYS, "u", &response);
	assert_int_equal(IMAGE_PULLING, response.state);
	assert_true(response.began);
	await(&world, 1);
	images_ask(world.images, "fake/run", RUNTIME_PULL_ALWAYS, "u", &response);
	assert_int_equal(IMAGE_PULLED, response.state);
	end(&world);
}

static void images_pull_once_for_all(void **state UNUSED)
{
	struct image_response response;
	struct world world;

	begin(&world);
	images_ask(world.images, "fake/run", RUNTIME_PULL_ALWAYS, "first", &response);
	await(&world, 1);
	for (int i = 0; i < 50; i++) {
		CLEANUP_FREE char *uid = xprintf("uid-%d", i);

		images_ask(world.images, "fake/run", RUNTIME_PULL_ALWAYS, uid, &response);
		assert_int_equal(IMAGE_PULLED, response.state);
	}
	assert_int_equal(1, fake_runtime_pulls(world.runtime));
	end(&world);
}

static void images_back_off_after_a_failure(void **state UNUSED)
{
	struct image_response first, second;
	struct world world;

	begin(&world);
	images_ask(world.images, "fake/missing", RUNTIME_PULL_ALWAYS, "u", &first);
	await(&world, 1);
	images_ask(world.images, "fake/missing", RUNTIME_PULL_ALWAYS, "u", &first);
	assert_int_equal(IMAGE_FAILED, first.state);
	assert_int_equal(-ENOENT, first.code);
	assert_true(first.left_ms > 5000 && first.left_ms <= 10000);
	assert_non_null(strstr(first.text, "fake/missing"));
	images_ask(world.images, "fake/missing", RUNTIME_PULL_ALWAYS, "u", &second);
	assert_int_equal(first.failure, second.failure);
	assert_int_equal(1, fake_runtime_pulls(world.runtime));
	end(&world);
}

static void image_policy_is_by_tag(void **state UNUSED)
{
	static const struct {
		const char *policy, *image;
		enum runtime_pull pull;
	} cases[] = {
		{ NULL, "a", RUNTIME_PULL_ALWAYS },
		{ NULL, "a:latest", RUNTIME_PULL_ALWAYS },
		{ NULL, "host:5000/a", RUNTIME_PULL_ALWAYS },
		{ NULL, "host:5000/a:latest", RUNTIME_PULL_ALWAYS },
		{ NULL, "a:1", RUNTIME_PULL_IF_NOT_PRESENT },
		{ NULL, "host:5000/a:1", RUNTIME_PULL_IF_NOT_PRESENT },
		{ NULL, "a@sha256:00", RUNTIME_PULL_IF_NOT_PRESENT },
		{ "Always", "a:1", RUNTIME_PULL_ALWAYS },
		{ "Never", "a", RUNTIME_PULL_NEVER },
		{ "IfNotPresent", "a", RUNTIME_PULL_IF_NOT_PRESENT },
		{ "", "a:1", RUNTIME_PULL_IF_NOT_PRESENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(cases[i].pull, image_policy(cases[i].policy, cases[i].image));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_wake_who_waited),
		cmocka_unit_test(images_pull_once_for_all),
		cmocka_unit_test(images_back_off_after_a_failure),
		cmocka_unit_test(image_policy_is_by_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
