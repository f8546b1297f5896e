/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in containers with their streams: a thread for each carries bytes between Podman's
 * connection and three pipes. kubectl exec and attach reach it through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/frame.h"
#include "node/podman/podman-private.h"

#define TICK_MS 500     /* the longest time until an idle stream sees that all streams stop */
#define PIECE_MAX 32768 /* bytes carried at a time */
#define END_US 5000000u /* for Podman to report how it ended */
#define LOOK_MS 20
#define KILL_US 1000000u   /* between SIGTERM and SIGKILL of a process whose client is gone */
#define ATTACHED "attach-" /* in front of a container's id, instead of a session's */

struct podman_stream {
	struct podman_stream *next; /* lock */
	struct podman *podman;
	struct sched_thread *thread; /* lock: NULL: somebody joins it */
	bool over;                   /* lock */
	char id[80];
	bool tty;
	/* The thread's: */
	int connection;
	int in, out, err;           /* our ends, -1: closed */
	struct buf pending;         /* input that the connection did not take yet */
	struct frame_reader frames; /* unless tty */
};

static void stream_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static bool stream_stopping(struct podman *podman)
{
	LOCKED(&podman->lock);
	return podman->stopping;
}

/* ---- the carrier ---- */

/* Waits for the reader; output is dropped when the reader is gone, and the process continues. */
static int stream_put_out(struct podman_stream *stream, int *fd, const char *data, size_t length)
{
	while (length > 0 && *fd >= 0) {
		struct pollfd writable = { .fd = *fd, .events = POLLOUT };
		ssize_t put = write(*fd, data, length);

		if (put > 0) {
			data += put;
			length -= (size_t)put;
		} else if (put < 0 && errno != EAGAIN && errno != EINTR) {
			stream_close_fd(fd);
		} else if (poll(&writable, 1, TICK_MS) == 0 && stream_stopping(stream->podman)) {
			return -ECANCELED;
		}
	}
	return 0;
}

static int stream_on_frame(void *arg, int which, const char *data, size_t length)
{
	struct podman_stream *stream = arg;

	return stream_put_out(stream, which == FRAME_STDERR ? &stream->err : &stream->out, data,
			      length);
}

static int stream_take_bytes(struct podman_stream *stream, const char *data, size_t length)
{
	return stream->tty ? stream_put_out(stream, &stream->out, data, length)
			   : frame_read(&stream->frames, data, length, stream_on_frame, stream);
}

/* False at the end. */
static bool stream_from_connection(struct podman_stream *stream)
{
	char piece[PIECE_MAX];
	ssize_t got = recv(stream->connection, piece, sizeof(piece), MSG_DONTWAIT);

	if (got < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	return got > 0 && stream_take_bytes(stream, piece, (size_t)got) == 0;
}

static void stream_from_caller(struct podman_stream *stream)
{
	char piece[PIECE_MAX];
	ssize_t got = read(stream->in, piece, sizeof(piece));

	if (got > 0) {
		(void)buf_append(&stream->pending, piece, (size_t)got);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		stream_close_fd(&stream->in);
		(void)shutdown(stream->connection, SHUT_WR);
	}
}

static bool stream_to_connection(struct podman_stream *stream)
{
	ssize_t put = send(stream->connection, stream->pending.data, stream->pending.length,
			   MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put > 0) {
		buf_consume(&stream->pending, (size_t)put);
	}
	return put >= 0 || errno == EAGAIN || errno == EINTR;
}

/* One round; false at the end. */
static bool stream_carry(struct podman_stream *stream)
{
	bool pending = stream->pending.length > 0;
	struct pollfd fds[] = {
		{ .fd = stream->connection, .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
		{ .fd = pending ? -1 : stream->in, .events = POLLIN },
	};

	if (poll(fds, ARRAY_LEN(fds), TICK_MS) <= 0) {
		return !stream_stopping(stream->podman);
	}
	if (fds[1].revents != 0) {
		stream_from_caller(stream);
	}
	if ((fds[0].revents & POLLOUT) != 0 && !stream_to_connection(stream)) {
		return false;
	}
	return (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0 ||
	       stream_from_connection(stream);
}

static void stream_run(void *arg)
{
	struct podman_stream *stream = arg;

	while (stream_carry(stream)) {
	}
	stream_close_fd(&stream->in);
	stream_close_fd(&stream->out);
	stream_close_fd(&stream->err);
	stream_close_fd(&stream->connection);

	LOCKED(&stream->podman->lock);
	stream->over = true;
}

/* ---- life ---- */

static void stream_destroy(struct podman_stream *stream)
{
	stream_close_fd(&stream->in);
	stream_close_fd(&stream->out);
	stream_close_fd(&stream->err);
	stream_close_fd(&stream->connection);
	buf_finish(&stream->pending);
	free(stream);
}

/* Takes one out of the list: of an id (NULL: any), over (or in any state). */
static struct podman_stream *stream_take(struct podman *podman, const char *id, bool only_over)
{
	LOCKED(&podman->lock);
	for (struct podman_stream **link = &podman->streams; *link != NULL; link = &(*link)->next) {
		struct podman_stream *stream = *link;

		if ((id == NULL || strcmp(stream->id, id) == 0) && (!only_over || stream->over)) {
			*link = stream->next;
			return stream;
		}
	}
	return NULL;
}

static void stream_join_all(struct podman *podman, const char *id, bool only_over)
{
	struct podman_stream *stream;

	while ((stream = stream_take(podman, id, only_over)) != NULL) {
		sched_join(stream->thread);
		stream_destroy(stream);
	}
}

void podman_streams_finish(struct podman *podman)
{
	stream_join_all(podman, NULL, false);
}

/* A pipe, both ends non-blocking; input: our end is the one that reads. */
static int stream_make_pipe(bool input, int *own, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -errno;
	}
	*own = ends[input ? 0 : 1];
	*theirs = ends[input ? 1 : 0];
	return 0;
}

static int stream_make_pipes(struct podman_stream *stream, bool want_in,
			     struct runtime_exec_stream *ret, struct error *reterr)
{
	int code = want_in ? stream_make_pipe(true, &stream->in, &ret->in) : 0;

	if (code == 0) {
		code = stream_make_pipe(false, &stream->out, &ret->out);
	}
	if (code == 0 && !stream->tty) {
		code = stream_make_pipe(false, &stream->err, &ret->err);
	}
	return code == 0 ? 0
			 : error_set(reterr, code, "no pipe for a process: %s", strerror(-code));
}

/* Opens the connection; ids of attached ones name the container. */
static int stream_begin(struct podman_stream *stream, const char *id, const char *const *argv,
			bool want_in, struct buf *rest, struct error *reterr)
{
	CLEANUP_FREE char *path = NULL;

	if (argv == NULL) {
		snprintf(stream->id, sizeof(stream->id), ATTACHED "%.72s", id);
		path = xprintf("/containers/%s/attach?stream=true&stdout=true&stderr=true&stdin=%s",
			       id, want_in ? "true" : "false");
		return podman_hijack(stream->podman, path, "", rest, &stream->connection, reterr);
	}

	int code = podman_exec_create(stream->podman, id, argv, stream->tty, want_in, stream->id,
				      reterr);

	if (code < 0) {
		return code;
	}
	path = xprintf("/exec/%s/start", stream->id);
	return podman_hijack(stream->podman, path,
			     stream->tty ? "{\"Detach\":false,\"Tty\":true}"
					 : "{\"Detach\":false,\"Tty\":false}",
			     rest, &stream->connection, reterr);
}

int podman_exec_stream(struct runtime *runtime, const char *id, const char *const *argv, bool tty,
		       bool want_in, struct runtime_exec_stream *ret, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct runtime_exec_stream own = { .in = -1, .out = -1, .err = -1 };
	struct podman_stream *stream = xnew(struct podman_stream);
	CLEANUP_BUF struct buf rest = BUF_INIT(65536);

	stream->podman = podman;
	stream->tty = tty;
	stream->pending = (struct buf)BUF_INIT(PIECE_MAX);
	stream->connection = stream->in = stream->out = stream->err = -1;
	stream_join_all(podman, NULL, true);

	int code = podman_name_ok(id)
			   ? stream_make_pipes(stream, want_in, &own, reterr)
			   : error_set(reterr, -EINVAL, "'%s' is not a container id", id);

	if (code == 0) {
		code = stream_begin(stream, id, argv, want_in, &rest, reterr);
	}
	if (code == 0 && stream_take_bytes(stream, buf_str(&rest), rest.length) < 0) {
		code = error_set(reterr, -EAGAIN, "podman's stream is broken");
	}
	if (code < 0) {
		stream_close_fd(&own.in);
		stream_close_fd(&own.out);
		stream_close_fd(&own.err);
		stream_destroy(stream);
		return code;
	}
	memcpy(own.id, stream->id, sizeof(own.id));
	*ret = own;

	LOCKED(&podman->lock);
	stream->thread = sched_start(podman->sched, "podman-stream", stream_run, stream);
	stream->next = podman->streams;
	podman->streams = stream;
	return 0;
}

/* ---- its end ---- */

static int stream_attached_result(struct podman *podman, const char *id, int *ret_exit,
				  struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s/json", id);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *inspect = NULL;
	int code = podman_call(podman, &request, &inspect, reterr);

	if (code == 0 && asb_true(asb_at(inspect, "State", "Running"))) {
		return error_set(reterr, -EAGAIN, "the container runs");
	}
	if (code == 0) {
		*ret_exit = (int)asb_int(asb_at(inspect, "State", "ExitCode"), -1);
	}
	return code;
}

int podman_exec_wait(struct runtime *runtime, const char *exec_id, int *ret_exit,
		     struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	bool attached = strncmp(exec_id, ATTACHED, strlen(ATTACHED)) == 0;
	struct podman_stream *stream = stream_take(podman, exec_id, false);
	int code;

	if (stream != NULL) {
		sched_join(stream->thread);
		stream_destroy(stream);
	}

	uint64_t deadline = sched_now_us(podman->sched) + END_US;

	for (;;) {
		code = attached ? stream_attached_result(podman, exec_id + strlen(ATTACHED),
							 ret_exit, reterr)
				: podman_exec_result(podman, exec_id, ret_exit, NULL, reterr);
		if (code != -EAGAIN || sched_now_us(podman->sched) >= deadline) {
			return code;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
}

/* Under runsc the process on the machine forwards signals to the guest, but not SIGKILL: so SIGTERM
 * comes first. */
int podman_exec_end(struct runtime *runtime, const char *exec_id, struct error *reterr UNUSED)
{
	struct podman *podman = podman_of(runtime);
	uint64_t deadline = sched_now_us(podman->sched) + KILL_US;
	int code, sent = SIGTERM;
	pid_t pid = 0;

	/* A process that was only attached to continues. */
	if (strncmp(exec_id, ATTACHED, strlen(ATTACHED)) == 0) {
		return 0;
	}
	while (podman_exec_result(podman, exec_id, &code, &pid, NULL) == -EAGAIN && pid > 1) {
		bool late = sched_now_us(podman->sched) >= deadline;

		if (sent != 0) {
			/* It leads a session of its own, as runc and crun start it. */
			(void)kill(-pid, sent);
			(void)kill(pid, sent);
			sent = 0;
		}
		if (late) {
			(void)kill(-pid, SIGKILL);
			(void)kill(pid, SIGKILL);
			break;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

int podman_exec_resize(struct runtime *runtime, const struct runtime_exec_stream *process,
		       uint16_t columns, uint16_t rows, struct error *reterr)
{
	const char *exec_id = process->id;
	bool attached = strncmp(exec_id, ATTACHED, strlen(ATTACHED)) == 0;
	CLEANUP_FREE char *path =
		xprintf("/%s/%s/resize?h=%u&w=%u", attached ? "containers" : "exec",
			attached ? exec_id + strlen(ATTACHED) : exec_id, rows, columns);
	const struct podman_request request = {
		.handler = -1, .method = "POST", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	return podman_name_ok(exec_id)
		       ? podman_call(podman_of(runtime), &request, NULL, reterr)
		       : error_set(reterr, -EINVAL, "'%s' is not a process id", exec_id);
}
