/* SPDX-License-Identifier: Apache-2.0 */
/* Converts bytes that may be UTF-8 to the inside of a JSON string. The bytes come in pieces. An
 * invalid sequence becomes U+FFFD, one for each maximal part, as Python's errors="replace" does it
 * (Unicode 3.9, U+FFFD substitution of maximal subparts). base/utf8.h checks text that is there as
 * a whole. */
#ifndef ASB_RUNTIME_JSON_UTF8_H
#define ASB_RUNTIME_JSON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of an incomplete character. All zero at the start. */
struct utf8_decoder {
	unsigned char bytes[4];
	unsigned char have, need; /* bytes of it */
	unsigned char low, high;  /* what the next one may be */
};

#define UTF8_JSON_MAX 9 /* the most that one byte becomes: U+FFFD and an escape of six bytes */

/* Converts text into out and returns the length of the result. *ret_used is the length of text that
 * was converted, less than length only when out is full. An incomplete character stays in the
 * decoder. size must be at least 2 * UTF8_JSON_MAX. */
size_t utf8_to_json(struct utf8_decoder *decoder, const char *text, size_t length, char *out,
		    size_t size, size_t *ret_used);
/* Ends the text: an incomplete character becomes U+FFFD. Returns the length, at most 3 bytes. */
size_t utf8_to_json_end(struct utf8_decoder *decoder, char *out);

/* Converts one byte to text without escapes, at most 6 bytes. utf8_to_json_end ends this text
 * too. */
size_t utf8_to_text(struct utf8_decoder *decoder, char byte, char *out);

#endif
