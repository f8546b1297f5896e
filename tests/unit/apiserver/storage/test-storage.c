/* SPDX-License-Identifier: Apache-2.0 */
/* What a database promises: acknowledged writes stay, full disks refuse, foreign files are left
 * alone. */
#include "config.h"

#include "apiserver/storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

/* Where they are in a SQLite file (https://www.sqlite.org/fileformat.html). */
#define USER_VERSION 60
#define APPLICATION_ID 68

static void path_of(const struct store_world *world, const char *name, char ret[128])
{
	snprintf(ret, 128, "%s/%s", world->directory, name);
}

static int create_map(struct store_world *world, int number, size_t bytes)
{
	struct json_object *map = asb_new(&a_map, "default", "");
	struct request request = request_for(&a_map, "");
	CLEANUP_FREE char *name = xprintf("map-%d", number);
	CLEANUP_FREE char *text = xalloc(bytes + 1);

	memset(text, 'x', bytes);
	asb_set_str(asb_object_in(map, "metadata"), "name", name);
	asb_set_str(asb_object_in(map, "data"), "text", text);
	return request_create(world->objects, &request, map, NULL, &world->error);
}

static void what_was_written_is_there_again(void **state)
{
	struct store_world *world = *state;
	CLEANUP_JSON struct json_object *before = NULL;
	CLEANUP_JSON struct json_object *after = NULL;

	assert_int_equal(store_create(world, &a_widget,
				      "metadata: {name: w, labels: {a: b}}\n"
				      "spec: {color: red, unknown: {x: [1]}}"),
			 201);
	assert_int_equal(create_map(world, 1, 10), 201);
	assert_int_equal(store_delete(world, &a_map, "map-1"), 200);
	assert_int_equal(store_patch(world, &a_widget, "w", PATCH_MERGE, "spec: {color: blue}"),
			 200);
	before = store_tree(world, &a_widget, "w");
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	after = store_tree(world, &a_widget, "w");
	assert_true(json_object_equal(before, after));
	assert_null(store_tree(world, &a_map, "map-1"));
	assert_int_equal(asb_generation(after), 2);
}

static void versions_never_go_back(void **state)
{
	struct store_world *world = *state;
	uint64_t version;

	assert_int_equal(create_map(world, 1, 10), 201);
	assert_int_equal(store_delete(world, &a_map, "map-1"), 200);
	version = objects_version(world->objects);
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	assert_true(objects_version(world->objects) >= version);
	assert_int_equal(create_map(world, 2, 10), 201);
	assert_true(objects_version(world->objects) > version);
}

static void a_watch_from_before_a_restart_has_expired(void **state)
{
	struct store_world *world = *state;
	struct watch_event event;
	uint64_t old = objects_version(world->objects);

	assert_int_equal(create_map(world, 1, 10), 201);
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	assert_int_equal(watch_next(world->objects, &a_map, "", NULL, old, &event, &world->error),
			 410);
	assert_int_equal(watch_next(world->objects, &a_map, "", NULL,
				    objects_version(world->objects), &event, &world->error),
			 0);
}

static void a_second_server_is_refused(void **state)
{
	struct store_world *world = *state;
	struct storage *storage = NULL;

	assert_int_equal(storage_open(world->directory, 0, &storage, &world->error), -EBUSY);
	assert_non_null(strstr(world->error.text, "another server"));
}

static void only_the_owner_may_read_it(void **state)
{
	static const char *const names[] = { "api.db", "api.db-wal", "api.lock" };
	struct store_world *world = *state;
	char path[128];
	struct stat status;

	assert_int_equal(create_map(world, 1, 10), 201);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_of(world, names[i], path);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
}

/* Sets one of the big-endian numbers in the head of the closed database. */
static void set_head(const struct store_world *world, off_t at, uint32_t value)
{
	const unsigned char bytes[] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16),
					(unsigned char)(value >> 8), (unsigned char)value };
	char path[128];

	path_of(world, "api.db", path);

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at), sizeof(bytes));
	close(fd);
}

static void another_layout_is_refused(void **state)
{
	struct store_world *world = *state;

	store_world_close(world);
	set_head(world, USER_VERSION, 7);
	assert_int_equal(store_world_open(world), -EPROTO);
	assert_non_null(strstr(world->error.text, "layout 7"));
	set_head(world, USER_VERSION, 1);
	set_head(world, APPLICATION_ID, 5);
	assert_int_equal(store_world_open(world), -EPROTO);
	assert_non_null(strstr(world->error.text, "another program"));
}

static void a_damaged_file_is_refused(void **state)
{
	struct store_world *world = *state;
	char path[128], noise[4096];
	struct stat status;

	for (int i = 0; i < 50; i++) {
		assert_int_equal(create_map(world, i, 2000), 201);
	}
	store_world_close(world);
	path_of(world, "api.db", path);
	assert_int_equal(stat(path, &status), 0);
	memset(noise, 0x5a, sizeof(noise));

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (off_t at = 4096; at < status.st_size; at += 8192) {
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	}
	assert_int_equal(store_world_open(world), -EUCLEAN);
	assert_non_null(strstr(world->error.text, "damaged"));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
	assert_int_equal(store_world_open(world), -EUCLEAN);
	close(fd);
}

/* Fills the disk: every refusal changes nothing, and room makes writes work again. */
static void fill_and_recover(struct store_world *world)
{
	uint64_t version;
	size_t count;
	int status = 201, made = 0;

	while (made < 5000 && (status = create_map(world, made, 20000)) == 201) {
		made++;
	}
	assert_int_equal(status, 500);
	assert_non_null(strstr(world->error.text, "disk is full"));
	assert_true(made > 3);
	version = objects_version(world->objects);
	count = objects_count(world->objects, &a_map);
	assert_int_equal(create_map(world, made, 20000), 500);
	assert_int_equal(objects_version(world->objects), version);
	assert_int_equal(objects_count(world->objects, &a_map), count);
	assert_null(store_tree(world, &a_map, "map-5000"));
	/* What there is can be read, and deleted, which makes room. */
	for (int i = 0; i < made; i++) {
		CLEANUP_FREE char *name = xprintf("map-%d", i);

		assert_int_equal(store_delete(world, &a_map, name), 200);
	}
	assert_int_equal(create_map(world, 0, 20000), 201);
}

static void a_full_database_refuses_cleanly(void **state)
{
	struct store_world *world = *state;

	store_world_close(world);
	world->page_limit = 100;
	assert_int_equal(store_world_open(world), 0);
	fill_and_recover(world);
	store_world_close(world);
	assert_int_equal(store_world_open(world), 0);
	assert_int_equal(objects_count(world->objects, &a_map), 5); /* four CAs, one map */
}

/* In a child with a mount of its own: 0 passed, 77 cannot mount. */
static int on_a_small_disk(struct store_world *world)
{
	uint64_t version;
	size_t count;
	int made = 0, status = 201;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", world->directory, "tmpfs", 0, "size=7m") < 0) {
		return 77;
	}
	if (store_world_open(world) < 0 ||
	    request_bootstrap(world->objects, NULL, &world->error) != 0) {
		return 1;
	}
	while (made < 1000 && (status = create_map(world, made, 20000)) == 201) {
		made++;
	}
	version = objects_version(world->objects);
	if (status != 500 || made < 3 || create_map(world, made, 20000) != 500 ||
	    objects_version(world->objects) != version) {
		return 2;
	}
	/* What is there can be deleted, which makes room. */
	for (int i = 0; i < 5; i++) {
		CLEANUP_FREE char *name = xprintf("map-%d", i);

		if (store_delete(world, &a_map, name) != 200) {
			return 5;
		}
	}
	if (create_map(world, 0, 20000) != 201) {
		return 6;
	}
	/* Filled up once more, it still lets things go. */
	for (int i = 1; create_map(world, i, 20000) == 201; i++) {
		if (i > 4) {
			return 7;
		}
	}
	for (int i = 5; i < 10; i++) {
		CLEANUP_FREE char *name = xprintf("map-%d", i);

		if (store_delete(world, &a_map, name) != 200) {
			return 8;
		}
	}
	/* Somebody makes room. */
	if (mount("tmpfs", world->directory, "tmpfs", MS_REMOUNT, "size=16m") < 0 ||
	    create_map(world, made, 20000) != 201) {
		return 3;
	}
	count = objects_count(world->objects, &a_map);
	store_world_close(world);
	if (store_world_open(world) < 0 || objects_count(world->objects, &a_map) != count) {
		return 4;
	}
	store_world_close(world);
	return 0;
}

static void a_full_disk_refuses_cleanly(void **state)
{
	struct store_world *world = *state;
	int status = 0;

	store_world_close(world);

	pid_t child = fork();

	if (child == 0) {
		_exit(on_a_small_disk(world));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("needs the right to mount (root)\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Writes for ever, telling each write that was acknowledged. */
static void write_and_tell(struct store_world *world, int out)
{
	if (store_world_open(world) < 0) {
		_exit(1);
	}
	for (int32_t i = 0;; i++) {
		if (create_map(world, i, 300) != 201 || write(out, &i, sizeof(i)) != sizeof(i)) {
			_exit(1);
		}
	}
}

static void a_killed_server_loses_nothing_it_acknowledged(void **state)
{
	struct store_world *world = *state;
	int32_t number = -1, last = -1;
	int pipes[2];

	store_world_close(world);
	assert_int_equal(pipe(pipes), 0);

	pid_t child = fork();

	if (child == 0) {
		close(pipes[0]);
		write_and_tell(world, pipes[1]);
	}
	close(pipes[1]);
	while (last < 200 && read(pipes[0], &number, sizeof(number)) == sizeof(number)) {
		last = number;
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	waitpid(child, NULL, 0);
	while (read(pipes[0], &number, sizeof(number)) == sizeof(number)) {
		last = number;
	}
	close(pipes[0]);
	assert_true(last >= 200);
	assert_int_equal(store_world_open(world), 0);
	for (int32_t i = 0; i <= last; i++) {
		CLEANUP_FREE char *name = xprintf("map-%" PRId32, i);

		assert_non_null(objects_state_of(world->objects, &a_map, "default", name));
	}
	/* At most the write whose acknowledgement was cut off. */
	assert_true(objects_count(world->objects, &a_map) <= (size_t)last + 2 + 4);
	assert_true(objects_version(world->objects) > STORAGE_VERSION_LEAP);
}

static void too_large_an_object_is_refused(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(create_map(world, 1, OBJECTS_SIZE_MAX), 413);
	assert_int_equal(create_map(world, 1, OBJECTS_SIZE_MAX - 1000), 201);
}

/* What a patch makes must be readable again. */
static void an_object_that_could_not_be_read_again_is_refused(void **state)
{
	struct store_world *world = *state;
	struct request request = request_for(&a_widget, "w");
	struct json_object *widget = yaml("metadata: {name: w}\nspec: {a: []}");
	struct json_object *list = asb_array(widget, "spec", "a");

	for (size_t i = 0; i < 150000; i++) {
		json_object_array_add(list, json_object_new_array());
	}
	assert_int_equal(request_create(world->objects, &request, widget, NULL, &world->error),
			 413);
	assert_non_null(strstr(world->error.text, "too many objects"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_object_that_could_not_be_read_again_is_refused),
		WITH_STORE(what_was_written_is_there_again),
		WITH_STORE(versions_never_go_back),
		WITH_STORE(a_watch_from_before_a_restart_has_expired),
		WITH_STORE(a_second_server_is_refused),
		WITH_STORE(only_the_owner_may_read_it),
		WITH_STORE(another_layout_is_refused),
		WITH_STORE(a_damaged_file_is_refused),
		WITH_STORE(a_full_database_refuses_cleanly),
		WITH_STORE(a_full_disk_refuses_cleanly),
		WITH_STORE(a_killed_server_loses_nothing_it_acknowledged),
		WITH_STORE(too_large_an_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
