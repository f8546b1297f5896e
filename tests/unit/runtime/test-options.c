/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/options: flags before variables before defaults; what is wrong is told. */
#include "config.h"

#include "runtime/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static const char *const variables[] = {
	"PORT",
	"SANDBOX_BASE_DIR",
	"SANDBOX_EXEC_USER",
	"SANDBOX_TOKEN_FILE",
	"SANDBOX_EXEC_TIMEOUT_SECONDS",
	"SANDBOX_MAX_OUTPUT_BYTES",
};

static int forget_variables(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		unsetenv(variables[i]);
	}
	return 0;
}

/* words: the arguments, with NULL behind them. ret_warned: whether anything was warned of. */
static int parse(const char *const *words, struct options *ret, struct error *error,
		 bool *ret_warned)
{
	char *argv[8] = { (char[]){ "runtime" } };
	char *text = NULL;
	size_t length = 0;
	int argc = 1;
	FILE *warnings = open_memstream(&text, &length);

	assert_non_null(warnings);
	for (; words != NULL && *words != NULL; words++) {
		argv[argc++] = (char *)(uintptr_t)*words; /* as main has them; none is written to */
	}
	*error = (struct error){ 0 };

	int code = options_parse(argc, argv, ret, warnings, error);

	fclose(warnings);
	*ret_warned = length > 0;
	free(text);
	return code;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void what_nobody_says_is_the_default(void **state)
{
	struct options options;
	struct error error;
	bool warned;

	(void)state;
	assert_int_equal(parse(NULL, &options, &error, &warned), 0);
	assert_string_equal(options.host, "0.0.0.0");
	assert_int_equal(options.port, 8888);
	assert_string_equal(options.base_dir, "/app");
	assert_null(options.exec_user);
	assert_null(options.token_file);
	assert_int_equal(options.exec_timeout_s, 0);
	assert_int_equal(options.output_max, 16 << 20);
	assert_false(warned || options.help || options.version);
}

static void a_flag_counts_before_its_variable(void **state)
{
	struct options options;
	struct error error;
	bool warned;

	(void)state;
	setenv("PORT", "1234", 1);
	setenv("SANDBOX_BASE_DIR", "/variable", 1);
	setenv("SANDBOX_EXEC_USER", " ", 1); /* as if it were not there */
	assert_int_equal(parse(WORDS("--base-dir", "/flag"), &options, &error, &warned), 0);
	assert_int_equal(options.port, 1234);
	assert_string_equal(options.base_dir, "/flag");
	assert_null(options.exec_user);
	assert_int_equal(parse(WORDS("--port=0", "--help"), &options, &error, &warned), 0);
	assert_int_equal(options.port, 0);
	assert_true(options.help);
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *words[3];
		const char *says;
	} cases[] = {
		{ { "--port", "65536" },
		  "--port takes a whole number from 0 to 65535, not '65536'" },
		{ { "--port" }, "flag '--port' needs a value" },
		{ { "--nope=1" }, "unknown flag '--nope=1'; see --help" },
		{ { "here" }, "unknown flag 'here'; see --help" },
		{ { "--help=1" }, "--help takes no value" },
		{ { "--host", "" }, "--host is empty" },
	};
	struct options options;
	struct error error;
	bool warned;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(parse(cases[i].words, &options, &error, &warned) < 0);
		assert_string_equal(error.text, cases[i].says);
	}
	setenv("PORT", "x", 1);
	assert_true(parse(NULL, &options, &error, &warned) < 0);
	assert_non_null(strstr(error.text, "$PORT"));
}

static void an_image_with_a_bad_timeout_goes_on(void **state)
{
	static const char *const bad[] = { "abc", "0", "-5", "inf", "nan", "1e400", "1.5" };
	struct options options;
	struct error error;
	bool warned;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		setenv("SANDBOX_EXEC_TIMEOUT_SECONDS", bad[i], 1);
		assert_int_equal(parse(NULL, &options, &error, &warned), 0);
		assert_int_equal(options.exec_timeout_s, 300);
		assert_true(warned);
	}
	setenv("SANDBOX_EXEC_TIMEOUT_SECONDS", "60", 1);
	assert_int_equal(parse(NULL, &options, &error, &warned), 0);
	assert_int_equal(options.exec_timeout_s, 60);
	assert_false(warned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_nobody_says_is_the_default, forget_variables),
		cmocka_unit_test_setup(a_flag_counts_before_its_variable, forget_variables),
		cmocka_unit_test_setup(what_is_wrong_is_told, forget_variables),
		cmocka_unit_test_setup(an_image_with_a_bad_timeout_goes_on, forget_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
