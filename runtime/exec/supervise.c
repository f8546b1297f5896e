/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that starts and reaps all commands: its loop and its inbox. Called by execute.c,
 * stream.c and main.c. */
#include "config.h"

#include "runtime/exec/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/supervise-private.h"
#include "runtime/exec/signals.h"

#define EVENTS 64
#define REAPED_AT_ONCE 256  /* also signals read at once: a guest can send them without end */
#define WALK_PAUSE_US 5000u /* between two walks of /proc at least */
#define LAST_KILL_US \
	1000000u /* for killing what commands left in the background, when the server ends */

/* ---- the inbox ---- */

static void inbox_post(struct execution *execution, unsigned int what)
{
	struct supervisor *supervisor = execution->supervisor;
	uint64_t one = 1;

	LOCKED(&supervisor->lock);
	execution->requested |= what;
	if (execution->queued) {
		return;
	}
	execution->queued = true;
	execution->next_in_inbox = NULL;
	*supervisor->inbox_end = execution;
	supervisor->inbox_end = &execution->next_in_inbox;
	atomic_fetch_add(&execution->references, 1);
	(void)!write(supervisor->wake, &one, sizeof(one));
}

struct execution *execution_create(struct supervisor *supervisor, struct command *take_command,
				   const struct execution_handler *handler, void *arg)
{
	sched_mutex_lock(&supervisor->lock);

	bool refused = supervisor->stop || supervisor->count == EXECUTIONS_MAX;

	supervisor->count += refused ? 0 : 1;
	sched_mutex_unlock(&supervisor->lock);
	if (refused) {
		command_finish(take_command);
		return NULL;
	}

	struct execution *execution = xnew(struct execution);

	execution->supervisor = supervisor;
	execution->handler = handler;
	execution->arg = arg;
	execution->command = *take_command;
	execution->timer_at = SCHED_FOREVER;
	atomic_init(&execution->references, 1);
	for (size_t i = 0; i < EXECUTION_STREAMS; i++) {
		execution->pipes[i] = (struct execution_pipe){ .execution = execution, .fd = -1 };
	}
	*take_command = (struct command){ 0 };
	return execution;
}

void execution_start(struct execution *execution)
{
	inbox_post(execution, INBOX_START);
}

void execution_cancel(struct execution *execution)
{
	inbox_post(execution, INBOX_CANCEL);
}

void execution_resume(struct execution *execution)
{
	inbox_post(execution, INBOX_RESUME);
}

void execution_set_timer(struct execution *execution, uint64_t at_us)
{
	execution->timer_at = at_us;
}

void execution_ref(struct execution *execution)
{
	atomic_fetch_add(&execution->references, 1);
}

void execution_unref(struct execution *execution)
{
	if (atomic_fetch_sub(&execution->references, 1) == 1) {
		execution->handler->destroy(execution->arg);
		command_finish(&execution->command);
		free(execution->result.failure);
		free(execution);
	}
}

/* ---- the thread ---- */

/* Drops the reference that the list has had since INBOX_START. */
static void supervisor_remove(struct supervisor *supervisor, struct execution *execution)
{
	LIST_REMOVE(execution, link);
	execution->handler->on_end(execution->arg, &execution->result);
	execution_unref(execution);

	LOCKED(&supervisor->lock);
	supervisor->count--;
}

static struct execution *inbox_next(struct supervisor *supervisor, unsigned int *ret_requested)
{
	LOCKED(&supervisor->lock);

	struct execution *execution = supervisor->inbox;

	if (execution != NULL) {
		supervisor->inbox = execution->next_in_inbox;
		supervisor->inbox_end =
			supervisor->inbox != NULL ? supervisor->inbox_end : &supervisor->inbox;
		*ret_requested = execution->requested;
		execution->requested = 0;
		execution->queued = false;
	}
	return execution;
}

static void supervisor_read_inbox(struct supervisor *supervisor)
{
	struct execution *execution;
	unsigned int requested;

	while ((execution = inbox_next(supervisor, &requested)) != NULL) {
		if ((requested & INBOX_START) != 0) {
			LIST_INSERT_HEAD(&supervisor->executions, execution, link);
			atomic_fetch_add(&execution->references, 1);
			execution_begin(execution);
		}
		if ((requested & INBOX_RESUME) != 0) {
			execution_go_on(execution);
		}
		if ((requested & INBOX_CANCEL) != 0) {
			execution_kill(execution, false);
		}
		execution_unref(execution);
	}
}

/* Finds the execution before it reaps the process: afterwards the number may belong to another
 * one. */
static void supervisor_reap(struct supervisor *supervisor)
{
	siginfo_t info;

	supervisor->more_to_reap = false;
	for (int i = 0;; i++) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 ||
		    info.si_pid == 0) {
			return;
		}
		if (i == REAPED_AT_ONCE) {
			supervisor->more_to_reap = true;
			return;
		}

		pid_t pid = info.si_pid;
		struct execution *execution;

		LIST_FOREACH (execution, &supervisor->executions, link) {
			if (execution_pid(execution) == pid) {
				break;
			}
		}
		if (execution != NULL) {
			execution_reaped(execution, info.si_code, info.si_status);
		}
		(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | __WALL);
	}
}

static void supervisor_take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	for (int i = 0;
	     i < REAPED_AT_ONCE && read(supervisor->signals, &info, sizeof(info)) == sizeof(info);
	     i++) {
		if (info.ssi_signo != SIGCHLD && signals_count(&info, getpid())) {
			supervisor->config.on_signal(supervisor->config.arg);
		}
	}
	supervisor_reap(supervisor);
}

/* Advances all executions and removes those that are done. Returns when to call it again. */
/* How many executions are being killed, and whether the processes of one of them are due. */
static size_t supervisor_count_dying(const struct supervisor *supervisor, uint64_t now,
				     bool *ret_due)
{
	const struct execution *at;
	size_t count = 0;

	*ret_due = false;
	LIST_FOREACH (at, &supervisor->executions, link) {
		if (at->state == EXECUTION_KILLING) {
			count++;
			*ret_due = *ret_due || now >= at->kill_at;
		}
	}
	return count;
}

/* Kills the processes of all executions that are dying, in one walk of /proc: a walk for each would
 * hold up every other command when many end at once. */
static void supervisor_kill_trees(struct supervisor *supervisor)
{
	uint64_t began = sched_now_us(supervisor->sched), now;
	struct execution *at;
	bool due;
	size_t count = supervisor_count_dying(supervisor, began, &due), i = 0;

	if (!due || began < supervisor->walk_at) {
		return;
	}

	CLEANUP_FREE struct tree_target *targets = xalloc(count * sizeof(*targets));

	LIST_FOREACH (at, &supervisor->executions, link) {
		if (at->state == EXECUTION_KILLING) {
			execution_target(at, &targets[i++]);
		}
	}
	tree_kill_each(targets, count);
	now = sched_now_us(supervisor->sched);
	supervisor->walk_at = now + (now - began > WALK_PAUSE_US ? now - began : WALK_PAUSE_US);
	LIST_FOREACH (at, &supervisor->executions, link) {
		if (at->state == EXECUTION_KILLING) {
			execution_killed(at, tree_find(targets, count, at->tag)->found, now);
		}
	}
}

static uint64_t supervisor_advance_all(struct supervisor *supervisor)
{
	uint64_t now = sched_now_us(supervisor->sched), next = SCHED_FOREVER;
	struct execution *at, *following;

	LIST_FOREACH (at, &supervisor->executions, link) {
		execution_advance(at, now);
	}
	supervisor_kill_trees(supervisor);
	for (at = LIST_FIRST(&supervisor->executions); at != NULL; at = following) {
		following = LIST_NEXT(at, link);
		if (at->state == EXECUTION_DONE) {
			supervisor_remove(supervisor, at);
			continue;
		}

		uint64_t due = execution_next(at);

		/* A walk that has to wait is not due before. */
		if (at->state == EXECUTION_KILLING && due < supervisor->walk_at &&
		    due < at->deadline) {
			due = supervisor->walk_at < at->deadline ? supervisor->walk_at
								 : at->deadline;
		}
		next = due < next ? due : next;
	}
	return next;
}

static bool supervisor_is_stopping(struct supervisor *supervisor)
{
	LOCKED(&supervisor->lock);
	return supervisor->stop;
}

/* Counts the executions that are created but not in the list yet, too. */
static bool supervisor_has_work(struct supervisor *supervisor)
{
	LOCKED(&supervisor->lock);
	return supervisor->count > 0;
}

/* Reads the drains as long as it may; then epoll does not report them until drain_at. */
static void supervisor_drain(struct supervisor *supervisor)
{
	struct epoll_event event = { .events = 0, .data = { .ptr = &supervisor->drains } };

	uint64_t again = drains_read(supervisor->drains, sched_now_us(supervisor->sched),
				     supervisor->buffer, sizeof(supervisor->buffer));

	if (again > 0) {
		supervisor->drain_at = again;
		(void)epoll_ctl(supervisor->epoll, EPOLL_CTL_MOD, drains_fd(supervisor->drains),
				&event);
	}
}

static uint64_t supervisor_resume_drain(struct supervisor *supervisor)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = &supervisor->drains } };

	if (sched_now_us(supervisor->sched) >= supervisor->drain_at) {
		supervisor->drain_at = SCHED_FOREVER;
		(void)epoll_ctl(supervisor->epoll, EPOLL_CTL_MOD, drains_fd(supervisor->drains),
				&event);
	}
	return supervisor->drain_at;
}

static int supervisor_wait_ms(struct supervisor *supervisor, uint64_t next)
{
	uint64_t now = sched_now_us(supervisor->sched);

	if (next == SCHED_FOREVER) {
		return -1;
	}
	return next <= now                   ? 0
	       : (next - now) / 1000 > 60000 ? 60000
					     : (int)((next - now) / 1000 + 1);
}

static void supervisor_run_once(struct supervisor *supervisor, int ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(supervisor->epoll, events, EVENTS, ms);
	bool signalled = false;
	uint64_t ignored;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == &supervisor->signals) {
			signalled = true;
		} else if (events[i].data.ptr == &supervisor->drains) {
			supervisor_drain(supervisor);
		} else if (events[i].data.ptr == &supervisor->wake) {
			(void)!read(supervisor->wake, &ignored, sizeof(ignored));
		} else {
			execution_read(events[i].data.ptr);
		}
	}
	supervisor_read_inbox(supervisor);
	if (signalled) {
		supervisor_take_signals(supervisor);
	} else if (supervisor->more_to_reap) {
		supervisor_reap(supervisor);
	}
}

/* Does all that depends on time. Returns when to call it again. */
static uint64_t supervisor_do_timers(struct supervisor *supervisor)
{
	const uint64_t times[] = {
		supervisor_advance_all(supervisor),
		spawner_tend(supervisor->spawner, sched_now_us(supervisor->sched)),
		supervisor_resume_drain(supervisor),
		supervisor->more_to_reap ? 0 : SCHED_FOREVER,
	};
	uint64_t next = SCHED_FOREVER;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		next = times[i] < next ? times[i] : next;
	}
	return next;
}

/* Kills the processes that commands left in the background. */
static void supervisor_kill_background(struct supervisor *supervisor)
{
	uint64_t until = sched_now_us(supervisor->sched) + LAST_KILL_US;

	while (tree_kill_all(&supervisor->tags) > 0 && sched_now_us(supervisor->sched) < until) {
		supervisor_run_once(supervisor, 5);
		supervisor_reap(supervisor);
	}
	supervisor_reap(supervisor);
}

static void supervisor_run(void *arg)
{
	struct supervisor *supervisor = arg;
	struct execution *at;
	uint64_t next = SCHED_FOREVER;
	bool stopping = false;

	while (!stopping || supervisor_has_work(supervisor)) {
		supervisor_run_once(supervisor, supervisor_wait_ms(supervisor, next));
		stopping = stopping || supervisor_is_stopping(supervisor);
		if (stopping) {
			LIST_FOREACH (at, &supervisor->executions, link) {
				execution_kill(at, false);
			}
		}
		next = supervisor_do_timers(supervisor);
	}
	supervisor_kill_background(supervisor);
}

/* ---- creating and destroying ---- */

static int supervisor_watch(struct supervisor *supervisor, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = fd } };

	return epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, *fd, &event);
}

static int supervisor_watch_drains(struct supervisor *supervisor)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = &supervisor->drains } };

	supervisor->drain_at = SCHED_FOREVER;
	return epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, drains_fd(supervisor->drains), &event);
}

static int supervisor_open_all(struct supervisor *supervisor, struct error *reterr)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
	supervisor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	supervisor->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	supervisor->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	supervisor->drains = drains_create();
	if (supervisor->epoll < 0 || supervisor->wake < 0 || supervisor->signals < 0 ||
	    supervisor->null < 0 || supervisor->drains == NULL ||
	    supervisor_watch(supervisor, &supervisor->wake) < 0 ||
	    supervisor_watch(supervisor, &supervisor->signals) < 0 ||
	    supervisor_watch_drains(supervisor) < 0) {
		return error_set(reterr, -errno, "cannot prepare to run commands: %s",
				 strerror(errno));
	}
	return 0;
}

static void supervisor_close_all(struct supervisor *supervisor)
{
	const int fds[] = { supervisor->epoll, supervisor->wake, supervisor->signals,
			    supervisor->null };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	drains_destroy(supervisor->drains);
	sched_mutex_finish(&supervisor->lock);
	free(supervisor);
}

int supervisor_create(struct sched *sched, const struct supervisor_config *config,
		      struct supervisor **ret, struct error *reterr)
{
	struct supervisor *supervisor = xnew(struct supervisor);

	supervisor->sched = sched;
	supervisor->config = *config;
	supervisor->epoll = supervisor->wake = supervisor->signals = supervisor->null = -1;
	supervisor->inbox_end = &supervisor->inbox;
	supervisor->files = config->files;
	sched_mutex_init(&supervisor->lock, sched);
	tree_tags_init(&supervisor->tags, sched_random(sched));

	int code = supervisor_open_all(supervisor, reterr);

	if (code < 0) {
		supervisor_close_all(supervisor);
		return code;
	}
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	supervisor->has_terminal = spawn_has_terminal();
	supervisor->spawner = spawner_create(sched, supervisor->wake);
	supervisor->thread = sched_start(sched, "supervisor", supervisor_run, supervisor);
	*ret = supervisor;
	return 0;
}

void supervisor_stop(struct supervisor *supervisor)
{
	uint64_t one = 1;

	LOCKED(&supervisor->lock);
	supervisor->stop = true;
	(void)!write(supervisor->wake, &one, sizeof(one));
}

void supervisor_destroy(struct supervisor *supervisor)
{
	if (supervisor == NULL) {
		return;
	}
	supervisor_stop(supervisor);
	sched_join(supervisor->thread);
	spawner_destroy(supervisor->spawner);
	supervisor_read_inbox(supervisor); /* requests about commands that are done */
	supervisor_close_all(supervisor);
}
