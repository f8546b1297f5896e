/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of secrets and of binaryData, any bytes. */
#ifndef ASB_BASE_BASE64_H
#define ASB_BASE_BASE64_H

#include "base/buf.h"

/* Appends what the text stands for; white space in it is skipped. -EINVAL for what is no base64
 * (out holds a part of it then), -ENOSPC for out's ceiling. */
int base64_bytes(const char *text, size_t length, struct buf *out);

#endif
