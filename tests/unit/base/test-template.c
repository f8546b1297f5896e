/* SPDX-License-Identifier: Apache-2.0 */
/* base/template: placeholders are replaced, and whatever could change the meaning of the text is an
 * error. */
#include "config.h"

#include "base/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static const struct template_value values[] = {
	{ "NAME", "value" },
	{ "PORT_1", "80" },
	{ "NOTHING", NULL },
	{ NULL, NULL },
};

static void template_replaces_placeholders(void **state UNUSED)
{
	static const struct {
		const char *template, *text;
	} cases[] = {
		{ "", "" },
		{ "plain\n", "plain\n" },
		{ "a @NAME@ b @PORT_1@\n@NAME@", "a value b 80\nvalue" },
		{ "@NAME@@NAME@\n", "valuevalue\n" },
		{ "[@NOTHING@]", "[]" },
		{ "1\n#if NAME\n2 @NAME@\n#end\n3\n", "1\n2 value\n3\n" },
		{ "1\n#if NOTHING\n2 @NAME@\n\n#end\n3\n", "1\n3\n" },
		{ "#if NOTHING\n1\n#end\n#if NAME\n2\n#end", "2\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(1024);

		assert_int_equal(0, template_fill(cases[i].template, values, &out, NULL));
		assert_string_equal(cases[i].text, buf_str(&out));
	}
}

static void template_refuses_unknown_names(void **state UNUSED)
{
	static const struct {
		const char *template, *text;
	} cases[] = {
		{ "@OTHER@", "unknown name 'OTHER'" },
		{ "@NAME", "'@' without a name" },
		{ "a@b", "'@' without a name" },
		{ "@@", "'@' without a name" },
		{ "@name@", "'@' without a name" },
		{ "#if OTHER\n#end\n", "unknown name 'OTHER'" },
		{ "#if NAM\n", "unknown name 'NAM'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(1024);
		struct error error = { 0 };

		assert_int_equal(-EINVAL, template_fill(cases[i].template, values, &out, &error));
		if (strstr(error.text, cases[i].text) == NULL) {
			fail_msg("'%s' does not say '%s'", error.text, cases[i].text);
		}
	}
}

static void template_refuses_values_that_could_end_a_line_or_a_string(void **state UNUSED)
{
	static const char *const bad[] = { "a\nb", "a\rb", "\t", "a\"", "a'", "a\\", "\x7f" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(1024);
		const struct template_value one[] = { { "NAME", bad[i] }, { NULL, NULL } };
		struct error error = { 0 };

		assert_int_equal(-EINVAL, template_fill("@NAME@", one, &out, &error));
		assert_non_null(strstr(error.text, "the value of 'NAME' has"));
	}
}

static void template_fails_when_the_text_is_too_long(void **state UNUSED)
{
	CLEANUP_BUF struct buf out = BUF_INIT(8);

	assert_int_equal(-ENOSPC, template_fill("123456 @NAME@", values, &out, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_replaces_placeholders),
		cmocka_unit_test(template_refuses_unknown_names),
		cmocka_unit_test(template_refuses_values_that_could_end_a_line_or_a_string),
		cmocka_unit_test(template_fails_when_the_text_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
