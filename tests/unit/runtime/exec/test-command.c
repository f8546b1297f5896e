/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/command: from a text to what execve takes. */
#include "config.h"

#include "runtime/exec/command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static char *own_environment[] = { (char[]){ "PATH=/one::/two" }, (char[]){ "A=1" }, NULL };

static struct command command_of(const char *text)
{
	return (struct command){ .text = xstrdup(text), .length = strlen(text) };
}

static struct json_pair pair_of(const char *name, const char *value)
{
	return (struct json_pair){ .name = xstrdup(name),
				   .name_length = strlen(name),
				   .value = xstrdup(value),
				   .value_length = strlen(value) };
}

/* What is said where the text cannot be run; the caller frees it. */
static char *refusal(struct command *take_command)
{
	CLEANUP_BUF struct buf why = BUF_INIT(1 << 20);
	struct program program;

	assert_int_equal(program_init(&program, take_command, own_environment, &why), -1);
	program_finish(&program);
	command_finish(take_command);
	return buf_take(&why);
}

static void expect_refusal(struct command command, const char *why)
{
	CLEANUP_FREE char *said = refusal(&command);

	assert_string_equal(said, why);
}

static void a_program_is_looked_for_where_path_says(void **state)
{
	CLEANUP_BUF struct buf why = BUF_INIT(1024);
	struct command command = command_of("ls 'a b'");
	struct program program;

	(void)state;
	assert_int_equal(program_init(&program, &command, own_environment, &why), 0);
	assert_string_equal(program.argv[0], "ls");
	assert_string_equal(program.argv[1], "a b");
	assert_null(program.argv[2]);
	assert_string_equal(program.paths[0], "/one/ls");
	assert_string_equal(program.paths[1], "ls"); /* an empty part is the directory it runs in */
	assert_string_equal(program.paths[2], "/two/ls");
	assert_null(program.paths[3]);
	program_finish(&program);
	command_finish(&command);
}

static void a_program_with_a_slash_is_not_looked_for(void **state)
{
	CLEANUP_BUF struct buf why = BUF_INIT(1024);
	struct command command = command_of("./ls");
	struct program program;

	(void)state;
	assert_int_equal(program_init(&program, &command, own_environment, &why), 0);
	assert_string_equal(program.paths[0], "./ls");
	assert_null(program.paths[1]);
	program_finish(&program);
	command_finish(&command);
}

static void variables_of_a_request_replace_ours(void **state)
{
	CLEANUP_BUF struct buf why = BUF_INIT(1024);
	struct command command = command_of("true");
	struct program program;
	size_t count = 0, found = 0;

	(void)state;
	command.pairs = xnew_array(struct json_pair, 3);
	command.pair_count = 3;
	command.pairs[0] = pair_of("A", "2");
	command.pairs[1] = pair_of("B", "");
	command.pairs[2] = pair_of("A", "3"); /* the last counts */
	assert_int_equal(program_init(&program, &command, own_environment, &why), 0);
	for (; program.envp[count] != NULL; count++) {
		found += strcmp(program.envp[count], "A=3") == 0 ||
					 strcmp(program.envp[count], "B=") == 0 ||
					 strcmp(program.envp[count], "PATH=/one::/two") == 0
				 ? 1
				 : 0;
	}
	assert_int_equal(count, 3);
	assert_int_equal(found, 3);
	program_finish(&program);
	command_finish(&command);
}

static void what_cannot_run_is_told_in_pythons_words(void **state)
{
	struct command nul = command_of("echo x");
	struct command directory = command_of("true"), half = command_of("true"),
		       name = command_of("true");
	CLEANUP_BUF struct buf text = BUF_INIT(1 << 20);

	(void)state;
	expect_refusal(command_of(" "), "list index out of range");
	expect_refusal(command_of("echo '"), "No closing quotation");
	nul.text[4] = '\0';
	expect_refusal(nul, "embedded null byte");
	directory.cwd = xstrdup("");
	expect_refusal(directory, "[Errno 2] No such file or directory: ''");
	half.surrogate = true;
	expect_refusal(half, "'utf-8' codec can't encode characters: surrogates not allowed");
	name.pairs = xnew_array(struct json_pair, 1);
	name.pair_count = 1;
	name.pairs[0] = pair_of("A=B", "");
	expect_refusal(name, "illegal environment variable name");
	buf_append_str(&text, "echo ");
	for (size_t i = 0; i < 131072; i++) {
		buf_append_char(&text, 'a');
	}
	expect_refusal(command_of(buf_str(&text)), "[Errno 7] Argument list too long: 'echo'");
}

static void names_are_quoted_as_python_quotes_them(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "a", "'a'" },
		{ "it's", "\"it's\"" },
		{ "'\"", "'\\'\"'" },
		{ "a\n\t\\\x01", "'a\\n\\t\\\\\\x01'" },
		{ "\xc3\xa9", "'\xc3\xa9'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(1024);
		CLEANUP_FREE char *wanted =
			xprintf("[Errno 2] No such file or directory: %s", cases[i].text);

		command_error(&out, ENOENT, cases[i].name);
		assert_string_equal(buf_str(&out), wanted);
	}
}

static void tokens_are_not_passed_on(void **state)
{
	char *given[] = { (char[]){ "SANDBOX_TOKEN_FILE=/t" }, (char[]){ "HOME=/root" },
			  (char[]){ "B=1" }, NULL };
	char **kept = command_environment(given, NULL);

	(void)state;
	assert_string_equal(kept[0], "HOME=/root");
	assert_string_equal(kept[1], "B=1");
	assert_null(kept[2]);
	free(kept);
	kept = command_environment(given, "/home/ann");
	assert_string_equal(kept[0], "HOME=/home/ann");
	assert_string_equal(kept[1], "B=1");
	assert_null(kept[2]);
	free(kept[0]);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_looked_for_where_path_says),
		cmocka_unit_test(a_program_with_a_slash_is_not_looked_for),
		cmocka_unit_test(variables_of_a_request_replace_ours),
		cmocka_unit_test(what_cannot_run_is_told_in_pythons_words),
		cmocka_unit_test(names_are_quoted_as_python_quotes_them),
		cmocka_unit_test(tokens_are_not_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
