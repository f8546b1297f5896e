/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns what a command writes into server-sent events, one for each line. A line ends at LF. One CR
 * before the LF is dropped; any other CR starts another data: line of the same event, since readers
 * of events take CR as the end of a line too. A line longer than 64 KiB is sent in pieces, and so
 * is a line that has not ended when the caller flushes it. An LF directly after a piece ends that
 * line without an event.
 */
#ifndef ASB_RUNTIME_EXEC_EVENTS_H
#define ASB_RUNTIME_EXEC_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "runtime/json/utf8.h"

#define EVENT_LINE_MAX (64u << 10)
#define EVENTS_MAX \
	(64u << 20) /* of events made at once: a read that holds only line ends grows 22 times */

struct event_lines {
	struct buf text; /* the line so far, in UTF-8 */
	struct utf8_decoder decoder;
	bool cut; /* a piece of this line has been sent */
};

void event_lines_init(struct event_lines *lines);
void event_lines_finish(struct event_lines *lines);
void event_lines_add(struct event_lines *lines, const char *name, const char *data, size_t length,
		     struct buf *out);
/* Sends what there is of a line. At the end of the output also an incomplete character and a lone
 * CR. */
void event_lines_flush(struct event_lines *lines, const char *name, bool end, struct buf *out);
/* Whether there is a part of a line that a flush would send. */
bool event_lines_open(const struct event_lines *lines);

/* Appends one event. */
void event_append(struct buf *out, const char *name, const char *text, size_t length);

#endif
