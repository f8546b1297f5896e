/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 both ways, strictly. Kubeconfigs carry certificates in it, HTTP carries passwords in it.
 */
#include "config.h"

#include "core/config/credentials-base64.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const char *data, size_t length)
{
	char *text = xalloc((length + 2) / 3 * 4 + 1), *out = text;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned int bits = (unsigned int)(unsigned char)data[i] << 16;

		bits |= left > 1 ? (unsigned int)(unsigned char)data[i + 1] << 8 : 0;
		bits |= left > 2 ? (unsigned int)(unsigned char)data[i + 2] : 0;
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[bits & 63] : '=';
	}
	return text;
}

int base64_decode_text(const char *text, char **ret)
{
	char *decoded CLEANUP_FREE = xalloc(strlen(text) / 4 * 3 + 4), *out = decoded;
	unsigned int bits = 0, count = 0, padding = 0;

	for (; *text != '\0'; text++) {
		const char *digit = strchr(digits, *text);

		if (strchr(" \t\r\n", *text) != NULL) {
			continue;
		}
		if (*text == '=') {
			padding++;
		} else if (digit == NULL || padding > 0) {
			return -EINVAL;
		}
		bits = bits << 6 | (digit != NULL ? (unsigned int)(digit - digits) : 0);
		if (++count % 4 == 0) {
			*out++ = (char)(bits >> 16 & 255);
			*out++ = (char)(bits >> 8 & 255);
			*out++ = (char)(bits & 255);
			bits = 0;
		}
	}
	if (count % 4 != 0 || padding > 2) {
		return -EINVAL;
	}
	out -= padding;
	*out = '\0';
	if (strlen(decoded) != (size_t)(out - decoded)) {
		return -EINVAL;
	}
	*ret = TAKE(decoded);
	return 0;
}
