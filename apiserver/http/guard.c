/* SPDX-License-Identifier: Apache-2.0 */
/* The server's connections: their limit and deadlines, which net/http-guard.c keeps, what each carries
 * until it is closed, and watches whose clients are gone. Called by libmicrohttpd. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <poll.h>
#include <sys/socket.h>

#include "apiserver/api/watch.h"
#include "base/memory.h"

#define PROBES_AT_ONCE 256u
#define FILES_RESERVED 512u /* the database, sessions in pods, logs */

enum MHD_Result guard_accept(void *arg, const struct sockaddr *address UNUSED,
			     socklen_t length UNUSED)
{
	struct server *server = arg;

	/* A connection too many is closed at once, instead of waiting in the backlog. */
	return http_guard_accept(server->guard) ? MHD_YES : MHD_NO;
}

void guard_connection(void *arg, struct MHD_Connection *connection, void **link_arg,
		      enum MHD_ConnectionNotificationCode what)
{
	struct server *server = arg;
	struct link *link = *link_arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (link != NULL) {
			http_guard_remove(server->guard, &link->http);
			/* A request that libmicrohttpd refused itself is not always told to have ended. */
			exchange_free(server, link->exchange);
			free(link);
		}
		return;
	}
	link = xnew(struct link);
	*link_arg = link;
	http_guard_add(
		server->guard, &link->http,
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

/* ---- watches ---- */

/* A watch that sleeps does not read from its client, so this checks whether the client is gone.
 * The lock is held, so no stream is freed. */
static void guard_probe(struct stream **streams, size_t count)
{
	struct pollfd polls[PROBES_AT_ONCE];

	for (size_t i = 0; i < count; i++) {
		polls[i] = (struct pollfd){ .fd = streams[i]->fd, .events = POLLRDHUP };
	}
	if (poll(polls, count, 0) <= 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (polls[i].revents != 0) {
			streams[i]->dead = true;
			watch_wake(streams[i]->watch);
		}
	}
}

static void guard_on_sweep(void *arg)
{
	struct server *server = arg;
	struct stream *probed[PROBES_AT_ONCE];
	size_t count = 0;

	LOCKED(&server->lock);
	for (struct stream *stream = server->streams; stream != NULL; stream = stream->next) {
		probed[count++] = stream;
		if (count == PROBES_AT_ONCE || stream->next == NULL) {
			guard_probe(probed, count);
			count = 0;
		}
	}
}

void guard_start(struct server *server)
{
	server->guard = http_guard_create(&(struct http_guard_config){
		.sched = server->config.sched,
		.limit = http_guard_limit(SERVER_CONNECTIONS_MAX, FILES_RESERVED),
		.idle_us = SERVER_REST_US,
		.body_us = SERVER_BODY_US,
		.response_us = SERVER_ANSWER_US,
		.on_sweep = guard_on_sweep,
		.arg = server,
	});
}

void guard_stop(struct server *server)
{
	{
		LOCKED(&server->lock);
		server->stopping = true;
	}
	http_guard_stop(server->guard);
}
