/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server over libmicrohttpd: a table of routes, one thread, bounded in everything. The
 * controller's main serves health and metrics with it. */
#include "config.h"

#include "net/http-server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/http-guard.h"

#define PAGE_MAX (16u << 20)          /* metrics of 2000 series a family stay far below */
#define SERVER_CONNECTIONS 64u        /* probes and scrapers are few; then the oldest is cut */
#define FILES_RESERVED 256u           /* of the process, for all else it does */
#define SERVER_BEYOND 64u             /* that were cut and are not closed yet */
#define SERVER_TIMEOUT_S 10u          /* of silence */
#define SERVER_ANSWER_US 60000000u    /* a page of some MiB, to a slow scraper */
#define CONNECTION_MEMORY (16u << 10) /* a connection's head in and out */
#define ADDRESS_MAX 256u

struct http_server {
	const struct http_route *routes;
	void *arg;
	struct sched *sched;
	struct http_guard *guard;
	struct MHD_Daemon *daemon;
	int socket; /* libmicrohttpd's once the daemon runs */
	uint16_t port;
};

/* ---- connections ---- */

static enum MHD_Result http_server_on_accept(void *arg, const struct sockaddr *address UNUSED,
					     socklen_t length UNUSED)
{
	const struct http_server *server = arg;

	return http_guard_accept(server->guard) ? MHD_YES : MHD_NO;
}

static void http_server_on_connection(void *arg, struct MHD_Connection *connection, void **link_arg,
				      enum MHD_ConnectionNotificationCode what)
{
	const struct http_server *server = arg;
	struct http_link *link = *link_arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_guard_remove(server->guard, link);
		free(link);
		return;
	}
	link = xnew(struct http_link);
	*link_arg = link;
	http_guard_add(
		server->guard, link,
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

static void http_server_enter(const struct http_server *server, struct MHD_Connection *connection,
			      enum http_phase phase)
{
	http_guard_enter(server->guard,
			 MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				 ->socket_context,
			 phase);
}

static void http_server_on_completed(void *arg, struct MHD_Connection *connection,
				     void **request_arg UNUSED,
				     enum MHD_RequestTerminationCode why UNUSED)
{
	http_server_enter(arg, connection, HTTP_PHASE_HEAD);
}

/* ---- responses ---- */

static enum MHD_Result http_server_send_page(struct MHD_Connection *connection, unsigned int status,
					     const char *content_type, struct buf *body,
					     const char *allow)
{
	size_t length = body->length;
	struct MHD_Response *mhd_response =
		MHD_create_response_from_buffer(length, buf_take(body), MHD_RESPMEM_MUST_FREE);

	if (mhd_response == NULL) {
		return MHD_NO;
	}
	MHD_add_response_header(mhd_response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (allow != NULL) {
		MHD_add_response_header(mhd_response, MHD_HTTP_HEADER_ALLOW, allow);
	}

	enum MHD_Result queued = MHD_queue_response(connection, status, mhd_response);

	MHD_destroy_response(mhd_response);
	return queued;
}

static enum MHD_Result http_server_send_text(struct MHD_Connection *connection, unsigned int status,
					     const char *text)
{
	CLEANUP_BUF struct buf body = BUF_INIT(1024);

	buf_append_str(&body, text);
	return http_server_send_page(connection, status, "text/plain; charset=utf-8", &body,
				     status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL);
}

static bool http_server_has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length != NULL && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

static enum MHD_Result http_server_send_route(const struct http_server *server,
					      struct MHD_Connection *connection,
					      const struct http_route *route)
{
	CLEANUP_BUF struct buf body = BUF_INIT(PAGE_MAX);
	int status = route->response(server->arg, &body);

	if (body.failed) {
		return http_server_send_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
					     "the page is too large\n");
	}
	return http_server_send_page(connection, (unsigned int)status, route->content_type, &body,
				     NULL);
}

/* Called after the header section, before any of a body is read: the body of a refused request is
 * not read. */
static enum MHD_Result http_server_on_request(void *arg, struct MHD_Connection *connection,
					      const char *path, const char *method,
					      const char *version UNUSED, const char *data UNUSED,
					      size_t *data_size UNUSED, void **request_arg)
{
	const struct http_server *server = arg;

	if (*request_arg == NULL) {
		http_server_enter(server, connection, HTTP_PHASE_ANSWER);
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		return http_server_send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					     "only GET and HEAD\n");
	}
	if (http_server_has_body(connection)) {
		return http_server_send_text(connection, MHD_HTTP_CONTENT_TOO_LARGE,
					     "no body is taken\n");
	}
	if (*request_arg == NULL) {
		/* Answering at the head would end the connection; the second call keeps it. */
		*request_arg = connection;
		return MHD_YES;
	}
	for (const struct http_route *route = server->routes; route->path != NULL; route++) {
		if (strcmp(path, route->path) == 0) {
			return http_server_send_route(server, connection, route);
		}
	}
	return http_server_send_text(connection, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* ---- listening ---- */

/* "host:port", ":port", "[v6]:port". An empty host is NULL. */
static int http_server_split_address(char *address, const char **ret_host, const char **ret_port)
{
	char *colon = strrchr(address, ':');

	if (colon == NULL) {
		return -EINVAL;
	}
	*colon = '\0';

	size_t length = strlen(address), digits = strspn(colon + 1, "0123456789");
	unsigned int number = 0;

	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') {
		return -EINVAL;
	}
	for (size_t i = 0; i < digits; i++) {
		number = number * 10 + (unsigned int)(colon[1 + i] - '0');
	}
	if (number > UINT16_MAX) {
		return -EINVAL;
	}
	if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
		address[length - 1] = '\0';
		address++;
	} else if (strpbrk(address, ":[]") != NULL) {
		return -EINVAL;
	}
	*ret_host = address[0] != '\0' ? address : NULL;
	*ret_port = colon + 1;
	return 0;
}

static int http_server_listen_on(const struct addrinfo *info)
{
	int yes = 1, no = 0;
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			info->ai_protocol);

	if (fd < 0) {
		return -errno;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (info->ai_family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	}
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	return fd;
}

/* All addresses means IPv6 with IPv4 inside where there is IPv6, else IPv4: so the families are
 * tried in that order. */
static int http_server_open_socket(const char *address, struct error *reterr)
{
	CLEANUP_FREE char *text = xstrdup(address);
	const char *host = NULL, *port = NULL;

	if (strlen(address) >= ADDRESS_MAX || http_server_split_address(text, &host, &port) < 0) {
		return error_set(reterr, -EINVAL, "'%.256s' is not of the form host:port", address);
	}

	static const int families[] = { AF_INET6, AF_INET };
	int fd = -EADDRNOTAVAIL;

	for (size_t i = 0; i < ARRAY_LEN(families) && fd < 0; i++) {
		struct addrinfo hints = { .ai_family = families[i],
					  .ai_socktype = SOCK_STREAM,
					  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
		struct addrinfo *list = NULL;

		if (getaddrinfo(host, port, &hints, &list) != 0) {
			continue;
		}
		for (const struct addrinfo *info = list; info != NULL && fd < 0;
		     info = info->ai_next) {
			fd = http_server_listen_on(info);
		}
		freeaddrinfo(list);
	}
	return fd >= 0 ? fd
		       : error_set(reterr, fd, "cannot listen on '%s': %s", address, strerror(-fd));
}

static uint16_t http_server_port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) {
		return 0;
	}
	return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
						: ((struct sockaddr_in *)&name)->sin_port);
}

static void http_server_finish(struct http_server *server)
{
	http_guard_destroy(server->guard);
	sched_destroy(server->sched);
	free(server);
}

int http_server_create(const char *address, const struct http_route *routes, void *arg,
		       struct http_server **ret, struct error *reterr)
{
	if (strcmp(address, "0") == 0) {
		*ret = NULL;
		return 0;
	}

	int fd = http_server_open_socket(address, reterr);

	if (fd < 0) {
		return fd;
	}

	struct http_server *server = xnew(struct http_server);

	*server = (struct http_server){ .routes = routes,
					.arg = arg,
					.sched = sched_create(),
					.socket = fd,
					.port = http_server_port_of(fd) };
	server->guard = http_guard_create(&(struct http_guard_config){
		.sched = server->sched,
		.limit = http_guard_limit(SERVER_CONNECTIONS, FILES_RESERVED),
		.idle_us = SERVER_TIMEOUT_S * 1000000u,
		.body_us = HTTP_GUARD_HEAD_US,
		.response_us = SERVER_ANSWER_US,
	});
	server->daemon = MHD_start_daemon(
		MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0,
		http_server_on_accept, server, http_server_on_request, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		SERVER_CONNECTIONS + SERVER_BEYOND, MHD_OPTION_CONNECTION_TIMEOUT, SERVER_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, http_server_on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, http_server_on_completed, server, MHD_OPTION_END);
	if (server->daemon == NULL) {
		close(fd);
		http_server_finish(server);
		return error_set(reterr, -EIO, "cannot serve on '%s'", address);
	}
	*ret = server;
	return 0;
}

void http_server_destroy(struct http_server *server)
{
	if (server == NULL) {
		return;
	}
	MHD_stop_daemon(server->daemon);
	http_server_finish(server);
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}
