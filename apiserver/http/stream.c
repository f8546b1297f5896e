/* SPDX-License-Identifier: Apache-2.0 */
/* Responses that go on: watches and logs. They are read when the client can take more, and sleep
 * when there is nothing to send. libmicrohttpd calls the readers on its threads. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include "apiserver/api/watch.h"
#include "apiserver/remote/podlog.h"
#include "base/memory.h"

/* What libmicrohttpd allocates for each response beside the connection's own memory; chunks are
 * read straight into that. */
#define STREAM_BLOCK 64u

static void stream_put_to_sleep(void *arg)
{
	const struct stream *stream = arg;

	MHD_suspend_connection(stream->connection);
}

static void stream_wake_up(void *arg)
{
	const struct stream *stream = arg;

	MHD_resume_connection(stream->connection);
}

static bool stream_is_dead(struct stream *stream)
{
	LOCKED(&stream->server->lock);
	return stream->dead;
}

static ssize_t stream_read_watch(void *arg, uint64_t position UNUSED, char *data, size_t size)
{
	struct stream *stream = arg;

	if (stream_is_dead(stream)) {
		/* The end of a stream fails to be sent, by which libmicrohttpd closes at once. */
		return MHD_CONTENT_READER_END_OF_STREAM;
	}

	ssize_t length =
		watch_read(stream->watch, data, size, stream_put_to_sleep, stream_wake_up, stream);

	return length >= 0 ? length : MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t stream_read_log(void *arg, uint64_t position UNUSED, char *data, size_t size)
{
	struct stream *stream = arg;

	if (stream_is_dead(stream)) {
		return MHD_CONTENT_READER_END_OF_STREAM;
	}

	ssize_t length = podlog_read(stream->podlog, data, size, 0);

	if (length == 0) {
		logs_sleep(stream);
	}
	return length >= 0 ? length : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_list(struct stream *stream)
{
	struct server *server = stream->server;

	LOCKED(&server->lock);
	stream->next = server->streams;
	if (stream->next != NULL) {
		stream->next->previous = stream;
	}
	server->streams = stream;
}

static void stream_unlist(struct stream *stream)
{
	struct server *server = stream->server;

	LOCKED(&server->lock);
	if (stream->previous != NULL) {
		stream->previous->next = stream->next;
	} else {
		server->streams = stream->next;
	}
	if (stream->next != NULL) {
		stream->next->previous = stream->previous;
	}
}

static void stream_free(void *arg)
{
	struct stream *stream = arg;

	if (stream->watch != NULL) {
		stream_unlist(stream);
	}
	if (stream->podlog != NULL) {
		logs_forget(stream);
	}
	watch_close(stream->watch);
	podlog_close(stream->podlog);
	free(stream);
}

struct MHD_Response *stream_response(struct server *server, struct MHD_Connection *connection,
				     struct api_response *response)
{
	struct stream *stream = xnew(struct stream);

	stream->server = server;
	stream->connection = connection;
	stream->fd = link_of(connection)->http.fd;
	stream->watch = TAKE(response->watch);
	stream->podlog = TAKE(response->podlog);
	if (stream->watch != NULL) {
		stream_list(stream);
	}

	struct MHD_Response *mhd_response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK,
		stream->watch != NULL ? stream_read_watch : stream_read_log, stream, stream_free);

	if (mhd_response == NULL) {
		stream_free(stream);
		return NULL;
	}
	link_phase(server, connection, HTTP_PHASE_STREAM);
	return mhd_response;
}
