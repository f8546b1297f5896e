/* SPDX-License-Identifier: Apache-2.0 */
/* Where characters of UTF-8 end (RFC 3629): logs, metrics and events quote what others wrote, and
 * one bad byte in there makes a whole line or scrape unreadable. */
#ifndef ASB_BASE_UTF8_H
#define ASB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The bytes of the character at text, which ends in a NUL; 0 when there is none that is valid. */
static inline size_t utf8_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t length = c[0] < 0x80   ? 1
			: c[0] < 0xc2 ? 0
			: c[0] < 0xe0 ? 2
			: c[0] < 0xf0 ? 3
			: c[0] < 0xf5 ? 4
				      : 0;

	for (size_t i = 1; i < length; i++) {
		if ((c[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)) {
		return 0;
	}
	return length;
}

/* The length of text, or less: at most most, and not in the middle of a character. */
static inline size_t utf8_cut(const char *text, size_t most)
{
	size_t length = strnlen(text, most + 1);

	if (length <= most) {
		return length;
	}
	length = most;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
		length--;
	}
	return length;
}

struct buf;

/* The bytes at the front of text, of length bytes, that are whole characters; a NUL is one. All of
 * it is valid where that is length. */
size_t utf8_valid_length(const char *text, size_t length);
/* Replaces each byte that belongs to no character by U+FFFD. The buffer fails where that does not
 * fit. */
void utf8_repair(struct buf *buf);

#endif
