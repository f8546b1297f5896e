/* SPDX-License-Identifier: Apache-2.0 */
/* Checks JSON text from front to back without building a tree, by the grammar of Python (NaN and
 * Infinity are numbers), and reports where the members of the outermost object are. Errors have the
 * text and the position (in characters) that Python gives. */
#ifndef ASB_RUNTIME_JSON_TEXT_H
#define ASB_RUNTIME_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct json_piece {
	const char *start;
	size_t length;
};

struct json_text_error {
	const char *what; /* NULL: it is nested deeper than JSON_BODY_DEPTH_MAX */
	size_t position;
};

/* text is UTF-8. on_member is called for each member of the outermost object, in order. True: it is
 * JSON, and *ret_value is the value without white space around it. */
bool json_text_check(const char *text, size_t length,
		     void (*on_member)(void *arg, struct json_piece name, struct json_piece value),
		     void *arg, struct json_piece *ret_value, struct json_text_error *reterr);

/* Appends the text without white space between its parts; NaN and infinities become null. */
void json_text_compact(struct buf *out, struct json_piece piece);

#endif
