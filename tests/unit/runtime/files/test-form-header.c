/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/form-header.h. Where the wanted value is a matter of taste it is FastAPI's. */
#include "config.h"

#include "runtime/files/form-header.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

/* want NULL: it has none. */
static void assert_parameter(const char *value, const char *name, const char *want)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(1000);
	bool found = form_header_parameter(value, strlen(value), name, &buf);

	assert_int_equal(found, want != NULL);
	assert_string_equal(buf_str(&buf), want != NULL ? want : "");
}

static void assert_filename(const char *parameters, const char *want)
{
	CLEANUP_BUF struct buf value = BUF_INIT(1000);
	CLEANUP_BUF struct buf buf = BUF_INIT(1000);

	buf_printf(&value, "form-data; name=\"file\"; %s", parameters);
	assert_int_equal(form_header_filename(buf_str(&value), value.length, &buf), want != NULL);
	assert_string_equal(buf_str(&buf), want != NULL ? want : "");
}

static void a_value_is_known_in_any_case(void **state)
{
	static const char type[] = " Multipart/Form-Data ; boundary=x";

	(void)state;
	assert_true(form_header_is(type, strlen(type), "multipart/form-data"));
	assert_false(form_header_is(type, strlen(type), "multipart/form"));
	assert_false(form_header_is("", 0, "multipart/form-data"));
}

static void parameters_are_found(void **state)
{
	(void)state;
	assert_parameter("x; a=1; b=2", "b", "2");
	assert_parameter("x; A = \"1\" ; b=2", "a", "1");
	assert_parameter("x;a=\"1;b=3\";c=4", "b", NULL);
	assert_parameter("x;a=\"1\\\";b=3\";b=4", "b", "4");
	assert_parameter("x; a=1; a=2", "a", "2");
	assert_parameter("x; a", "a", NULL);
	assert_parameter("x; a=", "a", "");
	assert_parameter("x; a=\"", "a", "\"");
	assert_parameter("a=1", "a", NULL);
	assert_parameter("", "a", NULL);
	assert_parameter(";;;=;", "a", NULL);
}

static void filenames_are_unquoted(void **state)
{
	(void)state;
	assert_filename("filename=a.txt", "a.txt");
	assert_filename("filename=\"\"", "");
	assert_filename("filename=\"a\\\"b\"", "a\"b");
	assert_filename("filename=\"a\\\\b\\c\"", "a\\b\\c");
	assert_filename("filename=\"a%22b\"", "a%22b");
	assert_filename("x=y", NULL);
}

static void paths_of_windows_lose_their_folders(void **state)
{
	(void)state;
	assert_filename("filename=\"C:\\tmp\\w.txt\"", "w.txt");
	assert_filename("filename=\"\\\\\\\\host\\share\\w.txt\"", "w.txt");
	assert_filename("filename=\"C:\\\"", "");
}

static void filenames_are_utf8_at_the_end(void **state)
{
	(void)state;
	assert_filename("filename=\"\303\251\"", "\303\251");
	assert_filename("filename=\"\351\"", "\303\251");
	assert_filename("filename*=utf-8''%e2%82%ac", "\342\202\254");
	assert_filename("filename*=ISO-8859-1'en'%e9", "\303\251");
	assert_filename("filename*=utf-8''%e9", NULL);
	assert_filename("filename*=koi8-r''%e9", NULL);
	assert_filename("filename*=broken", NULL);
	assert_filename("filename=\"x\"; filename*=utf-8''y", "x");
}

static void headers_are_found_in_a_head(void **state)
{
	static const char head[] = "A: 1\r\nContent-disposition:  form-data  \r\nB:";
	const char *value;
	size_t length;

	(void)state;
	assert_int_equal(
		form_header_find(head, strlen(head), "Content-Disposition", &value, &length), 0);
	assert_int_equal(length, 9);
	assert_memory_equal(value, "form-data", 9);
	assert_int_equal(form_header_find(head, strlen(head), "C", &value, &length), 0);
	assert_null(value);
	assert_int_equal(form_header_find("", 0, "C", &value, &length), 0);
	assert_null(value);
}

static void what_is_no_header_is_refused(void **state)
{
	static const char *const heads[] = {
		"A: 1\r\n folded", "no colon",   ": no name", "A : 1",
		"A: 1\nB: 2",      "A: 1\r\r\n", "\r\n",
	};
	const char *value;
	size_t length;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		assert_int_equal(form_header_find(heads[i], strlen(heads[i]), "A", &value, &length),
				 -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_known_in_any_case),
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(filenames_are_unquoted),
		cmocka_unit_test(paths_of_windows_lose_their_folders),
		cmocka_unit_test(filenames_are_utf8_at_the_end),
		cmocka_unit_test(headers_are_found_in_a_head),
		cmocka_unit_test(what_is_no_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
