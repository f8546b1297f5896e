/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as text. */
#ifndef ASB_BASE_SHA256_H
#define ASB_BASE_SHA256_H

#include <stddef.h>

#define SHA256_HEX 65 /* 64 lower case digits and a NUL */

void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX]);

#endif
