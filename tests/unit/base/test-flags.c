/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/flags.c: command lines as Go's programs take them. */
#include "config.h"

#include "base/flags.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

struct target {
	bool on;
	const char *text;
	int64_t number;
};

static const struct flag flags[] = {
	{ "on", FLAG_BOOL, offsetof(struct target, on), NULL, "a switch", 0, 0 },
	{ "text", FLAG_TEXT, offsetof(struct target, text), "TEXT", "words", 0, 0 },
	{ "number", FLAG_INTEGER, offsetof(struct target, number), "N", "a count", -5, 5 },
	{ NULL, 0, 0, NULL, NULL, 0, 0 },
};

static int parse(const char *one, const char *two, struct target *target, struct error *reterr)
{
	char *argv[] = { (char *)(uintptr_t) "program", (char *)(uintptr_t)one,
			 (char *)(uintptr_t)two, NULL };

	*target = (struct target){ .text = "default", .number = 1 };
	return flags_parse(flags, "program",
			   two != NULL   ? 3
			   : one != NULL ? 2
					 : 1,
			   argv, target, reterr);
}

static void flags_keep_the_defaults(void **state UNUSED)
{
	struct target target;

	assert_int_equal(0, parse(NULL, NULL, &target, NULL));
	assert_false(target.on);
	assert_string_equal("default", target.text);
	assert_int_equal(1, target.number);
}

static void flags_take_all_spellings(void **state UNUSED)
{
	struct target target;

	assert_int_equal(0, parse("--on", "-number=-5", &target, NULL));
	assert_true(target.on);
	assert_int_equal(-5, target.number);
	assert_int_equal(0, parse("-text", "--on", &target, NULL));
	assert_string_equal("--on", target.text);
	assert_false(target.on);
	assert_int_equal(0, parse("--text=", "--on=true", &target, NULL));
	assert_string_equal("", target.text);
	assert_true(target.on);
	assert_int_equal(0, parse("--text=a=b", "--on=false", &target, NULL));
	assert_string_equal("a=b", target.text);
	assert_false(target.on);
}

static void flags_let_the_last_one_win(void **state UNUSED)
{
	struct target target;

	assert_int_equal(0, parse("--number=2", "--number=3", &target, NULL));
	assert_int_equal(3, target.number);
	assert_int_equal(0, parse("--on", "--on=false", &target, NULL));
	assert_false(target.on);
}

static void flags_say_what_is_wrong(void **state UNUSED)
{
	static const struct {
		const char *one, *two, *text;
	} cases[] = {
		{ "word", NULL, "unknown flag 'word'; see program --help" },
		{ "---on", NULL, "unknown flag '---on'" },
		{ "--", NULL, "unknown flag '--'" },
		{ "-", NULL, "unknown flag '-'" },
		{ "", NULL, "unknown flag ''" },
		{ "--o", NULL, "unknown flag '--o'" },
		{ "--onn", NULL, "unknown flag '--onn'" },
		{ "--on", "true", "unknown flag 'true'" },
		{ "--on=yes", NULL, "--on takes true or false, not 'yes'" },
		{ "--on=", NULL, "--on takes true or false, not ''" },
		{ "--text", NULL, "--text needs a value: TEXT" },
		{ "--number", NULL, "--number needs a value: N" },
		{ "--number", "6", "--number takes a whole number from -5 to 5, not '6'" },
		{ "--number=", NULL, "--number takes a whole number from -5 to 5, not ''" },
		{ "--number", "1x", "--number takes a whole number from -5 to 5, not '1x'" },
		{ "--number", "99999999999999999999", "not '99999999999999999999'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct target target;
		struct error error = { 0 };

		assert_int_equal(-EINVAL, parse(cases[i].one, cases[i].two, &target, &error));
		if (strstr(error.text, cases[i].text) == NULL) {
			fail_msg("'%s' does not say '%s'", error.text, cases[i].text);
		}
	}
}

/* Stores what a program gets for flags of its own. */
static int store(void *target, const char *name, size_t length, const char *value,
		 struct error *reterr UNUSED)
{
	char *text = target;

	if (strncmp(name, "unknown", length) == 0) {
		return -ENOENT;
	}
	snprintf(text + strlen(text), 100 - strlen(text), "%.*s=%s;", (int)length, name,
		 value != NULL ? value : "(null)");
	return value != NULL ? 0 : -ENODATA;
}

static void flags_of_the_program_may_be_booleans(void **state UNUSED)
{
	static const struct flag own[] = {
		{ "switch", FLAG_OTHER_BOOL, 0, NULL, "a switch", 0, 0 },
		{ "value", FLAG_OTHER, 0, "V", "a value", 0, 0 },
		{ NULL, 0, 0, NULL, NULL, 0, 0 },
	};
	char *good[] = { (char *)(uintptr_t) "program",       (char *)(uintptr_t) "--switch",
			 (char *)(uintptr_t) "--value",       (char *)(uintptr_t) "x",
			 (char *)(uintptr_t) "-switch=false", (char *)(uintptr_t) "--switch=1" };
	char *bad[] = { (char *)(uintptr_t) "program", (char *)(uintptr_t) "--switch=maybe" };
	struct error error = { 0 };
	char stored[100] = "";

	assert_int_equal(
		flags_parse_with(own, "program", store, ARRAY_LEN(good), good, stored, &error), 0);
	assert_string_equal(stored, "switch=true;value=x;switch=false;switch=true;");
	assert_int_equal(
		flags_parse_with(own, "program", store, ARRAY_LEN(bad), bad, stored, &error),
		-EINVAL);
	assert_string_equal(error.text, "--switch takes true or false, not 'maybe'");
}

static void flags_help_has_a_line_for_each(void **state UNUSED)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	flags_help(flags, out);
	fclose(out);
	assert_string_equal("  --on                                  a switch\n"
			    "  --text TEXT                           words\n"
			    "  --number N                            a count\n",
			    text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_keep_the_defaults),
		cmocka_unit_test(flags_take_all_spellings),
		cmocka_unit_test(flags_let_the_last_one_win),
		cmocka_unit_test(flags_say_what_is_wrong),
		cmocka_unit_test(flags_of_the_program_may_be_booleans),
		cmocka_unit_test(flags_help_has_a_line_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
