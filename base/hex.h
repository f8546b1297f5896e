/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal digits. */
#ifndef ASB_BASE_HEX_H
#define ASB_BASE_HEX_H

#include <stddef.h>

#define HEX_DIGITS "0123456789abcdef"

/* The value of a digit in either case, or -1. */
static inline int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Writes 2 * length lower case digits and a NUL. */
static inline void hex_encode(const void *data, size_t length, char *ret)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		*ret++ = HEX_DIGITS[bytes[i] >> 4];
		*ret++ = HEX_DIGITS[bytes[i] & 15];
	}
	*ret = '\0';
}

#endif
