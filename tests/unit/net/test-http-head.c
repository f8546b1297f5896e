/* SPDX-License-Identifier: Apache-2.0 */
/* net/http-head: the status of a response, as it comes. */
#include "config.h"

#include "net/http-head.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int status_of(const char *text, size_t length, size_t *ret_length)
{
	CLEANUP_BUF struct buf response = BUF_INIT(1024);

	assert_int_equal(buf_append(&response, text, length), 0);
	return http_head_status(&response, ret_length);
}

static void a_head_is_read_when_it_is_whole(void **state)
{
	static const char text[] = "HTTP/1.1 101 Upgrade\r\nUpgrade: tcp\r\n\r\nbytes";
	size_t head = strlen(text) - strlen("bytes"), length = 0;

	(void)state;
	for (size_t i = 0; i < head; i++) {
		assert_int_equal(status_of(text, i, &length), 0);
	}
	assert_int_equal(status_of(text, head, &length), 101);
	assert_int_equal(length, head);
	assert_int_equal(status_of(text, sizeof(text) - 1, &length), 101);
	assert_int_equal(length, head);
	assert_int_equal(status_of("HTTP/1.0 404\r\n\r\n", 16, &length), 404);
}

static void what_is_no_head_is_told(void **state)
{
	static const char *const bad[] = {
		"\r\n\r\n",
		"220 mail.example.com ESMTP\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",
		"HTTP/1.1 2000\r\n\r\n",
		"HTTP/1.1 099\r\n\r\n",
		"HTTP/1.1 2x0\r\n\r\n",
		"HTTP/1.12 200\r\n\r\n",
	};
	size_t length = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(status_of(bad[i], strlen(bad[i]), &length), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_when_it_is_whole),
		cmocka_unit_test(what_is_no_head_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
