/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of one process on one connection, between local mode's API server and the node: a
 * byte for the kind, four for the length (highest first), then that many bytes. After HTTP's 101
 * both sides speak it:
 *
 * 	to the node     STDIN (no bytes: its end), RESIZE (columns, rows: two bytes each) from the node
 *  STDOUT, STDERR; last of all EXIT (four bytes) or FAILED (a sentence)
 *
 * Who closes the connection earlier ends the process.
 */
#ifndef ASB_NET_EXEC_FRAME_H
#define ASB_NET_EXEC_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define EXEC_FRAME_MAX 32768u /* bytes behind a head: a pipe gives 64 KiB at most */
#define EXEC_FRAME_HEAD 5u
#define EXEC_PROTOCOL "agent-sandbox-exec"   /* what HTTP's Upgrade header says */
#define EXEC_FORWARD "agent-sandbox-forward" /* so too; the bytes of one TCP connection follow */

enum exec_frame_type {
	EXEC_STDIN,
	EXEC_STDOUT,
	EXEC_STDERR,
	EXEC_EXIT,
	EXEC_RESIZE,
	EXEC_FAILED,
	EXEC_FRAME_TYPES,
};

struct exec_frame {
	enum exec_frame_type type;
	const char *data; /* borrowed */
	size_t length;
};

/* Appends it, in several frames where it is longer than one; of none, one that is empty. */
void exec_frame_put(enum exec_frame_type type, const char *data, size_t length, struct buf *out);
void exec_frame_put_exit(int code, struct buf *out);
void exec_frame_put_size(uint16_t columns, uint16_t rows, struct buf *out);

/* The frame that the bytes begin with: its whole length; 0, it has not come whole; -EPROTO. */
ssize_t exec_frame_get(const char *data, size_t length, struct exec_frame *ret);
/* What EXIT and RESIZE hold; -EPROTO for another length. */
int exec_frame_exit(const struct exec_frame *frame, int *ret);
int exec_frame_size(const struct exec_frame *frame, uint16_t *ret_columns, uint16_t *ret_rows);

#endif
