/* SPDX-License-Identifier: Apache-2.0 */
/* The server's connections: how many, and how long each may take for a head or a body. Its thread
 * cuts those that are too slow, and tells watches whose clients are gone. */
#include "config.h"

#include "local/server-private.h"

#include "base/memory.h"
#include "local/watch.h"

#include <poll.h>
#include <sys/socket.h>

#define PROBES_AT_ONCE 256u

enum MHD_Result guard_accept(void *arg, const struct sockaddr *address UNUSED,
			     socklen_t length UNUSED)
{
	struct server *server = arg;

	/* Closed at once: better than to let the client wait in the backlog. */
	LOCKED(&server->lock);
	return server->link_count < SERVER_CONNECTIONS_MAX && !server->stopping ? MHD_YES : MHD_NO;
}

static void link_add(struct server *server, struct link *link)
{
	LOCKED(&server->lock);
	link->next = server->links;
	if (server->links != NULL) {
		server->links->previous = link;
	}
	server->links = link;
	if (server->link_count++ == 0) {
		sched_cond_signal(&server->changed);
	}
}

static void link_remove(struct server *server, struct link *link)
{
	LOCKED(&server->lock);
	if (link->stream != NULL) {
		link->stream->link = NULL;
	}
	if (link->previous != NULL) {
		link->previous->next = link->next;
	} else {
		server->links = link->next;
	}
	if (link->next != NULL) {
		link->next->previous = link->previous;
	}
	server->link_count--;
}

void guard_connection(void *arg, struct MHD_Connection *connection, void **link_arg,
		      enum MHD_ConnectionNotificationCode what)
{
	struct server *server = arg;
	struct link *link = *link_arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (link != NULL) {
			link_remove(server, link);
			free(link);
		}
		return;
	}
	link = xnew(struct link);
	link->fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	link->connection = connection;
	link->since_us = sched_now_us(server->config.sched);
	*link_arg = link;
	link_add(server, link);
}

struct link *guard_link(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

void guard_phase(struct server *server, struct link *link, enum phase phase)
{
	LOCKED(&server->lock);
	link->phase = phase;
	link->since_us = sched_now_us(server->config.sched);
}

/* ---- the thread ---- */

static bool too_slow(const struct link *link, uint64_t now_us)
{
	static const uint64_t limits[] = { [PHASE_FIRST] = SERVER_FIRST_US,
					   [PHASE_REST] = SERVER_REST_US,
					   [PHASE_HEAD] = SERVER_HEAD_US,
					   [PHASE_BODY] = SERVER_BODY_US,
					   [PHASE_ANSWER] = SCHED_FOREVER };

	return now_us - link->since_us > limits[link->phase];
}

/* A watch that sleeps does not read from its client: whether that is gone is asked here. The lock
 * is held, so neither link nor stream goes away. */
static void probe(struct link **links, size_t count)
{
	struct pollfd polls[PROBES_AT_ONCE];

	for (size_t i = 0; i < count; i++) {
		polls[i] = (struct pollfd){ .fd = links[i]->fd, .events = POLLRDHUP };
	}
	if (poll(polls, count, 0) <= 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (polls[i].revents != 0) {
			links[i]->stream->dead = true;
			watch_wake(links[i]->stream->watch);
		}
	}
}

static void sweep(struct server *server)
{
	struct link *probed[PROBES_AT_ONCE];
	uint64_t now_us = sched_now_us(server->config.sched);
	size_t count = 0;

	for (struct link *link = server->links; link != NULL; link = link->next) {
		if (too_slow(link, now_us)) {
			/* libmicrohttpd sees the end of it, and closes. */
			(void)shutdown(link->fd, SHUT_RDWR);
		}
		if (link->stream != NULL && link->stream->watch != NULL) {
			probed[count++] = link;
		}
		if (count == PROBES_AT_ONCE || (link->next == NULL && count > 0)) {
			probe(probed, count);
			count = 0;
		}
	}
}

static void run(void *arg)
{
	struct server *server = arg;

	LOCKED(&server->lock);
	while (!server->stopping) {
		uint64_t next = server->link_count > 0
					? sched_now_us(server->config.sched) + SERVER_SWEEP_US
					: SCHED_FOREVER;

		while (!server->stopping && sched_now_us(server->config.sched) < next &&
		       (next != SCHED_FOREVER || server->link_count == 0)) {
			(void)sched_cond_wait(&server->changed, &server->lock, next);
		}
		sweep(server);
	}
}

void guard_start(struct server *server)
{
	server->guard = sched_start(server->config.sched, "api-guard", run, server);
}

void guard_stop(struct server *server)
{
	{
		LOCKED(&server->lock);
		server->stopping = true;
		sched_cond_broadcast(&server->changed);
	}
	if (server->guard != NULL) {
		sched_join(server->guard);
		server->guard = NULL;
	}
}
