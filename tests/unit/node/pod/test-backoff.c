/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/pod/backoff.c. */
#include "config.h"

#include "node/pod/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

#define NOW INT64_C(1700000000000)

static void backoff_lets_the_first_try_pass(void **state UNUSED)
{
	struct backoff backoff = { 0 };

	assert_int_equal(0, backoff_wait_ms(&backoff, NOW, NOW));
}

static void backoff_doubles_from_10_to_300_seconds(void **state UNUSED)
{
	static const int64_t delays[] = { 10000, 20000, 40000, 80000, 160000, 300000, 300000 };
	struct backoff backoff = { 0 };
	int64_t now = NOW;

	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		backoff_try(&backoff, now);
		assert_int_equal(delays[i], backoff_wait_ms(&backoff, now, now));
		now += delays[i];
		assert_int_equal(0, backoff_wait_ms(&backoff, now - delays[i], now));
	}
}

static void backoff_counts_from_the_end_not_from_the_try(void **state UNUSED)
{
	struct backoff backoff = { 0 };

	backoff_try(&backoff, NOW);
	assert_int_equal(10000, backoff_wait_ms(&backoff, NOW + 60000, NOW + 60000));
}

static void backoff_is_forgotten_after_ten_minutes(void **state UNUSED)
{
	struct backoff backoff = { 0 };

	backoff_try(&backoff, NOW);
	backoff_try(&backoff, NOW);
	assert_int_equal(0, backoff_wait_ms(&backoff, NOW + 600001, NOW + 600001));
	backoff_try(&backoff, NOW + 600001);
	assert_int_equal(10000, backoff.delay_ms);
}

static void backoff_is_no_longer_than_its_delay_when_the_clock_is_set_back(void **state UNUSED)
{
	struct backoff backoff = { 0 };

	backoff_try(&backoff, NOW);
	assert_int_equal(10000, backoff_wait_ms(&backoff, NOW, NOW - 3600000));
}

static void backoff_resumes_where_it_was(void **state UNUSED)
{
	struct backoff backoff;

	backoff_resume(&backoff, 3, NOW);
	assert_int_equal(40000, backoff_wait_ms(&backoff, NOW, NOW));
	backoff_resume(&backoff, UINT32_MAX, NOW);
	assert_int_equal(300000, backoff_wait_ms(&backoff, NOW, NOW));
	backoff_resume(&backoff, 0, NOW);
	assert_int_equal(0, backoff_wait_ms(&backoff, NOW, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_lets_the_first_try_pass),
		cmocka_unit_test(backoff_doubles_from_10_to_300_seconds),
		cmocka_unit_test(backoff_counts_from_the_end_not_from_the_try),
		cmocka_unit_test(backoff_is_forgotten_after_ten_minutes),
		cmocka_unit_test(backoff_is_no_longer_than_its_delay_when_the_clock_is_set_back),
		cmocka_unit_test(backoff_resumes_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
