/* SPDX-License-Identifier: Apache-2.0 */
/* A socket, its connections and their threads. Called by node/node.c with --listen-unix. */
#include "config.h"

#include "node/server/kubelet-server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/socket.h"
#include "net/http-guard.h"
#include "node/pod/jobs.h"
#include "node/server/exec.h"
#include "node/server/forward.h"
#include "node/server/logs.h"
#include "node/server/response.h"

#define HEAD_MAX 24576 /* of a request: a command may be long */
#define SEND_S 30      /* a client that reads nothing for so long is gone */
#define STOP_US 2000000u
#define BACKLOG 64
#define FULL_MS 100 /* without descriptors: until the next attempt to accept */

struct kubelet_server {
	struct sched *sched;
	struct runtime *runtime;
	char *path;
	int listener, stop; /* stop: eventfd */
	struct jobs *jobs;
	struct http_guard *guard;
	struct sched_thread *thread;
	uint64_t last; /* of connections; the thread's own */
};

struct connection {
	struct kubelet_server *server;
	struct http_link link;
	int fd;
};

/* ---- one request ---- */

/* False: the server stops. A connection that the guard has closed becomes readable. */
static bool server_wait_bytes(const struct connection *connection)
{
	struct pollfd fds[] = { { .fd = connection->fd, .events = POLLIN },
				{ .fd = connection->server->stop, .events = POLLIN } };

	while (poll(fds, ARRAY_LEN(fds), -1) < 0) {
		if (errno != EINTR) {
			return false;
		}
	}
	return fds[1].revents == 0;
}

/* Reads until the empty line; false when none comes or the head is too long. */
static bool server_read_head(const struct connection *connection, char head[HEAD_MAX])
{
	size_t length = 0;

	while (length < HEAD_MAX - 1 && server_wait_bytes(connection)) {
		ssize_t got =
			recv(connection->fd, head + length, HEAD_MAX - 1 - length, MSG_DONTWAIT);

		if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (got <= 0) {
			return false;
		}
		length += (size_t)got;
		head[length] = '\0';
		if (memmem(head, length, "\r\n\r\n", 4) != NULL) {
			return true;
		}
	}
	return false;
}

static void server_refuse(int fd, int code, const char *text)
{
	server_send_text(fd, code == -ENOENT ? "404 Not Found" : "400 Bad Request", text);
}

static void server_respond_logs(struct kubelet_server *server, int fd, const char *target)
{
	struct logs_request request;
	struct error error = { 0 };
	int code = logs_parse(target, &request, &error);

	if (code < 0) {
		server_refuse(fd, code, error.text);
		return;
	}
	if (request.since_s > 0) {
		request.options.since_ms =
			sched_wall_us(server->sched) / 1000 - request.since_s * 1000;
	}
	logs_serve(server->runtime, &request, fd);
}

static void server_respond_stream(struct kubelet_server *server, int fd, const char *target)
{
	struct server_stream stream = {
		.sched = server->sched, .runtime = server->runtime, .fd = fd, .stop = server->stop
	};
	struct exec_request *exec = NULL;
	struct forward_request forward;
	struct error error = { 0 };
	int code = exec_parse(target, &exec, &error);

	if (code == 0) {
		exec_serve(&stream, exec);
		exec_request_free(exec);
		return;
	}
	if (code == -ENOENT) {
		code = forward_parse(target, &forward, &error);
	}
	if (code < 0) {
		server_refuse(fd, code, error.text);
		return;
	}
	forward_serve(&stream, &forward);
}

static void server_respond(struct kubelet_server *server, int fd, char *head)
{
	char *target = strchr(head, ' '), *end;

	end = target != NULL ? strchr(target + 1, ' ') : NULL;
	if (end == NULL) {
		server_send_text(fd, "400 Bad Request", "this is not an HTTP request");
		return;
	}
	*target++ = '\0';
	*end = '\0';
	if (strcmp(head, "GET") == 0) {
		server_respond_logs(server, fd, target);
	} else if (strcmp(head, "POST") == 0) {
		server_respond_stream(server, fd, target);
	} else {
		server_send_text(fd, "405 Method Not Allowed", "only GET and POST");
	}
}

static void server_run_connection(void *arg)
{
	struct connection *connection = arg;
	struct kubelet_server *server = connection->server;
	char head[HEAD_MAX];

	if (server_read_head(connection, head)) {
		/* Followed logs and sessions have no deadline while the client reads. */
		http_guard_enter(server->guard, &connection->link, HTTP_PHASE_STREAM);
		server_respond(server, connection->fd, head);
	}
}

static void server_end_connection(void *arg)
{
	struct connection *connection = arg;

	http_guard_remove(connection->server->guard, &connection->link);
	close(connection->fd);
	free(connection);
}

/* ---- listening ---- */

static void server_take_connection(struct kubelet_server *server, int fd)
{
	struct timeval silence = { .tv_sec = SEND_S };
	struct connection *connection;
	char name[32];

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
	if (!http_guard_accept(server->guard)) {
		server_send_text(fd, "503 Service Unavailable", "too many connections");
		close(fd);
		return;
	}
	connection = xnew(struct connection);
	connection->server = server;
	connection->fd = fd;
	http_guard_add(server->guard, &connection->link, fd);
	snprintf(name, sizeof(name), "%llu", (unsigned long long)++server->last);
	if (!jobs_start(server->jobs, name, server_run_connection, server_end_connection,
			connection)) {
		server_send_text(fd, "503 Service Unavailable", "too many connections");
		server_end_connection(connection);
	}
}

static void server_listen_on(void *arg)
{
	struct kubelet_server *server = arg;
	struct pollfd fds[] = { { .fd = server->listener, .events = POLLIN },
				{ .fd = server->stop, .events = POLLIN } };

	while (fds[1].revents == 0) {
		if (poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[0].revents != 0) {
			int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0) {
				server_take_connection(server, fd);
			} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
				   errno == ENOBUFS) {
				/* Connections wait in the backlog. Without the pause, poll would
				 * return at once again and again. */
				(void)poll(&fds[1], 1, FULL_MS);
			}
		}
	}
}

/* Whether a process listens on the socket. */
static bool server_is_alive(const char *path)
{
	int fd = socket_connect_unix(path, 0, 0);

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

static int server_bind_socket(const char *path, struct error *reterr)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path)) {
		return error_set(reterr, -EINVAL, "the socket's path '%s' is longer than %zu", path,
				 sizeof(address.sun_path) - 1);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (server_is_alive(path)) {
		return error_set(reterr, -EADDRINUSE, "another process listens on '%s' already",
				 path);
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	code = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
			       listen(fd, BACKLOG) != 0
		       ? -errno
		       : 0;
	umask(mask);
	if (code < 0) {
		if (fd >= 0) {
			close(fd);
		}
		return error_set(reterr, code, "cannot listen on '%s': %s", path, strerror(-code));
	}
	return fd;
}

struct kubelet_server *kubelet_server_create(struct sched *sched, struct runtime *runtime,
					     const char *path, struct error *reterr)
{
	struct kubelet_server *server;
	int fd = server_bind_socket(path, reterr);

	if (fd < 0) {
		return NULL;
	}
	server = xnew(struct kubelet_server);
	*server = (struct kubelet_server){ .sched = sched,
					   .runtime = runtime,
					   .path = xstrdup(path),
					   .listener = fd,
					   .stop = eventfd(0, EFD_CLOEXEC),
					   .jobs = jobs_create(sched) };
	server->guard = http_guard_create(&(struct http_guard_config){
		.sched = sched,
		.limit = KUBELET_CONNECTIONS_MAX,
		.idle_us = HTTP_GUARD_HEAD_US,
		.body_us = HTTP_GUARD_HEAD_US,
		.response_us = HTTP_GUARD_HEAD_US,
	});
	server->thread = sched_start(sched, "serve", server_listen_on, server);
	return server;
}

bool kubelet_server_stop(struct kubelet_server *server)
{
	uint64_t one = 1;

	if (server == NULL) {
		return true;
	}
	if (write(server->stop, &one, sizeof(one)) < 0) {
		return false;
	}
	sched_join(server->thread);
	server->thread = NULL;
	unlink(server->path);
	return jobs_wait(server->jobs, sched_now_us(server->sched) + STOP_US);
}

void kubelet_server_destroy(struct kubelet_server *server)
{
	if (server == NULL) {
		return;
	}
	jobs_destroy(server->jobs);
	http_guard_destroy(server->guard);
	close(server->listener);
	close(server->stop);
	free(server->path);
	free(server);
}
