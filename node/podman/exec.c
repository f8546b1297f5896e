/* SPDX-License-Identifier: Apache-2.0 */
/* Processes run in a container for their output: probes and hooks. The node calls it through
 * podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/frame.h"
#include "node/podman/podman-private.h"

#define OUTPUT_MAX 10240u
#define END_US 2000000u /* between SIGTERM and SIGKILL, and for Podman to see an end */
#define LOOK_MS 20 /* between checks: Podman reports a session's end after that of its streams */

int podman_exec_create(struct podman *podman, const char *id, const char *const *argv, bool tty,
		       bool want_in, char ret_id[80], struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s/exec", id);
	CLEANUP_JSON struct json_object *body = json_object_new_object();
	struct json_object *command = json_object_new_array();
	CLEANUP_JSON struct json_object *session = NULL;
	const struct podman_request request = { .handler = -1,
						.method = "POST",
						.path = path,
						.body = body,
						.timeout_ms = PODMAN_CALL_MS };

	if (!podman_name_ok(id)) {
		json_object_put(command);
		return error_set(reterr, -EINVAL, "'%s' is not a container id", id);
	}
	for (size_t i = 0; argv[i] != NULL; i++) {
		json_object_array_add(command, json_object_new_string(argv[i]));
	}
	json_object_object_add(body, "Cmd", command);
	json_object_object_add(body, "AttachStdin", json_object_new_boolean(want_in));
	json_object_object_add(body, "AttachStdout", json_object_new_boolean(true));
	json_object_object_add(body, "AttachStderr", json_object_new_boolean(true));
	json_object_object_add(body, "Tty", json_object_new_boolean(tty));

	int code = podman_call(podman, &request, &session, reterr);
	const char *text = asb_str(session, "Id");

	if (code == 0 && (text == NULL || !podman_name_ok(text) || strlen(text) > 79)) {
		code = error_set(reterr, -EAGAIN, "podman made no session");
	}
	if (code == 0) {
		snprintf(ret_id, 80, "%s", text);
	}
	return code;
}

int podman_exec_result(struct podman *podman, const char *id, int *ret_exit, pid_t *ret_pid,
		       struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/exec/%s/json", id);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *session = NULL;
	int code = podman_call(podman, &request, &session, reterr);

	if (code < 0) {
		return code;
	}
	if (ret_pid != NULL) {
		*ret_pid = (pid_t)asb_int(asb_at(session, "Pid"), 0);
	}
	if (asb_true(asb_at(session, "Running"))) {
		return error_set(reterr, -EAGAIN, "it runs");
	}
	*ret_exit = (int)asb_int(asb_at(session, "ExitCode"), -1);
	return 0;
}

static int exec_on_output(void *arg, int stream UNUSED, const char *data, size_t length)
{
	struct buf *output = arg;
	size_t room = output->length < OUTPUT_MAX ? OUTPUT_MAX - output->length : 0;

	(void)buf_append(output, data, length < room ? length : room);
	return 0;
}

/* Until the streams' end; -ETIMEDOUT. */
static int exec_collect(struct podman *podman, int fd, struct buf *rest, uint64_t deadline,
			struct buf *output)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct frame_reader frames = { 0 };
	char piece[16384];
	ssize_t got = 1;
	int code = frame_read(&frames, buf_str(rest), rest->length, exec_on_output, output);

	while (code == 0 && got > 0) {
		int ready = poll(&readable, 1, podman_left_ms(podman, deadline));

		if (ready == 0) {
			return -ETIMEDOUT;
		}
		got = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
			got = 1;
			continue;
		}
		if (got > 0) {
			code = frame_read(&frames, piece, (size_t)got, exec_on_output, output);
		}
	}
	return code;
}

/* Waits for the connection to close, with a deadline: the end of the process closes its streams. */
static bool exec_wait_end(struct podman *podman, int fd, uint64_t wait_us)
{
	struct buf none CLEANUP_BUF = BUF_INIT(1), rest CLEANUP_BUF = BUF_INIT(1);

	return exec_collect(podman, fd, &rest, sched_now_us(podman->sched) + wait_us, &none) !=
	       -ETIMEDOUT;
}

/* Under runsc the process on the machine forwards its signals to the process inside, but not
 * SIGKILL: so SIGTERM comes first. */
static void exec_kill_session(struct podman *podman, const char *session, int fd)
{
	pid_t pid = 0;
	int code;

	if (podman_exec_result(podman, session, &code, &pid, NULL) == -EAGAIN && pid > 1) {
		(void)kill(pid, SIGTERM);
		if (!exec_wait_end(podman, fd, END_US)) {
			(void)kill(pid, SIGKILL);
		}
	}
}

static int exec_wait_result(struct podman *podman, const char *session, int *ret_exit,
			    struct error *reterr)
{
	uint64_t deadline = sched_now_us(podman->sched) + END_US;
	int code;

	while ((code = podman_exec_result(podman, session, ret_exit, NULL, reterr)) == -EAGAIN &&
	       sched_now_us(podman->sched) < deadline) {
		(void)poll(NULL, 0, LOOK_MS);
	}
	return code;
}

int podman_exec(struct runtime *runtime, const char *id, const char *const *argv,
		uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	uint64_t deadline = sched_now_us(podman->sched) + timeout_ms * UINT64_C(1000);
	CLEANUP_BUF struct buf rest = BUF_INIT(65536);
	char session[80];
	int fd = -1;
	int code = podman_exec_create(podman, id, argv, false, false, session, reterr);

	if (code < 0) {
		return code;
	}

	CLEANUP_FREE char *path = xprintf("/exec/%s/start", session);

	code = podman_hijack(podman, path, "{\"Detach\":false,\"Tty\":false}", &rest, &fd, reterr);
	if (code < 0) {
		return code;
	}
	code = exec_collect(podman, fd, &rest, deadline, output);
	if (code == -ETIMEDOUT) {
		exec_kill_session(podman, session, fd);
		error_set(reterr, code, "'%s' did not end in %u ms and was killed", argv[0],
			  timeout_ms);
	} else if (code < 0) {
		error_set(reterr, code = -EAGAIN, "podman's stream of '%s' is broken", argv[0]);
	} else {
		code = exec_wait_result(podman, session, ret_exit, reterr);
	}
	close(fd);
	return code;
}
