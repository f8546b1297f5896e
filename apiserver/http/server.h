/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API over HTTP/1.1: TLS on a loopback port, with a bearer token; and plain on a unix socket of
 * mode 0600, for our own parts and root. libmicrohttpd with a few threads; a watch that waits costs
 * no thread.
 *
 * Bounded: connections, heads, bodies, the time a head or a body may take, what a client that does
 * not read may hold.
 */
#ifndef ASB_APISERVER_HTTP_SERVER_H
#define ASB_APISERVER_HTTP_SERVER_H

#include <stdint.h>

#include "base/error.h"
#include "base/sched.h"

#define SERVER_CONNECTIONS_MAX 8192u /* 5,000 watches and as many requests as the threads serve */
#define SERVER_THREADS 4u

struct api;
struct server;

struct server_config {
	struct sched *sched;
	struct api *api;
	const char *address;     /* IPv4 of the TLS listener; NULL: "127.0.0.1" */
	uint16_t port;           /* 0 picks one */
	const char *certificate; /* PEM: leaf, then CA */
	const char *key;         /* PEM */
	const char *token;       /* what TLS clients must show */
	const char *socket_path; /* NULL: none */
};

/* 0, or a negative code and *reterr. */
int server_create(const struct server_config *config, struct server **ret, struct error *reterr);
/* Ends watches, completes the responses under way, and closes. */
void server_destroy(struct server *server);
uint16_t server_port(const struct server *server);

#endif
