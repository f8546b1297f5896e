/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose responses wait for the node: logs. Each is handled on a thread of its own while its
 * connection is suspended, since a thread of libmicrohttpd serves a part of all connections. Called by
 * apiserver/http/exchange.c. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <string.h>

#include "apiserver/api/route.h"
#include "base/memory.h"

#define ASKS_MAX 64u /* more than a client opens at once; each ends within the deadlines of the node */

struct ask {
	struct server *server;
	struct MHD_Connection *connection;
	struct api_request request;
	struct api_response response; /* the thread's, until it has resumed the connection */
	struct sched_thread *thread;
};

bool ask_is(const struct api_request *request)
{
	struct route route;

	return route_parse(request->path, &route) == 0 && strcmp(route.subresource, "log") == 0;
}

/* The connection may go on, and its exchange end, before the last lines of this. */
static void ask_run(void *arg)
{
	struct ask *ask = arg;
	struct server *server = ask->server;

	api_handle(server->config.api, &ask->request, &ask->response);
	MHD_resume_connection(ask->connection);

	LOCKED(&server->lock);
	server->asks--;
	sched_cond_broadcast(&server->asked);
}

struct ask *ask_start(struct server *server, struct MHD_Connection *connection,
		      const struct api_request *request)
{
	struct ask *ask;

	{
		LOCKED(&server->lock);
		if (server->stopping || server->asks >= ASKS_MAX) {
			return NULL;
		}
		server->asks++;
	}
	ask = xnew(struct ask);
	ask->server = server;
	ask->connection = connection;
	ask->request = *request;
	MHD_suspend_connection(connection);
	ask->thread = sched_start(server->config.sched, "ask-node", ask_run, ask);
	return ask;
}

void ask_finish(struct ask *take, struct api_response *ret)
{
	sched_join(take->thread);
	*ret = take->response;
	free(take);
}

void ask_stop_all(struct server *server)
{
	LOCKED(&server->lock);
	while (server->asks > 0) {
		(void)sched_cond_wait(&server->asked, &server->lock, SCHED_FOREVER);
	}
}
