/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing buffer with a ceiling, for whatever an input sizes. Going over the ceiling, or out of
 * memory, makes it failed: it keeps what it had, takes nothing more, and says so until buf_clear;
 * so a run of appends is checked once, at its end. Always NUL-terminated behind its length.
 */
#ifndef ASB_BASE_BUF_H
#define ASB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct buf {
	char *data; /* NULL until something is in it */
	size_t length;
	size_t size;
	size_t ceiling; /* most bytes it may hold, without the NUL */
	bool failed;
};

#define BUF_INIT(most)            \
	{                         \
		.ceiling = (most) \
	}

void buf_finish(struct buf *buf);
/* Empties it and forgives a failure; keeps the memory. */
void buf_clear(struct buf *buf);
/* Each returns 0, or -ENOSPC when the buffer is or becomes failed. */
int buf_append(struct buf *buf, const void *data, size_t length);
int buf_append_str(struct buf *buf, const char *text);
int buf_append_char(struct buf *buf, char byte);
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Appends text as a JSON string, quotes included. */
int buf_append_json(struct buf *buf, const char *text, size_t length);
/* Removes length bytes at the front. */
void buf_consume(struct buf *buf, size_t length);
/* Shortens it to a length it had before. */
void buf_cut(struct buf *buf, size_t length);
/* The text, "" when empty. Borrowed. */
const char *buf_str(const struct buf *buf);
/* The memory, to be freed by the caller; the buffer is empty then. Never NULL. */
char *buf_take(struct buf *buf);

#define CLEANUP_BUF CLEANUP(buf_finish)

#endif
