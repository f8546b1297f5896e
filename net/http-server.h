/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server for our own endpoints (health, metrics), over libmicrohttpd, with a static
 * table of routes. GET and HEAD only; bodies are refused. Slow clients are cut, and at the limit of
 * connections the oldest, so that a probe is always answered (net/http-guard.h). */
#ifndef ASB_NET_HTTP_SERVER_H
#define ASB_NET_HTTP_SERVER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct http_route {
	const char *path;
	const char *content_type;
	/* Fills the body and returns the status. On the server's thread. */
	int (*response)(void *arg, struct buf *body);
};

struct http_server;

/* address: "host:port", ":port" (all addresses), "[::1]:port", port 0 picks one; "0" alone means no
 * server: *ret is NULL then. routes ends in a zeroed entry and is borrowed. Starts two threads;
 * the one that answers has the signal mask of the caller. */
int http_server_create(const char *address, const struct http_route *routes, void *arg,
		       struct http_server **ret, struct error *reterr);
void http_server_destroy(struct http_server *server);
/* The port it is bound to. */
uint16_t http_server_port(const struct http_server *server);

#endif
