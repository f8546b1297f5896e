/* SPDX-License-Identifier: Apache-2.0 */
/* Followed logs without new lines: one thread waits for all of them. Streams put themselves to
 * sleep here. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apiserver/remote/podlog.h"

#define WAKE_ID 0u

/* The sleeping stream with that id, taken out; NULL when it is gone. The lock is held. */
static struct stream *log_take(struct server *server, uint64_t id)
{
	for (struct stream **at = &server->logs; *at != NULL; at = &(*at)->log_next) {
		if ((*at)->log_id == id) {
			struct stream *stream = *at;

			*at = stream->log_next;
			stream->log_sleeps = false;
			return stream;
		}
	}
	return NULL;
}

static void log_wake_all(struct server *server)
{
	while (server->logs != NULL) {
		struct stream *stream = log_take(server, server->logs->log_id);

		stream->dead = true;
		MHD_resume_connection(stream->connection);
	}
}

static void log_run(void *arg)
{
	struct server *server = arg;
	bool stopping = false;

	while (!stopping) {
		struct epoll_event events[16];
		int count = epoll_wait(server->epoll, events, 16, -1);

		LOCKED(&server->lock);
		for (int i = 0; i < count; i++) {
			struct stream *stream = log_take(server, events[i].data.u64);

			if (stream != NULL) {
				MHD_resume_connection(stream->connection);
			}
		}
		stopping = server->stopping;
		if (stopping) {
			log_wake_all(server);
		}
	}
}

/* The stream's connection is told to sleep before its waker knows of it. */
void logs_sleep(struct stream *stream)
{
	struct server *server = stream->server;
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT };
	int fd = podlog_fd(stream->podlog);

	LOCKED(&server->lock);
	if (server->stopping) {
		stream->dead = true;
		return;
	}
	if (stream->log_id == 0) {
		stream->log_id = ++server->log_ids;
	}
	event.data.u64 = stream->log_id;
	MHD_suspend_connection(stream->connection);
	stream->log_next = server->logs;
	server->logs = stream;
	stream->log_sleeps = true;
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, fd, &event) < 0 &&
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		stream->dead = true;
		log_take(server, stream->log_id);
		MHD_resume_connection(stream->connection);
	}
}

void logs_forget(struct stream *stream)
{
	LOCKED(&stream->server->lock);
	if (stream->log_sleeps) {
		log_take(stream->server, stream->log_id);
	}
}

int logs_start(struct server *server, struct error *reterr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_ID };

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll < 0 || server->wake_fd < 0 ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->wake_fd, &event) < 0) {
		return error_set(reterr, -errno, "no epoll: %s", strerror(errno));
	}
	server->logger = sched_start(server->config.sched, "api-logs", log_run, server);
	return 0;
}

void logs_stop(struct server *server)
{
	if (server->logger != NULL) {
		uint64_t one = 1;

		/* Cannot fail: the counter is far from full. */
		(void)!write(server->wake_fd, &one, sizeof(one));
		sched_join(server->logger);
		server->logger = NULL;
	}
	if (server->epoll >= 0) {
		close(server->epoll);
	}
	if (server->wake_fd >= 0) {
		close(server->wake_fd);
	}
}
