/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes of a container, with its environment: probes, hooks, kubectl exec; and
 * connections to a pod's address. Called through node/process/process.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/process/process-private.h"

#define OUTPUT_MAX 10240u
#define WAIT_US 1000000u /* of one exec_wait */
#define CONNECT_MS 5000
#define EXEC_MARK "ASB_EXEC=" /* by which what a session started is found */

/* Our ends and the process's, -1: none. */
struct streams {
	struct runtime_exec_stream own;
	int in, out, err;
	bool tty;
};

static void exec_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static void exec_close_theirs(struct streams *streams)
{
	exec_close_fd(&streams->in);
	exec_close_fd(&streams->out);
	exec_close_fd(&streams->err);
}

static void exec_close_own(struct streams *streams)
{
	exec_close_fd(&streams->own.in);
	exec_close_fd(&streams->own.out);
	exec_close_fd(&streams->own.err);
}

/* One end for us, which does not block; the other blocks, as processes expect. */
static bool exec_make_pipe(bool input, int *own, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return false;
	}
	*own = ends[input ? 1 : 0];
	*theirs = ends[input ? 0 : 1];
	return fcntl(*own, F_SETFL, O_NONBLOCK) == 0;
}

static bool exec_make_terminal(bool want_in, struct streams *streams)
{
	int own = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	char name[64];

	streams->own.out = own;
	if (own < 0 || grantpt(own) < 0 || unlockpt(own) < 0 ||
	    ptsname_r(own, name, sizeof(name)) != 0) {
		return false;
	}
	streams->in = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	streams->out = fcntl(streams->in, F_DUPFD_CLOEXEC, 0);
	streams->err = fcntl(streams->in, F_DUPFD_CLOEXEC, 0);
	if (want_in) {
		streams->own.in = fcntl(own, F_DUPFD_CLOEXEC, 0);
	}
	return streams->in >= 0 && streams->out >= 0 && streams->err >= 0;
}

static int exec_make_streams(bool tty, bool want_in, struct streams *ret, struct error *reterr)
{
	bool ok;

	*ret = (struct streams){ .own = { .in = -1, .out = -1, .err = -1 },
				 .in = -1,
				 .out = -1,
				 .err = -1,
				 .tty = tty };
	if (tty) {
		ok = exec_make_terminal(want_in, ret);
	} else {
		if (want_in) {
			ok = exec_make_pipe(true, &ret->own.in, &ret->in);
		} else {
			ret->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
			ok = ret->in >= 0;
		}
		ok = ok && exec_make_pipe(false, &ret->own.out, &ret->out) &&
		     exec_make_pipe(false, &ret->own.err, &ret->err);
	}
	if (ok) {
		return 0;
	}
	exec_close_theirs(ret);
	exec_close_own(ret);
	return error_set(reterr, -EAGAIN, "no pipe or terminal for a process: %s", strerror(errno));
}

/* Starts it with the container's environment; ret_id is "PID:START". */
static int exec_start(struct process_runtime *process, const char *id, const char *const *argv,
		      struct streams *streams, char ret_id[80], struct error *reterr)
{
	CLEANUP_FREE char *directory = process_directory(process, id, reterr);
	CLEANUP_JSON struct json_object *info =
		directory != NULL ? process_load(directory, "info.json") : NULL;
	CLEANUP_JSON struct json_object *run =
		directory != NULL ? process_load(directory, "run.json") : NULL;
	CLEANUP_FREE char *mark = NULL, *path = NULL, *work = NULL;
	CLEANUP_FREE const char **env = NULL;
	struct json_object *variables = asb_at(info, "env");

	if (info == NULL || process_supervisor(run) < 0) {
		return error_set(reterr, -ENOENT, "the container '%s' does not run", id);
	}
	mark = xprintf(EXEC_MARK "%llx", (unsigned long long)sched_random(process->sched));
	json_object_array_add(variables, json_object_new_string(mark));
	env = process_strings(variables);
	path = process_find(argv[0], env);
	if (path == NULL) {
		return error_set(reterr, -ENOENT, "there is no command '%.200s' on this machine",
				 argv[0]);
	}
	work = xprintf("%s/work", directory);

	const struct process_spawn spawn = { .path = path,
					     .argv = argv,
					     .env = env,
					     .cwd = work,
					     .in = streams->in,
					     .out = streams->out,
					     .err = streams->err,
					     .tty = streams->tty };
	pid_t pid = process_spawn(&spawn);

	if (pid < 0) {
		return error_set(reterr, -EAGAIN, "cannot start a process: %s", strerror(-pid));
	}
	snprintf(ret_id, 80, "%lld:%s", (long long)pid, mark);
	return 0;
}

int process_exec_stream(struct runtime *runtime, const char *id, const char *const *argv, bool tty,
			bool want_in, struct runtime_exec_stream *ret, struct error *reterr)
{
	struct streams streams;
	int code;

	if (argv == NULL) {
		return error_set(
			reterr, -EINVAL,
			"attach: the streams of a plain process are its supervisor's alone");
	}
	code = exec_make_streams(tty, want_in, &streams, reterr);
	if (code < 0) {
		return code;
	}
	code = exec_start(process_of(runtime), id, argv, &streams, streams.own.id, reterr);
	exec_close_theirs(&streams);
	if (code < 0) {
		exec_close_own(&streams);
		return code;
	}
	*ret = streams.own;
	return 0;
}

/* "PID:ASB_EXEC=MARK"; -1: it is none. */
static pid_t exec_parse_id(const char *exec_id, const char **ret_mark)
{
	const char *colon = strchr(exec_id, ':');
	int64_t pid = 0;
	char text[16];

	if (colon == NULL || (size_t)(colon - exec_id) >= sizeof(text)) {
		return -1;
	}
	snprintf(text, sizeof(text), "%.*s", (int)(colon - exec_id), exec_id);
	*ret_mark = colon + 1;
	return integer_parse(text, 2, INT32_MAX, &pid) == 0 ? (pid_t)pid : -1;
}

int process_exec_wait(struct runtime *runtime, const char *exec_id, int *ret_exit,
		      struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	uint64_t deadline = sched_now_us(process->sched) + WAIT_US;
	const char *mark = NULL;
	pid_t pid = exec_parse_id(exec_id, &mark);
	int status = 0;

	while (pid > 0) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid) {
			*ret_exit =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			return 0;
		}
		if (got < 0 && errno != EINTR) {
			break;
		}
		if (sched_now_us(process->sched) >= deadline) {
			return error_set(reterr, -EAGAIN, "it runs");
		}
		(void)poll(NULL, 0, PROCESS_LOOK_MS);
	}
	return error_set(reterr, -ENOENT, "there is no process '%.80s'", exec_id);
}

/* Of our end: the process may not have its own yet. */
int process_exec_resize(struct runtime *runtime UNUSED, const struct runtime_exec_stream *process,
			uint16_t columns, uint16_t rows, struct error *reterr)
{
	const struct winsize size = { .ws_col = columns, .ws_row = rows };

	return ioctl(process->out, TIOCSWINSZ, &size) == 0
		       ? 0
		       : error_set(reterr, -ENOENT, "'%.80s' has no terminal", process->id);
}

int process_exec_end(struct runtime *runtime UNUSED, const char *exec_id,
		     struct error *reterr UNUSED)
{
	const char *mark = NULL;
	pid_t pid = exec_parse_id(exec_id, &mark);

	if (pid > 0) {
		/* Our child, which was not reaped: the pid is still its own. */
		(void)kill(pid, SIGKILL);
		process_kill_all(mark);
	}
	return 0;
}

/* ---- for the output alone ---- */

static void exec_collect(int *fd, struct buf *output)
{
	char piece[4096];
	ssize_t got = read(*fd, piece, sizeof(piece));
	size_t room = output->length < OUTPUT_MAX ? OUTPUT_MAX - output->length : 0;

	if (got > 0) {
		(void)buf_append(output, piece, (size_t)got < room ? (size_t)got : room);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		exec_close_fd(fd);
	}
}

/* Ends with the process itself: descendants that still have its streams are not waited for. */
int process_exec(struct runtime *runtime, const char *id, const char *const *argv,
		 uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	uint64_t deadline = sched_now_us(process->sched) + timeout_ms * UINT64_C(1000);
	struct runtime_exec_stream stream;
	int code = process_exec_stream(runtime, id, argv, false, false, &stream, reterr);

	if (code < 0) {
		return code;
	}
	while (stream.out >= 0 || stream.err >= 0) {
		uint64_t now = sched_now_us(process->sched);
		struct pollfd fds[] = { { .fd = stream.out, .events = POLLIN },
					{ .fd = stream.err, .events = POLLIN } };

		if (now >= deadline ||
		    poll(fds, ARRAY_LEN(fds), (int)((deadline - now) / 1000) + 1) == 0) {
			break;
		}
		if (fds[0].revents != 0) {
			exec_collect(&stream.out, output);
		}
		if (fds[1].revents != 0) {
			exec_collect(&stream.err, output);
		}
	}
	do {
		code = process_exec_wait(runtime, stream.id, ret_exit, reterr);
	} while (code == -EAGAIN && sched_now_us(process->sched) < deadline);
	if (code == -EAGAIN) {
		(void)process_exec_end(runtime, stream.id, NULL);
		(void)process_exec_wait(runtime, stream.id, ret_exit, NULL);
		code = error_set(reterr, -ETIMEDOUT, "'%s' did not end in %u ms and was killed",
				 argv[0], timeout_ms);
	}
	exec_close_fd(&stream.out);
	exec_close_fd(&stream.err);
	return code;
}

/* ---- port-forward ---- */

int process_connect(struct runtime *runtime, const char *uid, uint16_t port, int *ret_fd,
		    struct error *reterr)
{
	CLEANUP_FREE char *pods = xprintf("%s/pods", process_of(runtime)->directory);
	CLEANUP_FREE char *name = xprintf("%.64s.json", uid);
	CLEANUP_JSON struct json_object *pod =
		strchr(uid, '/') == NULL ? process_load(pods, name) : NULL;
	const char *ip = asb_str(pod, "ip");
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd, code = 0;
	socklen_t size = sizeof(code);

	if (ip == NULL || inet_pton(AF_INET, ip, &address.sin_addr) != 1) {
		return error_set(reterr, -ENOENT, "there is no pod '%.64s'", uid);
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		struct pollfd writable = { .fd = fd, .events = POLLOUT };

		code = errno;
		if (fd >= 0 && code == EINPROGRESS) {
			code = poll(&writable, 1, CONNECT_MS) <= 0                      ? ETIMEDOUT
			       : getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno
											: code;
		}
	}
	if (code != 0) {
		if (fd >= 0) {
			close(fd);
		}
		return error_set(reterr, -code, "nothing answers at %s port %u: %s", ip, port,
				 strerror(code));
	}
	*ret_fd = fd;
	return 0;
}
