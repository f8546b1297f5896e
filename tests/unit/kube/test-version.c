/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kube/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t parse(const char *text)
{
	return version_parse(text, strlen(text));
}

static void digits_are_a_version(void **state)
{
	(void)state;
	assert_true(parse("1") == 1);
	assert_true(parse("18446744073709551615") == UINT64_MAX);
	assert_true(version_parse("1234", 2) == 12);
}

static void everything_else_is_0(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "0x10",
					   "1.0",
					   "18446744073709551616",
					   "99999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(parse(bad[i]) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_a_version),
		cmocka_unit_test(everything_else_is_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
