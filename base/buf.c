/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers with a ceiling. Everybody's. */
#include "config.h"

#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/memory.h"

void buf_finish(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT(buf->ceiling);
}

void buf_clear(struct buf *buf)
{
	buf->length = 0;
	buf->failed = false;
	if (buf->data != NULL) {
		buf->data[0] = '\0';
	}
}

static int buf_grow(struct buf *buf, size_t more)
{
	if (buf->failed || more > buf->ceiling || buf->length > buf->ceiling - more) {
		buf->failed = true;
		return -ENOSPC;
	}

	size_t needed = buf->length + more + 1, size = buf->size > 0 ? buf->size : 64;

	if (needed <= buf->size) {
		return 0;
	}
	while (size < needed) {
		size *= 2;
	}

	char *data = realloc(buf->data, size);

	if (data == NULL) {
		buf->failed = true;
		return -ENOSPC;
	}
	buf->data = data;
	buf->size = size;
	return 0;
}

int buf_append(struct buf *buf, const void *data, size_t length)
{
	if (buf_grow(buf, length) < 0) {
		return -ENOSPC;
	}
	if (length > 0) {
		memcpy(buf->data + buf->length, data, length);
	}
	buf->length += length;
	buf->data[buf->length] = '\0';
	return 0;
}

int buf_append_str(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_append_char(struct buf *buf, char byte)
{
	return buf_append(buf, &byte, 1);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0 || buf_grow(buf, (size_t)length) < 0) {
		va_end(again);
		buf->failed = true;
		return -ENOSPC;
	}
	vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
	va_end(again);
	buf->length += (size_t)length;
	return 0;
}

int buf_append_json(struct buf *buf, const char *text, size_t length)
{
	buf_append_char(buf, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\') {
			buf_append_char(buf, '\\');
			buf_append_char(buf, (char)c);
		} else if (c == '\n') {
			buf_append_str(buf, "\\n");
		} else if (c < 0x20) {
			char escape[] = {
				'\\', 'u', '0', '0', HEX_DIGITS[c >> 4], HEX_DIGITS[c & 15]
			};

			buf_append(buf, escape, sizeof(escape));
		} else {
			buf_append_char(buf, (char)c);
		}
	}
	return buf_append_char(buf, '"');
}

void buf_consume(struct buf *buf, size_t length)
{
	if (length >= buf->length) {
		length = buf->length;
	}
	if (length > 0) {
		memmove(buf->data, buf->data + length, buf->length - length + 1);
		buf->length -= length;
	}
}

void buf_cut(struct buf *buf, size_t length)
{
	if (length < buf->length) {
		buf->length = length;
		buf->data[length] = '\0';
	}
}

const char *buf_str(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *data = buf->data != NULL ? TAKE(buf->data) : xstrdup("");

	*buf = (struct buf)BUF_INIT(buf->ceiling);
	return data;
}
