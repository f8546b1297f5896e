/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command writes, as server-sent events: one for each line. A line ends at LF; one CR before it
 * is dropped, others start another data: line of the same event, since a reader of events takes CR
 * for an end too. A line of 64 KiB goes out in pieces; so does, when the caller says so (flush), one
 * that has not ended. An LF right behind a piece ends that piece's line: it makes no event.
 */
#ifndef ASB_RUNTIME_EXEC_EVENTS_H
#define ASB_RUNTIME_EXEC_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "runtime/json/utf8.h"

#define EVENT_LINE_MAX (64u << 10)
#define EVENTS_MAX \
	(64u << 20) /* of events made at once: a read of line ends alone grows 22 times */

struct event_lines {
	struct buf text; /* of the line so far; UTF-8 */
	struct utf8_decoder decoder;
	bool cut; /* a piece of this line went out */
};

void event_lines_init(struct event_lines *lines);
void event_lines_finish(struct event_lines *lines);
void event_lines_add(struct event_lines *lines, const char *name, const char *data, size_t length,
		     struct buf *out);
/* Sends what there is of a line; at the end also half a character, and a lone CR. */
void event_lines_flush(struct event_lines *lines, const char *name, bool end, struct buf *out);
/* Whether a line has begun that a flush would send. */
bool event_lines_open(const struct event_lines *lines);

/* One event. */
void event_append(struct buf *out, const char *name, const char *text, size_t length);

#endif
