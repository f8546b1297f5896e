/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 by libcrypto, which takes more than the standard allows: what it must not take is refused
 * here first. Called for secrets, config maps, certificates and passwords. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

char *base64_encode(const void *data, size_t length)
{
	char *text = xalloc((length + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, data, (int)length);
	return text;
}

/* Copies the text without its white space, as a string; a NUL in the text ends that string early.
 */
static size_t base64_copy_letters(const char *text, size_t length, char *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') {
			ret[count++] = text[i];
		}
	}
	ret[count] = '\0';
	return count;
}

int base64_decode(const char *text, size_t length, struct buf *out)
{
	if (length > INT_MAX) {
		return -ENOSPC;
	}

	CLEANUP_FREE char *letters = xalloc(length + 1);
	CLEANUP_FREE unsigned char *bytes = xalloc(length + 1);
	size_t count = base64_copy_letters(text, length, letters);
	size_t padding = count - strspn(letters, ALPHABET);

	if (count % 4 != 0 || padding > 2 || strspn(letters + count - padding, "=") != padding) {
		return -EINVAL;
	}
	if (EVP_DecodeBlock(bytes, (const unsigned char *)letters, (int)count) < 0) {
		return -EINVAL;
	}
	return buf_append(out, bytes, count / 4 * 3 - padding);
}
