/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes base64 (RFC 4648, 4) into bytes. Called for what secrets and config maps hold. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static int value_of(char letter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = letter != '\0' ? strchr(letters, letter) : NULL;

	return at != NULL ? (int)(at - letters) : -1;
}

/* Four letters, of which the last padding ones were =. */
static int put_group(uint32_t bits, int padding, struct buf *out)
{
	const unsigned char bytes[3] = { (unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
					 (unsigned char)bits };

	return buf_append(out, bytes, (size_t)(3 - padding));
}

int base64_bytes(const char *text, size_t length, struct buf *out)
{
	uint32_t bits = 0;
	int held = 0, padding = 0;

	for (size_t i = 0; i < length; i++) {
		int value = value_of(text[i]);

		if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t') {
			continue;
		}
		if (text[i] == '=' && held >= 2) {
			padding++;
			value = 0;
		}
		if (value < 0 || (padding > 0 && text[i] != '=')) {
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)value;
		if (++held == 4) {
			if (put_group(bits, padding, out) < 0) {
				return -ENOSPC;
			}
			bits = 0;
			held = padding > 0 ? -1 : 0;
		}
		if (held < 0 && i + 1 < length &&
		    strspn(text + i + 1, " \t\r\n") < length - i - 1) {
			return -EINVAL;
		}
	}
	return held > 0 ? -EINVAL : 0;
}
