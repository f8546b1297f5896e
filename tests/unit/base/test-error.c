/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/error.h. */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void error_set_returns_the_code_and_keeps_the_text(void **state)
{
	struct error error = { 0 };

	(void)state;
	assert_int_equal(error_set(&error, -EINVAL, "no such kind '%s'", "Pot"), -EINVAL);
	assert_int_equal(error.code, -EINVAL);
	assert_string_equal(error.text, "no such kind 'Pot'");
}

static void error_may_be_null(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -ENOENT, "nobody reads %d", 1), -ENOENT);
	assert_true(error_prefix(NULL, "nobody") < 0);
}

static void error_prefixes_go_in_front_and_the_code_stays(void **state)
{
	struct error error = { 0 };

	(void)state;
	error_set(&error, -ENOENT, "no file '%s'", "x");
	assert_int_equal(error_prefix(&error, "line %d", 7), -ENOENT);
	assert_int_equal(error_prefix(&error, "config"), -ENOENT);
	assert_string_equal(error.text, "config: line 7: no file 'x'");
}

static void error_texts_that_are_too_long_are_cut(void **state)
{
	struct error error = { 0 };
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&error, -EIO, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	error_prefix(&error, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_set_returns_the_code_and_keeps_the_text),
		cmocka_unit_test(error_may_be_null),
		cmocka_unit_test(error_prefixes_go_in_front_and_the_code_stays),
		cmocka_unit_test(error_texts_that_are_too_long_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
