/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of the API. */
#include "config.h"

#include "apiserver/api/query.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static void a_query_is_read_by_name(void **state)
{
	struct query query;

	(void)state;
	assert_int_equal(
		query_parse(
			"watch=1&labelSelector=a%3Db%2Cc&x&limit=5&limit=6&plus=a+b&&%6caterals=z&=y",
			&query, NULL),
		0);
	assert_string_equal(query_value(&query, "labelSelector"), "a=b,c");
	assert_string_equal(query_value(&query, "limit"), "5");
	assert_string_equal(query_value(&query, "x"), "");
	assert_string_equal(query_value(&query, "plus"), "a b");
	assert_string_equal(query_value(&query, "laterals"), "z");
	assert_string_equal(query_value(&query, ""), "y");
	assert_null(query_value(&query, "lim"));
	assert_int_equal(query.count, 8);
	query_finish(&query);
}

static void a_query_that_does_not_decode_is_refused_as_a_whole(void **state)
{
	static const char *const queries[] = { "a=%zz", "a=1&b=%", "%zz=1",      "a=%0",
					       "a=%00", "a=x%00",  "a=%ff&b=1",  "%ff",
					       "a=%c3", "x%=1",    "a=%ed%a0%80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct error error = { 0 };
		struct query query;

		assert_int_equal(query_parse(queries[i], &query, &error), -EINVAL);
		assert_non_null(strstr(error.text, "decode"));
		assert_int_equal(query.count, 0);
		assert_null(query_value(&query, "a"));
	}
}

static void a_flag_is_read_as_kubernetes_does(void **state)
{
	static const struct {
		const char *query;
		bool fallback, is;
	} cases[] = {
		{ "watch", false, true },
		{ "watch=true", false, true },
		{ "watch=1", false, true },
		{ "watch=abc", false, true },
		{ "watch=0", true, false },
		{ "watch=False", true, false },
		{ "watch=false&watch=1", true, false },
		{ "", false, false },
		{ "", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query query;

		assert_int_equal(query_parse(cases[i].query, &query, NULL), 0);
		assert_int_equal(query_flag(&query, "watch", cases[i].fallback), cases[i].is);
		query_finish(&query);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_read_by_name),
		cmocka_unit_test(a_query_that_does_not_decode_is_refused_as_a_whole),
		cmocka_unit_test(a_flag_is_read_as_kubernetes_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
