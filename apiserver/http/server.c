/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server's two listeners, loopback with TLS and a unix socket without, from start to end.
 * The command creates and destroys it. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apiserver/remote/remote.h"
#include "base/memory.h"

#define FILES_WANTED (SERVER_CONNECTIONS_MAX + 512u)
/* libmicrohttpd's own limit is beyond ours, which refuses (guard_accept) instead of waiting. */
#define CONNECTIONS_BEYOND 64u
#define LOCAL_THREADS 4u

/* ---- sockets ---- */

static int server_listen_on(const struct sockaddr *address, socklen_t length, struct error *reterr)
{
	int yes = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return error_set(reterr, -errno, "no socket: %s", strerror(errno));
	}
	if (address->sa_family == AF_INET) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	}
	if (bind(fd, address, length) < 0 || listen(fd, SOMAXCONN) < 0) {
		int code = -errno;

		close(fd);
		return error_set(reterr, code, "%s", strerror(-code));
	}
	return fd;
}

static int server_listen_tcp(struct server *server, struct error *reterr)
{
	const char *host = server->config.address != NULL ? server->config.address : "127.0.0.1";
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(server->config.port) };
	socklen_t length = sizeof(address);

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		return error_set(reterr, -EINVAL, "'%s' is no IPv4 address", host);
	}

	int fd = server_listen_on((struct sockaddr *)&address, length, reterr);

	if (fd < 0) {
		return error_prefix(reterr, "cannot listen on '%s:%u'", host,
				    (unsigned int)server->config.port);
	}
	if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
		server->port = ntohs(address.sin_port);
	}
	return fd;
}

/* The storage has locked the state directory, so a socket at the path is left from an earlier
 * run. */
static int server_listen_unix(struct server *server, struct error *reterr)
{
	const char *path = server->config.socket_path;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		return error_set(
			reterr, -ENAMETOOLONG,
			"the socket's path '%s' is longer than the system takes (%zu): use a state directory with a shorter name",
			path, sizeof(address.sun_path) - 1);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);

	mode_t before = umask(0177);
	int fd = server_listen_on((struct sockaddr *)&address, sizeof(address), reterr);

	umask(before);
	if (fd < 0) {
		return error_prefix(reterr, "cannot listen on '%s'", path);
	}
	server->socket_path = xstrdup(path);
	return fd;
}

/* As many descriptors as the connections need; with fewer, libmicrohttpd stops accepting early. */
static void server_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED) {
		limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- daemons ---- */

/* Paths are decoded by the API, segment by segment. */
static size_t server_keep_encoded(void *arg UNUSED, struct MHD_Connection *connection UNUSED,
				  char *text)
{
	return strlen(text);
}

/* The number of threads ends the options; more than one is a pool. */
#define DAEMON_OPTIONS(server, fd, threads)                                                        \
	MHD_OPTION_LISTEN_SOCKET, (fd), MHD_OPTION_CONNECTION_LIMIT,                               \
		(SERVER_CONNECTIONS_MAX + CONNECTIONS_BEYOND) * (threads),                         \
		MHD_OPTION_CONNECTION_TIMEOUT, SERVER_SILENCE_S,                                   \
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY,                         \
		MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, (server),                             \
		MHD_OPTION_NOTIFY_COMPLETED, exchange_end, (server), MHD_OPTION_NOTIFY_CONNECTION, \
		guard_connection, (server), MHD_OPTION_UNESCAPE_CALLBACK, server_keep_encoded,     \
		NULL, MHD_OPTION_THREAD_POOL_SIZE, (threads)

#define DAEMON_FLAGS (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME)

static int server_start_tls(struct server *server, struct error *reterr)
{
	int fd = server_listen_tcp(server, reterr);

	if (fd < 0) {
		return fd;
	}
	server->tls = MHD_start_daemon(
		DAEMON_FLAGS | MHD_USE_TLS, 0, guard_accept, server, exchange_handle, server,
		DAEMON_OPTIONS(server, fd, SERVER_THREADS), MHD_OPTION_HTTPS_MEM_CERT,
		server->config.certificate, MHD_OPTION_HTTPS_MEM_KEY, server->config.key,
		MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
		MHD_OPTION_END);
	if (server->tls == NULL) {
		close(fd);
		return error_set(reterr, -EIO,
				 "libmicrohttpd cannot serve TLS: is it built with GnuTLS?");
	}
	return 0;
}

static int server_start_local(struct server *server, struct error *reterr)
{
	if (server->config.socket_path == NULL) {
		return 0;
	}

	int fd = server_listen_unix(server, reterr);

	if (fd < 0) {
		return fd;
	}
	server->local =
		MHD_start_daemon(DAEMON_FLAGS, 0, guard_accept, server, exchange_handle, server,
				 DAEMON_OPTIONS(server, fd, LOCAL_THREADS), MHD_OPTION_END);
	if (server->local == NULL) {
		close(fd);
		return error_set(reterr, -EIO, "libmicrohttpd cannot serve on '%s'",
				 server->socket_path);
	}
	return 0;
}

/* ---- life ---- */

int server_create(const struct server_config *config, struct server **ret, struct error *reterr)
{
	struct server *server = xnew(struct server);

	server->config = *config;
	server->epoll = server->wake_fd = -1;
	sched_mutex_init(&server->lock, config->sched);
	sched_cond_init(&server->asked, config->sched);
	server->remote = remote_create(config->sched);
	server_raise_file_limit();
	guard_start(server);

	int code = logs_start(server, reterr);

	if (code == 0) {
		code = server_start_tls(server, reterr);
	}
	if (code == 0) {
		code = server_start_local(server, reterr);
	}
	if (code < 0) {
		server_destroy(server);
		return error_prefix(reterr, "the API server");
	}
	*ret = server;
	return 0;
}

void server_destroy(struct server *server)
{
	if (server == NULL) {
		return;
	}
	/* libmicrohttpd does not end connections that sleep, so all are woken first. */
	api_stop(server->config.api);
	guard_stop(server);
	ask_stop_all(server);
	logs_stop(server);
	remote_stop(server->remote);
	if (server->tls != NULL) {
		MHD_stop_daemon(server->tls);
	}
	if (server->local != NULL) {
		MHD_stop_daemon(server->local);
	}
	if (server->socket_path != NULL) {
		(void)unlink(server->socket_path);
		free(server->socket_path);
	}
	remote_destroy(server->remote);
	http_guard_destroy(server->guard);
	sched_cond_finish(&server->asked);
	sched_mutex_finish(&server->lock);
	free(server);
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}
