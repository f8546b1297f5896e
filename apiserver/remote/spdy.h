/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPDY/3.1 as kubectl speaks it inside an upgraded connection: exec, attach, port-forward. Bytes in,
 * events out; frames to be sent are appended to a buffer. No sockets, no threads, no clock.
 *
 * One side of SPDY: that of the server, which opens no streams. Header blocks go through one zlib
 * stream for each direction, so they must be read and written in the order of the wire. Neither Go's
 * client nor its server counts windows (https://github.com/moby/spdystream): what holds a sender up
 * is TCP; so WINDOW_UPDATE is read, checked and ignored, and none is sent.
 *
 * Bounded: a control frame, a header block before and behind zlib, the number of headers. Data is
 * handed on as it comes, a frame of it need not fit anywhere.
 */
#ifndef ASB_APISERVER_REMOTE_SPDY_H
#define ASB_APISERVER_REMOTE_SPDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define SPDY_CONTROL_MAX 16384u  /* bytes of a control frame; kubectl's have about 100 */
#define SPDY_BLOCK_MAX 16384u    /* bytes of a header block, inflated */
#define SPDY_HEADERS_MAX 32u     /* names in one */
#define SPDY_PIECE_MAX 0xffffffu /* bytes of data in one frame: the length has 24 bits */

#define SPDY_RESET_PROTOCOL 1u
#define SPDY_RESET_REFUSED 3u
#define SPDY_RESET_CANCEL 5u
#define SPDY_RESET_INTERNAL 6u

struct spdy;

/* A header; several values of one name are divided by NUL bytes. Ends in a NUL. */
struct spdy_header {
	const char *name, *value;
	size_t value_length;
};
struct spdy_headers {
	struct spdy_header items[SPDY_HEADERS_MAX];
	size_t count;
};
/* The (first) value, or NULL. */
const char *spdy_header(const struct spdy_headers *headers, const char *name);

/* What came. Everything is borrowed for the call; anything but 0 ends the reading with that code. */
struct spdy_events {
	/* A new stream: odd, higher than those before. */
	int (*opened)(void *arg, uint32_t stream, const struct spdy_headers *headers, bool fin);
	/* Bytes of any stream, also of one that is not open; fin: no more will come. */
	int (*data)(void *arg, uint32_t stream, const char *data, size_t length, bool fin);
	int (*reset)(void *arg, uint32_t stream, uint32_t why);
	/* To be answered with the same id (spdy_put_ping). */
	int (*ping)(void *arg, uint32_t id);
};

struct spdy *spdy_create(const struct spdy_events *events, void *arg);
void spdy_destroy(struct spdy *spdy);
/* 0; the code of an event; -EPROTO and *reterr: these bytes are no SPDY, and the connection must
 * end. -ECONNRESET: the other side said GOAWAY. */
int spdy_read(struct spdy *spdy, const char *data, size_t length, struct error *reterr);

/* Each appends one frame; whether it fit is seen by out->failed. */
void spdy_put_reply(struct spdy *spdy, uint32_t stream, struct buf *out);
/* length: at most SPDY_PIECE_MAX. */
void spdy_put_data(uint32_t stream, const char *data, size_t length, bool fin, struct buf *out);
void spdy_put_reset(uint32_t stream, uint32_t why, struct buf *out);
void spdy_put_ping(uint32_t id, struct buf *out);
void spdy_put_goaway(uint32_t last_stream, struct buf *out);

#endif
