/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a known length as UTF-8. */
#include "config.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"

#define VALID(text) utf8_valid_length(text, sizeof(text) - 1)

static void utf8_finds_the_first_byte_that_belongs_to_no_character(void **state)
{
	(void)state;
	assert_int_equal(VALID(""), 0);
	assert_int_equal(VALID("plain text that is long"), 23);
	assert_int_equal(VALID("a\0b"), 3);
	assert_int_equal(VALID("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 9);
	assert_int_equal(VALID("abc\xff"), 3);
	assert_int_equal(VALID("abc\xc3"), 3);
	assert_int_equal(VALID("abc\xe2\x82"), 3);
	assert_int_equal(VALID("eight by\xed\xa0\x80"), 8);    /* a surrogate */
	assert_int_equal(VALID("\xc0\x80"), 0);                /* an overlong NUL */
	assert_int_equal(VALID("\xf4\x90\x80\x80"), 0);        /* beyond the last character */
	assert_int_equal(utf8_valid_length("\xc3\xa4", 1), 0); /* cut in the middle */
}

static void utf8_repair_replaces_only_what_is_broken(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	(void)state;
	buf_append_str(&text, "a\xff\xc3\xa4z\xe2\x82");
	utf8_repair(&text);
	assert_string_equal(buf_str(&text), "a\xef\xbf\xbd\xc3\xa4z\xef\xbf\xbd\xef\xbf\xbd");
	assert_false(text.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_finds_the_first_byte_that_belongs_to_no_character),
		cmocka_unit_test(utf8_repair_replaces_only_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
