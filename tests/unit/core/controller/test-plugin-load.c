/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/plugin.h and controller/plugin-set.h about files, with the plugins of tests/abi. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "controller/plugin-set.h"
#include "core/controller/plugin.h"

/*
 * A directory of its own for each test, with copies of the fixtures: those of the build may be
 * writable by a group. Nothing is removed before the end of all tests, since the linker knows what
 * it has loaded by inode.
 */
struct directory {
	char path[64];
	unsigned int tests;
};

static int set_up_all(void **state)
{
	struct directory *base = xnew(struct directory);

	snprintf(base->path, sizeof(base->path), "test-plugin-XXXXXX");
	*state = base;
	return mkdtemp(base->path) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
	(void)status;
	(void)flag;
	(void)place;
	return remove(path);
}

static int tear_down_all(void **state)
{
	CLEANUP_FREE struct directory *base = *state;

	return nftw(base->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct directory make_directory(void **state)
{
	struct directory *base = *state, directory = { .path = "" };

	snprintf(directory.path, sizeof(directory.path), "%.40s/%u", base->path, base->tests++);
	assert_int_equal(mkdir(directory.path, 0755), 0);
	return directory;
}

/* Copies tests/abi/<fixture>.so into the directory; the path of the copy is to be freed. */
static char *put(const struct directory *directory, const char *fixture, const char *name)
{
	const char *build = getenv("top_builddir");
	CLEANUP_FREE char *from =
		xprintf("%s/tests/abi/.libs/%s.so", build != NULL ? build : ".", fixture);
	char *to = xprintf("%s/%s", directory->path, name), bytes[4096];
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t length;

	assert_true(in >= 0 && out >= 0);
	while ((length = read(in, bytes, sizeof(bytes))) > 0) {
		assert_int_equal(write(out, bytes, (size_t)length), length);
	}
	assert_int_equal(length, 0);
	assert_int_equal(fchmod(out, 0644), 0);
	close(in);
	close(out);
	return to;
}

static void put_text(const struct directory *directory, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory->path, name);
	int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_int_equal(write(out, "no plugin", 9), 9);
	close(out);
}

/* Loading fails, and the message has the file and these words. */
static void expect_refusal(const char *file, const char *words)
{
	CLEANUP_FREE char *path = realpath(file, NULL);
	struct plugin plugin = { 0 };
	struct error error = { 0 };

	assert_true(plugin_load(file, &plugin, &error) < 0);
	if (strstr(error.text, words) == NULL ||
	    strstr(error.text, path != NULL ? path : file) == NULL) {
		fail_msg("no '%s' in: %s", words, error.text);
	}
}

static void expect_fixture_refused(const struct directory *directory, const char *fixture,
				   const char *words)
{
	CLEANUP_FREE char *name = xprintf("%s-%s.so", fixture, words),
			  *file = put(directory, fixture, name);

	expect_refusal(file, words);
}

static void a_good_plugin_loads(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *file = put(&directory, "good", "good.so");
	CLEANUP_FREE char *path = realpath(file, NULL);
	struct plugin plugin;
	struct error error = { 0 };

	assert_int_equal(plugin_load(file, &plugin, &error), 0);
	assert_string_equal(plugin.file, path);
	assert_string_equal(plugin.head.name, "fixture");
	assert_int_equal(plugin.watch_count, 3);
	assert_int_equal(plugin.index_count, 1);
	assert_int_equal(plugin.rule_count, 2);
	assert_int_equal(plugin.option_count, 3);
	assert_int_equal(plugin.metric_count, 3);
	plugin_finish(&plugin);
}

static void a_plugin_of_an_older_minor_loads_and_lacks_nothing_but_what_it_lacks(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *file = put(&directory, "older", "good.so");
	struct plugin plugin;
	struct error error = { 0 };
	uint64_t after = 0;

	assert_int_equal(plugin_load(file, &plugin, &error), 0);
	assert_null(plugin.head.fini);
	assert_int_equal(plugin.watch_count, 2);
	assert_string_equal(plugin.watches[1].kind.kind, "Pod");
	assert_int_equal(plugin.watches[1].enqueue, ASB_ENQUEUE_OWNER);
	assert_null(plugin.watches[0].enqueue_index);
	assert_null(plugin.watches[0].enqueue_function);
	assert_int_equal(plugin.option_count, 3);
	assert_string_equal(plugin.options[2].fallback, "3");
	assert_null(plugin.options[0].help);
	assert_int_equal(plugin.metric_count, 2);
	assert_null(plugin.metrics[1].labels);
	assert_null(plugin.metrics[1].buckets);
	assert_null(plugin.options[0].file);
	assert_int_equal(plugin.head.reconcile(NULL, NULL, NULL, &after), ASB_REQUEUE_AFTER);
	assert_int_equal(after, 42);
	plugin_finish(&plugin);
}

static void refusals_name_the_file_and_both_sides(void **state)
{
	struct directory directory = make_directory(state);
	expect_fixture_refused(&directory, "magic", "0xabad1dea");
	expect_fixture_refused(&directory, "magic", "0x31425341");
	expect_fixture_refused(&directory, "major", "1.0");
	expect_fixture_refused(&directory, "major", "2.0");
	expect_fixture_refused(&directory, "minor", "2.99");
	expect_fixture_refused(&directory, "minor", "2.0");
	expect_fixture_refused(&directory, "soname", "libjson-c.so.99");
	expect_fixture_refused(&directory, "soname", ASB_JSON_SONAME);
	expect_fixture_refused(&directory, "no-entry", "asb_plugin_entry");
	expect_fixture_refused(&directory, "no-description", "no description");
}

static void all_symbols_are_bound_when_it_loads(void **state)
{
	struct directory directory = make_directory(state);
	expect_fixture_refused(&directory, "no-symbol", "fixture_nobody_has_this");
}

static void what_others_can_write_is_refused(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *file = put(&directory, "good", "good.so");

	assert_int_equal(chmod(file, 0664), 0);
	expect_refusal(file, "0664");
	assert_int_equal(chmod(file, 0646), 0);
	expect_refusal(file, "0646");
}

static void a_link_does_not_hide_what_others_can_write(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *file = put(&directory, "good", "good.so"),
			  *link = xprintf("%s/link.so", directory.path);

	assert_int_equal(symlink("good.so", link), 0);
	assert_int_equal(chmod(file, 0664), 0);
	expect_refusal(link, "0664");
}

static void what_belongs_to_others_is_refused(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *file = put(&directory, "good", "good.so");

	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(chown(file, 54321, (gid_t)-1), 0);
	expect_refusal(file, "54321");
	expect_refusal(file, "0");
}

static void what_is_no_shared_object_is_refused(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *text = xprintf("%s/b.so", directory.path),
			  *below = xprintf("%s/folder.so", directory.path);

	put_text(&directory, "b.so");
	expect_refusal(text, "cannot load");
	assert_int_equal(mkdir(below, 0755), 0);
	expect_refusal(below, "not a regular file");
	expect_refusal("there/is/nothing.so", "No such file");
	expect_refusal("", "cannot find");
}

static void a_name_without_a_folder_is_not_searched_for(void **state)
{
	(void)state;
	expect_refusal("libjson-c.so.5", "cannot find");
}

/* ---- sets ---- */

static int load_set(const struct directory *directory, bool extensions, const char *plugin,
		    struct plugin_set *set, struct error *error)
{
	struct options options = {
		.plugin_dir = directory->path,
		.extensions = extensions,
		.plugins = { plugin },
		.plugin_count = plugin != NULL ? 1 : 0,
	};

	*set = (struct plugin_set){ 0 };
	return plugin_set_load(set, &options, error);
}

static void a_set_is_sandbox_and_the_plugins_of_others_in_the_folder(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *one = put(&directory, "good", "sandbox.so"),
			  *two = put(&directory, "second", "extra.so");
	struct plugin_set set;
	struct error error = { 0 };

	/* None of these is opened: they would be refused. */
	put_text(&directory, "template.so");
	put_text(&directory, "claim.so");
	put_text(&directory, "warmpool.so");
	put_text(&directory, "libx.so");
	put_text(&directory, "notes.txt");
	put_text(&directory, ".hidden.so");
	assert_int_equal(load_set(&directory, false, NULL, &set, &error), 0);
	assert_int_equal(set.count, 2);
	assert_string_equal(set.items[0].head.name, "fixture");
	assert_string_equal(set.items[1].head.name, "second");
	plugin_set_finish(&set);
	assert_int_equal(set.count, 0);
}

static void extensions_are_template_claim_and_warmpool(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *one = put(&directory, "good", "sandbox.so"),
			  *two = put(&directory, "second", "template.so");
	struct plugin_set set;
	struct error error = { 0 };

	assert_int_equal(load_set(&directory, true, NULL, &set, &error), -ENOENT);
	assert_int_equal(set.count, 2);
	assert_non_null(strstr(error.text, "claim.so"));
	plugin_set_finish(&set);
}

static void a_plugin_may_be_named(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *one = put(&directory, "good", "sandbox.so"),
			  *two = put(&directory, "second", "libx.so");
	struct plugin_set set;
	struct error error = { 0 };

	assert_int_equal(load_set(&directory, false, two, &set, &error), 0);
	assert_int_equal(set.count, 2);
	assert_string_equal(set.items[1].head.name, "second");
	plugin_set_finish(&set);
}

static void two_for_one_kind_or_of_one_name_are_refused_with_both_files(void **state)
{
	static const char *const fixtures[] = { "same-kind", "same-name", "good" };

	for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
		struct directory directory = make_directory(state);
		CLEANUP_FREE char *one = put(&directory, "good", "sandbox.so"),
				  *two = put(&directory, fixtures[i], "extra.so");
		struct error error = { 0 };
		struct plugin_set set;

		assert_int_equal(load_set(&directory, false, NULL, &set, &error), -EEXIST);
		assert_non_null(strstr(error.text, "/sandbox.so'"));
		assert_non_null(strstr(error.text, "/extra.so'"));
		plugin_set_finish(&set);
	}
}

static void one_bad_plugin_in_the_folder_is_an_error(void **state)
{
	struct directory directory = make_directory(state);
	CLEANUP_FREE char *one = put(&directory, "good", "sandbox.so"),
			  *two = put(&directory, "major", "extra.so");
	struct plugin_set set;
	struct error error = { 0 };

	assert_true(load_set(&directory, false, NULL, &set, &error) < 0);
	assert_non_null(strstr(error.text, "extra.so"));
	plugin_set_finish(&set);
}

static void a_folder_without_plugins_is_an_error_that_names_it(void **state)
{
	struct directory directory = make_directory(state);
	struct plugin_set set;
	struct error error = { 0 };

	assert_int_equal(load_set(&directory, false, NULL, &set, &error), -ENOENT);
	assert_non_null(strstr(error.text, directory.path));
	assert_non_null(strstr(error.text, "sandbox.so"));
	plugin_set_finish(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_plugin_loads),
		cmocka_unit_test(
			a_plugin_of_an_older_minor_loads_and_lacks_nothing_but_what_it_lacks),
		cmocka_unit_test(refusals_name_the_file_and_both_sides),
		cmocka_unit_test(all_symbols_are_bound_when_it_loads),
		cmocka_unit_test(what_others_can_write_is_refused),
		cmocka_unit_test(a_link_does_not_hide_what_others_can_write),
		cmocka_unit_test(what_belongs_to_others_is_refused),
		cmocka_unit_test(what_is_no_shared_object_is_refused),
		cmocka_unit_test(a_name_without_a_folder_is_not_searched_for),
		cmocka_unit_test(a_set_is_sandbox_and_the_plugins_of_others_in_the_folder),
		cmocka_unit_test(extensions_are_template_claim_and_warmpool),
		cmocka_unit_test(a_plugin_may_be_named),
		cmocka_unit_test(two_for_one_kind_or_of_one_name_are_refused_with_both_files),
		cmocka_unit_test(one_bad_plugin_in_the_folder_is_an_error),
		cmocka_unit_test(a_folder_without_plugins_is_an_error_that_names_it),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
