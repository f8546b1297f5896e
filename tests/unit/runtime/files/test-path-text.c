/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/path.h about paths as texts, before any file is looked at. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "runtime/files/path.h"
#include "runtime/http/percent.h"

static void assert_cleaned(const char *text, const char *want)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(1000);

	assert_int_equal(path_clean(text, strlen(text), &buf), 0);
	assert_string_equal(buf_str(&buf), want);
}

static void assert_climbs(const char *text, size_t length)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(1000);

	assert_int_equal(path_clean(text, length, &buf), -EXDEV);
}

static void paths_are_cleaned_by_their_text(void **state)
{
	(void)state;
	assert_cleaned("", "");
	assert_cleaned("/", "");
	assert_cleaned(".", "");
	assert_cleaned("/abs.txt", "abs.txt");
	assert_cleaned("//a//b///", "a/b");
	assert_cleaned("a/./b/.", "a/b");
	assert_cleaned("a/../b", "b");
	assert_cleaned("a/b/../../c", "c");
	assert_cleaned("a/..", "");
	assert_cleaned("..a/b..", "..a/b..");
	assert_cleaned("...", "...");
	assert_cleaned("a\nb\"\\", "a\nb\"\\");
}

static void paths_that_climb_out_are_refused(void **state)
{
	(void)state;
	assert_climbs("..", 2);
	assert_climbs("../x", 4);
	assert_climbs("/../x", 5);
	assert_climbs("a/../../x", 9);
	assert_climbs("a/../..", 7);
	assert_climbs("a\0b", 3);
}

static void a_path_longer_than_the_kernel_takes_is_refused(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(2 * PATH_MAX);
	CLEANUP_BUF struct buf clean = BUF_INIT(2 * PATH_MAX);

	(void)state;
	for (size_t i = 0; i < PATH_MAX - 1; i++) {
		buf_append_char(&text, i % 2 == 0 ? 'a' : '/');
	}
	assert_int_equal(path_clean(buf_str(&text), text.length, &clean), 0);
	buf_clear(&clean);
	buf_append_str(&text, "/a");
	assert_int_equal(path_clean(buf_str(&text), text.length, &clean), -ENAMETOOLONG);
}

static void escapes_are_decoded_once(void **state)
{
	static const char *const pairs[][2] = {
		{ "a%20b", "a b" }, { "%41%7e", "A~" },       { "%2541", "%41" },
		{ "%", "%" },       { "%4", "%4" },           { "%zz%4g", "%zz%4g" },
		{ "a+b", "a+b" },   { "%C3%A9", "\303\251" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEANUP_BUF struct buf buf = BUF_INIT(100);

		assert_int_equal(percent_decode(pairs[i][0], strlen(pairs[i][0]), &buf), 0);
		assert_string_equal(buf_str(&buf), pairs[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_cleaned_by_their_text),
		cmocka_unit_test(paths_that_climb_out_are_refused),
		cmocka_unit_test(a_path_longer_than_the_kernel_takes_is_refused),
		cmocka_unit_test(escapes_are_decoded_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
