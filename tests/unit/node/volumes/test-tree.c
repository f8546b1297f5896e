/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/volumes/files.h: whatever a guest made of a tree, removing it ends, and ends in
 * it. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/volumes/files.h"
#include "tests/unit/node/node-files.h"

static int set_up(void **state)
{
	*state = files_temporary();
	return 0;
}

static int tear_down(void **state)
{
	files_remove(*state);
	free(*state);
	return 0;
}

static int make_directory(const char *root, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", root, name);
	int fd = directory_make_path(path, 0755);

	assert_true(fd >= 0);
	return fd;
}

/* Directories one in another; the innermost is the caller's to close. */
static int make_deep(int directory, int depth)
{
	int held = dup(directory);

	for (int i = 0; i < depth; i++) {
		int inner;

		assert_int_equal(mkdirat(held, "d", 0755), 0);
		inner = openat(held, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(held);
		assert_true(inner >= 0);
		held = inner;
	}
	return held;
}

static void deep_trees_are_removed(void **state)
{
	const char *root = *state;
	CLEANUP_FREE char *path = xprintf("%s/t", root);
	CLEANUP_FD int directory = make_directory(root, "t");
	CLEANUP_FD int inner = make_deep(directory, 3000);

	assert_int_equal(close(openat(inner, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	assert_int_equal(volumes_tree_remove(directory), 0);
	assert_int_equal(files_count(path), 0);
}

static void wide_trees_are_removed(void **state)
{
	const char *root = *state;
	CLEANUP_FREE char *path = xprintf("%s/t", root);
	CLEANUP_FD int directory = make_directory(root, "t");

	for (int i = 0; i < 5000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s-%d", i % 2 == 0 ? "file" : ".remove", i);
		close(openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		snprintf(name, sizeof(name), ".remove-%d", i % 1500);
		mkdirat(directory, name, 0755);
		CLEANUP_FD int inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (inner >= 0) {
			mkdirat(inner, "in", 0755);
			CLEANUP_FD int more =
				openat(inner, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			mkdirat(more, "er", 0755);
		}
	}
	assert_int_equal(volumes_tree_remove(directory), 0);
	assert_int_equal(files_count(path), 0);
}

static void closed_folders_are_removed_by_their_owner(void **state)
{
	const char *root = *state;
	CLEANUP_FREE char *path = xprintf("%s/t", root);
	CLEANUP_FD int directory = make_directory(root, "t");
	static const char *const directories[] = { "a/b/c/d", "a/b/c", "a/b", "a" };
	static const mode_t modes[] = { 0, 0500, 0300, 0400 };

	/* Not only for root, who minds no modes. */
	close(make_directory(root, "t/a/b/c/d"));
	CLEANUP_FREE char *inner = xprintf("%s/a/b/c", path);

	files_write(inner, "file", "x");
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		CLEANUP_FREE char *one = xprintf("%s/%s", path, directories[i]);

		assert_int_equal(chmod(one, modes[i]), 0);
	}
	assert_int_equal(volumes_tree_remove(directory), 0);
	assert_int_equal(files_count(path), 0);
}

static void links_are_removed_and_not_followed(void **state)
{
	const char *root = *state;
	CLEANUP_FREE char *path = xprintf("%s/t", root);
	CLEANUP_FREE char *outside = xprintf("%s/outside", root);
	CLEANUP_FREE char *kept = xprintf("%s/outside/kept", root);
	CLEANUP_FD int directory = make_directory(root, "t");
	CLEANUP_FD int other = make_directory(root, "outside");
	CLEANUP_FD int sub = make_directory(root, "t/sub");

	files_write(outside, "kept", "x");
	assert_int_equal(symlinkat(outside, directory, "absolute"), 0);
	assert_int_equal(symlinkat("../outside", directory, "relative"), 0);
	assert_int_equal(symlinkat("../../outside", sub, "relative"), 0);
	assert_int_equal(symlinkat("..", sub, "up"), 0);
	assert_int_equal(symlinkat("nowhere", sub, "dangling"), 0);
	assert_int_equal(mkfifoat(sub, "fifo", 0600), 0);
	assert_int_equal(volumes_tree_remove(directory), 0);
	assert_int_equal(files_count(path), 0);
	files_expect(kept, "x");
}

static void what_is_mounted_inside_is_not_removed(void **state)
{
	const char *root = *state;
	CLEANUP_FREE char *mounted = xprintf("%s/t/a/mounted", root);
	CLEANUP_FREE char *claim = xprintf("%s/claim", root);
	CLEANUP_FREE char *kept = xprintf("%s/claim/kept", root);
	CLEANUP_FREE char *top = xprintf("%s/t", root);
	CLEANUP_FD int directory = make_directory(root, "t");
	CLEANUP_FD int other = make_directory(root, "claim");
	CLEANUP_FD int inner = make_directory(root, "t/a/mounted");
	struct stat info;

	if (!files_may_mount()) {
		print_message("skipped: nothing may be mounted here\n");
		skip();
	}
	files_write(claim, "kept", "x");
	assert_int_equal(mount(claim, mounted, NULL, MS_BIND, NULL), 0);
	assert_int_equal(volumes_tree_remove(directory), -EBUSY);
	files_expect(kept, "x");
	assert_int_equal(tree_chgrp(directory, getegid()), 0);
	assert_int_equal(stat(kept, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0644);
	assert_int_equal(unmount_below(top, NULL), 0);
	assert_int_equal(volumes_tree_remove(directory), 0);
	files_expect(kept, "x");
	assert_int_equal(unmount_below(top, NULL), 0);
}

static void a_group_gets_deep_trees_too(void **state)
{
	const char *root = *state;
	CLEANUP_FD int directory = make_directory(root, "t");
	CLEANUP_FD int inner = make_deep(directory, 3000);
	struct stat info;

	assert_int_equal(fstat(directory, &info), 0);
	assert_int_equal(tree_chgrp(directory, getegid()), 0);
	assert_int_equal(fstat(inner, &info), 0);
	assert_int_equal(info.st_mode & 07777, 02775);
}

static void paths_stay_beneath(void **state)
{
	const char *root = *state;
	CLEANUP_FD int directory = make_directory(root, "t");
	static const char *const names[] = { "absolute", "up", "../t", "/etc" };

	assert_int_equal(symlinkat("/etc", directory, "absolute"), 0);
	assert_int_equal(symlinkat("..", directory, "up"), 0);
	assert_int_equal(symlinkat(".", directory, "here"), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(open_beneath(directory, names[i], O_PATH, 0, 0), -EXDEV);
	}
	int fd = open_beneath(directory, "here", O_PATH, 0, 0);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(directory_make(directory, "here", 0755, NULL), -ENOTDIR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(deep_trees_are_removed),
		CASE(wide_trees_are_removed),
		CASE(closed_folders_are_removed_by_their_owner),
		CASE(links_are_removed_and_not_followed),
		CASE(what_is_mounted_inside_is_not_removed),
		CASE(a_group_gets_deep_trees_too),
		CASE(paths_stay_beneath),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
