/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/frame.h: frames come apart the same however they are cut. */
#include "config.h"

#include "node/podman/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static const char two[] = "\1\0\0\0\0\0\0\3hi\n\2\0\0\0\0\0\0\1!\1\0\0\0\0\0\0\0";

static int take(void *arg, int stream, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		buf_printf(arg, "%d%c", stream, data[i]);
	}
	return 0;
}

static int refuse(void *arg, int stream, const char *data, size_t length)
{
	(void)arg, (void)stream, (void)data, (void)length;
	return -ECANCELED;
}

static void frames_come_apart_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < sizeof(two); cut++) {
		CLEANUP_BUF struct buf out = BUF_INIT(100);
		struct frame_reader reader = { 0 };

		for (size_t at = 0; at < sizeof(two) - 1; at += cut) {
			size_t left = sizeof(two) - 1 - at;

			assert_int_equal(
				frame_read(&reader, two + at, left < cut ? left : cut, take, &out),
				0);
		}
		assert_string_equal(buf_str(&out), "1h1i1\n2!");
	}
}

static void frames_refuse_what_is_none(void **state)
{
	static const char text[] = "HTTP/1.1 200", stream[] = "\4\0\0\0\0\0\0\1x";
	struct frame_reader first = { 0 }, second = { 0 };

	(void)state;
	assert_int_equal(frame_read(&first, text, sizeof(text) - 1, refuse, NULL), -EPROTO);
	assert_int_equal(frame_read(&second, stream, sizeof(stream) - 1, refuse, NULL), -EPROTO);
}

static void frames_end_when_the_reader_has_enough(void **state)
{
	struct frame_reader reader = { 0 };

	(void)state;
	assert_int_equal(frame_read(&reader, two, sizeof(two) - 1, refuse, NULL), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_apart_however_they_are_cut),
		cmocka_unit_test(frames_refuse_what_is_none),
		cmocka_unit_test(frames_end_when_the_reader_has_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
