/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/multipart.h, each form fed whole, byte by byte, and in every two pieces. */
#include "config.h"

#include "runtime/files/multipart.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=B"
#define HEAD "Content-Disposition: form-data; name=\"n\"\r\n\r\n"
#define FILE_HEAD "content-disposition: form-data; name=\"file\"; filename=\"f\"\r\nX: y\r\n\r\n"

/* Writes what it is told as text: <name:filename|data> */
static void on_begin(void *arg, const struct part_names *names)
{
	buf_append_char(arg, '<');
	buf_append(arg, names->name, names->name_length);
	if (names->filename != NULL) {
		buf_append_char(arg, ':');
		buf_append(arg, names->filename, names->filename_length);
	}
	buf_append_char(arg, '|');
}

static void on_data(void *arg, const char *data, size_t length)
{
	assert_true(length > 0);
	buf_append(arg, data, length);
}

static void on_end(void *arg)
{
	buf_append_char(arg, '>');
}

static const struct part_calls calls = { on_begin, on_data, on_end };

/* Feeds the first cut bytes, then the rest in pieces of that size. */
static int feed(const char *body, size_t length, size_t cut, size_t piece, struct buf *log,
		bool *ret_complete)
{
	struct multipart *multipart;
	struct error error = { 0 };
	int result;

	assert_int_equal(multipart_create(TYPE, &calls, log, &multipart, &error), 0);
	result = multipart_feed(multipart, body, cut, &error);
	for (size_t at = cut; at < length && result == 0; at += piece) {
		size_t size = length - at < piece ? length - at : piece;

		result = multipart_feed(multipart, body + at, size, &error);
	}
	*ret_complete = multipart_is_complete(multipart);
	if (result < 0) {
		buf_clear(log);
		buf_append_str(log, error.text);
	}
	multipart_destroy(multipart);
	return result;
}

static void assert_form(const char *body, const char *want, bool want_complete)
{
	size_t length = strlen(body);
	bool complete;

	for (size_t cut = 0; cut <= length; cut++) {
		CLEANUP_BUF struct buf log = BUF_INIT(10000);

		assert_int_equal(feed(body, length, cut, length, &log, &complete), 0);
		assert_string_equal(buf_str(&log), want);
		assert_int_equal(complete, want_complete);
	}

	CLEANUP_BUF struct buf log = BUF_INIT(10000);

	assert_int_equal(feed(body, length, 0, 1, &log, &complete), 0);
	assert_string_equal(buf_str(&log), want);
	assert_int_equal(complete, want_complete);
}

static void assert_refused(const char *body, const char *want)
{
	for (size_t piece = 1; piece < 100; piece += 98) {
		CLEANUP_BUF struct buf log = BUF_INIT(1u << 20);
		bool complete;

		assert_int_equal(feed(body, strlen(body), 0, piece, &log, &complete), -EINVAL);
		assert_string_equal(buf_str(&log), want);
		assert_false(complete);
	}
}

static void parts_come_with_names_and_data(void **state)
{
	(void)state;
	assert_form("--B\r\n" HEAD "one\r\n--B\r\n" FILE_HEAD "two\r\n--B--\r\n",
		    "<n|one><file:f|two>", true);
	assert_form("--B\r\n" HEAD "\r\n--B--", "<n|>", true);
	assert_form("--B--", "", true);
	assert_form("", "", false);
}

static void what_is_around_the_form_is_ignored(void **state)
{
	(void)state;
	assert_form("\r\n\r\n--B\r\n" HEAD "x\r\n--B--\r\nmore\r\n--B\r\n", "<n|x>", true);
	assert_refused("text before\r\n--B\r\n" HEAD "x\r\n--B--\r\n", "Invalid multipart data.");
}

static void what_only_looks_like_a_boundary_is_data(void **state)
{
	(void)state;
	assert_form("--B\r\n" HEAD "\r\r\n\r\n-\r\n--\r\n--A\r\n--Bx\r\n--B-x\r\n--B\rx\r\n--B--",
		    "<n|\r\r\n\r\n-\r\n--\r\n--A\r\n--Bx\r\n--B-x\r\n--B\rx>", true);
	assert_form("--B\r\n" HEAD "\r\n--B\r\r\n--B--", "<n|\r\n--B\r>", true);
	assert_form("--B\r\n" HEAD "\r\n--B\r\r\n--B\r\n" HEAD "\r\n--B--", "<n|\r\n--B\r><n|>",
		    true);
	assert_form("--B\r\n" HEAD "--B\r\n--B--", "<n|--B>", true);
	assert_form("--B\r\n" HEAD "\r\r\n--B--", "<n|\r>", true);
}

static void a_part_without_its_boundary_does_not_end(void **state)
{
	(void)state;
	assert_form("--B\r\n" HEAD "x", "<n|x", false);
	assert_form("--B\r\n" HEAD "x\r\n--B-", "<n|x", false);
	assert_form("--B\r\n" HEAD "x\r\n--B\r\nContent-Disp", "<n|x>", false);
}

static void a_head_must_say_a_name(void **state)
{
	static const char text[] =
		"The Content-Disposition header field \"name\" must be provided.";

	(void)state;
	assert_refused("--B\r\n\r\nx\r\n--B--", text);
	assert_refused("--B\r\nX: y\r\n\r\nx\r\n--B--", text);
	assert_refused("--B\r\nContent-Disposition: form-data; filename=x\r\n\r\nx\r\n--B--", text);
}

static void lines_end_in_crlf(void **state)
{
	(void)state;
	assert_refused("--B\nContent-Disposition: form-data; name=n\n\nx\n--B--",
		       "Invalid multipart data.");
	assert_refused("--B\r\nA: b\nC: d\r\n\r\nx\r\n--B--", "Invalid multipart data.");
	assert_refused("--B  \r\n" HEAD "x\r\n--B--", "Invalid multipart data.");
}

static void heads_and_parts_are_bounded(void **state)
{
	CLEANUP_BUF struct buf body = BUF_INIT(1u << 20);

	(void)state;
	buf_append_str(&body, "--B\r\nX: ");
	for (unsigned int i = 0; i < MULTIPART_HEAD_MAX; i++) {
		buf_append_char(&body, 'x');
	}
	assert_refused(buf_str(&body), "Invalid multipart data.");
	buf_clear(&body);
	for (unsigned int i = 0; i <= MULTIPART_PARTS_MAX; i++) {
		buf_append_str(&body, "--B\r\n" HEAD "\r\n");
	}
	assert_refused(buf_str(&body), "Too many parts. Maximum number of parts is 1000.");
}

static void assert_type(const char *type, int want, bool want_form, const char *want_text)
{
	struct multipart *multipart = NULL;
	struct error error = { 0 };

	assert_int_equal(multipart_create(type, &calls, NULL, &multipart, &error), want);
	assert_int_equal(multipart != NULL, want_form);
	assert_string_equal(error.text, want_text);
	multipart_destroy(multipart);
}

static void the_type_says_the_boundary(void **state)
{
	CLEANUP_BUF struct buf type = BUF_INIT(20000);

	(void)state;
	assert_type(TYPE, 0, true, "");
	assert_type("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", 0, true, "");
	assert_type(NULL, 0, false, "");
	assert_type("application/json", 0, false, "");
	assert_type("multipart/mixed; boundary=x", 0, false, "");
	assert_type("multipart/form-data", -EINVAL, false, "Missing boundary in multipart.");
	assert_type("multipart/form-data; boundary=", -EINVAL, false, "Invalid multipart data.");
	buf_append_str(&type, "multipart/form-data; boundary=");
	for (int i = 0; i < 10000; i++) {
		buf_append_char(&type, 'b');
	}
	assert_type(buf_str(&type), -EINVAL, false, "Invalid multipart data.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_come_with_names_and_data),
		cmocka_unit_test(what_is_around_the_form_is_ignored),
		cmocka_unit_test(what_only_looks_like_a_boundary_is_data),
		cmocka_unit_test(a_part_without_its_boundary_does_not_end),
		cmocka_unit_test(a_head_must_say_a_name),
		cmocka_unit_test(lines_end_in_crlf),
		cmocka_unit_test(heads_and_parts_are_bounded),
		cmocka_unit_test(the_type_says_the_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
