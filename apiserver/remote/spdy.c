/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of SPDY/3.1, read from any pieces and written. Sessions of kubectl (local/remote*.c) and
 * the fuzzer call it. */
#include "config.h"

#include "apiserver/remote/spdy.h"

#include <errno.h>
#include <string.h>

#include "apiserver/remote/spdy-block.h"
#include "base/memory.h"

#define HEAD 8u
#define FLAG_FIN 1u
#define ID_MASK 0x7fffffffu

enum frame_type {
	FRAME_OPEN = 1,
	FRAME_REPLY = 2,
	FRAME_RESET = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_HEADERS = 8,
	FRAME_WINDOW = 9,
};

struct spdy {
	const struct spdy_events *events;
	void *arg;
	struct spdy_inflater inflater;
	struct spdy_deflater deflater;
	uint32_t last_opened;

	/* The frame that is being read. */
	unsigned char head[HEAD];
	size_t head_length;
	size_t left;        /* of its payload */
	struct buf control; /* payload of a control frame so far */
};

struct spdy *spdy_create(const struct spdy_events *events, void *arg)
{
	struct spdy *spdy = xnew(struct spdy);

	spdy->events = events;
	spdy->arg = arg;
	spdy->control = (struct buf)BUF_INIT(SPDY_CONTROL_MAX);
	spdy_inflater_init(&spdy->inflater);
	spdy_deflater_init(&spdy->deflater);
	return spdy;
}

void spdy_destroy(struct spdy *spdy)
{
	if (spdy == NULL) {
		return;
	}
	spdy_inflater_finish(&spdy->inflater);
	spdy_deflater_finish(&spdy->deflater);
	buf_finish(&spdy->control);
	free(spdy);
}

/* ---- reading ---- */

static uint32_t spdy_number_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool spdy_is_control(const struct spdy *spdy)
{
	return (spdy->head[0] & 0x80) != 0;
}

static bool spdy_has_fin(const struct spdy *spdy)
{
	return (spdy->head[4] & FLAG_FIN) != 0;
}

static unsigned int spdy_frame_type(const struct spdy *spdy)
{
	return (unsigned int)spdy->head[2] << 8 | spdy->head[3];
}

static int spdy_read_open(struct spdy *spdy, const unsigned char *payload, size_t length,
			  struct error *reterr)
{
	uint32_t stream = spdy_number_at(payload) & ID_MASK;
	struct spdy_headers headers;
	int r = spdy_inflate(&spdy->inflater, (const char *)payload + 10, length - 10, &headers,
			     reterr);

	if (r < 0) {
		return r;
	}
	if (stream % 2 == 0 || stream <= spdy->last_opened) {
		return error_set(reterr, -EPROTO, "stream %u cannot be opened after stream %u",
				 stream, spdy->last_opened);
	}
	spdy->last_opened = stream;
	return spdy->events->opened(spdy->arg, stream, &headers, spdy_has_fin(spdy));
}

/* More headers of a stream mean nothing here, but belong to what zlib knows. */
static int spdy_read_headers(struct spdy *spdy, const unsigned char *payload, size_t length,
			     struct error *reterr)
{
	struct spdy_headers headers;
	int r = spdy_inflate(&spdy->inflater, (const char *)payload + 4, length - 4, &headers,
			     reterr);

	return r < 0 || !spdy_has_fin(spdy)
		       ? r
		       : spdy->events->data(spdy->arg, spdy_number_at(payload) & ID_MASK, "", 0,
					    true);
}

static int spdy_read_reset(struct spdy *spdy, const unsigned char *payload, size_t length UNUSED,
			   struct error *reterr UNUSED)
{
	return spdy->events->reset(spdy->arg, spdy_number_at(payload) & ID_MASK,
				   spdy_number_at(payload + 4));
}

static int spdy_read_ping(struct spdy *spdy, const unsigned char *payload, size_t length UNUSED,
			  struct error *reterr UNUSED)
{
	/* Even ids would be answers to pings of ours: there are none. */
	return spdy_number_at(payload) % 2 == 1
		       ? spdy->events->ping(spdy->arg, spdy_number_at(payload))
		       : 0;
}

static int spdy_read_goaway(struct spdy *spdy UNUSED, const unsigned char *payload UNUSED,
			    size_t length UNUSED, struct error *reterr)
{
	return error_set(reterr, -ECONNRESET, "the client ends the connection");
}

static int spdy_read_nothing(struct spdy *spdy UNUSED, const unsigned char *payload UNUSED,
			     size_t length UNUSED, struct error *reterr UNUSED)
{
	return 0;
}

static int spdy_dispatch(struct spdy *spdy, struct error *reterr)
{
	static const struct {
		unsigned int type;
		size_t least, most;
		int (*read)(struct spdy *spdy, const unsigned char *payload, size_t length,
			    struct error *reterr);
	} frames[] = {
		{ FRAME_OPEN, 10, SPDY_CONTROL_MAX, spdy_read_open },
		{ FRAME_REPLY, 4, SPDY_CONTROL_MAX, spdy_read_headers },
		{ FRAME_RESET, 8, 8, spdy_read_reset },
		{ FRAME_SETTINGS, 4, SPDY_CONTROL_MAX, spdy_read_nothing },
		{ FRAME_PING, 4, 4, spdy_read_ping },
		{ FRAME_GOAWAY, 8, 8, spdy_read_goaway },
		{ FRAME_HEADERS, 4, SPDY_CONTROL_MAX, spdy_read_headers },
		{ FRAME_WINDOW, 8, 8, spdy_read_nothing },
	};
	const unsigned char *payload = (const unsigned char *)buf_str(&spdy->control);
	size_t length = spdy->control.length;

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		if (frames[i].type != spdy_frame_type(spdy)) {
			continue;
		}
		if (length < frames[i].least || length > frames[i].most) {
			return error_set(reterr, -EPROTO, "a frame of type %u has %zu bytes",
					 frames[i].type, length);
		}
		return frames[i].read(spdy, payload, length, reterr);
	}
	return 0; /* an unknown frame is passed over */
}

/* The head is whole: how long is what follows? */
static int spdy_begin_frame(struct spdy *spdy, struct error *reterr)
{
	spdy->left = (size_t)spdy->head[5] << 16 | (size_t)spdy->head[6] << 8 | spdy->head[7];
	if (!spdy_is_control(spdy)) {
		return 0;
	}
	if (spdy->head[0] != 0x80 || spdy->head[1] != 3) {
		return error_set(reterr, -EPROTO, "a frame is of SPDY/%u, not SPDY/3",
				 (unsigned int)(spdy->head[0] & 0x7f) << 8 | spdy->head[1]);
	}
	buf_clear(&spdy->control);
	return spdy->left <= SPDY_CONTROL_MAX
		       ? 0
		       : error_set(reterr, -EPROTO,
				   "a frame of type %u has %zu bytes, more than %u",
				   spdy_frame_type(spdy), spdy->left, SPDY_CONTROL_MAX);
}

/* Up to length bytes of the payload. */
static int spdy_read_payload(struct spdy *spdy, const char *data, size_t length,
			     struct error *reterr)
{
	spdy->left -= length;
	if (spdy_is_control(spdy)) {
		(void)buf_append(&spdy->control, data, length);
		return spdy->left == 0 ? spdy_dispatch(spdy, reterr) : 0;
	}

	bool fin = spdy_has_fin(spdy) && spdy->left == 0;

	return length > 0 || fin
		       ? spdy->events->data(spdy->arg, spdy_number_at(spdy->head) & ID_MASK, data,
					    length, fin)
		       : 0;
}

int spdy_read(struct spdy *spdy, const char *data, size_t length, struct error *reterr)
{
	while (length > 0) {
		size_t take;
		int r = 0;

		if (spdy->head_length < HEAD) {
			spdy->head[spdy->head_length++] = (unsigned char)*data++;
			length--;
			if (spdy->head_length < HEAD) {
				continue;
			}
			r = spdy_begin_frame(spdy, reterr);
			if (r < 0) {
				return r;
			}
		}
		take = spdy->left < length ? spdy->left : length;
		if (take > 0 || spdy->left == 0) {
			r = spdy_read_payload(spdy, data, take, reterr);
		}
		data += take;
		length -= take;
		if (spdy->left == 0) {
			spdy->head_length = 0;
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* ---- writing ---- */

static void spdy_put_number(uint32_t number, struct buf *out)
{
	const unsigned char bytes[] = { (unsigned char)(number >> 24),
					(unsigned char)(number >> 16), (unsigned char)(number >> 8),
					(unsigned char)number };

	buf_append(out, bytes, sizeof(bytes));
}

static void spdy_put_control(enum frame_type type, size_t length, struct buf *out)
{
	spdy_put_number(0x80030000u | (uint32_t)type, out);
	spdy_put_number((uint32_t)length, out);
}

void spdy_put_reply(struct spdy *spdy, uint32_t stream, struct buf *out)
{
	CLEANUP_BUF struct buf block = BUF_INIT(SPDY_CONTROL_MAX);
	const struct spdy_headers none = { .count = 0 };

	spdy_deflate(&spdy->deflater, &none, &block);
	spdy_put_control(FRAME_REPLY, 4 + block.length, out);
	spdy_put_number(stream, out);
	buf_append(out, block.data, block.length);
}

void spdy_put_data(uint32_t stream, const char *data, size_t length, bool fin, struct buf *out)
{
	spdy_put_number(stream & ID_MASK, out);
	spdy_put_number((uint32_t)length | (fin ? FLAG_FIN << 24 : 0), out);
	if (length > 0) {
		buf_append(out, data, length);
	}
}

void spdy_put_reset(uint32_t stream, uint32_t why, struct buf *out)
{
	spdy_put_control(FRAME_RESET, 8, out);
	spdy_put_number(stream, out);
	spdy_put_number(why, out);
}

void spdy_put_ping(uint32_t id, struct buf *out)
{
	spdy_put_control(FRAME_PING, 4, out);
	spdy_put_number(id, out);
}

void spdy_put_goaway(uint32_t last_stream, struct buf *out)
{
	spdy_put_control(FRAME_GOAWAY, 8, out);
	spdy_put_number(last_stream, out);
	spdy_put_number(0, out);
}
