/* SPDX-License-Identifier: Apache-2.0 */
/* One command from its start to the death of its tree, as a machine of five states. Called by
 * supervise.c, in its thread. */
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
#include "runtime/supervise-private.h"

#define DRAIN_US 200000u /* for the output of a command whose first process has ended */
#define KILL_US 800000u  /* for a tree to die: with it, an answer is within the timeout + 1 s */
#define SWEEP_FIRST_US 5000u
#define SWEEP_US 25000u
#define WHY_MAX (160u << 10) /* an argument as Python prints it, and the words around it */

/* ---- starting ---- */

static int make_pipe(struct execution *execution, enum execution_stream stream, int *ret_child)
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

/* A file in memory: nobody has to feed it, and it ends. */
static int make_input(const struct command *command)
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

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

static void say_why(struct execution *execution, struct spawn_plan *plan, int code,
		    enum spawn_step step, struct buf *why)
{
	const char *folder = plan->cwd != NULL ? plan->cwd : execution->supervisor->config.base_dir;

	if (step == SPAWN_RUN || step == SPAWN_FOLDER) {
		command_error(why, -code, step == SPAWN_RUN ? plan->argv[0] : folder);
	} else {
		buf_printf(why, "[Errno %d] %s", -code, strerror(-code));
	}
}

/* Descriptors are the plan's. */
static int spawn(struct execution *execution, struct spawn_plan *plan, struct buf *why)
{
	struct supervisor *supervisor = execution->supervisor;
	enum spawn_step step = SPAWN_FORK;
	int code = make_pipe(execution, EXECUTION_OUT, &plan->out);

	if (code == 0) {
		code = make_pipe(execution, EXECUTION_ERR, &plan->err);
	}
	if (code == 0 && execution->command.input != NULL) {
		plan->in = make_input(&execution->command);
		code = plan->in < 0 ? plan->in : 0;
	}
	if (code == 0) {
		plan->folder = open(supervisor->config.base_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		code = plan->folder < 0 ? -errno : 0;
		step = plan->folder < 0 ? SPAWN_FOLDER : SPAWN_FORK;
	}
	if (code == 0) {
		code = spawner_run(supervisor->spawner, plan, &execution->pid, &step);
	}
	if (code < 0) {
		say_why(execution, plan, code, step, why);
	}
	return code;
}

static int start(struct execution *execution, struct buf *why)
{
	struct supervisor *supervisor = execution->supervisor;
	struct program program;
	int code = program_init(&program, &execution->command, supervisor->config.environment, why);

	if (code == 0) {
		struct spawn_plan plan = { .paths = program.paths,
					   .argv = program.argv,
					   .envp = program.envp,
					   .folder = -1,
					   .cwd = execution->command.cwd,
					   .in = supervisor->null,
					   .out = -1,
					   .err = -1,
					   .user = supervisor->config.user,
					   .mark = execution->mark,
					   .files = supervisor->files };

		code = spawn(execution, &plan, why);
		if (plan.in != supervisor->null) {
			close_fd(&plan.in);
		}
		close_fd(&plan.out);
		close_fd(&plan.err);
		close_fd(&plan.folder);
	}
	program_finish(&program);
	return code;
}

void execution_begin(struct execution *execution)
{
	struct buf why CLEANUP_BUF = BUF_INIT(WHY_MAX);
	uint64_t now = sched_now_us(execution->supervisor->sched);
	uint64_t seconds = execution->command.timeout_s;

	execution->mark = tree_mark_next(&execution->supervisor->marks);
	execution->deadline = seconds > 0 && seconds < (SCHED_FOREVER - now) / 1000000
				      ? now + seconds * 1000000
				      : SCHED_FOREVER;
	execution->state = EXECUTION_RUNS;
	if (start(execution, &why) < 0) {
		execution->result.exit_code = 1;
		execution->result.failure = buf_take(&why);
		execution->state = EXECUTION_OVER;
	}
	/* What the kernel has copied by now; timeout_s is still asked for. */
	free(execution->command.text);
	free(execution->command.input);
	execution->command.text = execution->command.input = NULL;
}

/* ---- reading ---- */

/* It is taken out by name: another command's child that was cloned but has not closed its copies yet
 * keeps the pipe, and epoll would tell of it when we have forgotten whose it was. */
static void close_pipe(struct execution_pipe *end)
{
	if (end->fd >= 0 && !end->paused) {
		(void)epoll_ctl(end->execution->supervisor->epoll, EPOLL_CTL_DEL, end->fd, NULL);
	}
	close_fd(&end->fd);
	end->paused = false;
}

static void pause_pipe(struct execution_pipe *end, bool pause)
{
	struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data = { .ptr = end } };

	end->paused = pause;
	/* Without events EPOLLHUP would still come, again and again: it is taken out altogether. */
	(void)epoll_ctl(end->execution->supervisor->epoll, pause ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
			end->fd, &event);
}

/* One read: others have their turn too. False: nothing is there now. */
static bool read_once(struct execution_pipe *end)
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
		close_pipe(end);
		return false;
	}
	if (!execution->handler->on_output(execution->arg, stream, supervisor->buffer,
					   (size_t)length) &&
	    !end->paused) {
		pause_pipe(end, true);
	}
	return true;
}

void execution_read(struct execution_pipe *end)
{
	if (end->fd >= 0 && !end->paused) {
		(void)read_once(end);
	}
}

void execution_go_on(struct execution *execution)
{
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		if (execution->pipes[i].fd >= 0 && execution->pipes[i].paused) {
			pause_pipe(&execution->pipes[i], false);
		}
	}
}

/* ---- ending ---- */

void execution_kill(struct execution *execution, bool timed_out)
{
	uint64_t now = sched_now_us(execution->supervisor->sched);

	if (execution->state != EXECUTION_RUNS && execution->state != EXECUTION_DRAINS) {
		return;
	}
	execution->result.timed_out = timed_out;
	execution->state = EXECUTION_DIES;
	execution->deadline = now + KILL_US;
	execution->sweep_at = now;
	if (execution->pid > 0) {
		(void)kill(-execution->pid, SIGKILL);
	}
}

void execution_reaped(struct execution *execution, int code, int status)
{
	execution->pid = 0;
	execution->result.signal = code == CLD_EXITED ? 0 : status;
	execution->result.exit_code = code == CLD_EXITED ? status : -status;
	if (execution->state == EXECUTION_RUNS) {
		execution->state = EXECUTION_DRAINS;
		execution->deadline = sched_now_us(execution->supervisor->sched) + DRAIN_US;
	}
}

static bool has_ended(const struct execution *execution, bool *ret_paused)
{
	bool open = false;

	*ret_paused = false;
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		open = open || execution->pipes[i].fd >= 0;
		*ret_paused = *ret_paused || execution->pipes[i].paused;
	}
	return !open;
}

/* What is still in the pipes; somebody who goes on writing does not keep us. */
static void read_rest(struct execution *execution)
{
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		struct execution_pipe *end = &execution->pipes[i];

		for (int n = 0; n < 16 && end->fd >= 0 && read_once(end); n++) {
		}
	}
}

static void sweep(struct execution *execution, uint64_t now)
{
	if (now < execution->sweep_at) {
		return;
	}
	if (tree_kill(execution->mark, execution->pid) == 0 && execution->pid == 0) {
		execution->state = EXECUTION_OVER;
	}
	execution->sweep_at =
		now + (execution->sweep_at + SWEEP_US < now ? SWEEP_US : SWEEP_FIRST_US);
}

void execution_advance(struct execution *execution, uint64_t now)
{
	bool paused = false, ended = has_ended(execution, &paused);

	if (now >= execution->timer_at) {
		execution->timer_at = SCHED_FOREVER;
		execution->handler->on_timer(execution->arg, now);
	}
	if (execution->state == EXECUTION_RUNS && now >= execution->deadline) {
		execution_kill(execution, true);
	}
	if (execution->state == EXECUTION_DRAINS &&
	    (ended || (now >= execution->deadline && !paused))) {
		execution->state = EXECUTION_OVER;
	}
	if (execution->state == EXECUTION_DIES) {
		sweep(execution, now);
		if (now >= execution->deadline) {
			execution->state = EXECUTION_OVER; /* something sits in the kernel */
		}
	}
	if (execution->state == EXECUTION_OVER) {
		read_rest(execution);
		close_pipe(&execution->pipes[EXECUTION_OUT]);
		close_pipe(&execution->pipes[EXECUTION_ERR]);
	}
}

uint64_t execution_next(const struct execution *execution)
{
	uint64_t next = execution->timer_at;
	bool paused = false;

	(void)has_ended(execution, &paused);
	if (execution->state == EXECUTION_DIES && execution->sweep_at < next) {
		next = execution->sweep_at;
	}
	if ((execution->state != EXECUTION_DRAINS || !paused) && execution->deadline < next) {
		next = execution->deadline;
	}
	return next;
}
