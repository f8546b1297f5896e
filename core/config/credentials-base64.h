/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, 4) as kubeconfigs and HTTP have it. */
#ifndef ASB_CORE_CONFIG_CREDENTIALS_BASE64_H
#define ASB_CORE_CONFIG_CREDENTIALS_BASE64_H

#include <stddef.h>

/* A string of its own. */
char *base64_encode(const char *data, size_t length);
/* Text without NUL bytes; white space in between is fine (data over several lines). -EINVAL for
 * anything else. */
int base64_decode_text(const char *text, char **ret);

#endif
