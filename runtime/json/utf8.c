/* SPDX-License-Identifier: Apache-2.0 */
/* The automaton of RFC 3629, and JSON strings made of any bytes. Called by response.c,
 * output.c and events.c. */
#include "config.h"

#include "runtime/json/utf8.h"

#include <string.h>

#include "base/hex.h"

static const char replacement[] = "\xef\xbf\xbd";

static bool utf8_begin(struct utf8_decoder *decoder, unsigned char byte)
{
	*decoder = (struct utf8_decoder){ .low = 0x80, .high = 0xbf };
	if (byte < 0x80) {
		decoder->need = 1;
	} else if (byte >= 0xc2 && byte <= 0xdf) {
		decoder->need = 2;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		decoder->need = 3;
		decoder->low = byte == 0xe0 ? 0xa0 : 0x80;  /* overlong */
		decoder->high = byte == 0xed ? 0x9f : 0xbf; /* surrogates */
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		decoder->need = 4;
		decoder->low = byte == 0xf0 ? 0x90 : 0x80;
		decoder->high = byte == 0xf4 ? 0x8f : 0xbf; /* beyond U+10FFFF */
	} else {
		return false;
	}
	decoder->bytes[0] = byte;
	decoder->have = 1;
	return true;
}

/* True: the byte continues the incomplete character, or starts a new one; the character is complete
 * when have == need. False: the byte is invalid there. */
static bool utf8_step(struct utf8_decoder *decoder, unsigned char byte)
{
	if (decoder->have == decoder->need) {
		return utf8_begin(decoder, byte);
	}
	if (byte < decoder->low || byte > decoder->high) {
		return false;
	}
	decoder->bytes[decoder->have++] = byte;
	decoder->low = 0x80;
	decoder->high = 0xbf;
	return true;
}

static size_t utf8_put_escape(unsigned char byte, char *out)
{
	static const char names[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	out[0] = '\\';
	for (size_t i = 0; i + 1 < sizeof(names); i += 2) {
		if ((unsigned char)names[i] == byte) {
			out[1] = names[i + 1];
			return 2;
		}
	}
	memcpy(out + 1, "u00", 3);
	out[4] = HEX_DIGITS[byte >> 4];
	out[5] = HEX_DIGITS[byte & 15];
	return 6;
}

static size_t utf8_put_character(const struct utf8_decoder *decoder, bool json, char *out)
{
	unsigned char byte = decoder->bytes[0];

	if (json && decoder->have == 1 && (byte < 0x20 || byte == '"' || byte == '\\')) {
		return utf8_put_escape(byte, out);
	}
	memcpy(out, decoder->bytes, decoder->have);
	return decoder->have;
}

/* Converts one byte that is not plain. Returns the length of the result: that of the character it
 * completes, and of the incomplete one before it if it is invalid there. */
static size_t utf8_convert(struct utf8_decoder *decoder, unsigned char byte, bool json, char *out)
{
	bool open = decoder->have < decoder->need;
	size_t made = 0;

	if (!utf8_step(decoder, byte)) {
		memcpy(out, replacement, 3);
		made = 3;
		*decoder = (struct utf8_decoder){ 0 };
		/* A byte that is invalid in one character may start the next one. */
		if (!open) {
			return made;
		}
		if (!utf8_step(decoder, byte)) {
			*decoder = (struct utf8_decoder){ 0 };
			memcpy(out + made, replacement, 3);
			return made + 3;
		}
	}
	return decoder->have == decoder->need ? made + utf8_put_character(decoder, json, out + made)
					      : made;
}

static size_t utf8_plain_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && (unsigned char)text[i] >= 0x20 && (unsigned char)text[i] < 0x80 &&
	       text[i] != '"' && text[i] != '\\') {
		i++;
	}
	return i;
}

size_t utf8_to_json(struct utf8_decoder *decoder, const char *text, size_t length, char *out,
		    size_t size, size_t *ret_used)
{
	size_t made = 0, used = 0;

	while (used < length && size - made > UTF8_JSON_MAX + 1) {
		size_t most = length - used < size - made ? length - used : size - made;
		size_t plain =
			decoder->have == decoder->need ? utf8_plain_length(text + used, most) : 0;

		memcpy(out + made, text + used, plain);
		made += plain;
		used += plain;
		if (plain == 0) {
			made += utf8_convert(decoder, (unsigned char)text[used++], true,
					     out + made);
		}
	}
	*ret_used = used;
	return made;
}

size_t utf8_to_text(struct utf8_decoder *decoder, char byte, char *out)
{
	return utf8_convert(decoder, (unsigned char)byte, false, out);
}

size_t utf8_to_json_end(struct utf8_decoder *decoder, char *out)
{
	bool open = decoder->have < decoder->need;

	*decoder = (struct utf8_decoder){ 0 };
	memcpy(out, replacement, open ? 3 : 0);
	return open ? 3 : 0;
}
