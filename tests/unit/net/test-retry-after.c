/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After in all its forms. */
#include "config.h"

#include "net/retry-after.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define NOW_US INT64_C(1700000000000000) /* Tue, 14 Nov 2023 22:13:20 GMT */

static void seconds_and_dates_are_read_and_nonsense_is_none(void **state)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} cases[] = {
		{ "1", 1000 },
		{ " \t30 \r\n", 30000 },
		{ "0", 0 },
		{ "", 0 },
		{ " ", 0 },
		{ "-5", 0 },
		{ "1.5", 0 },
		{ "soon", 0 },
		{ "99999999999999999999999999", 60000 },
		{ "61", 60000 },
		{ "Tue, 14 Nov 2023 22:13:30 GMT", 10000 },
		{ "Tuesday, 14-Nov-23 22:13:30 GMT", 10000 },
		{ "Tue, 14 Nov 2023 22:13:10 GMT", 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 60000 },
		{ "1111111111111111111111111111111111111111111111111111111111111111111111111", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			retry_after_ms(cases[i].value, strlen(cases[i].value), NOW_US, 60000),
			cases[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_and_dates_are_read_and_nonsense_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
