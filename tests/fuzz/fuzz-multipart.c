/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/files/multipart: a form tells the same in one piece and in many, and never more bytes than it
 * had. The first line of an input is the Content-Type, the rest the body. How to build it: fuzz.h.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "runtime/files/multipart.h"
#include "tests/fuzz/fuzz.h"

#define LOG_MAX (64u << 20)

const char fuzz_corpus[] = "multipart";

static void on_begin(void *arg, const struct part_names *names)
{
	buf_append_char(arg, '<');
	buf_append_json(arg, names->name, names->name_length);
	if (names->filename != NULL) {
		buf_append_json(arg, names->filename, names->filename_length);
	}
	buf_append_char(arg, '|');
}

static void on_data(void *arg, const char *data, size_t length)
{
	FUZZ_CHECK(length > 0);
	buf_append(arg, data, length);
}

static void on_end(void *arg)
{
	buf_append_char(arg, '>');
}

static const struct part_calls calls = { on_begin, on_data, on_end };

/* Feeds it in pieces of that size; what multipart_feed said in the end. */
static int feed(const char *type, const char *body, size_t length, size_t piece, struct buf *log)
{
	struct multipart *multipart = NULL;
	struct error error = { 0 };
	int result = multipart_create(type, &calls, log, &multipart, &error);

	FUZZ_CHECK(multipart == NULL || result == 0);
	if (multipart != NULL) {
		for (size_t at = 0; at < length && result == 0; at += piece) {
			result = multipart_feed(multipart, body + at,
						length - at < piece ? length - at : piece, &error);
		}
		buf_append_char(log, multipart_is_complete(multipart) ? '.' : '?');
	}
	FUZZ_CHECK((result == 0) == (error.text[0] == '\0'));
	multipart_destroy(multipart);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *line = size > 0 ? memchr(text, '\n', size) : NULL;
	size_t length = line != NULL ? (size_t)(line - text) : size;
	CLEANUP_FREE char *type = xstrndup(size > 0 ? text : "", length);
	const char *body = line != NULL ? line + 1 : text + size;
	CLEANUP_BUF struct buf whole = BUF_INIT(LOG_MAX);
	int result = feed(type, body, size - (size_t)(body - text), SIZE_MAX / 2, &whole);

	for (size_t piece = 1; piece <= 7; piece += 3) {
		CLEANUP_BUF struct buf log = BUF_INIT(LOG_MAX);

		FUZZ_CHECK(feed(type, body, size - (size_t)(body - text), piece, &log) == result);
		FUZZ_CHECK(log.length == whole.length &&
			   memcmp(buf_str(&log), buf_str(&whole), log.length) == 0);
	}
	return 0;
}
