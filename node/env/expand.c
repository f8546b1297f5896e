/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces $(NAME) in a text. Called for values of the environment, commands, arguments and
 * subPathExpr. */
#include "config.h"

#include "node/env/expand.h"

#include <errno.h>
#include <string.h>

/* text begins with a $; returns how much of it was dealt with. last is the last ) of all, so that
 * a text of many $( is not searched to its end for each. */
static size_t expand_one(const char *text, const char *last, env_lookup lookup, void *arg,
			 struct buf *out)
{
	const char *end;
	const char *value;

	switch (text[1]) {
	case '$':
		buf_append_char(out, '$');
		return 2;
	case '(':
		if (last == NULL || text > last) {
			break;
		}
		end = strchr(text, ')');
		value = lookup(arg, text + 2, (size_t)(end - text - 2));
		if (value != NULL) {
			buf_append_str(out, value);
		} else {
			buf_append(out, text, (size_t)(end + 1 - text));
		}
		return (size_t)(end + 1 - text);
	case '\0':
		buf_append_char(out, '$');
		return 1;
	default:
		break;
	}
	buf_append(out, text, 2);
	return 2;
}

int env_expand_text(const char *text, env_lookup lookup, void *arg, struct buf *out)
{
	const char *last = strrchr(text, ')');

	while (*text != '\0' && !out->failed) {
		size_t plain = strcspn(text, "$");

		buf_append(out, text, plain);
		text += plain;
		if (*text == '$') {
			text += expand_one(text, last, lookup, arg, out);
		}
	}
	return out->failed ? -ENOSPC : 0;
}
