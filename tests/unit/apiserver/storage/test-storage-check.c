/* SPDX-License-Identifier: Apache-2.0 */
/* A database that a disk has changed between two runs: it is refused, with what is damaged. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apiserver/storage/storage.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

#define FILE_MAX (16u << 20)
#define WAL_HEAD 32

static void path_of(const struct store_world *world, const char *name, char ret[128])
{
	snprintf(ret, 128, "%s/%s", world->directory, name);
}

static void read_file(const struct store_world *world, const char *name, struct buf *ret)
{
	char path[128];

	path_of(world, name, path);
	buf_clear(ret);
	assert_int_equal(file_read(path, ret), 0);
}

static void write_file(const struct store_world *world, const char *name, const struct buf *text,
		       size_t length)
{
	char path[128];

	path_of(world, name, path);
	assert_int_equal(file_replace(path, buf_str(text), length, 0600, false), 0);
}

static void create_some(struct store_world *world)
{
	assert_int_equal(
		store_create(world, &a_map, "metadata: {name: first}\ndata: {text: aaaaaaaaaaaa}"),
		201);
	assert_int_equal(
		store_create(world, &a_map, "metadata: {name: second}\ndata: {text: bbbbbbbbbbbb}"),
		201);
}

static void run_sql(const struct store_world *world, const char *sql)
{
	sqlite3 *db = NULL;
	char path[128];

	path_of(world, "api.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_flipped_bit_in_a_row_is_told_with_its_object(void **state)
{
	/* Of the row's body, its kind and its namespace's name: where they stand in the file. */
	static const char *const marks[] = { "bbbbbbbbbbbb", "/ConfigMapdefaultsecond",
					     "defaultsecond" };
	struct store_world *world = *state;
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);

	create_some(world);
	store_world_close(world);
	read_file(world, "api.db", &text);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		char *at = memmem(text.data, text.length, marks[i], strlen(marks[i]));

		assert_non_null(at);
		for (int bit = 0; bit < 8; bit++) {
			at[3] = (char)(at[3] ^ 1 << bit);
			write_file(world, "api.db", &text, text.length);
			assert_int_equal(store_world_open(world), -EUCLEAN);
			assert_non_null(strstr(world->error.text, "second"));
			assert_non_null(strstr(world->error.text, "DELETE FROM objects"));
			at[3] = (char)(at[3] ^ 1 << bit);
		}
	}
	write_file(world, "api.db", &text, text.length);
	assert_int_equal(store_world_open(world), 0);
}

static void an_object_that_was_given_up_leaves_the_others(void **state)
{
	struct store_world *world = *state;

	create_some(world);
	store_world_close(world);
	run_sql(world, "UPDATE objects SET body = 'x' WHERE name = 'first'");
	assert_int_equal(store_world_open(world), -EUCLEAN);
	run_sql(world, "DELETE FROM objects WHERE name = 'first'");
	assert_int_equal(store_world_open(world), 0);

	struct json_object *second = store_tree(world, &a_map, "second");

	assert_non_null(second);
	json_object_put(second);
}

static void a_database_without_sums_gets_them(void **state)
{
	struct store_world *world = *state;

	create_some(world);
	store_world_close(world);
	run_sql(world, "ALTER TABLE objects DROP COLUMN sum; PRAGMA user_version = 1");
	assert_int_equal(store_world_open(world), 0);
	assert_int_equal(store_create(world, &a_map, "metadata: {name: third}"), 201);
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	store_world_close(world);
	run_sql(world, "UPDATE objects SET ns = 'other' WHERE name = 'first'");
	assert_int_equal(store_world_open(world), -EUCLEAN);
}

static void a_database_that_was_cut_is_refused(void **state)
{
	struct store_world *world = *state;
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
	char path[128];

	create_some(world);
	store_world_close(world);
	read_file(world, "api.db", &text);
	for (size_t length = 0; length < text.length; length += 1000) {
		write_file(world, "api.db", &text, length);
		assert_int_equal(store_world_open(world), -EUCLEAN);
	}
	/* One that was moved away is begun again, as the error says. */
	path_of(world, "api.db", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_world_open(world), 0);
}

/* Leaves the log of a server that was killed. */
static void leave_log(struct store_world *world)
{
	store_world_close(world);

	pid_t child = fork();

	if (child == 0) {
		bool good = store_world_open(world) == 0;

		for (int i = 0; good && i < 8; i++) {
			CLEANUP_FREE char *text = xprintf("metadata: {name: map-%d}", i);

			good = store_create(world, &a_map, text) == 201;
		}
		_exit(good ? 0 : 1);
	}

	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_damaged_log_is_not_rolled_back_in_silence(void **state)
{
	struct store_world *world = *state;
	CLEANUP_BUF struct buf db = BUF_INIT(FILE_MAX), log = BUF_INIT(FILE_MAX);

	leave_log(world);
	read_file(world, "api.db", &db);
	read_file(world, "api.db-wal", &log);
	assert_true(log.length > 8 * 4096);
	for (size_t at = 0; at < log.length; at += 997) {
		log.data[at] = (char)(log.data[at] ^ 4);
		write_file(world, "api.db", &db, db.length);
		write_file(world, "api.db-wal", &log, log.length);
		assert_int_equal(store_world_open(world), -EUCLEAN);
		assert_non_null(strstr(world->error.text, "api.db-wal"));
		log.data[at] = (char)(log.data[at] ^ 4);
	}
	/* What the error offers. */
	log.data[log.length / 2] ^= 1;
	write_file(world, "api.db-wal", &log, log.length);
	assert_int_equal(store_world_open(world), -EUCLEAN);

	const char *command = strstr(world->error.text, "truncate -s ");
	unsigned long length = 0;

	assert_non_null(command);
	assert_int_equal(sscanf(command, "truncate -s %lu", &length), 1);
	assert_true(length >= WAL_HEAD && length < log.length);
	write_file(world, "api.db-wal", &log, length);
	assert_int_equal(store_world_open(world), 0);
	assert_non_null(objects_state_of(world->objects, &a_map, "default", "map-0"));
}

static void a_log_whose_last_write_was_cut_short_is_taken(void **state)
{
	struct store_world *world = *state;
	CLEANUP_BUF struct buf db = BUF_INIT(FILE_MAX), log = BUF_INIT(FILE_MAX);

	leave_log(world);
	read_file(world, "api.db", &db);
	read_file(world, "api.db-wal", &log);
	for (size_t less = 1; less < 4096; less += 500) {
		write_file(world, "api.db", &db, db.length);
		write_file(world, "api.db-wal", &log, log.length - less);
		assert_int_equal(store_world_open(world), 0);
		assert_non_null(objects_state_of(world->objects, &a_map, "default", "map-6"));
		store_world_close(world);
	}
	assert_int_equal(store_world_open(world), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_flipped_bit_in_a_row_is_told_with_its_object),
		WITH_STORE(an_object_that_was_given_up_leaves_the_others),
		WITH_STORE(a_database_without_sums_gets_them),
		WITH_STORE(a_database_that_was_cut_is_refused),
		WITH_STORE(a_damaged_log_is_not_rolled_back_in_silence),
		WITH_STORE(a_log_whose_last_write_was_cut_short_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
