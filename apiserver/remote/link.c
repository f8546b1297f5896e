/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the node that begin as HTTP and go on as streams. Called by a session's two kinds. */
#include "config.h"

#include "apiserver/remote/remote-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apiserver/remote/podlog.h"
#include "base/memory.h"
#include "base/number.h"
#include "net/http-head.h"

#define HEAD_MAX 8192u
#define LOOPBACK "127.0.0.1:"

void link_node_init(struct link_node *link)
{
	*link = (struct link_node){ .fd = -1,
				    .in = BUF_INIT(REMOTE_CEILING),
				    .out = BUF_INIT(REMOTE_CEILING) };
}

void link_node_finish(struct link_node *link)
{
	if (link->fd >= 0) {
		close(link->fd);
	}
	link->fd = -1;
	buf_finish(&link->in);
	buf_finish(&link->out);
}

/* "127.0.0.1:PORT": a process of the host that is shown as a pod (local/router-service.h). Its bytes are the
 * stream from the first one on. */
static int link_connect_to_port(const char *text, struct error *reterr)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int64_t number = 0;

	if (integer_parse(text + strlen(LOOPBACK), 1, UINT16_MAX, &number) < 0) {
		return error_set(reterr, -EINVAL, "'%.60s' is not a port of 127.0.0.1", text);
	}
	address.sin_port = htons((uint16_t)number);

	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return error_set(reterr, -errno, "no socket: %s", strerror(errno));
	}
	/* On loopback it is taken or refused at once. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int code = -errno;

		close(fd);
		return error_set(reterr, code, "cannot connect to '%s': %s", text, strerror(-code));
	}
	return fd;
}

/* More than a socket's buffer holds is no request of ours. */
static int link_send_head(int fd, const char *path, const char *protocol)
{
	CLEANUP_FREE char *text =
		xprintf("POST %s HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\n"
			"Upgrade: %s\r\n\r\n",
			path, protocol);
	size_t length = strlen(text);

	return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -EIO;
}

int link_node_open(struct link_node *link, const char *socket, const char *path,
		   const char *protocol, struct error *reterr)
{
	bool direct = strncmp(socket, LOOPBACK, strlen(LOOPBACK)) == 0;
	int fd =
		direct ? link_connect_to_port(socket, reterr) : node_socket_connect(socket, reterr);

	if (fd < 0) {
		return fd;
	}
	link->status = direct ? 101 : 0;
	if ((!direct && link_send_head(fd, path, protocol) < 0) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close(fd);
		return error_set(reterr, -EIO, "the node at '%s' takes no request", socket);
	}
	link->fd = fd;
	return 0;
}

struct pollfd link_node_poll(const struct link_node *link, bool reads)
{
	bool writes = link->status == 101 && link->out.length > 0;
	short events = (short)((reads && !link->ended ? POLLIN : 0) | (writes ? POLLOUT : 0));

	/* A descriptor without wanted events would only report its end again and again. */
	return (struct pollfd){ .fd = events != 0 ? link->fd : -1, .events = events };
}

/* The head of the response, out of what came. */
static bool link_take_head(struct link_node *link)
{
	size_t length = 0;
	int status = http_head_status(&link->in, &length);

	if (status <= 0) {
		return status == 0 && link->in.length < HEAD_MAX && !link->ended;
	}
	link->status = status;
	buf_consume(&link->in, length);
	return true;
}

static bool link_take_bytes(struct link_node *link)
{
	char piece[REMOTE_PIECE];
	ssize_t got = recv(link->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return true;
	}
	if (got > 0) {
		if (buf_append(&link->in, piece, (size_t)got) < 0) {
			return false;
		}
	} else {
		link->ended = true;
	}
	return link->status != 0 || link_take_head(link);
}

static bool link_give_bytes(struct link_node *link)
{
	ssize_t sent = 0;

	if (link->out.length > 0) {
		sent = send(link->fd, link->out.data, link->out.length,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (sent > 0) {
		buf_consume(&link->out, (size_t)sent);
	}
	return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

bool link_node_move(struct link_node *link, short events, bool reads)
{
	if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && reads && !link->ended &&
	    !link_take_bytes(link)) {
		return false;
	}
	if (link->status == 101 && !link->out_ended && !link_give_bytes(link)) {
		/* A peer that does not read may still send. */
		buf_clear(&link->out);
		link->out_ended = true;
	}
	if (link->status == 101 && link->out_ends && !link->out_ended && link->out.length == 0) {
		(void)shutdown(link->fd, SHUT_WR);
		link->out_ended = true;
	}
	return true;
}
