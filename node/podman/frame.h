/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames in which Podman sends two streams over one connection: a byte that names the stream,
 * three of zero, the length in four (most significant first), then so many bytes. Pure.
 */
#ifndef ASB_NODE_PODMAN_FRAME_H
#define ASB_NODE_PODMAN_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum { FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR, FRAME_ERROR, FRAME_MAX };

struct frame_reader {
	unsigned char head[8];
	size_t head_length;
	uint32_t left; /* bytes of the frame under way */
	int stream;    /* of it */
};

/* Gets pieces of frames as they come; anything but 0 ends the reading. */
typedef int (*frame_bytes)(void *arg, int stream, const char *data, size_t length);

/* Takes any piece of the connection. 0; -EPROTO: these are no frames; or what bytes returned. */
int frame_read(struct frame_reader *reader, const char *data, size_t length, frame_bytes bytes,
	       void *arg);

#endif
