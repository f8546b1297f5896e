/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/buf.h, above all those about the ceiling. */
#include "config.h"

#include "base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void buf_is_empty_text_before_anything_is_in_it(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(10);
	char *taken;

	(void)state;
	assert_string_equal(buf_str(&buf), "");
	buf_consume(&buf, 5);
	buf_cut(&buf, 0);
	buf_clear(&buf);
	taken = buf_take(&buf);
	assert_string_equal(taken, "");
	free(taken);
}

static void buf_keeps_what_it_had_when_the_ceiling_is_hit(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(5);

	(void)state;
	assert_int_equal(buf_append_str(&buf, "12345"), 0);
	assert_int_equal(buf_append_char(&buf, '6'), -ENOSPC);
	assert_true(buf.failed);
	assert_string_equal(buf_str(&buf), "12345");
}

static void buf_takes_nothing_more_once_failed_until_cleared(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(5);

	(void)state;
	assert_int_equal(buf_append_str(&buf, "123456"), -ENOSPC);
	assert_int_equal(buf_append_str(&buf, "1"), -ENOSPC);
	assert_int_equal(buf_printf(&buf, "%d", 1), -ENOSPC);
	assert_int_equal(buf_append_json(&buf, "", 0), -ENOSPC);
	assert_string_equal(buf_str(&buf), "");
	buf_clear(&buf);
	assert_int_equal(buf_append_str(&buf, "1"), 0);
	assert_string_equal(buf_str(&buf), "1");
}

static void buf_length_near_the_top_of_size_t_is_refused(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(100);

	(void)state;
	buf_append_str(&buf, "abc");
	assert_int_equal(buf_append(&buf, "x", SIZE_MAX - 1), -ENOSPC);
	assert_string_equal(buf_str(&buf), "abc");
}

static void buf_printf_appends_texts_longer_than_its_memory(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(10000);
	char text[1001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(buf_printf(&buf, "%d:%s:%d", 1, text, 2), 0);
	assert_int_equal(buf.length, 1004);
	assert_memory_equal(buf_str(&buf), "1:xx", 4);
	assert_string_equal(buf_str(&buf) + 1001, "x:2");
}

static void buf_json_strings_are_escaped(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_append_json(&buf, "a\"\\\n\t\x1f\0/é", 10), 0);
	assert_string_equal(buf_str(&buf), "\"a\\\"\\\\\\n\\u0009\\u001f\\u0000/é\"");
}

static void buf_consume_and_cut_remove_from_either_end(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(100);

	(void)state;
	buf_append_str(&buf, "front-middle-end");
	buf_consume(&buf, 6);
	assert_string_equal(buf_str(&buf), "middle-end");
	buf_cut(&buf, 6);
	assert_string_equal(buf_str(&buf), "middle");
	buf_cut(&buf, 60);
	assert_string_equal(buf_str(&buf), "middle");
	buf_consume(&buf, 60);
	assert_string_equal(buf_str(&buf), "");
	assert_int_equal(buf.length, 0);
}

static void buf_take_gives_the_memory_away_and_keeps_the_ceiling(void **state)
{
	CLEANUP_BUF struct buf buf = BUF_INIT(4);
	char *taken;

	(void)state;
	buf_append_str(&buf, "text");
	taken = buf_take(&buf);
	assert_string_equal(taken, "text");
	assert_string_equal(buf_str(&buf), "");
	assert_int_equal(buf_append_str(&buf, "12345"), -ENOSPC);
	free(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_is_empty_text_before_anything_is_in_it),
		cmocka_unit_test(buf_keeps_what_it_had_when_the_ceiling_is_hit),
		cmocka_unit_test(buf_takes_nothing_more_once_failed_until_cleared),
		cmocka_unit_test(buf_length_near_the_top_of_size_t_is_refused),
		cmocka_unit_test(buf_printf_appends_texts_longer_than_its_memory),
		cmocka_unit_test(buf_json_strings_are_escaped),
		cmocka_unit_test(buf_consume_and_cut_remove_from_either_end),
		cmocka_unit_test(buf_take_gives_the_memory_away_and_keeps_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
