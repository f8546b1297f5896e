/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the HTTP thread: new connections, libmicrohttpd's sockets, tasks of other threads,
 * and the deadlines of connections. Called by main.c. */
#include "config.h"

#include "runtime/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/http/server-private.h"
#include "runtime/http/request.h"
#include "runtime/http/work.h"

#define ACCEPT_AT_ONCE 64
#define ACCEPT_PAUSE_US 100000u /* when there are no descriptors left */
#define STOP_US 1500000u        /* for responses that are still sent after server_stop */
#define KEEP_ALIVE_S 30         /* a client that is silent for so long is asked for by TCP */
#define KEEP_ALIVE_AGAIN_S 15
#define KEEP_ALIVE_TIMES 4
#define SPARE_CONNECTIONS 256u /* for those that are shut down but not closed yet */

static const char busy_response[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				    "Content-Type: application/json\r\nContent-Length: 34\r\n\r\n"
				    "{\"detail\":\"Too many connections.\"}";

/* ---- creating ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Host names are not looked up: a static binary cannot. */
static socklen_t server_parse_address(const char *host, uint16_t port, union address *ret)
{
	*ret = (union address){ .v6 = { 0 } };
	if (strcmp(host, "localhost") == 0) {
		host = "127.0.0.1";
	}
	if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		return sizeof(ret->v6);
	}
	return 0;
}

static int server_listen_on(struct server *server, struct error *reterr)
{
	const struct server_config *config = &server->config;
	union address address;
	socklen_t length = server_parse_address(config->host, config->port, &address);
	int yes = 1, no = 0;

	if (length == 0) {
		return error_set(reterr, -EINVAL, "'%.100s' is not a numeric address to listen on",
				 config->host);
	}
	server->listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  IPPROTO_TCP);
	if (server->listener >= 0) {
		(void)setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (address.any.sa_family == AF_INET6) {
			(void)setsockopt(server->listener, IPPROTO_IPV6, IPV6_V6ONLY, &no,
					 sizeof(no));
		}
	}
	if (server->listener < 0 || bind(server->listener, &address.any, length) < 0 ||
	    listen(server->listener, SOMAXCONN) < 0 ||
	    getsockname(server->listener, &address.any, &length) < 0) {
		int code = -errno;

		return error_set(reterr, code, "cannot listen on '%.100s' port %u: %s",
				 config->host, config->port, strerror(-code));
	}
	server->port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port
							      : address.v6.sin6_port);
	return 0;
}

static void server_on_connection(void *arg, struct MHD_Connection *mhd, void **context,
				 enum MHD_ConnectionNotificationCode what)
{
	struct server *server = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		request_drop(*context);
		guard_remove(&server->guard, *context);
		*context = NULL;
		return;
	}

	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	*context = guard_add(&server->guard, info->connect_fd, sched_now_us(server->sched));
}

/* route.c decodes the path once it has been split. */
static size_t server_keep_escapes(void *arg UNUSED, struct MHD_Connection *mhd UNUSED, char *text)
{
	return strlen(text);
}

static struct MHD_Daemon *server_start_daemon(struct server *server)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		request_on_data, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)(server->guard.limit + SPARE_CONNECTIONS),
		MHD_OPTION_CONNECTION_TIMEOUT, WRITE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)16384,
		MHD_OPTION_NOTIFY_CONNECTION, server_on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, request_on_end, server, MHD_OPTION_URI_LOG_CALLBACK,
		request_on_target, server, MHD_OPTION_UNESCAPE_CALLBACK, server_keep_escapes, NULL,
		MHD_OPTION_END);
}

static int server_watch(struct server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int server_start(struct server *server, struct error *reterr)
{
	int code = server_listen_on(server, reterr);

	if (code < 0) {
		return code;
	}
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->daemon = server_start_daemon(server);
	if (server->epoll < 0 || server->wake < 0 || server->daemon == NULL) {
		return error_set(reterr, -EIO, "cannot start the HTTP server");
	}

	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (info == NULL || server_watch(server, info->epoll_fd) < 0 ||
	    server_watch(server, server->wake) < 0 || server_watch(server, server->listener) < 0) {
		return error_set(reterr, -EIO, "cannot watch the HTTP server's sockets");
	}
	return 0;
}

int server_create(struct sched *sched, const struct server_config *config, struct server **ret,
		  struct error *reterr)
{
	struct server *server = xnew(struct server);

	*server = (struct server){
		.sched = sched, .config = *config, .listener = -1, .epoll = -1, .wake = -1
	};
	server->token = config->token != NULL ? xstrdup(config->token) : NULL;
	server->tasks_end = &server->tasks;
	sched_mutex_init(&server->lock, sched);
	int code = guard_init(&server->guard, guard_limit());

	server->pool = work_pool_create(sched, server, guard_transfers());

	code = code < 0 ? error_set(reterr, code, "cannot watch connections: %s", strerror(-code))
			: server_start(server, reterr);
	if (code < 0) {
		(void)server_destroy(server);
		return code;
	}
	*ret = server;
	return 0;
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

/* ---- connections ---- */

static void server_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

/* Makes the kernel ask whether the client of a long request is still there. The machine of a client
 * that has closed its socket answers with a reset, that of one that has only closed its own end
 * does not. */
static void server_keep_alive(int fd)
{
	int yes = 1, idle = KEEP_ALIVE_S, interval = KEEP_ALIVE_AGAIN_S, count = KEEP_ALIVE_TIMES;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void server_add_connection(struct server *server, int fd, const union address *address,
				  socklen_t length)
{
	int yes = 1;

	if (server->guard.count >= server->guard.limit && !guard_evict(&server->guard)) {
		(void)!send(fd, busy_response, sizeof(busy_response) - 1,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	server_keep_alive(fd);
	/* It closes the socket when it fails. */
	(void)MHD_add_connection(server->daemon, fd, &address->any, length);
}

/* Without free descriptors, connections that wait would make the loop spin: it tries again
 * later. */
static void server_pause_accepting(struct server *server)
{
	(void)guard_evict(&server->guard);
	server->accept_at = sched_now_us(server->sched) + ACCEPT_PAUSE_US;
	(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
}

static void server_accept_some(struct server *server)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		union address address;
		socklen_t length = sizeof(address);
		int fd = accept4(server->listener, &address.any, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			server_add_connection(server, fd, &address, length);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			server_pause_accepting(server);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/* ---- stopping ---- */

void server_stop(struct server *server)
{
	LOCKED(&server->lock);
	server->stop = true;
	tasks_wake(server);
}

static bool server_is_stopping(struct server *server)
{
	LOCKED(&server->lock);
	return server->stop;
}

/* ---- the loop ---- */

static int server_wait_ms(struct server *server, uint64_t now)
{
	uint64_t until = server->check_at;
	MHD_UNSIGNED_LONG_LONG most;

	if (server->accept_at != 0 && server->accept_at < until) {
		until = server->accept_at;
	}

	uint64_t ms = until > now ? (until - now) / 1000 + 1 : 0;

	if (MHD_get_timeout(server->daemon, &most) == MHD_YES && most < ms) {
		ms = most;
	}
	return (int)ms;
}

/* libmicrohttpd does not look at the sockets of suspended connections. */
static void server_resume_shut_down(struct server *server)
{
	struct request *request;

	LIST_FOREACH (request, &server->requests, link) {
		if (request->connection->shut_down && request->connection->phase == PHASE_BUSY) {
			request_more(request);
		}
	}
}

static void server_do_timers(struct server *server)
{
	uint64_t now = sched_now_us(server->sched);

	if (now >= server->check_at) {
		guard_check_deadlines(&server->guard, now);
		server_resume_shut_down(server);
		work_pool_expire(server->pool, now);
		server->check_at = now + CHECK_US;
	}
	if (server->accept_at != 0 && now >= server->accept_at) {
		server->accept_at = 0;
		(void)server_watch(server, server->listener);
	}
}

static int server_run_once(struct server *server)
{
	struct epoll_event events[4];
	uint64_t ignored;
	int count = epoll_wait(server->epoll, events, ARRAY_LEN(events),
			       server_wait_ms(server, sched_now_us(server->sched)));

	if (count < 0 && errno != EINTR) {
		return -errno;
	}
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == server->listener) {
			server_accept_some(server);
		} else if (events[i].data.fd == server->wake) {
			(void)!read(server->wake, &ignored, sizeof(ignored));
		}
	}
	tasks_run(server);
	guard_check_blocks(&server->guard);
	(void)MHD_run(server->daemon);
	server_do_timers(server);
	return 0;
}

int server_run(struct server *server, struct error *reterr)
{
	uint64_t until = SCHED_FOREVER;

	while (sched_now_us(server->sched) < until) {
		if (!server->stopping && server_is_stopping(server)) {
			server->stopping = true;
			server_close_fd(&server->listener);
			server->accept_at = 0;
			until = sched_now_us(server->sched) + STOP_US;
		}
		if (server->stopping) {
			if (LIST_EMPTY(&server->requests)) {
				break;
			}
			server->check_at = sched_now_us(server->sched) + 20000;
		}

		int code = server_run_once(server);

		if (code < 0) {
			return error_set(reterr, code, "cannot wait for connections: %s",
					 strerror(-code));
		}
	}
	return 0;
}

bool server_destroy(struct server *server)
{
	if (server == NULL) {
		return true;
	}
	if (server->daemon != NULL) {
		struct request *request;

		/* libmicrohttpd does not stop while a connection is suspended. */
		LIST_FOREACH (request, &server->requests, link) {
			request->ended = true;
			if (request->suspended) {
				request->suspended = false;
				MHD_resume_connection(request->mhd);
			}
		}
		MHD_stop_daemon(server->daemon);
	}
	tasks_run(server);
	if (!work_pool_destroy(server->pool)) {
		return false;
	}
	guard_finish(&server->guard);
	server_close_fd(&server->listener);
	server_close_fd(&server->epoll);
	server_close_fd(&server->wake);
	sched_mutex_finish(&server->lock);
	if (server->token != NULL) {
		explicit_bzero(server->token, strlen(server->token));
	}
	free(server->token);
	free(server);
	return true;
}
