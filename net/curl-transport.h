/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport over libcurl: HTTP/1.1 keep-alive. Requests of all threads go through one thread that
 * drives a curl multi handle with a bounded connection pool; each stream runs in its caller's
 * thread on a connection of its own.
 */
#ifndef ASB_NET_CURL_TRANSPORT_H
#define ASB_NET_CURL_TRANSPORT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sched.h"
#include "net/transport.h"

/*
 * Credentials change while the process runs (rotated tokens, certificates from an exec plugin), so
 * they are asked for at each request. Strings are owned by the caller of get, freed by
 * http_credentials_finish. Never logged.
 */
struct http_credentials {
	char *authorization; /* header value, "Bearer ...", or NULL */
	char *certificate;   /* PEM text, or NULL */
	char *key;           /* PEM text, or NULL */
	uint64_t
		generation; /* changes when certificate or key change: connections are made again */
};
void http_credentials_finish(struct http_credentials *credentials);

struct http_credentials_source {
	/* 0, or negative with *reterr: the request fails with that text. Any thread; may block (an
	 * exec plugin). */
	int (*get)(void *arg, struct http_credentials *ret, struct error *reterr);
	/* The server said 401 to these: ask again next time. */
	void (*refused)(void *arg, uint64_t generation);
	void *arg;
	/* The transport was stopped: a get that blocks returns -ECANCELED soon. NULL: get never
	 * blocks for long. */
	void (*stop)(void *arg);
};

/* Where and how to connect. Copied. */
struct curl_transport_config {
	const char *server;          /* "https://host:port/prefix", the prefix is kept */
	const char *tls_server_name; /* name to check and send instead of the host, or NULL */
	const char *ca_pem;          /* PEM text, or NULL: the system's */
	const char *ca_file;         /* a file that may be rotated, instead of ca_pem */
	bool insecure;               /* no check of the certificate */
	/* http, https, socks5; NULL: HTTPS_PROXY and NO_PROXY of the environment */
	const char *proxy_url;
	/* more headers for each request ("Impersonate-User: x"), ends in NULL; or NULL */
	const char *const *headers;
	/* must not begin with curl, Wget or Mozilla: the API server would pretty-print */
	const char *user_agent;
	/* a UNIX socket to connect to, instead of server's host; no proxy then. NULL: none */
	const char *unix_socket;
	uint32_t connections;                       /* most connections for requests */
	struct http_credentials_source credentials; /* get NULL: none */
};

/* Starts the request thread; ignores SIGPIPE if nobody handles it. NULL and *reterr on a config
 * libcurl does not take. */
struct transport *curl_transport_create(struct sched *sched,
					const struct curl_transport_config *config,
					struct error *reterr);
/* After stop, when no call is running. */
void curl_transport_destroy(struct transport *transport);

#endif
