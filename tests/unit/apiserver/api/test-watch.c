/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of apiserver/api/watch.h and budget.h: what is printed and not read has one bound. */
#include "config.h"

#include "apiserver/api/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/api/api.h"
#include "base/macros.h"
#include "base/memory.h"
#include "base/sched.h"

#define OBJECTS 4u
#define OBJECT_BYTES 200000u
#define BUDGET (2u << 20) /* ten objects */
#define WATCHES 40u
#define MAPS "/api/v1/namespaces/default/configmaps"

struct world {
	struct sched *sched;
	struct api *api;
};

static void world_ask(struct world *world, const char *method, const char *query, const char *body,
		      struct api_response *ret)
{
	api_handle(world->api,
		   &(struct api_request){
			   .method = method,
			   .path = MAPS,
			   .query = query,
			   .accept = "",
			   .content_type = "",
			   .user = "admin",
			   .body = body,
			   .length = strlen(body),
		   },
		   ret);
}

static void world_begin(struct world *world)
{
	CLEANUP_FREE char *filler = xalloc(OBJECT_BYTES + 1);

	memset(filler, 'x', OBJECT_BYTES);
	filler[OBJECT_BYTES] = '\0';
	world->sched = sched_create();
	world->api = api_create(
		&(struct api_config){
			.sched = world->sched, .ca = "", .secret = "s", .unread_max = BUDGET },
		NULL);
	assert_non_null(world->api);
	for (unsigned int i = 0; i < OBJECTS; i++) {
		CLEANUP_FREE char *body = xprintf(
			"{\"metadata\":{\"name\":\"m%u\"},\"data\":{\"x\":\"%s\"}}", i, filler);
		struct api_response response;

		world_ask(world, "POST", "", body, &response);
		assert_int_equal(response.status, 201);
		api_response_finish(&response);
	}
}

static void world_end(struct world *world)
{
	api_destroy(world->api);
	sched_destroy(world->sched);
}

static void wake(void *arg UNUSED)
{
}

/* Reads one byte of each watch, so that the rest waits. How many watches have something that waits. */
static size_t world_watch(struct world *world, struct api_response *responses)
{
	size_t waiting = 0;

	for (size_t i = 0; i < WATCHES; i++) {
		char byte;

		world_ask(world, "GET", "watch=1", "", &responses[i]);
		assert_non_null(responses[i].watch);
		waiting += watch_read(responses[i].watch, &byte, 1, NULL, wake, NULL) == 1 ? 1 : 0;
	}
	return waiting;
}

static void finish_all(struct api_response *responses)
{
	for (size_t i = 0; i < WATCHES; i++) {
		api_response_finish(&responses[i]);
	}
}

static void watches_that_nobody_reads_have_a_common_budget(void **state UNUSED)
{
	struct api_response responses[WATCHES];
	struct world world;

	world_begin(&world);
	for (int round = 0; round < 2; round++) {
		size_t waiting = world_watch(&world, responses);

		/* The second time too: what the first ones held is given back. */
		assert_in_range(waiting, 2, BUDGET / OBJECT_BYTES);
		finish_all(responses);
	}
	world_end(&world);
}

static void a_watch_that_is_read_gets_all_its_events(void **state UNUSED)
{
	struct api_response responses[WATCHES], response;
	struct world world;
	size_t total = 0;
	ssize_t length;
	static char data[4096];

	world_begin(&world);
	(void)world_watch(&world, responses);
	finish_all(responses);
	world_ask(&world, "GET", "watch=1", "", &response);
	while ((length = watch_read(response.watch, data, sizeof(data), NULL, wake, NULL)) > 0) {
		total += (size_t)length;
	}
	assert_int_equal(length, 0);
	assert_true(total > (size_t)OBJECTS * OBJECT_BYTES);
	api_response_finish(&response);
	world_end(&world);
}

/* A list is refused while it is printed, which the share that it holds shows. */
static void lists_share_the_budget_of_watches(void **state UNUSED)
{
	static const char *const queries[] = { "", "pretty=1" };
	struct api_response watches[WATCHES], list;
	struct world world;

	world_begin(&world);
	(void)world_watch(&world, watches);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		world_ask(&world, "GET", queries[i], "", &list);
		assert_int_equal(list.status, 503);
		assert_int_equal(list.retry_after_s, 1);
		assert_true(list.unread.bytes < API_UNREAD_FREE);
		api_response_finish(&list);
	}
	finish_all(watches);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		world_ask(&world, "GET", queries[i], "", &list);
		assert_int_equal(list.status, 200);
		assert_int_equal(list.unread.bytes, list.body.length);
		api_response_finish(&list);
	}
	world_end(&world);
}

static void what_a_write_did_is_told_without_room(void **state UNUSED)
{
	struct api_response watches[WATCHES], list;
	struct world world;

	world_begin(&world);
	(void)world_watch(&world, watches);
	world_ask(&world, "DELETE", "", "", &list);
	assert_int_equal(list.status, 200);
	assert_true(list.body.length > (size_t)OBJECTS * OBJECT_BYTES);
	api_response_finish(&list);
	finish_all(watches);
	world_end(&world);
}

/* Initial objects that nobody reads are kept, also when they are replaced; not without bound. */
static void a_watch_that_keeps_outdated_objects_ends(void **state UNUSED)
{
	struct api_response responses[WATCHES], response;
	CLEANUP_FREE char *filler = xalloc(OBJECT_BYTES + 1);
	struct world world;
	size_t ended = 0;

	memset(filler, 'y', OBJECT_BYTES);
	filler[OBJECT_BYTES] = '\0';
	world_begin(&world);
	for (size_t i = 0; i < WATCHES; i++) {
		CLEANUP_FREE char *body =
			xprintf("{\"metadata\":{\"name\":\"n%zu\"},\"data\":{\"x\":\"%s\"}}", i,
				filler);

		world_ask(&world, "GET", "watch=1", "", &responses[i]);
		world_ask(&world, "POST", "", body, &response);
		assert_int_equal(response.status, 201);
		api_response_finish(&response);
	}
	for (size_t i = 0; i < WATCHES; i++) {
		char byte;

		ended += watch_read(responses[i].watch, &byte, 1, NULL, wake, NULL) < 0 ? 1 : 0;
		/* The next one has room for its events. */
		api_response_finish(&responses[i]);
	}
	assert_in_range(ended, WATCHES / 2, WATCHES - 1);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watches_that_nobody_reads_have_a_common_budget),
		cmocka_unit_test(a_watch_that_is_read_gets_all_its_events),
		cmocka_unit_test(lists_share_the_budget_of_watches),
		cmocka_unit_test(what_a_write_did_is_told_without_room),
		cmocka_unit_test(a_watch_that_keeps_outdated_objects_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
