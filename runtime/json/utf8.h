/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that may be UTF-8, as they come in pieces, to the inside of a JSON string: what is invalid
 * becomes U+FFFD, one for each maximal part, as Python's errors="replace" has it (Unicode 3.9, U+FFFD
 * substitution of maximal subparts). */
#ifndef ASB_RUNTIME_JSON_UTF8_H
#define ASB_RUNTIME_JSON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A character that has begun. All zero is the start. */
struct utf8_decoder {
	unsigned char bytes[4];
	unsigned char have, need; /* bytes of it */
	unsigned char low, high;  /* what the next one may be */
};

#define UTF8_JSON_MAX 9 /* most that is made of one byte: a U+FFFD and an escape of six */

/* Whether the byte continues the character that has begun, or begins one (true; have == need: it is
 * complete), or not (false). */
bool utf8_step(struct utf8_decoder *decoder, unsigned char byte);

/* Converts text into out. *ret_used says how much of text; less than length only where out is full.
 * Returns what was made. A character that is cut off stays in the decoder. size >= 2 * UTF8_JSON_MAX. */
size_t utf8_to_json(struct utf8_decoder *decoder, const char *text, size_t length, char *out,
		    size_t size, size_t *ret_used);
/* The end of the text: a character that is cut off becomes U+FFFD. At most 3 bytes. */
size_t utf8_to_json_end(struct utf8_decoder *decoder, char *out);

/* One byte, to text without escapes: at most 6 bytes. Ends with utf8_to_json_end too. */
size_t utf8_to_text(struct utf8_decoder *decoder, char byte, char *out);

/* Whether it is UTF-8 all through. */
bool utf8_is_valid(const char *text, size_t length);

#endif
