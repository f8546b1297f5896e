/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a process's streams, made and read. Called by the node (node/server/exec.c) and by
 * local mode's API server (apiserver/remote/exec.c). */
#include "config.h"

#include "net/exec-frame.h"

#include <errno.h>

static void frame_put_frame(enum exec_frame_type type, const char *data, size_t length,
			    struct buf *out)
{
	const unsigned char head[EXEC_FRAME_HEAD] = {
		(unsigned char)type,           (unsigned char)(length >> 24),
		(unsigned char)(length >> 16), (unsigned char)(length >> 8),
		(unsigned char)length,
	};

	buf_append(out, head, sizeof(head));
	if (length > 0) {
		buf_append(out, data, length);
	}
}

void exec_frame_put(enum exec_frame_type type, const char *data, size_t length, struct buf *out)
{
	do {
		size_t piece = length < EXEC_FRAME_MAX ? length : EXEC_FRAME_MAX;

		frame_put_frame(type, data, piece, out);
		data += piece;
		length -= piece;
	} while (length > 0);
}

void exec_frame_put_exit(int code, struct buf *out)
{
	const uint32_t number = (uint32_t)code;
	const unsigned char bytes[] = { (unsigned char)(number >> 24),
					(unsigned char)(number >> 16), (unsigned char)(number >> 8),
					(unsigned char)number };

	frame_put_frame(EXEC_EXIT, (const char *)bytes, sizeof(bytes), out);
}

void exec_frame_put_size(uint16_t columns, uint16_t rows, struct buf *out)
{
	const unsigned char bytes[] = { (unsigned char)(columns >> 8), (unsigned char)columns,
					(unsigned char)(rows >> 8), (unsigned char)rows };

	frame_put_frame(EXEC_RESIZE, (const char *)bytes, sizeof(bytes), out);
}

ssize_t exec_frame_get(const char *data, size_t length, struct exec_frame *ret)
{
	const unsigned char *head = (const unsigned char *)data;

	if (length < EXEC_FRAME_HEAD) {
		return 0;
	}

	size_t size =
		(size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];

	if (head[0] >= EXEC_FRAME_TYPES || size > EXEC_FRAME_MAX) {
		return -EPROTO;
	}
	if (length < EXEC_FRAME_HEAD + size) {
		return 0;
	}
	*ret = (struct exec_frame){ (enum exec_frame_type)head[0], data + EXEC_FRAME_HEAD, size };
	return (ssize_t)(EXEC_FRAME_HEAD + size);
}

int exec_frame_exit(const struct exec_frame *frame, int *ret)
{
	const unsigned char *bytes = (const unsigned char *)frame->data;

	if (frame->length != 4) {
		return -EPROTO;
	}
	*ret = (int)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		     bytes[3]);
	return 0;
}

int exec_frame_size(const struct exec_frame *frame, uint16_t *ret_columns, uint16_t *ret_rows)
{
	const unsigned char *bytes = (const unsigned char *)frame->data;

	if (frame->length != 4) {
		return -EPROTO;
	}
	*ret_columns = (uint16_t)(bytes[0] << 8 | bytes[1]);
	*ret_rows = (uint16_t)(bytes[2] << 8 | bytes[3]);
	return 0;
}
