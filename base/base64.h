/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4) of secrets, binaryData, certificates and passwords. */
#ifndef ASB_BASE_BASE64_H
#define ASB_BASE_BASE64_H

#include <stddef.h>

#include "base/buf.h"

/* A string of its own, the caller's. length is at most a gigabyte. */
char *base64_encode(const void *data, size_t length);
/* Appends the bytes that the text stands for; white space in the text is skipped. -EINVAL for text
 * that is not base64, -ENOSPC for out's ceiling. */
int base64_decode(const char *text, size_t length, struct buf *out);

#endif
