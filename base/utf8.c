/* SPDX-License-Identifier: Apache-2.0 */
/* Whether text of a known length is UTF-8, and how it becomes that. Whoever takes text from outside
 * or prints it for others. */
#include "config.h"

#include "base/utf8.h"

#include <stdint.h>

#include "base/buf.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define LONGEST 4u

/* utf8_length for text that ends somewhere. */
static size_t utf8_bounded_length(const char *text, size_t length)
{
	char copy[LONGEST + 1] = { 0 };

	if (length >= LONGEST) {
		return utf8_length(text);
	}
	memcpy(copy, text, length);

	size_t found = utf8_length(copy);

	return found <= length ? found : 0;
}

size_t utf8_valid_length(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		uint64_t word;

		/* Most text is ASCII. */
		if (length - at >= sizeof(word)) {
			memcpy(&word, text + at, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof(word);
				continue;
			}
		}

		size_t step = utf8_bounded_length(text + at, length - at);

		if (step == 0) {
			return at;
		}
		at += step;
	}
	return length;
}

void utf8_repair(struct buf *buf)
{
	size_t at = utf8_valid_length(buf_str(buf), buf->length);

	if (at == buf->length) {
		return;
	}

	struct buf old = *buf;

	*buf = (struct buf)BUF_INIT(old.ceiling);
	buf->failed = old.failed;
	for (size_t from = 0; from < old.length;) {
		at = utf8_valid_length(old.data + from, old.length - from);
		buf_append(buf, old.data + from, at);
		from += at;
		if (from < old.length) {
			buf_append_str(buf, REPLACEMENT);
			from++;
		}
	}
	buf_finish(&old);
}
