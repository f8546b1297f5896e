/* SPDX-License-Identifier: Apache-2.0 */
/* Compact JSON with a line for each value, for pretty=true. Responses of any kind are printed through
 * it. */
#include "config.h"

#include "apiserver/api/api-private.h"

static void indent_line(struct buf *out, size_t depth)
{
	buf_append_char(out, '\n');
	for (size_t i = 0; i < depth; i++) {
		buf_append_str(out, "  ");
	}
}

/* The end of the string that begins at a quote. */
static size_t indent_string_end(const char *text, size_t length, size_t at)
{
	for (at++; at < length && text[at] != '"'; at++) {
		at += text[at] == '\\' ? 1 : 0;
	}
	return at < length ? at + 1 : length;
}

void indent_json(const char *text, size_t length, struct buf *out)
{
	size_t depth = 0;

	for (size_t i = 0; i < length && !out->failed; i++) {
		char c = text[i], next = i + 1 < length ? text[i + 1] : '\0';

		if (c == '"') {
			size_t end = indent_string_end(text, length, i);

			buf_append(out, text + i, end - i);
			i = end - 1;
		} else if ((c == '{' && next == '}') || (c == '[' && next == ']')) {
			buf_append(out, text + i++, 2);
		} else if (c == '{' || c == '[') {
			buf_append_char(out, c);
			indent_line(out, ++depth);
		} else if (c == '}' || c == ']') {
			indent_line(out, --depth);
			buf_append_char(out, c);
		} else if (c == ',') {
			buf_append_char(out, c);
			indent_line(out, depth);
		} else {
			buf_append_str(out, c == ':' ? ": " : "");
			buf_append(out, &c, c == ':' ? 0 : 1);
		}
	}
}
