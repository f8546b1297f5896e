/* SPDX-License-Identifier: Apache-2.0 */
/* Makes spans of HAProxy's log lines. Created by router/main.c with --enable-tracing. */
#include "config.h"

#include "router/spans.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "router/haproxy-config.h"

#define LINE_MAX_BYTES 4096
#define WORDS 9
#define SPAN_ID_DIGITS 16

struct spans {
	struct tracer *tracer;
	char *path;
	int socket, stop;
	struct sched_thread *thread;
};

enum { PARENT, SPAN, SECONDS, MILLISECONDS, DURATION, STATUS, METHOD, ID, NAMESPACE };

/* Divides a line at its blanks. */
static bool spans_split(char *line, const char *words[WORDS])
{
	for (size_t i = 0; i < WORDS; i++) {
		words[i] = line;
		line += strcspn(line, " \n");
		if (i + 1 < WORDS && *line != ' ') {
			return false;
		}
		*line++ = '\0';
	}
	return true;
}

static bool spans_parse_id(const char *text, uint8_t ret[8])
{
	/* trace_parse reads hexadecimal digits only in a traceparent. */
	CLEANUP_FREE char *parent = xprintf("00-11111111111111111111111111111111-%.16s-01", text);
	struct trace_context context;

	if (strlen(text) != SPAN_ID_DIGITS || !trace_parse(parent, &context)) {
		return false;
	}
	memcpy(ret, context.parent, sizeof(context.parent));
	return true;
}

bool spans_parse(struct tracer *tracer, const char *line, struct span *ret)
{
	CLEANUP_FREE char *copy = xprintf("%.*s\n", LINE_MAX_BYTES, line);
	const char *words[WORDS];
	struct trace_context context;
	int64_t seconds, milliseconds, duration;
	uint8_t id[8];

	memset(ret, 0, sizeof(*ret));
	if (!spans_split(copy, words) || !trace_parse(words[PARENT], &context) ||
	    !spans_parse_id(words[SPAN], id) ||
	    integer_parse(words[SECONDS], 0, INT32_MAX, &seconds) < 0 ||
	    integer_parse(words[MILLISECONDS], 0, 999, &milliseconds) < 0 ||
	    integer_parse(words[DURATION], 0, INT32_MAX, &duration) < 0) {
		return false;
	}
	span_begin(tracer, &context, SPAN_SERVER, ret);
	if (!span_is_live(ret)) {
		return false;
	}
	memcpy(ret->id, id, sizeof(id));
	ret->start_us = seconds * 1000000 + milliseconds * 1000;
	ret->end_us = ret->start_us + duration * 1000;
	span_name(ret, "route %s", words[METHOD]);
	span_attribute(ret, "http.request.method", words[METHOD]);
	span_attribute(ret, "http.response.status_code", words[STATUS]);
	span_attribute(ret, "agent_sandbox.id", words[ID]);
	span_attribute(ret, "k8s.namespace.name", words[NAMESPACE]);
	return true;
}

static void spans_take_line(struct spans *spans, const char *line)
{
	struct span span;
	const char *status;

	if (spans_parse(spans->tracer, line, &span)) {
		status = span.attributes[1].value;
		span_end(spans->tracer, &span, status[0] == '5' ? status : NULL);
	}
}

static void spans_run(void *arg)
{
	struct spans *spans = arg;
	struct pollfd fds[] = { { .fd = spans->socket, .events = POLLIN },
				{ .fd = spans->stop, .events = POLLIN } };
	char line[LINE_MAX_BYTES];

	while (fds[1].revents == 0) {
		ssize_t got = recv(spans->socket, line, sizeof(line) - 1, MSG_DONTWAIT);

		if (got > 0) {
			line[got] = '\0';
			spans_take_line(spans, line);
		} else if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR) {
			return;
		}
	}
}

static int spans_bind(struct spans *spans, struct error *reterr)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(spans->path) >= sizeof(address.sun_path)) {
		return error_set(reterr, -ENAMETOOLONG, "--run-dir is too long for a socket: %s",
				 spans->path);
	}
	memcpy(address.sun_path, spans->path, strlen(spans->path));
	unlink(spans->path);
	spans->stop = eventfd(0, EFD_CLOEXEC);
	spans->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (spans->stop < 0 || spans->socket < 0 ||
	    bind(spans->socket, (struct sockaddr *)&address, sizeof(address)) < 0) {
		return error_set(reterr, -errno, "cannot listen at %s: %s", spans->path,
				 strerror(errno));
	}
	/* HAProxy may run as another user. The mode of the run directory keeps all others away. */
	if (chmod(spans->path, 0666) < 0) {
		return error_set(reterr, -errno, "cannot set the mode of %s: %s", spans->path,
				 strerror(errno));
	}
	return 0;
}

struct spans *spans_create(struct sched *sched, struct tracer *tracer, const char *run_dir,
			   struct error *reterr)
{
	struct spans *spans = xnew(struct spans);

	spans->tracer = tracer;
	spans->path = xprintf("%s/" LOG_SOCKET, run_dir);
	spans->socket = -1;
	spans->stop = -1;
	if (spans_bind(spans, reterr) < 0) {
		spans_destroy(spans);
		return NULL;
	}
	spans->thread = sched_start(sched, "spans", spans_run, spans);
	return spans;
}

void spans_destroy(struct spans *spans)
{
	uint64_t one = 1;

	if (spans == NULL) {
		return;
	}
	if (spans->thread != NULL && write(spans->stop, &one, sizeof(one)) > 0) {
		sched_join(spans->thread);
	}
	if (spans->socket >= 0) {
		close(spans->socket);
	}
	if (spans->stop >= 0) {
		close(spans->stop);
	}
	free(spans->path);
	free(spans);
}
