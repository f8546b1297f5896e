/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of kube/quantity.h: exact, rounded as Kubernetes rounds. */
#include "config.h"

#include "kube/quantity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"

static void quantities_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		int64_t value, milli;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1", 1, 1000 },
		{ "+1", 1, 1000 },
		{ "500m", 1, 500 },
		{ "1500m", 2, 1500 },
		{ "0.5", 1, 500 },
		{ ".5", 1, 500 },
		{ "5.", 5, 5000 },
		{ "1e3", 1000, 1000000 },
		{ "1E3", 1000, 1000000 },
		{ "1e-3", 1, 1 },
		{ "2E", INT64_C(2000000000000000000), INT64_MAX },
		{ "12k", 12000, 12000000 },
		{ "1Ki", 1024, 1024000 },
		{ "1Gi", 1073741824, INT64_C(1073741824000) },
		{ "1.5Gi", 1610612736, INT64_C(1610612736000) },
		{ "0.1Gi", 107374183, INT64_C(107374182400) },
		{ "7Ei", INT64_C(8070450532247928832), INT64_MAX },
		{ "100u", 1, 1 },
		{ "1n", 1, 1 },
		{ "0.0000000001", 1, 1 },
		{ "1e-900", 1, 1 },
		{ "0e900", 0, 0 },
		{ "-1.5", -2, -1500 },
		{ "-0", 0, 0 },
		{ "0.1001", 1, 101 },
		{ "000000000000000000000000000000000000001", 1, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct quantity quantity;

		assert_int_equal(quantity_parse(cases[i].text, &quantity), 0);
		if (quantity_value(&quantity) != cases[i].value ||
		    quantity_milli(&quantity) != cases[i].milli) {
			fail_msg("%s: %lld, %lld", cases[i].text,
				 (long long)quantity_value(&quantity),
				 (long long)quantity_milli(&quantity));
		}
	}
}

static void what_is_too_large_is_the_largest(void **state)
{
	static const char *const cases[] = { "8Ei",
					     "10E",
					     "9223372036854775808",
					     "1e900",
					     "9223372036854775807",
					     "99999999999999999999Ei" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct quantity quantity;

		assert_int_equal(quantity_parse(cases[i], &quantity), 0);
		assert_true(quantity_value(&quantity) == INT64_MAX);
	}
}

static void what_is_no_quantity_is_refused(void **state)
{
	static const char *const cases[] = {
		"",    ".",   "-",   "m",   "1 ",    " 1",    "1mi",      "1ki",
		"1K",  "1e",  "1e+", "1e.", "1.2.3", "1Gib",  "0x10",     "1e1e1",
		"--1", "NaN", "inf", "1,5", "1MM",   "1_000", "\xd9\xa1",
	};
	struct quantity quantity = { .whole = 42 };
	char longer[200] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (quantity_parse(cases[i], &quantity) != -EINVAL) {
			fail_msg("'%s' was taken", cases[i]);
		}
	}
	for (size_t i = 0; i < 190; i++) {
		longer[i] = '1';
	}
	assert_int_equal(quantity_parse(longer, &quantity), -EINVAL);
	assert_int_equal(quantity.whole, 42);
}

static void quantities_are_compared(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{ "1", "1000m", 0 }, { "1Ki", "1k", 1 }, { "-1", "1", -1 },
		{ "-2", "-1", -1 },  { "1n", "0", 1 },   { "0.1", "100m", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct quantity a, b;

		assert_int_equal(quantity_parse(cases[i].a, &a), 0);
		assert_int_equal(quantity_parse(cases[i].b, &b), 0);
		assert_int_equal(quantity_compare(&a, &b), cases[i].order);
		assert_int_equal(quantity_compare(&b, &a), -cases[i].order);
	}
}

static void lists_of_resources_hold_strings_and_numbers(void **state)
{
	static const char text[] =
		"{\"cpu\":0.5,\"memory\":\"64Mi\",\"pods\":7,\"bad\":\"x\",\"minus\":\"-1\",\"list\":[]}";
	CLEANUP_JSON struct json_object *list = json_parse(text, sizeof(text) - 1, NULL);

	(void)state;
	assert_int_equal(quantity_milli_of(list, "cpu"), 500);
	assert_int_equal(quantity_value_of(list, "memory"), 64 << 20);
	assert_int_equal(quantity_value_of(list, "pods"), 7);
	assert_int_equal(quantity_value_of(list, "bad"), 0);
	assert_int_equal(quantity_value_of(list, "minus"), 0);
	assert_int_equal(quantity_value_of(list, "list"), 0);
	assert_int_equal(quantity_value_of(list, "absent"), 0);
	assert_int_equal(quantity_value_of(NULL, "absent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_are_read_exactly),
		cmocka_unit_test(what_is_too_large_is_the_largest),
		cmocka_unit_test(what_is_no_quantity_is_refused),
		cmocka_unit_test(quantities_are_compared),
		cmocka_unit_test(lists_of_resources_hold_strings_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
