/* SPDX-License-Identifier: Apache-2.0 */
/* Takes apart the frames of Podman's logs and processes. log.c, exec.c and
 * stream.c feed it. */
#include "config.h"

#include "node/podman/frame.h"

#include <errno.h>

static int frame_begin(struct frame_reader *reader)
{
	const unsigned char *head = reader->head;

	if (head[0] >= FRAME_MAX || head[1] != 0 || head[2] != 0 || head[3] != 0) {
		return -EPROTO;
	}
	reader->stream = head[0];
	reader->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 |
		       head[7];
	reader->head_length = 0;
	return 0;
}

int frame_read(struct frame_reader *reader, const char *data, size_t length, frame_bytes bytes,
	       void *arg)
{
	while (length > 0) {
		size_t piece = length < reader->left ? length : reader->left;
		int code = 0;

		if (piece > 0) {
			code = bytes(arg, reader->stream, data, piece);
			reader->left -= (uint32_t)piece;
			data += piece;
			length -= piece;
		} else {
			reader->head[reader->head_length++] = (unsigned char)*data++;
			length--;
			if (reader->head_length == sizeof(reader->head)) {
				code = frame_begin(reader);
			}
		}
		if (code != 0) {
			return code;
		}
	}
	return 0;
}
