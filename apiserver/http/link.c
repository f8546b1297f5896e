/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's link: what libmicrohttpd keeps with it from accept to close. Requests, streams and
 * sessions call it. */
#include "config.h"

#include "apiserver/http/server-private.h"

struct link *link_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

void link_phase(struct server *server, struct MHD_Connection *connection, enum http_phase phase)
{
	http_guard_enter(server->guard, &link_of(connection)->http, phase);
}
