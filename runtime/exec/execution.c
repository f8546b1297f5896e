/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one command from its start to the death of its last process, as a machine of five states.
 * supervise.c calls it in its thread. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/supervise-private.h"

#define DRAIN_US 200000u /* how long outputs are read after the first process has ended */
#define KILL_US \
	800000u /* how long a tree may take to die: the response comes within the timeout + 1 s */
#define CONTINUE_US 50000u   /* a child whose program does not run by then may be stopped */
#define KILL_AGAIN_US 10000u /* how often the processes of a dying tree are looked for */
#define WHY_MAX (160u << 10) /* an argument as Python prints it, and the words around it */

/* ---- starting ---- */

static int execution_make_pipe(struct execution *execution, enum execution_stream stream,
			       int *ret_child)
{
	struct execution_pipe *end = &execution->pipes[stream];
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = end } };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	end->fd = ends[0];
	*ret_child = ends[1];
	if (fcntl(end->fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(execution->supervisor->epoll, EPOLL_CTL_ADD, end->fd, &event) < 0) {
		return -errno;
	}
	return 0;
}

/* Makes a file in memory with the input. Nobody has to write to it later, and it has an end. */
static int execution_make_input(const struct command *command)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < command->input_length) {
		ssize_t written = write(fd, command->input + done, command->input_length - done);

		if (written < 0) {
			int code = -errno;

			close(fd);
			return code;
		}
		done += (size_t)written;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		return -errno;
	}
	return fd;
}

static void execution_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

/* Prepares what the process needs. 0, or a negative code with the reason in why. */
static int execution_prepare(struct execution *execution, struct spawn *spawn, struct buf *why)
{
	struct supervisor *supervisor = execution->supervisor;
	const struct command *command = &execution->command;

	spawn->directory = supervisor->config.base_dir;
	spawn->cwd = command->cwd != NULL ? xstrdup(command->cwd) : NULL;
	spawn->in = supervisor->null;
	spawn->keep_in = true;
	spawn->session = supervisor->has_terminal;
	spawn->user = supervisor->config.user;
	spawn->tag = execution->tag;
	spawn->files = supervisor->files;
	if (program_init(&spawn->program, command, supervisor->config.environment, why) < 0) {
		return -1;
	}

	int code = execution_make_pipe(execution, EXECUTION_OUT, &spawn->out);

	if (code == 0) {
		code = execution_make_pipe(execution, EXECUTION_ERR, &spawn->err);
	}
	if (code == 0 && command->input != NULL) {
		spawn->keep_in = false;
		spawn->in = execution_make_input(command);
		code = spawn->in < 0 ? spawn->in : 0;
	}
	if (code < 0) {
		buf_printf(why, "[Errno %d] %s", -code, strerror(-code));
	}
	return code;
}

static void execution_fail(struct execution *execution, struct buf *why)
{
	execution->result.exit_code = 1;
	execution->result.failure = buf_take(why);
	execution->state = EXECUTION_DONE;
}

void execution_begin(struct execution *execution)
{
	struct supervisor *supervisor = execution->supervisor;
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	uint64_t now = sched_now_us(supervisor->sched);
	uint64_t seconds = execution->command.timeout_s;
	struct spawn *spawn = spawn_create();

	execution->tag = tree_tag_next(&supervisor->tags);
	execution->deadline = seconds > 0 && seconds < (SCHED_FOREVER - now) / 1000000
				      ? now + seconds * 1000000
				      : SCHED_FOREVER;
	execution->state = EXECUTION_RUNNING;
	if (spawn == NULL) {
		buf_printf(&why, "[Errno %d] %s", errno, strerror(errno));
		execution_fail(execution, &why);
	} else if (execution_prepare(execution, spawn, &why) < 0) {
		spawn_unref(spawn);
		execution_fail(execution, &why);
	} else {
		execution->spawn = spawn;
		execution->continue_at = now + CONTINUE_US;
		spawner_submit(supervisor->spawner, spawn, now);
	}
	/* The arguments and the input have been copied by now; timeout_s is still needed. */
	free(execution->command.text);
	free(execution->command.input);
	execution->command.text = execution->command.input = NULL;
}

/* ---- its first process ---- */

pid_t execution_pid(const struct execution *execution)
{
	return execution->spawn != NULL ? atomic_load(&execution->spawn->pid) : execution->pid;
}

/* False: the first process is reaped, or there never was one and there will be none. */
static bool execution_has_process(const struct execution *execution)
{
	return execution->spawn != NULL || execution->pid != 0;
}

static void execution_describe_failure(const struct execution *execution, const struct spawn *spawn,
				       struct buf *why)
{
	int number = -atomic_load(&spawn->code);

	if (spawn->step == SPAWN_RUN) {
		command_error(why, number, spawn->program.argv[0]);
	} else if (spawn->step == SPAWN_DIRECTORY) {
		command_error(why, number,
			      spawn->cwd != NULL ? spawn->cwd
						 : execution->supervisor->config.base_dir);
	} else {
		buf_printf(why, "[Errno %d] %s", number, strerror(number));
	}
}

/* The child has ended, or was never started. Returns whether the program could not be run. */
static bool execution_finish_start(struct execution *execution)
{
	struct spawn *spawn = TAKE(execution->spawn);
	bool failed = spawn != NULL && atomic_load(&spawn->code) != 0;

	execution->pid = 0;
	if (failed && execution->state == EXECUTION_RUNNING) {
		CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);

		execution_describe_failure(execution, spawn, &why);
		execution_fail(execution, &why);
	}
	spawn_unref(spawn);
	return failed;
}

/* Checks whether the program runs. A child that a guest has stopped before that is continued: the
 * guest may stop commands, but not a child that one of the server's threads waits for. */
static void execution_follow_start(struct execution *execution, uint64_t now)
{
	struct spawn *spawn = execution->spawn;
	pid_t pid = execution_pid(execution);

	if (spawn != NULL && atomic_load(&spawn->returned) && pid > 0 &&
	    atomic_load(&spawn->code) == 0) {
		execution->pid = pid; /* the program runs: the rest was needed for its start only */
		spawn_unref(TAKE(execution->spawn));
		spawn = NULL;
	}
	if (spawn == NULL || atomic_load(&spawn->returned)) {
		execution->continue_at = SCHED_FOREVER;
		return;
	}
	if (now >= execution->continue_at) {
		execution->continue_at = now + CONTINUE_US;
		if (pid > 0) {
			(void)kill(pid, SIGCONT);
		}
	}
}

/* ---- reading ---- */

/* Removes the pipe from epoll explicitly: the child of another command that has not closed its
 * copies yet keeps the pipe open, and epoll would report it after this execution is gone. */
static void execution_close_pipe(struct execution_pipe *end)
{
	if (end->fd >= 0 && !end->paused) {
		(void)epoll_ctl(end->execution->supervisor->epoll, EPOLL_CTL_DEL, end->fd, NULL);
	}
	execution_close_fd(&end->fd);
	end->paused = false;
}

static void execution_pause_pipe(struct execution_pipe *end, bool pause)
{
	struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data = { .ptr = end } };

	end->paused = pause;
	/* EPOLLHUP would come again and again even without events, so the pipe is removed from
	 * epoll. */
	(void)epoll_ctl(end->execution->supervisor->epoll, pause ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
			end->fd, &event);
}

/* Reads once only, so that other commands have their turn. False: there is nothing to read now. */
static bool execution_read_once(struct execution_pipe *end)
{
	struct execution *execution = end->execution;
	struct supervisor *supervisor = execution->supervisor;
	enum execution_stream stream =
		end == &execution->pipes[EXECUTION_OUT] ? EXECUTION_OUT : EXECUTION_ERR;
	ssize_t length = read(end->fd, supervisor->buffer, sizeof(supervisor->buffer));

	if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (length <= 0) {
		execution_close_pipe(end);
		return false;
	}
	if (!execution->handler->on_output(execution->arg, stream, supervisor->buffer,
					   (size_t)length) &&
	    !end->paused) {
		execution_pause_pipe(end, true);
	}
	return true;
}

void execution_read(struct execution_pipe *end)
{
	if (end->fd >= 0 && !end->paused) {
		(void)execution_read_once(end);
	}
}

void execution_go_on(struct execution *execution)
{
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		if (execution->pipes[i].fd >= 0 && execution->pipes[i].paused) {
			execution_pause_pipe(&execution->pipes[i], false);
		}
	}
}

/* ---- ending ---- */

/* Misses a child that has no process group or no number yet; execution_kill_tree tries again. */
static void execution_kill_first_process(struct execution *execution)
{
	if (execution->spawn != NULL) {
		spawner_cancel(execution->supervisor->spawner, execution->spawn);
	}

	pid_t pid = execution_pid(execution);

	if (pid > 0) {
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
	}
}

void execution_kill(struct execution *execution, bool timed_out)
{
	uint64_t now = sched_now_us(execution->supervisor->sched);

	if (execution->state != EXECUTION_RUNNING && execution->state != EXECUTION_DRAINING) {
		return;
	}
	execution->result.timed_out = timed_out;
	execution->state = EXECUTION_KILLING;
	execution->deadline = now + KILL_US;
	execution->kill_at = now;
	execution_kill_first_process(execution);
}

void execution_reaped(struct execution *execution, int code, int status)
{
	if (execution_finish_start(execution)) {
		return;
	}
	execution->result.signal = code == CLD_EXITED ? 0 : status;
	execution->result.exit_code = code == CLD_EXITED ? status : -status;
	if (execution->state == EXECUTION_RUNNING) {
		execution->state = EXECUTION_DRAINING;
		execution->deadline = sched_now_us(execution->supervisor->sched) + DRAIN_US;
	}
}

static bool execution_outputs_ended(const struct execution *execution, bool *ret_paused)
{
	bool open = false;

	*ret_paused = false;
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		open = open || execution->pipes[i].fd >= 0;
		*ret_paused = *ret_paused || execution->pipes[i].paused;
	}
	return !open;
}

/* Reads what is left in the pipes, but not for ever: a process may go on writing. */
static void execution_read_remaining(struct execution *execution)
{
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		struct execution_pipe *end = &execution->pipes[i];

		for (int n = 0; n < 16 && end->fd >= 0 && execution_read_once(end); n++) {
		}
	}
}

/* Processes that the command left in the background may go on writing: drain.c reads from now
 * on. */
static void execution_release(struct execution *execution, bool drain)
{
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		struct execution_pipe *end = &execution->pipes[i];
		int fd = end->fd;

		if (drain && fd >= 0) {
			if (!end->paused) {
				(void)epoll_ctl(execution->supervisor->epoll, EPOLL_CTL_DEL, fd,
						NULL);
			}
			end->fd = -1;
			drains_add(execution->supervisor->drains, fd);
		} else {
			execution_close_pipe(end);
		}
	}
	spawn_unref(TAKE(execution->spawn));
}

static void execution_finish(struct execution *execution, bool drain)
{
	execution_read_remaining(execution);
	execution_release(execution, drain);
}

void execution_target(struct execution *execution, struct tree_target *ret)
{
	execution_kill_first_process(execution);
	*ret = (struct tree_target){ .tag = execution->tag, .leader = execution_pid(execution) };
}

void execution_killed(struct execution *execution, size_t found, uint64_t now)
{
	execution->kill_at = now + KILL_AGAIN_US;
	if (found == 0 && !execution_has_process(execution)) {
		execution->state = EXECUTION_DONE;
		execution_finish(execution, false);
	}
}

void execution_advance(struct execution *execution, uint64_t now)
{
	bool paused = false, ended = execution_outputs_ended(execution, &paused);
	bool drain = execution->state == EXECUTION_DRAINING;

	execution_follow_start(execution, now);
	if (execution->spawn != NULL && spawn_was_refused(execution->spawn)) {
		(void)execution_finish_start(execution);
	}
	if (now >= execution->timer_at) {
		execution->timer_at = SCHED_FOREVER;
		execution->handler->on_timer(execution->arg, now);
	}
	if (execution->state == EXECUTION_RUNNING && now >= execution->deadline) {
		execution_kill(execution, true);
	}
	if (execution->state == EXECUTION_DRAINING &&
	    (ended || (now >= execution->deadline && !paused))) {
		execution->state = EXECUTION_DONE;
	}
	if (execution->state == EXECUTION_KILLING && now >= execution->deadline) {
		/* A process sleeps in the kernel: the signal ends it when it wakes up. */
		execution_kill_first_process(execution);
		execution->state = EXECUTION_DONE;
	}
	if (execution->state == EXECUTION_DONE) {
		execution_finish(execution, drain);
	}
}

uint64_t execution_next(const struct execution *execution)
{
	uint64_t next = execution->timer_at;
	bool paused = false;

	(void)execution_outputs_ended(execution, &paused);
	next = execution->continue_at < next ? execution->continue_at : next;
	if (execution->state == EXECUTION_KILLING && execution->kill_at < next) {
		next = execution->kill_at;
	}
	if ((execution->state != EXECUTION_DRAINING || !paused) && execution->deadline < next) {
		next = execution->deadline;
	}
	return next;
}
