/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail in the middle of a write, one after the other: what is answered with success
 * is stored whole, and what is refused changed nothing. */
#include "config.h"

#include "base/allocation.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

#define ALLOCATIONS_MAX 4000 /* a write takes fewer */

/* A child's result; abort and asserts of json-c end it otherwise. */
enum result { VERDICT_DONE, VERDICT_REFUSED, VERDICT_WRONG };

struct attempt {
	enum { ATTEMPT_CREATE, ATTEMPT_MERGE, ATTEMPT_JSON, ATTEMPT_STRATEGIC } verb;
	const char *body;
	const char *wanted; /* the data of the map afterwards */
};

static const char before[] = "{\"a\":\"one\",\"b\":\"two\",\"c\":\"three\"}";

/* What ends a child ends it for good, and leaves nothing behind: cmocka would go on in it. */
static void end_at_once(void)
{
	static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };
	const struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		signal(signals[i], SIG_DFL);
	}
}

static bool data_is(struct store_world *world, const char *name, const char *wanted)
{
	CLEANUP_JSON struct json_object *tree = store_tree(world, &a_map, name);
	CLEANUP_JSON struct json_object *expected =
		wanted != NULL ? json_parse(wanted, strlen(wanted), NULL) : NULL;

	if (tree == NULL || expected == NULL) {
		return tree == NULL && expected == NULL;
	}
	return json_object_equal(asb_at(tree, "data"), expected) && asb_uid(tree) != NULL &&
	       asb_str(tree, "kind") != NULL && asb_resource_version(tree) != NULL;
}

/* The write, from the text of its body on, as a request does it. */
static int perform(struct store_world *world, const struct attempt *attempt)
{
	struct request request = request_for(&a_map, "m");
	CLEANUP_JSON struct json_object *body =
		json_parse(attempt->body, strlen(attempt->body), NULL);

	if (body == NULL) {
		return 400;
	}
	switch (attempt->verb) {
	case ATTEMPT_CREATE:
		return request_create(world->objects, &request, TAKE(body), NULL, &world->error);
	case ATTEMPT_MERGE:
		return request_patch(world->objects, &request, PATCH_MERGE, body, NULL,
				     &world->error);
	case ATTEMPT_JSON:
		return request_patch(world->objects, &request, PATCH_JSON, body, NULL,
				     &world->error);
	case ATTEMPT_STRATEGIC:
		return request_patch(world->objects, &request, PATCH_STRATEGIC, body, NULL,
				     &world->error);
	}
	return 0;
}

static enum result try(struct store_world *world, const struct attempt *attempt, size_t good,
		       size_t bad)
{
	const char *name = attempt->verb == ATTEMPT_CREATE ? "n" : "m";
	const char *old = attempt->verb == ATTEMPT_CREATE ? NULL : before;
	int status;
	bool done;

	allocation_failed(true);
	allocation_fail_after(good, bad);
	status = perform(world, attempt);
	allocation_fail_after(SIZE_MAX, 0);
	done = status == 200 || status == 201;
	if (!data_is(world, name, done ? attempt->wanted : old)) {
		fprintf(stderr, "allocation %zu: answered %d, and the wrong object is stored\n",
			good, status);
		return VERDICT_WRONG;
	}
	return done ? VERDICT_DONE : VERDICT_REFUSED;
}

/* In a child of its own: an abort is allowed, a wrong object is not. */
static enum result try_apart(struct store_world *world, const struct attempt *attempt, size_t good,
			     size_t bad)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		end_at_once();
		_exit(try(world, attempt, good, bad));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? (enum result)WEXITSTATUS(status) : VERDICT_REFUSED;
}

static void a_write_without_memory_stores_nothing(void **state)
{
	static const struct attempt attempts[] = {
		{ ATTEMPT_CREATE,
		  "{\"metadata\":{\"name\":\"n\",\"labels\":{\"x\":\"y\"}},\"data\":{\"a\":\"some text that is longer than what json-c keeps inside\",\"d\":\"e\"}}",
		  "{\"a\":\"some text that is longer than what json-c keeps inside\",\"d\":\"e\"}" },
		{ ATTEMPT_MERGE, "{\"data\":{\"a\":\"new\",\"d\":\"four\"}}",
		  "{\"a\":\"new\",\"b\":\"two\",\"c\":\"three\",\"d\":\"four\"}" },
		{ ATTEMPT_JSON,
		  "[{\"op\":\"copy\",\"from\":\"/data/a\",\"path\":\"/data/d\"},{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"new\"}]",
		  "{\"a\":\"new\",\"b\":\"two\",\"c\":\"three\",\"d\":\"one\"}" },
		{ ATTEMPT_STRATEGIC,
		  "{\"metadata\":{\"finalizers\":[\"x/y\"]},\"data\":{\"a\":\"new\"}}",
		  "{\"a\":\"new\",\"b\":\"two\",\"c\":\"three\"}" },
	};
	struct store_world *world = *state;
	const struct objects_hooks hooks = { .allocation_failed = allocation_failed };

	if (!allocation_is_watched()) {
		skip();
	}
	/* Children must not share a database. */
	store_world_close(world);
	world->objects = store_world_objects(world);
	objects_set_hooks(world->objects, &hooks);
	assert_int_equal(request_bootstrap(world->objects, "PEM", &world->error), 0);
	assert_int_equal(store_create(world, &a_map,
				      "metadata: {name: m}\ndata: {a: one, b: two, c: three}"),
			 201);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		enum result one = VERDICT_REFUSED, all = VERDICT_REFUSED;
		size_t refused = 0, good;

		/* Until the write needs no more than were given. */
		for (good = 0; all != VERDICT_DONE && good < ALLOCATIONS_MAX; good++) {
			one = try_apart(world, &attempts[i], good, 1);
			all = try_apart(world, &attempts[i], good, SIZE_MAX);
			assert_int_not_equal(one, VERDICT_WRONG);
			assert_int_not_equal(all, VERDICT_WRONG);
			refused += one == VERDICT_REFUSED ? 1 : 0;
		}
		assert_true(good < ALLOCATIONS_MAX && refused > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_write_without_memory_stores_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
