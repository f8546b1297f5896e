/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes %XX in URLs. Called by route.c, and by the routes of files for texts that are encoded twice. */
#include "config.h"

#include "runtime/http/percent.h"

#include <errno.h>

#include "base/hex.h"

int percent_decode(const char *text, size_t length, struct buf *buf)
{
	for (size_t i = 0; i < length; i++) {
		int high = text[i] == '%' && i + 2 < length ? hex_value(text[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text[i + 2]) : -1;

		if (low >= 0) {
			buf_append_char(buf, (char)(high * 16 + low));
			i += 2;
		} else {
			buf_append_char(buf, text[i]);
		}
	}
	return buf->failed ? -ENAMETOOLONG : 0;
}
