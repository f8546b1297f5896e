/* SPDX-License-Identifier: Apache-2.0 */
/* POST /execute/stream: runs a command and sends what it writes as server-sent events while it
 * runs. The supervisor's thread makes the events, and the server's thread sends them. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "runtime/exec/events.h"
#include "runtime/exec/supervise.h"
#include "runtime/http/request.h"
#include "runtime/http/server.h"
#include "runtime/routes/execute-request.h"
#include "runtime/runtime.h"

#define PENDING_HIGH (128u << 10) /* above it the command waits for its reader */
#define PENDING_LOW (32u << 10)
#define QUIET_US 100000u        /* after this time an incomplete line is sent */
#define KEEP_ALIVE_US 15000000u /* proxies close connections that are silent for long */
#define WORDS_MAX (512u << 10)

struct stream {
	struct server_task task; /* there is more to send; posted many times */
	struct server_task last; /* posted once, after all of the others */
	struct request *request; /* only the server's thread; NULL: the client has gone */
	struct server *server;
	struct sched *sched;
	struct execution *execution;
	uint64_t timeout_s;

	/* Only the supervisor's thread uses these once the command is started. */
	struct event_lines lines[EXECUTION_STREAMS];
	uint64_t flush_at[EXECUTION_STREAMS];
	uint64_t alive_at;

	struct sched_mutex lock;
	struct buf pending; /* lock; events that are not sent yet */
	bool paused;        /* lock; the command waits */
	bool over;          /* lock; nothing more comes */
};

static const char *const names[EXECUTION_STREAMS] = { "stdout", "stderr" };

/* ---- in the supervisor's thread ---- */

static void stream_set_timer(struct stream *stream, uint64_t now)
{
	uint64_t at = now + KEEP_ALIVE_US;

	stream->alive_at = at;
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		at = stream->flush_at[i] < at ? stream->flush_at[i] : at;
	}
	execution_set_timer(stream->execution, at);
}

/* Passes events to the server's thread. False: enough wait to be sent. */
static bool stream_send_events(struct stream *stream, struct buf *events)
{
	bool more = true;

	if (events->length > 0) {
		LOCKED(&stream->lock);
		buf_append(&stream->pending, events->data, events->length);
		more = stream->pending.length < PENDING_HIGH;
		stream->paused = !more;
	}
	if (events->length > 0) {
		server_post(stream->server, &stream->task);
	}
	return more;
}

static bool stream_on_output(void *arg, enum execution_stream which, const char *data,
			     size_t length)
{
	struct stream *stream = arg;
	CLEANUP_BUF struct buf events = BUF_INIT(EVENTS_MAX);
	uint64_t now = sched_now_us(stream->sched);

	event_lines_add(&stream->lines[which], names[which], data, length, &events);
	stream->flush_at[which] =
		event_lines_open(&stream->lines[which]) ? now + QUIET_US : SCHED_FOREVER;
	stream_set_timer(stream, now);
	return stream_send_events(stream, &events);
}

static void stream_on_timer(void *arg, uint64_t now)
{
	struct stream *stream = arg;
	CLEANUP_BUF struct buf events = BUF_INIT(EVENTS_MAX);

	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		if (now >= stream->flush_at[i]) {
			stream->flush_at[i] = SCHED_FOREVER;
			event_lines_flush(&stream->lines[i], names[i], false, &events);
		}
	}
	if (events.length == 0 && now >= stream->alive_at) {
		buf_append_str(&events, ": keep-alive\n\n");
	}
	stream_set_timer(stream, now);
	(void)stream_send_events(stream, &events);
}

static void stream_on_end(void *arg, const struct execution_result *result)
{
	struct stream *stream = arg;
	CLEANUP_BUF struct buf events = BUF_INIT(EVENTS_MAX);
	CLEANUP_BUF struct buf words = BUF_INIT(WORDS_MAX);

	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		event_lines_flush(&stream->lines[i], names[i], true, &events);
	}
	if (execute_problem(result, stream->timeout_s, &words)) {
		event_append(&events, "error", buf_str(&words), words.length);
	}
	buf_printf(&events, "event: done\ndata: {\"exit_code\": %d",
		   result->timed_out ? EXIT_TIMED_OUT : result->exit_code);
	if (result->signal != 0 && !result->timed_out) {
		buf_printf(&events, ", \"signal\": %d", result->signal);
	}
	buf_append_str(&events, "}\n\n");

	sched_mutex_lock(&stream->lock);
	stream->over = true;
	sched_mutex_unlock(&stream->lock);
	(void)stream_send_events(stream, &events);
	server_post(stream->server, &stream->last);
}

static void stream_destroy(void *arg)
{
	struct stream *stream = arg;

	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		event_lines_finish(&stream->lines[i]);
	}
	sched_mutex_finish(&stream->lock);
	buf_finish(&stream->pending);
	free(stream);
}

static const struct execution_handler handler = { .on_output = stream_on_output,
						  .on_timer = stream_on_timer,
						  .on_end = stream_on_end,
						  .destroy = stream_destroy };

/* ---- in the server's thread ---- */

static ssize_t stream_read_events(void *arg, uint64_t position, char *data, size_t size)
{
	struct stream *stream = arg;
	bool resume, over;
	size_t length;

	(void)position;
	sched_mutex_lock(&stream->lock);
	length = stream->pending.length < size ? stream->pending.length : size;
	if (length > 0) {
		memcpy(data, stream->pending.data, length);
		buf_consume(&stream->pending, length);
	}
	if (stream->pending.length == 0) {
		buf_finish(&stream->pending); /* a silent stream keeps no memory */
		stream->pending = (struct buf)BUF_INIT(EVENTS_MAX);
	}
	resume = stream->paused && stream->pending.length < PENDING_LOW;
	stream->paused = stream->paused && !resume;
	over = stream->over;
	sched_mutex_unlock(&stream->lock);
	if (resume && !over) {
		execution_resume(stream->execution);
	}
	return length > 0 ? (ssize_t)length : over ? BODY_END : BODY_WAIT;
}

static void stream_release(void *arg)
{
	struct stream *stream = arg;

	execution_unref(stream->execution);
}

static void stream_on_task(struct server_task *task)
{
	struct stream *stream = CONTAINER_OF(task, struct stream, task);

	if (stream->request != NULL) {
		request_more(stream->request);
	}
}

static void stream_on_last_task(struct server_task *task)
{
	struct stream *stream = CONTAINER_OF(task, struct stream, last);

	execution_unref(stream->execution);
}

static bool stream_is_over(struct stream *stream)
{
	LOCKED(&stream->lock);
	return stream->over;
}

/* The client has gone: unlike /execute, this ends the command. */
static void stream_on_request_end(void *arg)
{
	struct stream *stream = arg;

	stream->request = NULL;
	/* The supervisor may have been destroyed when the command is done. */
	if (!stream_is_over(stream)) {
		execution_cancel(stream->execution);
	}
	execution_unref(stream->execution);
}

void stream_handle(struct request *request)
{
	struct runtime *runtime = request_arg(request);
	struct command command;

	if (!execute_read(request, &command)) {
		return;
	}

	struct stream *stream = xnew(struct stream);

	stream->task.fn = stream_on_task;
	stream->last.fn = stream_on_last_task;
	stream->request = request;
	stream->server = request_server(request);
	stream->sched = runtime->sched;
	stream->timeout_s = command.timeout_s;
	stream->pending = (struct buf)BUF_INIT(EVENTS_MAX);
	sched_mutex_init(&stream->lock, runtime->sched);
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		event_lines_init(&stream->lines[i]);
		stream->flush_at[i] = SCHED_FOREVER;
	}
	stream->execution = execution_create(runtime->supervisor, &command, &handler, stream);
	if (stream->execution == NULL) {
		stream_destroy(stream);
		execute_respond_busy(request);
		return;
	}
	/* A silent command's stream gets keep-alives as well, which find out whether its client is
	 * still there. */
	stream_set_timer(stream, sched_now_us(stream->sched));
	/* One reference for the request, one for the tasks, one for the response. */
	execution_ref(stream->execution);
	execution_ref(stream->execution);
	request_set_data(request, stream, stream_on_request_end);
	request_add_header(request, "Cache-Control", "no-cache");
	request_add_header(request, "X-Accel-Buffering", "no");
	request_respond_stream(
		request, 200, "text/event-stream; charset=utf-8", BODY_LENGTH_UNKNOWN,
		&(struct body_source){
			.read = stream_read_events, .destroy = stream_release, .arg = stream });
	execution_start(stream->execution);
}
