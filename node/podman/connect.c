/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to a pod's port from inside its network: kubectl port-forward, also to servers that
 * listen only on loopback. The node calls it through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/create.h"
#include "node/podman/inspect.h"
#include "node/podman/podman-private.h"

#define CONNECT_US 5000000u

struct attempt {
	struct podman *podman;
	int space; /* the network namespace */
	uint16_t port;
	char ip[64];
	int fd; /* or a negative errno */
};

static int connect_to(struct attempt *attempt, const struct sockaddr *address, socklen_t length)
{
	uint64_t deadline = sched_now_us(attempt->podman->sched) + CONNECT_US;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int code = 0;

	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, address, length) < 0) {
		code = errno;
		if (code == EINPROGRESS) {
			code = poll(&writable, 1, podman_left_ms(attempt->podman, deadline)) <= 0
				       ? ETIMEDOUT
			       : getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno
											: code;
		}
	}
	if (code != 0) {
		close(fd);
		return -code;
	}
	return fd;
}

static int connect_v4(struct attempt *attempt, const char *ip)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(attempt->port) };

	return inet_pton(AF_INET, ip, &address.sin_addr) == 1
		       ? connect_to(attempt, (struct sockaddr *)&address, sizeof(address))
		       : -ECONNREFUSED;
}

static int connect_v6(struct attempt *attempt)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_port = htons(attempt->port),
					.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	return connect_to(attempt, (struct sockaddr *)&address, sizeof(address));
}

/* Runs on a thread of its own, which enters the pod's network and opens the socket there. */
static void connect_inside(void *arg)
{
	struct attempt *attempt = arg;

	if (setns(attempt->space, CLONE_NEWNET) < 0) {
		attempt->fd = -errno;
		return;
	}
	attempt->fd = connect_v4(attempt, "127.0.0.1");
	if (attempt->fd < 0) {
		attempt->fd = connect_v6(attempt);
	}
	if (attempt->fd < 0) {
		attempt->fd = connect_v4(attempt, attempt->ip);
	}
}

/* The pause's network namespace, opened. */
static int connect_open_space(struct podman *podman, const char *uid, char ret_ip[64],
			      struct error *reterr)
{
	CLEANUP_FREE char *name = podman_pause_name(uid);
	CLEANUP_FREE char *path = xprintf("/containers/%s/json", name);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *inspect = NULL;
	int code = podman_call(podman, &request, &inspect, reterr);
	int64_t pid = asb_int(asb_at(inspect, "State", "Pid"), 0);

	if (code < 0) {
		return code;
	}
	if (pid <= 0) {
		return error_set(reterr, -ENOENT, "the pod '%s' does not run", uid);
	}

	CLEANUP_FREE char *space = xprintf("/proc/%lld/ns/net", (long long)pid);
	int fd = open(space, O_RDONLY | O_CLOEXEC);

	if (!podman_read_ip(inspect, podman->network, ret_ip)) {
		ret_ip[0] = '\0';
	}
	return fd >= 0 ? fd
		       : error_set(reterr, -ENOENT, "the pod '%s' has no network: %s", uid,
				   strerror(errno));
}

int podman_connect(struct runtime *runtime, const char *uid, uint16_t port, int *ret_fd,
		   struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct attempt attempt = { .podman = podman, .port = port };

	if (!podman_name_ok(uid)) {
		return error_set(reterr, -EINVAL, "'%s' is not a pod UID", uid);
	}
	attempt.space = connect_open_space(podman, uid, attempt.ip, reterr);
	if (attempt.space < 0) {
		return attempt.space;
	}
	sched_join(sched_start(podman->sched, "podman-connect", connect_inside, &attempt));
	close(attempt.space);
	if (attempt.fd < 0) {
		return error_set(reterr, attempt.fd, "nothing answers at port %u of the pod: %s",
				 port, strerror(-attempt.fd));
	}
	*ret_fd = attempt.fd;
	return 0;
}
