/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/observe/log.h: one line an event, whatever is in it. */
#include "config.h"

#include "core/observe/log.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"

/* Lines land in a file while a test catches them. */
struct caught {
	FILE *file;
	int saved;
	char text[65536];
};

static void catch (struct caught *caught)
{
	*caught = (struct caught){ .file = tmpfile(), .saved = dup(STDERR_FILENO) };
	assert_non_null(caught->file);
	assert_true(dup2(fileno(caught->file), STDERR_FILENO) >= 0);
}

static const char *release(struct caught *caught)
{
	size_t length;

	assert_true(dup2(caught->saved, STDERR_FILENO) >= 0);
	close(caught->saved);
	rewind(caught->file);
	length = fread(caught->text, 1, sizeof(caught->text) - 1, caught->file);
	caught->text[length] = '\0';
	fclose(caught->file);
	return caught->text;
}

/* What is behind the time. */
static const char *after_time(const char *line)
{
	assert_true(strlen(line) > 25);
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	return line + 25;
}

static void text_lines_have_level_message_and_fields(void **state)
{
	static const char *const fields[] = { "plain", "a/b-1", "empty",        "",  "gone",
					      NULL,    "words", "a \"b\"\\\nc", NULL };
	struct caught caught;

	(void)state;
	catch (&caught);
	log_write(LOG_WARNING, fields, "say %s", "this");
	assert_string_equal(
		after_time(release(&caught)),
		"warning say this plain=a/b-1 empty=\"\" words=\"a \\\"b\\\"\\\\\\nc\"\n");
}

static void a_message_stays_on_its_line(void **state)
{
	struct caught caught;

	(void)state;
	catch (&caught);
	log_error("one\ntwo\r\x1b[31m\xff end");
	assert_string_equal(after_time(release(&caught)),
			    "error one\\ntwo\\u000d\\u001b[31m\xef\xbf\xbd end\n");
}

static void levels_below_the_set_one_are_silent(void **state)
{
	struct caught caught;

	(void)state;
	catch (&caught);
	log_debug("hidden");
	log_set_level(LOG_DEBUG);
	log_debug("shown");
	log_set_level(LOG_ERROR);
	log_warning("hidden");
	assert_false(log_enabled(LOG_WARNING));
	assert_true(log_enabled(LOG_ERROR));
	log_set_level(LOG_INFO);
	assert_string_equal(after_time(release(&caught)), "debug shown\n");
}

static void json_lines_parse_and_hold_the_same(void **state)
{
	static const char *const fields[] = { "key", "v\"\\\n\x01\xff", "none", NULL, NULL };
	struct caught caught;
	struct json_object *line;
	const char *text;

	(void)state;
	catch (&caught);
	log_set_json(true);
	log_write(LOG_INFO, fields, "a \"%s\"", "b");
	log_set_json(false);
	text = release(&caught);
	assert_int_equal(text[strlen(text) - 1], '\n');
	line = json_parse(text, strlen(text), NULL);
	assert_non_null(line);
	assert_string_equal(asb_str(line, "level"), "info");
	assert_string_equal(asb_str(line, "msg"), "a \"b\"");
	assert_string_equal(asb_str(line, "key"), "v\"\\\n\x01\xef\xbf\xbd");
	assert_int_equal(strlen(asb_str(line, "time")), 24);
	assert_null(asb_at(line, "none"));
	json_object_put(line);
}

/* A line of too much, and its length. */
static size_t long_line(struct caught *caught, char fill, size_t message, bool json)
{
	char *text = xalloc(message + 1), *value = xalloc(6001);
	const char *fields[] = { "first", "1", "big", value, "more", value, "last", "2", NULL };

	memset(text, fill, message);
	memset(value, fill, 6000);
	catch (caught);
	log_set_json(json);
	log_write(LOG_INFO, fields, "%s", text);
	log_set_json(false);
	release(caught);
	free(text);
	free(value);
	return strlen(caught->text);
}

static void long_lines_are_cut_and_still_whole(void **state)
{
	static const char fills[] = { 'x', '"', '\x01', '\xff' };

	(void)state;
	for (size_t i = 0; i < sizeof(fills); i++) {
		for (size_t message = 0; message < 20000; message += 997) {
			struct caught caught;
			struct json_object *line;
			size_t length = long_line(&caught, fills[i], message, false);

			assert_in_range(length, 1, 8192);
			assert_ptr_equal(strchr(caught.text, '\n'), caught.text + length - 1);
			length = long_line(&caught, fills[i], message, true);
			assert_in_range(length, 1, 8192);
			line = json_parse(caught.text, length, NULL);
			assert_non_null(line);
			json_object_put(line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_have_level_message_and_fields),
		cmocka_unit_test(a_message_stays_on_its_line),
		cmocka_unit_test(levels_below_the_set_one_are_silent),
		cmocka_unit_test(json_lines_parse_and_hold_the_same),
		cmocka_unit_test(long_lines_are_cut_and_still_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
