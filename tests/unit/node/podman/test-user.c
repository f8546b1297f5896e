/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/user.h: nobody runs as root, or may run as root, who must not. */
#include "config.h"

#include "node/podman/user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define ROOT "container has runAsNonRoot and image will run as root"
#define NAME "image has non-numeric user ("
#define RANGE "is not an uid from 1 to 2147483647"

static void non_root_takes_whole_numbers_but_zero(void **state UNUSED)
{
	static const char *const good[] = { "1",      "1000",    "007",     "2147483647",
					    "1000:0", "5:staff", "0000001", "10:" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(0, user_check_non_root(good[i], true, NULL));
		assert_int_equal(0, user_check_non_root(good[i], false, NULL));
	}
}

static void non_root_refuses_all_that_may_be_root(void **state UNUSED)
{
	static const struct {
		const char *user, *text;
	} cases[] = {
		{ "", ROOT },
		{ ":", ROOT },
		{ ":0", ROOT },
		{ ":1000", ROOT },
		{ "0", ROOT },
		{ "00", ROOT },
		{ "000000000000000000000000000", ROOT },
		{ "+0", ROOT },
		{ "-0", ROOT },
		{ "0:1000", ROOT },
		{ "root", ROOT },
		{ "root:root", ROOT },
		{ "1root", NAME "1root)" },
		{ "0x0", NAME "0x0)" },
		{ "0x10", NAME "0x10)" },
		{ "0b1", NAME "0b1)" },
		{ "1_0", NAME "1_0)" },
		{ "1e3", NAME "1e3)" },
		{ " 0", NAME " 0)" },
		{ " 1", NAME " 1)" },
		{ "1 ", NAME "1 )" },
		{ "0\n", NAME "0\n)" },
		{ "1\n", NAME "1\n)" },
		{ "+1", NAME "+1)" },
		{ "-1", NAME "-1)" },
		{ "admin", NAME "admin)" },
		{ "admin:0", NAME "admin)" },
		{ "Root", NAME "Root)" },
		{ "\xd9\xa0", NAME "\xd9\xa0)" },
		{ "2147483648", RANGE },
		{ "4294967296", RANGE },
		{ "18446744073709551616", RANGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };

		assert_int_equal(-EPERM, user_check_non_root(cases[i].user, true, &error));
		if (strstr(error.text, cases[i].text) == NULL) {
			fail_msg("'%s' is refused with '%s'", cases[i].user, error.text);
		}
	}
}

static void non_root_says_whose_user_it_is(void **state UNUSED)
{
	struct error error = { 0 };

	assert_int_equal(-EPERM, user_check_non_root("0:5", false, &error));
	assert_string_equal("container's runAsUser breaks non-root policy", error.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(non_root_takes_whole_numbers_but_zero),
		cmocka_unit_test(non_root_refuses_all_that_may_be_root),
		cmocka_unit_test(non_root_says_whose_user_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
