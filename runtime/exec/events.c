/* SPDX-License-Identifier: Apache-2.0 */
/* Splits output into lines and makes events of them. Called by stream.c. */
#include "config.h"

#include "runtime/exec/events.h"

#include <string.h>

void event_lines_init(struct event_lines *lines)
{
	*lines = (struct event_lines){ .text = BUF_INIT(EVENT_LINE_MAX + 16) };
}

void event_lines_finish(struct event_lines *lines)
{
	buf_finish(&lines->text);
}

void event_append(struct buf *out, const char *name, const char *text, size_t length)
{
	buf_printf(out, "event: %s\n", name);
	for (;;) {
		size_t part = 0;

		while (part < length && text[part] != '\r' && text[part] != '\n') {
			part++;
		}
		buf_append_str(out, "data: ");
		buf_append(out, text, part);
		buf_append_char(out, '\n');
		if (part == length) {
			break;
		}
		text += part + 1;
		length -= part + 1;
	}
	buf_append_char(out, '\n');
}

static bool event_lines_ends_in_cr(const struct event_lines *lines)
{
	return lines->text.length > 0 && lines->text.data[lines->text.length - 1] == '\r';
}

static void event_lines_send(struct event_lines *lines, const char *name, size_t length,
			     struct buf *out)
{
	event_append(out, name, buf_str(&lines->text), length);
	buf_clear(&lines->text);
}

static void event_lines_end_line(struct event_lines *lines, const char *name, struct buf *out)
{
	char last[4];

	buf_append(&lines->text, last, utf8_to_json_end(&lines->decoder, last));
	if (lines->text.length > 0 || !lines->cut) {
		event_lines_send(lines, name,
				 lines->text.length - (event_lines_ends_in_cr(lines) ? 1 : 0), out);
	}
	lines->cut = false;
}

/* A CR at the end of a piece is dropped: an LF may follow it. If none does, the next piece is
 * another event, which reads like the new line that the CR would have started. */
static void event_lines_send_piece(struct event_lines *lines, const char *name, struct buf *out)
{
	event_lines_send(lines, name, lines->text.length - (event_lines_ends_in_cr(lines) ? 1 : 0),
			 out);
	lines->cut = true;
}

static void event_lines_add_part(struct event_lines *lines, const char *name, const char *data,
				 size_t length, struct buf *out)
{
	char made[8];

	for (size_t i = 0; i < length; i++) {
		buf_append(&lines->text, made, utf8_to_text(&lines->decoder, data[i], made));
		if (lines->text.length >= EVENT_LINE_MAX) {
			event_lines_send_piece(lines, name, out);
		}
	}
}

void event_lines_add(struct event_lines *lines, const char *name, const char *data, size_t length,
		     struct buf *out)
{
	while (length > 0) {
		const char *end = memchr(data, '\n', length);
		size_t part = end != NULL ? (size_t)(end - data) : length;

		event_lines_add_part(lines, name, data, part, out);
		if (end == NULL) {
			return;
		}
		event_lines_end_line(lines, name, out);
		data += part + 1;
		length -= part + 1;
	}
}

bool event_lines_open(const struct event_lines *lines)
{
	return lines->text.length > (event_lines_ends_in_cr(lines) ? 1u : 0u);
}

void event_lines_flush(struct event_lines *lines, const char *name, bool end, struct buf *out)
{
	if (end) {
		char last[4];

		buf_append(&lines->text, last, utf8_to_json_end(&lines->decoder, last));
		if (lines->text.length > 0) {
			event_lines_send(lines, name, lines->text.length, out);
		}
	} else if (event_lines_open(lines)) {
		event_lines_send_piece(lines, name, out);
	}
	if (lines->text.length == 0) {
		buf_finish(&lines->text); /* a silent command keeps no memory */
		lines->text = (struct buf)BUF_INIT(EVENT_LINE_MAX + 16);
	}
}
