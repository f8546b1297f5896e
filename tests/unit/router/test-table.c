/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of router/table.c and router/commands.c: memory, file and HAProxy say the same. */
#include "config.h"

#include "router/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "router/commands.h"
#include "tests/unit/router/router-fixture.h"

#define EARLY "2026-01-01T00:00:00Z"
#define LATE "2026-01-01T00:00:01Z"

struct world {
	struct fake_haproxy haproxy;
	struct table *table;
};

static int begin(void **state)
{
	struct world *world = xnew(struct world);

	fake_haproxy_start(&world->haproxy);
	world->table =
		table_create(world->haproxy.sched, world->haproxy.map, world->haproxy.socket);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	table_destroy(world->table);
	fake_haproxy_stop(&world->haproxy);
	free(world);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines are these, in any order. */
static void lines_are(const char *wanted, char *found)
{
	CLEANUP_BUF struct buf sorted = BUF_INIT(4096);
	char *lines[16], *line;
	size_t count = 0;

	while ((line = strsep(&found, "\n")) != NULL && *line != '\0') {
		assert_true(count < 16);
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(lines[0]), compare);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&sorted, "%s\n", lines[i]);
	}
	assert_string_equal(wanted, buf_str(&sorted));
}

static void file_is(struct world *world, const char *text)
{
	struct error error = { 0 };
	char *found;

	assert_int_equal(0, table_write(world->table, &error));
	found = fake_haproxy_file(&world->haproxy, "sandboxes.map");
	lines_are(text, found);
	free(found);
}

static void live_is(struct world *world, const char *text)
{
	char *found = fake_haproxy_live(&world->haproxy);

	lines_are(text, found);
	free(found);
}

static void table_writes_what_it_has_into_the_file(void **state)
{
	struct world *world = *state;

	file_is(world, "");
	table_set(world->table, "a/default", "10.0.0.1", EARLY);
	file_is(world, "a/default 10.0.0.1\n");
	table_set(world->table, "a/default", NULL, NULL);
	file_is(world, "");
	assert_int_equal(0, world->haproxy.commands);
}

static void table_tells_haproxy_of_each_change_once(void **state)
{
	struct world *world = *state;

	table_online(world->table);
	table_set(world->table, "a/default", "10.0.0.1", EARLY);
	table_set(world->table, "a/default", "10.0.0.1", EARLY);
	table_set(world->table, "b/default", NULL, NULL);
	live_is(world, "a/default 10.0.0.1\n");
	assert_int_equal(1, world->haproxy.commands);
	table_set(world->table, "a/default", "10.0.0.2", LATE);
	live_is(world, "a/default 10.0.0.2\n");
	table_set(world->table, "a/default", NULL, NULL);
	live_is(world, "");
	assert_int_equal(3, world->haproxy.commands);
	assert_int_equal(0, table_count(world->table));
}

static void table_gives_an_address_to_the_newer_owner(void **state)
{
	struct world *world = *state;

	table_online(world->table);
	assert_int_equal(0, table_set(world->table, "old/x", "10.0.0.1", EARLY));
	assert_int_equal(0, table_set(world->table, "new/x", "10.0.0.1", LATE));
	live_is(world, "new/x 10.0.0.1\n");
	assert_int_equal(-EBUSY, table_set(world->table, "old/x", "10.0.0.1", EARLY));
	live_is(world, "new/x 10.0.0.1\n");
	/* One that had another address loses that too: its pod is not there any more. */
	assert_int_equal(0, table_set(world->table, "third/x", "10.0.0.3", EARLY));
	assert_int_equal(-EBUSY, table_set(world->table, "third/x", "10.0.0.1", EARLY));
	assert_int_equal(1, table_count(world->table));
	assert_int_equal(0, table_set(world->table, "new/x", NULL, NULL));
	assert_int_equal(0, table_set(world->table, "old/x", "10.0.0.1", EARLY));
	live_is(world, "old/x 10.0.0.1\n");
}

static void table_knows_when_an_owner_is_renewed(void **state)
{
	struct world *world = *state;

	table_set(world->table, "a/x", "10.0.0.1", EARLY);
	table_set(world->table, "a/x", "10.0.0.1", "2026-01-01T00:00:09Z");
	assert_int_equal(-EBUSY, table_set(world->table, "b/x", "10.0.0.1", LATE));
	file_is(world, "a/x 10.0.0.1\n");
}

static void table_sends_all_anew_after_a_command_failed(void **state)
{
	struct world *world = *state;

	table_online(world->table);
	table_set(world->table, "a/x", "10.0.0.1", EARLY);
	fake_haproxy_fail(&world->haproxy, 0, 1);
	table_set(world->table, "b/x", "10.0.0.2", EARLY);
	table_set(world->table, "a/x", NULL, NULL); /* not sent one by one any more */
	live_is(world, "a/x 10.0.0.1\n");
	table_repair(world->table);
	live_is(world, "b/x 10.0.0.2\n");
	table_repair(world->table);
	assert_int_equal(2 + 3, world->haproxy.commands);
	table_set(world->table, "c/x", "10.0.0.3", EARLY);
	live_is(world, "b/x 10.0.0.2\nc/x 10.0.0.3\n");
}

static void table_keeps_trying_until_all_is_sent(void **state)
{
	struct world *world = *state;

	table_online(world->table);
	fake_haproxy_fail(&world->haproxy, 0, 1);
	table_set(world->table, "a/x", "10.0.0.1", EARLY);
	for (unsigned int step = 0; step < 3; step++) {
		/* prepare, add, commit: each may be what fails */
		fake_haproxy_fail(&world->haproxy, step, 1);
		table_repair(world->table);
		live_is(world, "");
	}
	world->haproxy.deaf = true;
	table_repair(world->table);
	live_is(world, "");
	world->haproxy.deaf = false;
	table_repair(world->table);
	live_is(world, "a/x 10.0.0.1\n");
}

static void table_notices_a_map_that_is_not_its_own(void **state)
{
	struct world *world = *state;

	table_online(world->table);
	table_set(world->table, "a/x", "10.0.0.1", EARLY);
	buf_clear(&world->haproxy.live);
	table_set(world->table, "a/x", "10.0.0.2", EARLY); /* "Key not found." */
	table_repair(world->table);
	live_is(world, "a/x 10.0.0.2\n");
}

static void table_sends_what_came_between_the_file_and_the_start(void **state)
{
	struct world *world = *state;

	table_set(world->table, "a/x", "10.0.0.1", EARLY);
	file_is(world, "a/x 10.0.0.1\n");
	table_set(world->table, "b/x", "10.0.0.2", EARLY);
	table_online(world->table);
	table_repair(world->table);
	live_is(world, "a/x 10.0.0.1\nb/x 10.0.0.2\n");
	table_offline(world->table);
	table_set(world->table, "c/x", "10.0.0.3", EARLY);
	table_repair(world->table);
	live_is(world, "a/x 10.0.0.1\nb/x 10.0.0.2\n");
	file_is(world, "a/x 10.0.0.1\nb/x 10.0.0.2\nc/x 10.0.0.3\n");
}

static void table_sends_many_entries_in_parts(void **state)
{
	struct world *world = *state;
	unsigned int lines = 0;
	char *live;

	for (unsigned int i = 0; i < 5000; i++) {
		char key[64], address[46];

		snprintf(key, sizeof(key), "sandbox-with-a-long-name-%u/namespace", i);
		snprintf(address, sizeof(address), "10.1.%u.%u", i / 250, i % 250);
		table_set(world->table, key, address, EARLY);
	}
	table_online(world->table);
	table_repair(world->table);
	live = fake_haproxy_live(&world->haproxy);
	for (const char *at = live; (at = strchr(at, '\n')) != NULL; at++) {
		lines++;
	}
	assert_int_equal(5000, lines);
	assert_true(world->haproxy.commands > 10);
	free(live);
}

static void table_says_when_the_file_cannot_be_written(void **state)
{
	struct world *world = *state;
	struct table *table =
		table_create(world->haproxy.sched, "/nonexistent/map", world->haproxy.socket);
	struct error error = { 0 };

	assert_int_equal(-ENOENT, table_write(table, &error));
	assert_non_null(strstr(error.text, "/nonexistent/map"));
	table_destroy(table);
}

static void command_says_what_haproxy_said(void **state)
{
	struct world *world = *state;
	struct error error = { 0 };

	assert_int_equal(-EPROTO, command_do(world->haproxy.socket, "show x y\n", 9, &error));
	assert_non_null(strstr(error.text, "Unknown command."));
	assert_int_equal(-ENOENT, command_do("/nonexistent/socket", "x\n", 2, &error));
	assert_non_null(strstr(error.text, "/nonexistent/socket"));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(table_writes_what_it_has_into_the_file),
		WITH_WORLD(table_tells_haproxy_of_each_change_once),
		WITH_WORLD(table_gives_an_address_to_the_newer_owner),
		WITH_WORLD(table_knows_when_an_owner_is_renewed),
		WITH_WORLD(table_sends_all_anew_after_a_command_failed),
		WITH_WORLD(table_keeps_trying_until_all_is_sent),
		WITH_WORLD(table_notices_a_map_that_is_not_its_own),
		WITH_WORLD(table_sends_what_came_between_the_file_and_the_start),
		WITH_WORLD(table_sends_many_entries_in_parts),
		WITH_WORLD(table_says_when_the_file_cannot_be_written),
		WITH_WORLD(command_says_what_haproxy_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
