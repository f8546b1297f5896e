/* SPDX-License-Identifier: Apache-2.0 */
/* exec and attach: the five streams of v4.channel.k8s.io on one side, one process of the node on the
 * other. A session (apiserver/remote/remote.c) drives it. */
#include "config.h"

#include "apiserver/remote/remote-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/status.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/exec-frame.h"

#define STREAMS_US 30000000u /* for the client to open its streams */
#define SIZES_MAX 4096u      /* bytes of a size that has not come whole */
#define TEXT_MAX 1024        /* of what the node says of a failure */

enum role { ROLE_ERROR, ROLE_IN, ROLE_OUT, ROLE_ERR, ROLE_RESIZE, ROLES };

static const char *const role_names[ROLES] = { "error", "stdin", "stdout", "stderr", "resize" };

struct exec {
	struct remote_session *session;
	uint32_t streams[ROLES]; /* 0: not open */
	bool cut[ROLES];         /* the client wants no more of it */
	bool linked, reported, in_ended;
	struct link_node link;
	struct buf sizes;
};

static void *exec_create(struct remote_session *session)
{
	struct exec *exec = xnew(struct exec);

	exec->session = session;
	session->deadline_us = sched_now_us(session->sched) + STREAMS_US;
	exec->sizes = (struct buf)BUF_INIT(SIZES_MAX);
	link_node_init(&exec->link);
	return exec;
}

static void exec_destroy(void *state)
{
	struct exec *exec = state;

	link_node_finish(&exec->link);
	buf_finish(&exec->sizes);
	free(exec);
}

/* ---- the end, as a Status on the error stream ---- */

static void exec_end_with(struct exec *exec, struct json_object *take_status)
{
	CLEANUP_JSON struct json_object *status = take_status;
	struct buf text CLEANUP_BUF = BUF_INIT(16384), *out = &exec->session->out;

	json_print(status, &text);
	for (int role = ROLE_OUT; role <= ROLE_ERR; role++) {
		if (exec->streams[role] != 0 && !exec->cut[role]) {
			spdy_put_data(exec->streams[role], "", 0, true, out);
		}
	}
	if (exec->streams[ROLE_ERROR] != 0) {
		spdy_put_data(exec->streams[ROLE_ERROR], text.data, text.length, true, out);
	}
	exec->reported = true;
}

static void exec_fail(struct exec *exec, const char *text)
{
	CLEANUP_FREE char *message = xprintf("error executing command in container: %s", text);

	exec_end_with(exec, status_refusal(500, "InternalError", message, NULL));
}

static void exec_end_with_exit(struct exec *exec, int code)
{
	struct status_details details = { 0 };
	struct json_object *cause, *status;
	char text[64], number[16];

	if (code == 0) {
		exec_end_with(exec, status_success(NULL));
		return;
	}
	snprintf(number, sizeof(number), "%d", code);
	snprintf(text, sizeof(text), "command terminated with exit code %d", code);
	cause = json_object_new_object();
	json_object_object_add(cause, "reason", json_object_new_string("ExitCode"));
	json_object_object_add(cause, "message", json_object_new_string(number));
	details.take_causes = json_object_new_array();
	json_object_array_add(details.take_causes, cause);
	status = status_refusal(500, "NonZeroExitCode", text, &details);
	json_object_object_del(status, "code"); /* as the real one: it is no failure of HTTP */
	exec_end_with(exec, status);
}

/* ---- from the client ---- */

static bool exec_wanted(const struct exec *exec, enum role role)
{
	const struct remote_target *target = exec->session->target;

	switch (role) {
	case ROLE_IN:
		return target->in;
	case ROLE_OUT:
		return target->out;
	case ROLE_ERR:
		return target->err && !target->tty;
	case ROLE_RESIZE:
		return target->tty;
	default:
		return true;
	}
}

/* Starts the process on the node once every stream is open. */
static void exec_begin(struct exec *exec)
{
	const struct remote_target *target = exec->session->target;
	struct error error = { 0 };

	for (int role = 0; role < ROLES; role++) {
		if (exec_wanted(exec, (enum role)role) && exec->streams[role] == 0) {
			return;
		}
	}
	exec->session->deadline_us = SCHED_FOREVER;
	exec->linked = true;
	if (link_node_open(&exec->link, target->socket, target->path, EXEC_PROTOCOL, &error) < 0) {
		exec_fail(exec, error.text);
	}
}

static int exec_on_opened(void *arg, uint32_t stream, const struct spdy_headers *headers, bool fin)
{
	struct exec *exec = arg;
	const char *type = spdy_header(headers, "streamtype");

	for (int role = 0; type != NULL && role < ROLES; role++) {
		if (strcmp(type, role_names[role]) != 0 || !exec_wanted(exec, (enum role)role) ||
		    exec->streams[role] != 0) {
			continue;
		}
		exec->streams[role] = stream;
		spdy_put_reply(exec->session->spdy, stream, &exec->session->out);
		if (fin && role == ROLE_IN) {
			exec->in_ended = true;
			exec_frame_put(EXEC_STDIN, "", 0, &exec->link.out);
		}
		exec_begin(exec);
		return 0;
	}
	spdy_put_reset(stream, SPDY_RESET_REFUSED, &exec->session->out);
	return 0;
}

static void exec_end_input(struct exec *exec)
{
	if (!exec->in_ended && !exec->link.out_ended) {
		exec_frame_put(EXEC_STDIN, "", 0, &exec->link.out);
	}
	exec->in_ended = true;
}

/* {"Width":80,"Height":24}, one a line. */
static void exec_take_sizes(struct exec *exec, const char *data, size_t length)
{
	const char *end;

	if (buf_append(&exec->sizes, data, length) < 0) {
		buf_clear(&exec->sizes);
		return;
	}
	while (exec->sizes.length > 0 &&
	       (end = memchr(exec->sizes.data, '\n', exec->sizes.length)) != NULL) {
		size_t line = (size_t)(end - exec->sizes.data);
		CLEANUP_JSON struct json_object *size = json_parse(exec->sizes.data, line, NULL);
		int64_t width = asb_int(asb_at(size, "Width"), 0);
		int64_t height = asb_int(asb_at(size, "Height"), 0);

		if (width > 0 && width <= UINT16_MAX && height > 0 && height <= UINT16_MAX &&
		    !exec->link.out_ended) {
			exec_frame_put_size((uint16_t)width, (uint16_t)height, &exec->link.out);
		}
		buf_consume(&exec->sizes, line + 1);
	}
}

static int exec_on_data(void *arg, uint32_t stream, const char *data, size_t length, bool fin)
{
	struct exec *exec = arg;

	if (stream == exec->streams[ROLE_IN] && !exec->in_ended) {
		if (length > 0 && !exec->link.out_ended) {
			exec_frame_put(EXEC_STDIN, data, length, &exec->link.out);
		}
		if (fin) {
			exec_end_input(exec);
		}
	} else if (stream == exec->streams[ROLE_RESIZE] && length > 0) {
		exec_take_sizes(exec, data, length);
	}
	return 0;
}

static int exec_on_reset(void *arg, uint32_t stream, uint32_t why UNUSED)
{
	struct exec *exec = arg;

	for (int role = 0; role < ROLES; role++) {
		exec->cut[role] = exec->cut[role] || exec->streams[role] == stream;
	}
	if (stream == exec->streams[ROLE_IN]) {
		exec_end_input(exec);
	}
	return 0;
}

static int exec_on_ping(void *arg, uint32_t id)
{
	const struct exec *exec = arg;

	spdy_put_ping(id, &exec->session->out);
	return 0;
}

/* ---- from the node ---- */

static void exec_put_out(struct exec *exec, enum role role, const struct exec_frame *frame)
{
	if (exec->streams[role] != 0 && !exec->cut[role] && frame->length > 0) {
		spdy_put_data(exec->streams[role], frame->data, frame->length, false,
			      &exec->session->out);
	}
}

static void exec_take_frame(struct exec *exec, const struct exec_frame *frame)
{
	char text[TEXT_MAX];
	int code = -1;

	switch (frame->type) {
	case EXEC_STDOUT:
		exec_put_out(exec, ROLE_OUT, frame);
		break;
	case EXEC_STDERR:
		exec_put_out(exec, ROLE_ERR, frame);
		break;
	case EXEC_EXIT:
		if (exec_frame_exit(frame, &code) == 0) {
			exec_end_with_exit(exec, code);
		}
		break;
	case EXEC_FAILED:
		snprintf(text, sizeof(text), "%.*s", (int)frame->length, frame->data);
		exec_fail(exec, text);
		break;
	default:
		break;
	}
}

static void exec_take_frames(struct exec *exec)
{
	struct buf *in = &exec->link.in;
	size_t at = 0;

	while (!exec->reported) {
		struct exec_frame frame;
		ssize_t used = exec_frame_get(buf_str(in) + at, in->length - at, &frame);

		if (used < 0) {
			exec_fail(exec, "the node sent something that is not a frame");
		}
		if (used <= 0) {
			break;
		}
		at += (size_t)used;
		exec_take_frame(exec, &frame);
	}
	buf_consume(in, at);
	if (!exec->reported && exec->link.ended) {
		exec_fail(exec, "the node ended the connection");
	}
}

/* A refusal is a text. */
static void exec_take_refusal(struct exec *exec)
{
	char text[TEXT_MAX];

	if (exec->link.ended || exec->link.in.length >= sizeof(text)) {
		snprintf(text, sizeof(text), "%s", buf_str(&exec->link.in));
		text[strcspn(text, "\r\n")] = '\0';
		exec_fail(exec, text);
	}
}

/* The client's input is taken even when it does not read the output; else both sides could wait
 * for each other. */
static bool exec_full(const void *state)
{
	const struct exec *exec = state;

	return exec->link.out.length >= REMOTE_FULL;
}

static bool exec_reads(const struct exec *exec)
{
	return exec->session->out.length < REMOTE_FULL;
}

static size_t exec_polls(const void *state, struct pollfd *fds)
{
	const struct exec *exec = state;

	fds[0] = link_node_poll(&exec->link, exec_reads(exec));
	return exec->linked ? 1 : 0;
}

static bool exec_move(void *state, const struct pollfd *fds, size_t count)
{
	struct exec *exec = state;

	if (count > 0 && exec->link.fd >= 0) {
		if (!link_node_move(&exec->link, fds[0].revents, exec_reads(exec))) {
			exec_fail(exec, "the node answers what is no HTTP");
		} else if (exec->link.status == 101) {
			exec_take_frames(exec);
		} else if (exec->link.status != 0) {
			exec_take_refusal(exec);
		}
	}
	return !exec->reported;
}

static const struct spdy_events events = { exec_on_opened, exec_on_data, exec_on_reset,
					   exec_on_ping };

const struct remote_kind remote_exec_kind = { exec_create, exec_destroy, &events,
					      exec_full,   exec_polls,   exec_move };
