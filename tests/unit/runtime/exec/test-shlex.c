/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/shlex: the words Python's shlex.split makes. A longer comparison with Python itself is
 * tests/runtime/shlex-diff.py. */
#include "config.h"

#include "runtime/exec/shlex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

/* words: separated by '|', each with a '|' behind it. */
static void expect(const char *text, const char *words)
{
	struct shlex shlex;

	assert_null(shlex_split(text, strlen(text), &shlex));

	char *joined = xalloc(shlex.size + 1);

	for (size_t i = 0; i < shlex.size; i++) {
		joined[i] = shlex.words[i] != '\0' ? shlex.words[i] : '|';
	}
	assert_string_equal(joined, words);
	free(joined);
	shlex_finish(&shlex);
}

static void expect_error(const char *text, const char *why)
{
	struct shlex shlex;

	assert_string_equal(shlex_split(text, strlen(text), &shlex), why);
	shlex_finish(&shlex);
}

static void shlex_splits_at_ascii_blanks_alone(void **state)
{
	(void)state;
	expect("", "");
	expect(" \t\r\n", "");
	expect("a b\tc\rd\ne", "a|b|c|d|e|");
	expect("a\xc2\xa0"
	       "b \xe2\x80\x83 \v\f",
	       "a\xc2\xa0"
	       "b|\xe2\x80\x83|\v\f|");
}

static void shlex_quotes_as_posix_does(void **state)
{
	(void)state;
	expect("'a b' \"c d\"", "a b|c d|");
	expect("a'b'\"c\"d", "abcd|");
	expect("'' \"\" a''", "||a|");
	expect("'a\\'", "a\\|");
	expect("\"a\\\"b\\\\c\\d\\$\"", "a\"b\\c\\d\\$|");
	expect("a\\ b \\' \\\"", "a b|'|\"|");
	expect("a # b; $(c) | *", "a|#|b;|$(c)|||*|");
}

static void shlex_says_what_does_not_end(void **state)
{
	(void)state;
	expect_error("'a", "No closing quotation");
	expect_error("a \"b", "No closing quotation");
	expect_error("a\\", "No escaped character");
	expect_error("\"a\\", "No escaped character");
}

static void shlex_tells_lengths_and_nuls(void **state)
{
	struct shlex shlex;

	(void)state;
	assert_null(shlex_split("ab cde\0f g", 10, &shlex));
	assert_int_equal(shlex.count, 3);
	assert_int_equal(shlex.longest, 5);
	assert_true(shlex.has_nul);
	shlex_finish(&shlex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shlex_splits_at_ascii_blanks_alone),
		cmocka_unit_test(shlex_quotes_as_posix_does),
		cmocka_unit_test(shlex_says_what_does_not_end),
		cmocka_unit_test(shlex_tells_lengths_and_nuls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
