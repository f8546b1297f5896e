/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes strings of checked JSON text. Called by json-body.c. */
#include "config.h"

#include "runtime/json/string.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

#define REPLACEMENT 0xfffdu

/* The number of four hexadecimal digits. */
static uint32_t json_string_code_unit(const char *digits)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++) {
		char c = digits[i];

		code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return code;
}

static char *json_string_put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* Reads the character whose digits start at at; *ret_end is the end of its escapes. */
static uint32_t json_string_read_character(const char *at, const char **ret_end, bool *ret_half)
{
	uint32_t code = json_string_code_unit(at), low;

	*ret_end = at + 4;
	if (code < 0xd800 || code > 0xdfff) {
		return code;
	}
	/* The text is checked: all digits are before the closing quote. */
	low = code <= 0xdbff && at[4] == '\\' && at[5] == 'u' ? json_string_code_unit(at + 6) : 0;
	if (low < 0xdc00 || low > 0xdfff) {
		*ret_half = true;
		return REPLACEMENT;
	}
	*ret_end = at + 10;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static char json_string_plain_escape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

char *json_string_decode(struct json_piece piece, size_t *ret_length, bool *ret_half)
{
	const char *at = piece.start + 1, *end = piece.start + piece.length - 1;
	/* An escape is never shorter than the character it stands for. */
	char *text = xalloc((size_t)(end - at) + 1), *out = text;

	if (memchr(at, '\\', (size_t)(end - at)) == NULL) {
		memcpy(text, at, (size_t)(end - at));
		out += end - at;
		at = end;
	}

	while (at < end) {
		if (*at != '\\') {
			*out++ = *at++;
		} else if (at[1] == 'u') {
			out = json_string_put_utf8(
				out, json_string_read_character(at + 2, &at, ret_half));
		} else {
			*out++ = json_string_plain_escape(at[1]);
			at += 2;
		}
	}
	*out = '\0';
	*ret_length = (size_t)(out - text);
	return text;
}
