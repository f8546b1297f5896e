/* SPDX-License-Identifier: Apache-2.0 */
/* Carries the bytes between a connection and a pod's port, each direction until its own end. Called
 * by node/server/kubelet-server.c on a thread of its own. */
#include "config.h"

#include "node/server/forward.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/number.h"
#include "net/exec-frame.h"
#include "node/server/response.h"

#define PREFIX "/portforward/"
#define PIECE 65536u

int forward_parse(const char *target, struct forward_request *ret, struct error *reterr)
{
	const char *at = target + strlen(PREFIX);
	int64_t port = 0;
	char text[8];

	*ret = (struct forward_request){ 0 };
	if (strncmp(target, PREFIX, strlen(PREFIX)) != 0 ||
	    !server_take_part(&at, ret->uid, sizeof(ret->uid)) || *at++ != '/' ||
	    !server_take_part(&at, text, sizeof(text)) || *at != '\0' ||
	    integer_parse(text, 1, UINT16_MAX, &port) < 0) {
		return error_set(reterr, -ENOENT, "there is nothing at '%.200s'", target);
	}
	ret->port = (uint16_t)port;
	return 0;
}

/* One direction. What cannot be written any more is read on, and dropped: who sends it must not
 * wait, since others share its connection. */
struct way {
	int from, to;
	struct buf bytes; /* read and not written yet */
	bool read_ended, write_ended;
};

static void forward_way_read(struct way *way)
{
	char piece[PIECE];
	ssize_t got = recv(way->from, piece, sizeof(piece), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		way->read_ended = true;
	} else if (got > 0 && !way->write_ended) {
		buf_append(&way->bytes, piece, (size_t)got);
	}
}

static void forward_way_write(struct way *way)
{
	ssize_t sent =
		send(way->to, way->bytes.data, way->bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0) {
		buf_consume(&way->bytes, (size_t)sent);
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		buf_clear(&way->bytes);
		way->write_ended = true;
	}
}

static bool forward_way_reads(const struct way *way)
{
	return !way->read_ended && way->bytes.length == 0;
}

static void forward_way_move(struct way *way, short events)
{
	if (events != 0 && forward_way_reads(way)) {
		forward_way_read(way);
	}
	if (way->bytes.length > 0) {
		forward_way_write(way);
	}
	if (way->read_ended && way->bytes.length == 0 && !way->write_ended) {
		(void)shutdown(way->to, SHUT_WR);
		way->write_ended = true;
	}
}

static short forward_wishes(const struct way *in, const struct way *out)
{
	return (short)((forward_way_reads(in) ? POLLIN : 0) |
		       (out->bytes.length > 0 ? POLLOUT : 0));
}

static void forward_carry(const struct server_stream *stream, int pod)
{
	struct way up = { .from = stream->fd, .to = pod, .bytes = BUF_INIT(PIECE) };
	struct way down = { .from = pod, .to = stream->fd, .bytes = BUF_INIT(PIECE) };

	while (!(up.write_ended && down.write_ended)) {
		short server = forward_wishes(&down, &up);
		/* Without events to wait for, poll would report the pod's hangup again and
		 * again. */
		struct pollfd fds[] = {
			{ .fd = stream->stop, .events = POLLIN },
			{ .fd = stream->fd, .events = forward_wishes(&up, &down) },
			{ .fd = server != 0 ? pod : -1, .events = server },
		};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR) {
			break;
		}
		/* The client ends one direction by a shutdown; a hangup is the end of both. */
		if (fds[0].revents != 0 || (fds[1].revents & (POLLHUP | POLLERR)) != 0) {
			break;
		}
		forward_way_move(&up, fds[1].revents);
		forward_way_move(&down, fds[2].revents);
	}
	buf_finish(&up.bytes);
	buf_finish(&down.bytes);
}

void forward_serve(const struct server_stream *stream, const struct forward_request *request)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				   "Upgrade: " EXEC_FORWARD "\r\n\r\n";
	struct runtime *runtime = stream->runtime;
	struct error error = { 0 };
	int fd = -1, code;

	if (runtime->ops->connect == NULL) {
		server_send_text(stream->fd, "501 Not Implemented",
				 "the pods of this runtime have no ports");
		return;
	}
	code = runtime->ops->connect(runtime, request->uid, request->port, &fd, &error);
	if (code < 0) {
		server_send_text(stream->fd, code == -ENOENT ? "404 Not Found" : "502 Bad Gateway",
				 error.text);
		return;
	}
	if (server_send_bytes(stream->fd, head, strlen(head)) == 0) {
		forward_carry(stream, fd);
	}
	close(fd);
}
