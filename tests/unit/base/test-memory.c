/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/memory.h and of the macros that free by scope. */
#include "config.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct thing {
	int number;
	char *text;
};

static void allocations_are_zeroed(void **state)
{
	CLEANUP_FREE struct thing *one = xnew(struct thing);
	CLEANUP_FREE struct thing *many = xnew_array(struct thing, 3);

	(void)state;
	assert_int_equal(one->number, 0);
	assert_null(one->text);
	assert_null(many[2].text);
}

static void allocations_of_nothing_are_not_null(void **state)
{
	CLEANUP_FREE void *none = xalloc(0);
	CLEANUP_FREE void *no_things = xnew_array(struct thing, 0);
	CLEANUP_FREE void *grown = xrealloc(NULL, 0);

	(void)state;
	assert_non_null(none);
	assert_non_null(no_things);
	assert_non_null(grown);
}

static void copies_and_printed_texts_are_the_callers(void **state)
{
	CLEANUP_FREE char *copy = xstrdup("text");
	CLEANUP_FREE char *start = xstrndup("text", 2);
	CLEANUP_FREE char *printed = xprintf("%s-%d", "a", 5);

	(void)state;
	assert_string_equal(copy, "text");
	assert_string_equal(start, "te");
	assert_string_equal(printed, "a-5");
}

static void take_leaves_null_behind(void **state)
{
	CLEANUP_FREE char *owner = xstrdup("text");
	CLEANUP_FREE char *next = TAKE(owner);

	(void)state;
	assert_null(owner);
	assert_string_equal(next, "text");
}

static void container_is_found_from_its_member(void **state)
{
	struct thing thing = { .number = 7 };

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&thing.text, struct thing, text), &thing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_zeroed),
		cmocka_unit_test(allocations_of_nothing_are_not_null),
		cmocka_unit_test(copies_and_printed_texts_are_the_callers),
		cmocka_unit_test(take_leaves_null_behind),
		cmocka_unit_test(container_is_found_from_its_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
