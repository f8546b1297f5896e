/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes file names into a header in the form of Starlette. The download route calls it.
 */
#include "config.h"

#include "runtime/files/disposition.h"

#include <string.h>

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~";

void disposition_append(struct buf *buf, const char *name)
{
	static const char hex[] = "0123456789ABCDEF";

	if (name[strspn(name, plain)] == '\0') {
		buf_printf(buf, "attachment; filename=\"%s\"", name);
		return;
	}
	buf_append_str(buf, "attachment; filename*=utf-8''");
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		if (strchr(plain, c) != NULL) {
			buf_append_char(buf, (char)c);
		} else {
			char escape[] = { '%', hex[c >> 4], hex[c & 15] };

			buf_append(buf, escape, sizeof(escape));
		}
	}
}
