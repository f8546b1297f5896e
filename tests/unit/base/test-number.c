/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/number.h: all of the text or nothing. */
#include "config.h"

#include "base/number.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

static void integers_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "7", 7 },
		{ "007", 7 },
		{ "-12", -12 },
		{ "2147483648", INT64_C(2147483648) },
		{ "999999999999999999", INT64_C(999999999999999999) },
		{ "-999999999999999999", INT64_C(-999999999999999999) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 42;

		assert_int_equal(integer_parse(cases[i].text, INT64_MIN, INT64_MAX, &value), 0);
		assert_int_equal(value, cases[i].value);
	}
}

static void text_that_is_no_integer_is_refused_and_touches_nothing(void **state)
{
	static const char *const cases[] = {
		"",
		"-",
		"--1",
		"+1",
		" 1",
		"1 ",
		"1.0",
		"1e3",
		"0x10",
		"1-",
		"1a",
		"a",
		"1\n",
		"1,000",
		"\xd9\xa1",
		"9999999999999999999",
		"99999999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 42;

		assert_int_equal(integer_parse(cases[i], INT64_MIN, INT64_MAX, &value), -EINVAL);
		assert_int_equal(value, 42);
	}
}

static void integers_keep_their_bounds(void **state)
{
	int64_t value = 42;

	(void)state;
	assert_int_equal(integer_parse("0", 1, 10, &value), -EINVAL);
	assert_int_equal(integer_parse("11", 1, 10, &value), -EINVAL);
	assert_int_equal(integer_parse("-5", 1, 10, &value), -EINVAL);
	assert_int_equal(value, 42);
	assert_int_equal(integer_parse("1", 1, 10, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(integer_parse("10", 1, 10, &value), 0);
	assert_int_equal(value, 10);
}

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		double value;
	} cases[] = {
		{ "0", 0 }, { "-1", -1 }, { "20.5", 20.5 }, { "0.25", 0.25 }, { "1000000000", 1e9 }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double value = 42;

		assert_int_equal(number_parse(cases[i].text, -1, 1e9, &value), 0);
		assert_true(value == cases[i].value);
	}
}

static void text_that_is_no_number_is_refused_and_touches_nothing(void **state)
{
	static const char *const cases[] = {
		"",    "-",   ".",    "--1", "+1",  " 1", "1 ", "1.2.3",   "1-2",          "0x1p3",
		"nan", "inf", "-inf", "1e9", "1,5", "a",  "1a", "-1.0001", "1000000000.5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double value = 42;

		assert_int_equal(number_parse(cases[i], -1, 1e9, &value), -EINVAL);
		assert_true(value == 42);
	}
}

static void durations_are_read_as_go_writes_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "5m", 300000 },
		{ "1h30m", 5400000 },
		{ "1.5s", 1500 },
		{ "250ms", 250 },
		{ "1us", 1 },
		{ "1ns", 1 },
		{ "1m0.5s", 60500 },
		{ "-1s", -1000 },
		{ "\u00b5s", -1 },
		{ "100", -1 },
		{ "", -1 },
		{ "-", -1 },
		{ "s", -1 },
		{ "1", -1 },
		{ "1d", -1 },
		{ "1s1", -1 },
		{ "1s0", -1 },
		{ "5 m", -1 },
		{ "1..5s", -1 },
		{ "+1s", -1 },
		{ "1e3s", -1 },
		{ "99999999999h", -1 },
		{ "000000000000000000001s", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		int code = duration_parse(cases[i].text, -1000, 86400000, &ms);

		if (ms != cases[i].ms || (code == 0) != (cases[i].ms != -1)) {
			fail_msg("'%s' is %lld", cases[i].text, (long long)ms);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_read),
		cmocka_unit_test(text_that_is_no_integer_is_refused_and_touches_nothing),
		cmocka_unit_test(integers_keep_their_bounds),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(text_that_is_no_number_is_refused_and_touches_nothing),
		cmocka_unit_test(durations_are_read_as_go_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
