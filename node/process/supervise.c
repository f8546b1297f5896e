/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor of one container that is a plain process: starts it, keeps its log, ends what it
 * leaves behind and writes down how it ended. Executed by node/process/container.c; outlives the
 * node. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "node/process/process-private.h"

#define LINE_MAX_BYTES 16384u
#define DRAIN_MS 1000 /* for what was written before the end */

struct supervisor {
	struct sched *sched; /* its clock */
	const char *directory;
	int log;
	uint64_t log_size;
	struct buf line;
};

/* ---- the log ---- */

static int supervise_open_log(const struct supervisor *supervisor)
{
	CLEANUP_FREE char *path = xprintf("%s/log", supervisor->directory);

	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void supervise_rotate(struct supervisor *supervisor)
{
	CLEANUP_FREE char *path = xprintf("%s/log", supervisor->directory);
	CLEANUP_FREE char *old = xprintf("%s/log.1", supervisor->directory);

	(void)rename(path, old);
	close(supervisor->log);
	supervisor->log = supervise_open_log(supervisor);
	supervisor->log_size = 0;
}

/* "MILLISECONDS text", in one write. What does not fit on the disk is lost. */
static void supervise_write_line(struct supervisor *supervisor)
{
	CLEANUP_FREE char *text =
		xprintf("%lld %s\n", (long long)(sched_wall_us(supervisor->sched) / 1000),
			buf_str(&supervisor->line));
	size_t length = strlen(text);

	if (supervisor->log_size + length > PROCESS_LOG_MAX) {
		supervise_rotate(supervisor);
	}
	supervisor->log_size += write(supervisor->log, text, length) > 0 ? length : 0;
	buf_clear(&supervisor->line);
}

static void supervise_take_output(struct supervisor *supervisor, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n' || supervisor->line.length + 1 >= LINE_MAX_BYTES) {
			supervise_write_line(supervisor);
		}
		if (data[i] != '\n' && data[i] != '\0') {
			buf_append_char(&supervisor->line, data[i]);
		}
	}
}

/* False: no more will come. */
static bool supervise_read_output(struct supervisor *supervisor, int fd)
{
	char piece[8192];
	ssize_t got = read(fd, piece, sizeof(piece));

	if (got > 0) {
		supervise_take_output(supervisor, piece, (size_t)got);
	}
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ---- the process ---- */

static pid_t supervise_start(const struct supervisor *supervisor, struct json_object *info, int out)
{
	CLEANUP_FREE char *work = xprintf("%s/work", supervisor->directory);
	CLEANUP_FREE const char **argv = process_strings(asb_at(info, "argv"));
	CLEANUP_FREE const char **env = process_strings(asb_at(info, "env"));
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct process_spawn spawn = { .path = asb_str(info, "path"),
					     .argv = argv,
					     .env = env,
					     .cwd = work,
					     .in = null,
					     .out = out,
					     .err = out };
	pid_t pid = spawn.path != NULL ? process_spawn(&spawn) : -EINVAL;

	close(null);
	return pid;
}

static int supervise_write_run(const struct supervisor *supervisor, pid_t child)
{
	CLEANUP_JSON struct json_object *run = json_object_new_object();

	json_object_object_add(run, "supervisor", json_object_new_int64(getpid()));
	json_object_object_add(run, "supervisorStart",
			       json_object_new_int64(process_start_time(getpid())));
	json_object_object_add(run, "child", json_object_new_int64(child));
	json_object_object_add(run, "startedMs",
			       json_object_new_int64(sched_wall_us(supervisor->sched) / 1000));
	return process_store(supervisor->directory, "run.json", run);
}

static void supervise_write_exit(const struct supervisor *supervisor, int status)
{
	CLEANUP_JSON struct json_object *end = json_object_new_object();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	json_object_object_add(end, "exit", json_object_new_int(code));
	json_object_object_add(end, "finishedMs",
			       json_object_new_int64(sched_wall_us(supervisor->sched) / 1000));
	(void)process_store(supervisor->directory, "exit.json", end);
}

/* Whether the child has ended; orphaned processes of the container are our children and are reaped
 * too. */
static bool supervise_has_ended(pid_t child, int *ret_status)
{
	int status;
	pid_t pid;
	bool ended = false;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == child) {
			*ret_status = status;
			ended = true;
		}
	}
	return ended;
}

static void supervise_watch(struct supervisor *supervisor, pid_t child, int out, const char *mark)
{
	sigset_t signals;
	int status = 0, fd;
	struct signalfd_siginfo info;
	bool more = true, ended = false;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	while (!ended) {
		struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
					{ .fd = more ? out : -1, .events = POLLIN } };

		ended = supervise_has_ended(child, &status);
		if (!ended && poll(fds, ARRAY_LEN(fds), -1) > 0) {
			if (fds[0].revents != 0) {
				(void)!read(fd, &info, sizeof(info));
			}
			if (fds[1].revents != 0) {
				more = supervise_read_output(supervisor, out);
			}
		}
	}
	/* A container ends with its first process. */
	process_kill_all(mark);

	struct pollfd rest = { .fd = out, .events = POLLIN };

	while (more && poll(&rest, 1, DRAIN_MS) > 0) {
		more = supervise_read_output(supervisor, out);
	}
	if (supervisor->line.length > 0) {
		supervise_write_line(supervisor);
	}
	supervise_write_exit(supervisor, status);
	close(fd);
}

/* False: another one has this container, or had it. A node that was killed while it started one may
 * start it again. */
static bool supervise_take_container(const struct supervisor *supervisor)
{
	CLEANUP_FREE char *path = xprintf("%s/lock", supervisor->directory);
	CLEANUP_JSON struct json_object *run = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* until we end */

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		return false;
	}
	run = process_load(supervisor->directory, "run.json");
	return run == NULL;
}

/* The supervisor itself: a session of its own, no signal but SIGKILL ends it. */
static void supervise(struct supervisor *supervisor, struct json_object *info, int ready)
{
	const char *id = asb_str(info, "id");
	CLEANUP_FREE char *mark = xprintf(PROCESS_MARK "%s", id != NULL ? id : "");
	sigset_t all;
	int ends[2] = { -1, -1 };
	pid_t child = -1;

	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	supervisor->log = supervise_open_log(supervisor);
	if (id != NULL && supervise_take_container(supervisor) && supervisor->log >= 0 &&
	    pipe2(ends, O_CLOEXEC) == 0) {
		child = supervise_start(supervisor, info, ends[1]);
	}
	if (child < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ||
	    supervise_write_run(supervisor, child) < 0) {
		return;
	}
	close(ends[1]);
	(void)!write(ready, "", 1);
	close(ready);
	supervise_watch(supervisor, child, ends[0], mark);
}

int process_supervise(int argc, char **argv)
{
	struct supervisor supervisor = { .log = -1, .line = BUF_INIT(LINE_MAX_BYTES) };
	CLEANUP_JSON struct json_object *info = NULL;
	int ready[2];
	char byte;

	if (argc != 3 || pipe2(ready, O_CLOEXEC) < 0) {
		return 2;
	}
	supervisor.directory = argv[2];
	info = process_load(supervisor.directory, "info.json");
	if (info == NULL) {
		return 2;
	}

	pid_t pid = fork();

	if (pid != 0) {
		/* The caller waits for us, and knows by our end that run.json is there. */
		close(ready[1]);
		return pid > 0 && read(ready[0], &byte, 1) == 1 ? 0 : 1;
	}
	close(ready[0]);
	supervisor.sched = sched_create();
	supervise(&supervisor, info, ready[1]);
	buf_finish(&supervisor.line);
	sched_destroy(supervisor.sched);
	return 0;
}
