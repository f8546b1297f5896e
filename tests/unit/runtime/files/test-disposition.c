/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/disposition.h. The wanted texts are what Starlette sends. */
#include "config.h"

#include "runtime/files/disposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_disposition(const char *name, const char *want)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(4096);

	disposition_append(&buf, name);
	assert_string_equal(buf_str(&buf), want);
}

static void plain_names_are_quoted(void **state)
{
	(void)state;
	assert_disposition("a.txt", "attachment; filename=\"a.txt\"");
	assert_disposition("A-b_c~0.tar.gz", "attachment; filename=\"A-b_c~0.tar.gz\"");
}

static void other_names_are_encoded(void **state)
{
	(void)state;
	assert_disposition("a b", "attachment; filename*=utf-8''a%20b");
	assert_disposition("\303\251\360\237\230\200",
			   "attachment; filename*=utf-8''%C3%A9%F0%9F%98%80");
	assert_disposition("100%", "attachment; filename*=utf-8''100%25");
	assert_disposition("\377", "attachment; filename*=utf-8''%FF");
}

static void no_name_gets_out_of_the_header(void **state)
{
	(void)state;
	assert_disposition("a\r\nX: y", "attachment; filename*=utf-8''a%0D%0AX%3A%20y");
	assert_disposition("a\"; filename=\"b",
			   "attachment; filename*=utf-8''a%22%3B%20filename%3D%22b");
	assert_disposition("a\\b'c", "attachment; filename*=utf-8''a%5Cb%27c");
}

static void the_longest_name_fits(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(2048);
	char name[256];

	(void)state;
	memset(name, '"', 255);
	name[255] = '\0';
	disposition_append(&buf, name);
	assert_false(buf.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_are_quoted),
		cmocka_unit_test(other_names_are_encoded),
		cmocka_unit_test(no_name_gets_out_of_the_header),
		cmocka_unit_test(the_longest_name_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
