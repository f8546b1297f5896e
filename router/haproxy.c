/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps HAProxy running. Made by router/main.c once the map is filled. */
#include "config.h"

#include "router/haproxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/observe/log.h"
#include "router/commands.h"
#include "router/haproxy-config.h"

#define LOOK_MS 50      /* how often a start is looked at, and whether we end */
#define REPAIR_TICKS 20 /* of them between two looks at the map */
#define START_TICKS 100 /* it takes commands within this, or is started again */
#define END_MS 10000    /* what runs may end within this */
#define PAUSE_MS 100    /* before the next start, doubling */
#define PAUSE_MAX_MS 5000

struct haproxy {
	struct sched *sched;
	const struct options *options;
	struct table *table;
	char *socket, *config;
	struct sched_thread *thread;

	struct sched_mutex lock;
	struct sched_cond ending;
	bool up, stopping; /* lock */
};

struct child {
	pid_t pid;
	int pidfd, status;
	int lifeline; /* kept open: see child_tie */
	bool ended;   /* and reaped: status is set */
};

static void set_up(struct haproxy *haproxy, bool up)
{
	LOCKED(&haproxy->lock);

	haproxy->up = up;
}

/* False when we end. */
static bool wait_ms(struct haproxy *haproxy, unsigned int ms)
{
	uint64_t until = sched_now_us(haproxy->sched) + ms * 1000u;

	LOCKED(&haproxy->lock);
	while (!haproxy->stopping && sched_now_us(haproxy->sched) < until) {
		sched_cond_wait(&haproxy->ending, &haproxy->lock, until);
	}
	return !haproxy->stopping;
}

/* HAProxy ends with the router, however that ends: the kernel kills it when the pipe's other end is
 * closed. Another way, a signal at the parent's death, is forgotten when HAProxy changes its user. */
static bool child_tie(int pipe_end)
{
	return fcntl(pipe_end, F_SETFD, 0) == 0 && fcntl(pipe_end, F_SETOWN, getpid()) == 0 &&
	       fcntl(pipe_end, F_SETSIG, SIGKILL) == 0 &&
	       fcntl(pipe_end, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

static pid_t fork_and_exec(const struct haproxy *haproxy, int pipe_end)
{
	const char *const argv[] = { haproxy->options->haproxy, "-db", "-f", haproxy->config,
				     NULL };
	/* It needs nothing of ours, and ours may hold a secret (a collector's headers). */
	char *const environment[] = { NULL };
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		/* Not when the router has ended meanwhile: nothing would tell. */
		if (child_tie(pipe_end) && getppid() == parent) {
			execve(argv[0], (char *const *)(const void *)argv, environment);
		}
		_exit(127);
	}
	return pid;
}

/* Whether the child has ended, looked at for ms. It is reaped once: its number may be another's after. */
static bool has_ended(struct child *child, int ms)
{
	struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };

	if (!child->ended && poll(&fd, 1, ms) > 0) {
		child->ended = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
	}
	return child->ended;
}

static void kill_it(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGKILL);
		child->ended = waitpid(child->pid, &child->status, 0) == child->pid;
	}
}

static int start(struct haproxy *haproxy, struct child *ret, struct error *reterr)
{
	struct child child = { 0 };
	int ends[2], error = table_write(haproxy->table, reterr);

	if (error < 0) {
		return error;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_set(reterr, -errno, "no pipe for HAProxy: %s", strerror(errno));
	}
	child.lifeline = ends[1];
	child.pid = fork_and_exec(haproxy, ends[0]);
	if (child.pid < 0) {
		error = error_set(reterr, -errno, "no process for HAProxy: %s", strerror(errno));
	}
	close(ends[0]);
	if (error < 0) {
		close(child.lifeline);
		return error;
	}
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	if (child.pidfd < 0) {
		error = error_set(reterr, -errno, "cannot watch HAProxy: %s", strerror(errno));
		kill_it(&child);
		close(child.lifeline);
		return error;
	}
	*ret = child;
	return 0;
}

/* Whether it takes commands within its time. */
static bool comes_up(struct haproxy *haproxy, struct child *child)
{
	for (int i = 0; i < START_TICKS && wait_ms(haproxy, 0); i++) {
		CLEANUP_BUF struct buf response = BUF_INIT(65536);
		struct error error = { 0 };

		if (command_send(haproxy->socket, "show info\n", 10, &response, &error) == 0) {
			return true;
		}
		if (has_ended(child, LOOK_MS)) {
			return false;
		}
	}
	return false;
}

/* SIGUSR1: no new connections, ends with the last one. */
static void drain(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGUSR1);
	}
	if (!has_ended(child, END_MS)) {
		log_warning("HAProxy still has requests after %d s, ending them", END_MS / 1000);
	}
	kill_it(child);
}

/* Until it ends, we do, or it does not answer: mends its map now and then. */
static void keep(struct haproxy *haproxy, struct child *child)
{
	unsigned int ticks = 0;

	table_online(haproxy->table);
	set_up(haproxy, true);
	log_info("HAProxy runs with %zu sandboxes", table_count(haproxy->table));
	while (wait_ms(haproxy, 0) && !has_ended(child, LOOK_MS)) {
		if (table_is_lost(haproxy->table)) {
			log_error("HAProxy does not answer, ending it");
			break;
		}
		if (ticks++ % REPAIR_TICKS == 0) {
			table_repair(haproxy->table);
		}
	}
	set_up(haproxy, false);
	table_offline(haproxy->table);
}

/* From its start to its end; true: it had come up. */
static bool watch(struct haproxy *haproxy, struct child *child)
{
	bool was_up = comes_up(haproxy, child);

	if (was_up) {
		keep(haproxy, child);
	}
	if (!wait_ms(haproxy, 0)) {
		drain(child);
		return was_up;
	}
	kill_it(child);
	log_error("HAProxy ended (%s %d); starting it again",
		  WIFSIGNALED(child->status) ? "signal" : "status",
		  WIFSIGNALED(child->status) ? WTERMSIG(child->status)
					     : WEXITSTATUS(child->status));
	return was_up;
}

static void run(void *arg)
{
	struct haproxy *haproxy = arg;
	unsigned int pause = PAUSE_MS;
	bool goes_on = true;

	while (goes_on) {
		struct error error = { 0 };
		struct child child;

		if (start(haproxy, &child, &error) < 0) {
			log_error("%s; trying again", error.text);
		} else {
			pause = watch(haproxy, &child) ? PAUSE_MS : pause;
			close(child.pidfd);
			close(child.lifeline);
		}
		goes_on = wait_ms(haproxy, pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

struct haproxy *haproxy_create(struct sched *sched, const struct options *options,
			       struct table *table)
{
	struct haproxy *haproxy = xnew(struct haproxy);

	haproxy->sched = sched;
	haproxy->options = options;
	haproxy->table = table;
	haproxy->socket = xprintf("%s/" COMMAND_SOCKET, options->run_dir);
	haproxy->config = xprintf("%s/" CONFIG_FILE, options->run_dir);
	sched_mutex_init(&haproxy->lock, sched);
	sched_cond_init(&haproxy->ending, sched);
	haproxy->thread = sched_start(sched, "haproxy", run, haproxy);
	return haproxy;
}

bool haproxy_is_up(struct haproxy *haproxy)
{
	LOCKED(&haproxy->lock);

	return haproxy->up;
}

void haproxy_destroy(struct haproxy *haproxy)
{
	if (haproxy == NULL) {
		return;
	}
	sched_mutex_lock(&haproxy->lock);
	haproxy->stopping = true;
	sched_cond_broadcast(&haproxy->ending);
	sched_mutex_unlock(&haproxy->lock);
	sched_join(haproxy->thread);
	sched_cond_finish(&haproxy->ending);
	sched_mutex_finish(&haproxy->lock);
	free(haproxy->socket);
	free(haproxy->config);
	free(haproxy);
}
