/* SPDX-License-Identifier: Apache-2.0 */
/* Tries a probe once: a request, a connection, or a command in the container. Called by the
 * prober's threads, with no lock held. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/memory.h"
#include "net/probe-http.h"
#include "node/probes/spec.h"
#include "node/volumes/files.h"

#define USER_AGENT "agent-sandbox-probe/" PACKAGE_VERSION
#define OUTPUT_MAX (10 * 1024) /* what a runtime gives of a command's output */
#define OUTPUT_SHOWN 400       /* of which an event shows so much */

static enum probe_result try_http(const struct probe_spec *spec, int stop_fd, struct error *ret_why)
{
	const struct probe_http request = {
		.url = spec->url,
		.headers = (const char *const *)spec->strings,
		.user_agent = USER_AGENT,
		.timeout_ms = spec->timeout_ms,
		.stop_fd = stop_fd,
	};
	int status = 0;
	struct error error = { 0 };
	int code = probe_http(&request, &status, &error);

	if (code == -ECANCELED) {
		return PROBE_UNKNOWN;
	}
	if (code < 0) {
		error_set(ret_why, code, "Get \"%.200s\": %.200s", spec->url, error.text);
		return PROBE_FAILURE;
	}
	if (status < 200 || status >= 400) {
		error_set(ret_why, -EPROTO, "HTTP probe failed with statuscode: %d", status);
		return PROBE_FAILURE;
	}
	return PROBE_SUCCESS;
}

/* Waits for a connection under way. */
static int try_wait_connected(int fd, int stop_fd, uint32_t timeout_ms)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLOUT },
				 { .fd = stop_fd, .events = POLLIN } };
	int ready = poll(fds, 2, (int)timeout_ms);
	int code = 0;
	socklen_t length = sizeof(code);

	if (ready <= 0) {
		return ready == 0 ? -ETIMEDOUT : -ECANCELED;
	}
	if (fds[1].revents != 0) {
		return -ECANCELED;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0) {
		return -errno;
	}
	return -code;
}

/* Connects to an address. -EDESTADDRREQ: the host is a name. */
static int try_connect_to(const struct probe_spec *spec, int stop_fd)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	CLEANUP_FREE char *port = xprintf("%u", spec->port);
	struct addrinfo *address = NULL;
	int code;

	if (getaddrinfo(spec->host, port, &hints, &address) != 0) {
		return -EDESTADDRREQ;
	}

	CLEANUP_FD int fd =
		socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	code = fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) < 0 ? -errno : 0;
	freeaddrinfo(address);
	return code == -EINPROGRESS ? try_wait_connected(fd, stop_fd, spec->timeout_ms) : code;
}

static enum probe_result try_tcp(const struct probe_spec *spec, int stop_fd, struct error *ret_why)
{
	int status, code = try_connect_to(spec, stop_fd);

	if (code == -EDESTADDRREQ) {
		const struct probe_http request = {
			.url = spec->url,
			.user_agent = USER_AGENT,
			.timeout_ms = spec->timeout_ms,
			.connect_only = true,
			.stop_fd = stop_fd,
		};

		code = probe_http(&request, &status, NULL);
	}
	if (code == 0) {
		return PROBE_SUCCESS;
	}
	error_set(ret_why, code, "dial tcp %.200s:%u: %s", spec->host, spec->port, strerror(-code));
	return code == -ECANCELED ? PROBE_UNKNOWN : PROBE_FAILURE;
}

static enum probe_result try_exec(const struct probe_spec *spec, struct runtime *runtime,
				  const char *id, struct error *ret_why)
{
	CLEANUP_BUF struct buf output = BUF_INIT(OUTPUT_MAX);
	int exit_code = 0;
	int code = runtime->ops->exec(runtime, id, (const char *const *)spec->strings,
				      spec->timeout_ms, &output, &exit_code, ret_why);

	if (code == -ETIMEDOUT) {
		error_set(ret_why, code, "command '%.100s' timed out after %u s", spec->strings[0],
			  spec->timeout_ms / 1000);
		return PROBE_FAILURE;
	}
	if (code < 0) {
		/* The container is gone, or the runtime does not respond: neither success nor
		 * failure. */
		return PROBE_UNKNOWN;
	}
	if (exit_code == 0) {
		return PROBE_SUCCESS;
	}
	if (output.length > 0) {
		error_set(ret_why, -EPROTO, "%.*s", OUTPUT_SHOWN, buf_str(&output));
	} else {
		error_set(ret_why, -EPROTO, "command '%.100s' ended with code %d", spec->strings[0],
			  exit_code);
	}
	return PROBE_FAILURE;
}

enum probe_result probe_try(const struct probe_spec *spec, struct runtime *runtime, const char *id,
			    int stop_fd, struct error *ret_why)
{
	switch (spec->handler) {
	case PROBE_HTTP:
		return try_http(spec, stop_fd, ret_why);
	case PROBE_TCP:
		return try_tcp(spec, stop_fd, ret_why);
	case PROBE_EXEC:
		return try_exec(spec, runtime, id, ret_why);
	case PROBE_MISSING:
		error_set(ret_why, -ENOTSUP, "%.300s", spec->why);
		return PROBE_FAILURE;
	case PROBE_NONE:
		break;
	}
	return PROBE_SUCCESS;
}
