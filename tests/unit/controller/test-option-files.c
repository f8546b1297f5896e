/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of controller/option-files.h: what the content of a file becomes, and what is refused. */
#include "config.h"

#include "controller/option-files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "core/observe/log.h"

/* A file in a directory of its own, and a plugin whose second option is its content. */
struct fixture {
	char directory[64];
	char *path;
	struct asb_option options[2];
	struct plugin plugin;
	const char *values[2];
	char **texts;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ .directory = "/tmp/asb-option-files-XXXXXX" };
	assert_non_null(mkdtemp(f->directory));
	f->path = xprintf("%s/list", f->directory);
	f->options[0] = (struct asb_option){ .name = "colour", .fallback = "red" };
	f->options[1] = (struct asb_option){ .name = "list", .fallback = "none", .file = f->path };
	f->plugin.head.name = "widget";
	f->plugin.options = f->options;
	f->plugin.option_count = 2;
	log_set_level(LOG_ERROR);
}

static void tear_down(struct fixture *f)
{
	option_files_free(&f->plugin, f->texts);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->directory), 0);
	free(f->path);
}

static void put(const struct fixture *f, const char *text, size_t length)
{
	assert_int_equal(file_replace(f->path, text, length, 0600, false), 0);
}

static void read_files(struct fixture *f)
{
	struct error error = { 0 };

	assert_int_equal(option_files_read(&f->plugin, f->values, &f->texts, &error), 0);
}

static void the_content_is_the_value(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	put(&f, "a\nb\n", 4);
	f.values[0] = "blue";
	read_files(&f);
	assert_string_equal(f.values[0], "blue");
	assert_string_equal(f.values[1], "a\nb\n");
	tear_down(&f);
}

static void an_empty_file_is_an_empty_value(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	put(&f, "", 0);
	read_files(&f);
	assert_null(f.values[0]);
	assert_string_equal(f.values[1], "");
	tear_down(&f);
}

static void without_a_file_the_fallback_counts(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	read_files(&f);
	assert_null(f.values[1]);
	tear_down(&f);
	set_up(&f);
	f.options[1].file = "";
	read_files(&f);
	assert_null(f.values[1]);
	tear_down(&f);
}

static void a_flag_names_another_file(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	put(&f, "x", 1);
	f.options[1].file = "/nowhere/list";
	f.values[1] = f.path;
	read_files(&f);
	assert_string_equal(f.values[1], "x");
	tear_down(&f);
	set_up(&f);
	put(&f, "x", 1);
	f.values[1] = "/nowhere/list";
	read_files(&f);
	assert_null(f.values[1]);
	tear_down(&f);
}

static void expect_refused(struct fixture *f, const char *words)
{
	struct error error = { 0 };

	assert_int_equal(option_files_read(&f->plugin, f->values, &f->texts, &error), -EINVAL);
	assert_null(f->texts);
	if (strstr(error.text, words) == NULL || strstr(error.text, "--widget.list") == NULL) {
		fail_msg("no '%s' in: %s", words, error.text);
	}
}

static void what_is_too_long_or_no_text_is_refused(void **state)
{
	CLEANUP_FREE char *text = xalloc(ASB_OPTION_FILE_MAX + 1);
	struct fixture f;

	(void)state;
	memset(text, 'x', ASB_OPTION_FILE_MAX + 1);
	set_up(&f);
	put(&f, text, ASB_OPTION_FILE_MAX + 1);
	expect_refused(&f, "longer than 65536 bytes");
	put(&f, "a\0b", 3);
	expect_refused(&f, "NUL");
	put(&f, text, ASB_OPTION_FILE_MAX);
	read_files(&f);
	assert_int_equal(strlen(f.values[1]), ASB_OPTION_FILE_MAX);
	tear_down(&f);
}

static void what_cannot_be_read_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.values[1] = f.directory;
	expect_refused(&f, f.directory);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_content_is_the_value),
		cmocka_unit_test(an_empty_file_is_an_empty_value),
		cmocka_unit_test(without_a_file_the_fallback_counts),
		cmocka_unit_test(a_flag_names_another_file),
		cmocka_unit_test(what_is_too_long_or_no_text_is_refused),
		cmocka_unit_test(what_cannot_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
