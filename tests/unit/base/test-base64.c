/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/base64.h. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static void base64_goes_both_ways(void **state)
{
	static const char *const texts[] = { "", "a", "ab", "abc", "abcd", "\xff\xfe\xfd!" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_FREE char *encoded = base64_encode(texts[i], strlen(texts[i]));
		CLEANUP_BUF struct buf decoded = BUF_INIT(64);

		assert_int_equal(strlen(encoded) % 4, 0);
		assert_int_equal(base64_decode(encoded, strlen(encoded), &decoded), 0);
		assert_string_equal(buf_str(&decoded), texts[i]);
	}
}

static int decode(const char *text, size_t length)
{
	CLEANUP_BUF struct buf out = BUF_INIT(8);

	return base64_decode(text, length, &out);
}

static void base64_that_is_not_whole_is_refused(void **state)
{
	static const char *const bad[] = { "Y",    "YQ",       "YQ=",    "Y===", "====",
					   "=YQ=", "YQ==YQ==", "YQ==YQ", "YQ=Q", "YQ-=",
					   "Y_Q=", "-YQ=",     "YWJj=" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(decode(bad[i], strlen(bad[i])), -EINVAL);
	}
	assert_int_equal(decode("YQ==\0YQ=", 8), -EINVAL);
	assert_int_equal(decode(" Y Q\r\n=\t=\n", 10), 0);
	assert_int_equal(decode("YWFhYWFhYWFhYWFh", 16), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test(base64_that_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
