/* SPDX-License-Identifier: Apache-2.0 */
/* Carries the streams of a process in a container over a connection, until the process has ended or
 * the client is gone. Called by node/server/kubelet-server.c on a thread of its own. */
#include "config.h"

#include "node/server/exec.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "net/exec-frame.h"
#include "node/server/response.h"

#define FULL (256u << 10) /* that waits to be taken; then nothing more is read */
#define CEILING (FULL + 4 * EXEC_FRAME_MAX)
#define REST_MS 10000    /* for the client to read the rest */
#define WAIT_MS 200      /* between checks of the client, while only the process's end is missing */
#define REAP_US 6000000u /* for a process that was ended to be gone */
#define SIZE_MS 50       /* between attempts to set a terminal's size */
#define SIZE_TRIES 40

struct carrier {
	const struct server_stream *stream;
	struct runtime_exec_stream process;
	struct buf from, to; /* frames that come; frames to be sent */
	struct buf input;    /* for the process */
	bool input_ends;     /* after what is in input */
	uint16_t columns, rows;
	unsigned int size_tries; /* that are left; 0: the size is set, or nobody asked for one */
	bool gone;               /* who asked, or the whole node */
};

static const struct runtime_ops *exec_ops_of(const struct carrier *carrier)
{
	return carrier->stream->runtime->ops;
}

static void exec_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

/* ---- from the client ---- */

/* The first size comes as soon as the process is asked for, which may be before it has begun. One
 * that cannot be set at all is no reason to end. */
static void exec_set_size(struct carrier *carrier)
{
	int code = exec_ops_of(carrier)->exec_resize(carrier->stream->runtime, &carrier->process,
						     carrier->columns, carrier->rows, NULL);

	carrier->size_tries = code == 0 ? 0 : carrier->size_tries - 1;
}

static void exec_take_frame(struct carrier *carrier, const struct exec_frame *frame)
{
	if (frame->type == EXEC_STDIN && frame->length == 0) {
		carrier->input_ends = true;
	} else if (frame->type == EXEC_STDIN && carrier->process.in >= 0) {
		buf_append(&carrier->input, frame->data, frame->length);
	} else if (frame->type == EXEC_RESIZE && exec_ops_of(carrier)->exec_resize != NULL &&
		   exec_frame_size(frame, &carrier->columns, &carrier->rows) == 0) {
		carrier->size_tries = SIZE_TRIES;
		exec_set_size(carrier);
	}
}

static void exec_read_frames(struct carrier *carrier)
{
	char piece[EXEC_FRAME_MAX];
	ssize_t got = recv(carrier->stream->fd, piece, sizeof(piece), MSG_DONTWAIT);
	size_t at = 0;

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		carrier->gone = true;
		return;
	}
	if (got > 0) {
		buf_append(&carrier->from, piece, (size_t)got);
	}
	for (;;) {
		struct exec_frame frame;
		ssize_t used = exec_frame_get(buf_str(&carrier->from) + at,
					      carrier->from.length - at, &frame);

		if (used <= 0) {
			carrier->gone = carrier->gone || used < 0;
			break;
		}
		exec_take_frame(carrier, &frame);
		at += (size_t)used;
	}
	buf_consume(&carrier->from, at);
}

static void exec_write_frames(struct carrier *carrier)
{
	ssize_t sent = send(carrier->stream->fd, carrier->to.data, carrier->to.length,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0) {
		buf_consume(&carrier->to, (size_t)sent);
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		carrier->gone = true;
	}
}

/* ---- from and to the process ---- */

static void exec_write_input(struct carrier *carrier)
{
	ssize_t put = 1;

	if (carrier->input.length > 0) {
		put = write(carrier->process.in, carrier->input.data, carrier->input.length);
		if (put > 0) {
			buf_consume(&carrier->input, (size_t)put);
		}
	}
	if ((put < 0 && errno != EAGAIN && errno != EINTR) ||
	    (carrier->input.length == 0 && carrier->input_ends)) {
		exec_close_fd(&carrier->process.in);
		buf_clear(&carrier->input);
	}
}

static void exec_read_output(struct carrier *carrier, int *fd, enum exec_frame_type type)
{
	char piece[EXEC_FRAME_MAX];
	ssize_t got = read(*fd, piece, sizeof(piece));

	if (got > 0) {
		exec_frame_put(type, piece, (size_t)got, &carrier->to);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		exec_close_fd(fd);
	}
}

/* One round. False: there is no more output, or nobody is there for it. */
static bool exec_turn(struct carrier *carrier)
{
	struct runtime_exec_stream *process = &carrier->process;
	bool takes = carrier->input.length < FULL, gives = carrier->to.length < FULL;
	bool input = carrier->input.length > 0 || carrier->input_ends;
	struct pollfd fds[] = {
		{ .fd = carrier->stream->stop, .events = POLLIN },
		{ .fd = carrier->stream->fd,
		  .events = (short)(POLLRDHUP | (takes ? POLLIN : 0) |
				    (carrier->to.length > 0 ? POLLOUT : 0)) },
		/* With nothing to write it reports that the process has closed its input. */
		{ .fd = process->in, .events = (short)(input ? POLLOUT : 0) },
		{ .fd = gives ? process->out : -1, .events = POLLIN },
		{ .fd = gives ? process->err : -1, .events = POLLIN },
	};

	if (poll(fds, ARRAY_LEN(fds), carrier->size_tries > 0 ? SIZE_MS : -1) < 0) {
		return errno == EINTR;
	}
	if (carrier->size_tries > 0) {
		exec_set_size(carrier);
	}
	if (fds[0].revents != 0) {
		carrier->gone = true;
		return false;
	}
	if ((fds[1].revents & POLLOUT) != 0) {
		exec_write_frames(carrier);
	}
	if ((fds[1].revents & POLLIN) != 0) {
		exec_read_frames(carrier);
	} else if ((fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
		carrier->gone = true;
	}
	if (process->in >= 0 && (fds[2].revents & (POLLERR | POLLHUP)) != 0) {
		exec_close_fd(&process->in);
		buf_clear(&carrier->input);
	} else if (process->in >= 0) {
		exec_write_input(carrier);
	}
	if (process->out >= 0 && fds[3].revents != 0) {
		exec_read_output(carrier, &process->out, EXEC_STDOUT);
	}
	if (process->err >= 0 && fds[4].revents != 0) {
		exec_read_output(carrier, &process->err, EXEC_STDERR);
	}
	return !carrier->gone && (process->out >= 0 || process->err >= 0);
}

/* ---- the end ---- */

/* Whether the client still waits for the process, after a short wait. */
static bool exec_is_asked(const struct carrier *carrier, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = carrier->stream->stop, .events = POLLIN },
				{ .fd = carrier->stream->fd, .events = POLLRDHUP } };

	return poll(fds, ARRAY_LEN(fds), timeout_ms) == 0;
}

/* Its streams are closed; it may go on without them. */
static int exec_wait_end(struct carrier *carrier, int *ret_exit, struct error *reterr)
{
	const struct runtime_ops *ops = exec_ops_of(carrier);
	int code;

	do {
		code = ops->exec_wait(carrier->stream->runtime, carrier->process.id, ret_exit,
				      reterr);
	} while (code == -EAGAIN && exec_is_asked(carrier, WAIT_MS));
	return code;
}

static void exec_send_rest(struct carrier *carrier)
{
	struct pollfd writable = { .fd = carrier->stream->fd, .events = POLLOUT };

	while (carrier->to.length > 0 && !carrier->gone && poll(&writable, 1, REST_MS) > 0) {
		exec_write_frames(carrier);
	}
}

/* The client is gone: ends the process, and frees what the runtime remembers of it. */
static void exec_abandon(struct carrier *carrier)
{
	const struct runtime_ops *ops = exec_ops_of(carrier);
	struct runtime *runtime = carrier->stream->runtime;
	struct sched *sched = carrier->stream->sched;
	uint64_t end = sched_now_us(sched) + REAP_US;
	int code;

	if (ops->exec_end != NULL) {
		(void)ops->exec_end(runtime, carrier->process.id, NULL);
	}
	exec_close_fd(&carrier->process.in);
	exec_close_fd(&carrier->process.out);
	exec_close_fd(&carrier->process.err);
	while (ops->exec_wait(runtime, carrier->process.id, &code, NULL) == -EAGAIN &&
	       sched_now_us(sched) < end) {
	}
}

static void exec_carry(struct carrier *carrier)
{
	struct error error = { 0 };
	int exit_code = -1;

	while (exec_turn(carrier)) {
	}
	if (carrier->gone) {
		exec_abandon(carrier);
		return;
	}
	exec_close_fd(&carrier->process.in);

	int code = exec_wait_end(carrier, &exit_code, &error);

	if (code == -EAGAIN) {
		exec_abandon(carrier);
		return;
	}
	if (code < 0) {
		exec_frame_put(EXEC_FAILED, error.text, strlen(error.text), &carrier->to);
	} else {
		exec_frame_put_exit(exit_code, &carrier->to);
	}
	exec_send_rest(carrier);
}

void exec_serve(const struct server_stream *stream, const struct exec_request *request)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				   "Upgrade: " EXEC_PROTOCOL "\r\n\r\n";
	struct runtime *runtime = stream->runtime;
	struct carrier carrier = { .stream = stream,
				   .process = { .in = -1, .out = -1, .err = -1 },
				   .from = BUF_INIT(CEILING),
				   .to = BUF_INIT(CEILING),
				   .input = BUF_INIT(CEILING) };
	struct error error = { 0 };
	CLEANUP_FREE char *id = NULL;
	int code;

	if (runtime->ops->exec_stream == NULL) {
		server_send_text(stream->fd, "501 Not Implemented",
				 "this runtime cannot run further processes in containers");
		return;
	}
	id = server_find_container(runtime, request->uid, request->container, false, &error);
	code = id == NULL
		       ? -ENOENT
		       : runtime->ops->exec_stream(
				 runtime, id,
				 request->attach ? NULL : (const char *const *)request->arguments,
				 request->tty, request->in, &carrier.process, &error);
	if (code < 0) {
		server_send_text(stream->fd,
				 code == -ENOENT ? "404 Not Found" : "500 Internal Server Error",
				 error.text);
		return;
	}
	carrier.gone = server_send_bytes(stream->fd, head, strlen(head)) < 0;
	exec_carry(&carrier);
	exec_close_fd(&carrier.process.in);
	exec_close_fd(&carrier.process.out);
	exec_close_fd(&carrier.process.err);
	buf_finish(&carrier.from);
	buf_finish(&carrier.to);
	buf_finish(&carrier.input);
}
