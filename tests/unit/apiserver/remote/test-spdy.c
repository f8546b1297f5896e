/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of apiserver/remote/spdy.h: what a client sends comes apart however it is cut, what is none is
 * refused, and what is written is what was asked for. */
#include "config.h"

#include "apiserver/remote/spdy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/remote/spdy-block.h"

static int on_opened(void *arg, uint32_t stream, const struct spdy_headers *headers, bool fin)
{
	const char *type = spdy_header(headers, "streamtype");

	buf_printf(arg, "open %u %s%s;", stream, type != NULL ? type : "-", fin ? " fin" : "");
	return 0;
}

static int on_data(void *arg, uint32_t stream, const char *data, size_t length, bool fin)
{
	for (size_t i = 0; i < length; i++) {
		buf_printf(arg, "%u%c;", stream, data[i]);
	}
	if (fin) {
		buf_printf(arg, "%u fin;", stream);
	}
	return 0;
}

static int on_reset(void *arg, uint32_t stream, uint32_t why)
{
	buf_printf(arg, "reset %u %u;", stream, why);
	return 0;
}

static int on_ping(void *arg, uint32_t id)
{
	buf_printf(arg, "ping %u;", id);
	return 0;
}

static const struct spdy_events events = { on_opened, on_data, on_reset, on_ping };

/* SYN_STREAM as a client sends it. */
static void put_open(struct spdy_deflater *deflater, uint32_t stream, const char *type, bool fin,
		     struct buf *out)
{
	const struct spdy_headers headers = { .items = { { "streamtype", type, strlen(type) } },
					      .count = 1 };
	CLEANUP_BUF struct buf block = BUF_INIT(4096);

	spdy_deflate(deflater, &headers, &block);

	const unsigned char head[18] = { 0x80,
					 3,
					 0,
					 1,
					 fin ? 1 : 0,
					 0,
					 (unsigned char)((block.length + 10) >> 8),
					 (unsigned char)(block.length + 10),
					 0,
					 0,
					 0,
					 (unsigned char)stream };

	buf_append(out, head, sizeof(head));
	buf_append(out, block.data, block.length);
}

static void frames_come_apart_however_they_are_cut(void **state)
{
	static const char expected[] =
		"open 1 error;open 3 stdin fin;3a;3b;3 fin;ping 7;reset 1 5;";
	CLEANUP_BUF struct buf in = BUF_INIT(4096);
	struct spdy_deflater deflater;

	(void)state;
	spdy_deflater_init(&deflater);
	put_open(&deflater, 1, "error", false, &in);
	put_open(&deflater, 3, "stdin", true, &in);
	spdy_put_data(3, "ab", 2, true, &in);
	spdy_put_ping(7, &in);
	spdy_put_ping(8, &in); /* a response to nothing */
	spdy_put_reset(1, SPDY_RESET_CANCEL, &in);
	spdy_deflater_finish(&deflater);
	for (size_t cut = 1; cut <= in.length; cut++) {
		CLEANUP_BUF struct buf seen = BUF_INIT(4096);
		struct spdy *spdy = spdy_create(&events, &seen);

		for (size_t at = 0; at < in.length; at += cut) {
			size_t left = in.length - at;

			assert_int_equal(
				0, spdy_read(spdy, in.data + at, left < cut ? left : cut, NULL));
		}
		assert_string_equal(expected, buf_str(&seen));
		spdy_destroy(spdy);
	}
}

static void assert_refused(const struct buf *in)
{
	CLEANUP_BUF struct buf seen = BUF_INIT(4096);
	struct spdy *spdy = spdy_create(&events, &seen);
	struct error error = { 0 };

	assert_int_equal(-EPROTO, spdy_read(spdy, in->data, in->length, &error));
	assert_true(error.text[0] != '\0');
	spdy_destroy(spdy);
}

static void streams_are_odd_and_rise(void **state)
{
	static const uint32_t pairs[][2] = { { 1, 1 }, { 3, 1 }, { 1, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEANUP_BUF struct buf in = BUF_INIT(4096);
		struct spdy_deflater deflater;

		spdy_deflater_init(&deflater);
		put_open(&deflater, pairs[i][0], "a", false, &in);
		put_open(&deflater, pairs[i][1], "a", false, &in);
		spdy_deflater_finish(&deflater);
		assert_refused(&in);
	}
}

static void a_long_block_is_read_and_junk_behind_it_is_refused(void **state)
{
	static char long_type[SPDY_BLOCK_MAX + 1];
	CLEANUP_BUF struct buf in = BUF_INIT(65536);
	const struct spdy_headers headers = { .items = { { "a", long_type, SPDY_BLOCK_MAX - 20 } },
					      .count = 1 };
	struct spdy_inflater inflater;
	struct spdy_deflater deflater;
	struct spdy_headers got;

	(void)state;
	memset(long_type, 'x', SPDY_BLOCK_MAX);
	spdy_deflater_init(&deflater);
	spdy_inflater_init(&inflater);
	spdy_deflate(&deflater, &headers, &in);
	assert_int_equal(0, spdy_inflate(&inflater, in.data, in.length, &got, NULL));
	assert_int_equal(SPDY_BLOCK_MAX - 20, got.items[0].value_length);
	assert_int_equal(-EPROTO, spdy_inflate(&inflater, "\0junk", 5, &got, NULL));
	spdy_inflater_finish(&inflater);
	spdy_deflater_finish(&deflater);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_apart_however_they_are_cut),
		cmocka_unit_test(streams_are_odd_and_rise),
		cmocka_unit_test(a_long_block_is_read_and_junk_behind_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
