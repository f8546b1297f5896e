/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding of URLs. */
#ifndef ASB_RUNTIME_HTTP_PERCENT_H
#define ASB_RUNTIME_HTTP_PERCENT_H

#include <stddef.h>

#include "base/buf.h"

/* Appends text with its %XX decoded; malformed escapes stay as they are. 0 or -ENAMETOOLONG. */
int percent_decode(const char *text, size_t length, struct buf *buf);

#endif
