/* SPDX-License-Identifier: Apache-2.0 */
/* base/file: files are read within a bound, and replaced whole or not at all. */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

struct fixture {
	char directory[32];
	char *path, *fresh;
};

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	memcpy(f->directory, "/tmp/asb-file-XXXXXX", sizeof("/tmp/asb-file-XXXXXX"));
	assert_non_null(mkdtemp(f->directory));
	f->path = xprintf("%s/file", f->directory);
	f->fresh = xprintf("%s/.file.new", f->directory);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)rmdir(f->path);
	(void)unlink(f->path);
	assert_int_equal(unlink(f->fresh), -1); /* nothing stays behind */
	assert_int_equal(rmdir(f->directory), 0);
	free(f->path);
	free(f->fresh);
	free(f);
	return 0;
}

static void expect_content(const char *path, const char *content)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1u << 20);

	assert_int_equal(file_read(path, &text), 0);
	assert_string_equal(buf_str(&text), content);
}

static void what_is_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct stat info;

	assert_int_equal(file_replace(f->path, "one", 3, 0600, true), 0);
	expect_content(f->path, "one");
	assert_int_equal(file_replace(f->path, "", 0, 0600, false), 0);
	expect_content(f->path, "");
	assert_int_equal(stat(f->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void more_than_the_ceiling_is_too_big(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf fits = BUF_INIT(40000), small = BUF_INIT(39999);
	CLEANUP_FREE char *data = xalloc(40000);

	memset(data, 'x', 40000);
	assert_int_equal(file_replace(f->path, data, 40000, 0600, false), 0);
	assert_int_equal(file_read(f->path, &fits), 0);
	assert_int_equal(fits.length, 40000);
	assert_int_equal(file_read(f->path, &small), -EFBIG);
}

static void a_file_that_is_not_there_is_said(void **state)
{
	struct fixture *f = *state;
	CLEANUP_BUF struct buf text = BUF_INIT(100);

	assert_int_equal(file_read(f->path, &text), -ENOENT);
	assert_int_equal(file_read(f->directory, &text), -EISDIR);
}

static void what_a_killed_process_left_is_in_nobody_s_way(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->fresh, O_WRONLY | O_CREAT, 0400);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_replace(f->path, "two", 3, 0600, false), 0);
	expect_content(f->path, "two");
}

static void a_failure_leaves_what_was_there(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *elsewhere = xprintf("%s/none/file", f->directory);
	struct stat info;

	assert_int_equal(file_replace(elsewhere, "x", 1, 0600, false), -ENOENT);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(file_replace(f->path, "x", 1, 0600, false), -EISDIR);
	assert_int_equal(stat(f->path, &info), 0);
	assert_true(S_ISDIR(info.st_mode));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(more_than_the_ceiling_is_too_big),
		TEST(a_file_that_is_not_there_is_said),
		TEST(what_a_killed_process_left_is_in_nobody_s_way),
		TEST(a_failure_leaves_what_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
