/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/range.h. */
#include "config.h"

#include "runtime/files/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

static void assert_part(const char *header, uint64_t size, uint64_t want_first,
			uint64_t want_length)
{
	uint64_t first = 0, length = 0;

	assert_int_equal(range_parse(header, size, &first, &length), RANGE_PART);
	assert_int_equal(first, want_first);
	assert_int_equal(length, want_length);
}

static void assert_response(const char *header, uint64_t size, enum range_response want)
{
	uint64_t first = 7, length = 8;

	assert_int_equal(range_parse(header, size, &first, &length), want);
	assert_int_equal(first, 7);
	assert_int_equal(length, 8);
}

static void one_range_is_a_part(void **state)
{
	(void)state;
	assert_part("bytes=0-0", 10, 0, 1);
	assert_part("bytes=2-5", 10, 2, 4);
	assert_part("Bytes= 2-5 ", 10, 2, 4);
	assert_part("bytes=2-", 10, 2, 8);
	assert_part("bytes=9-", 10, 9, 1);
	assert_part("bytes=2-100", 10, 2, 8);
	assert_part("bytes=00002-00000003", 10, 2, 2);
}

static void a_suffix_counts_from_the_end(void **state)
{
	(void)state;
	assert_part("bytes=-1", 10, 9, 1);
	assert_part("bytes=-10", 10, 0, 10);
	assert_part("bytes=-11", 10, 0, 10);
	assert_part("bytes=-1", 1, 0, 1);
	assert_response("bytes=-0", 10, RANGE_BEYOND);
}

static void what_begins_behind_the_end_is_beyond(void **state)
{
	(void)state;
	assert_response("bytes=10-", 10, RANGE_BEYOND);
	assert_response("bytes=10-12", 10, RANGE_BEYOND);
	assert_response("bytes=0-", 0, RANGE_BEYOND);
	assert_response("bytes=-5", 0, RANGE_BEYOND);
}

static void numbers_too_large_are_beyond_any_end(void **state)
{
	(void)state;
	assert_part("bytes=1-99999999999999999999999999", 10, 1, 9);
	assert_part("bytes=-99999999999999999999999999", 10, 0, 10);
	assert_part("bytes=1-18446744073709551615", 10, 1, 9);
	assert_response("bytes=99999999999999999999999999-", 10, RANGE_BEYOND);
	assert_response("bytes=18446744073709551615-18446744073709551616", UINT64_MAX,
			RANGE_BEYOND);
	assert_part("bytes=0-", UINT64_MAX, 0, UINT64_MAX);
}

static void what_is_no_single_range_is_the_whole(void **state)
{
	static const char *const headers[] = {
		"",           "bytes",     "bytes=",        "bytes=-",
		"bytes=5-2",  "bytes=a-b", "bytes=1",       "bytes=1-2x",
		"bytes 1-2",  "items=1-2", "bytes=0-1,3-4", "bytes=+1-2",
		"bytes=1--2", "bytes=--2", "bytes=0x1-2",   "bytes=1 - 2",
		"bytes=,1-2",
	};

	(void)state;
	assert_response(NULL, 10, RANGE_WHOLE);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		assert_response(headers[i], 10, RANGE_WHOLE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range_is_a_part),
		cmocka_unit_test(a_suffix_counts_from_the_end),
		cmocka_unit_test(what_begins_behind_the_end_is_beyond),
		cmocka_unit_test(numbers_too_large_are_beyond_any_end),
		cmocka_unit_test(what_is_no_single_range_is_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
