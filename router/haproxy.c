/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps HAProxy running. Created by router/main.c when the map is filled. */
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

#define CHECK_MS 50     /* how often HAProxy is checked while it starts and runs */
#define REPAIR_TICKS 20 /* checks between two repairs of the map */
#define START_TICKS \
	100          /* checks within which HAProxy must accept commands, or it is started again */
#define END_MS 10000 /* time for running requests to end */
#define PAUSE_MS 100 /* pause before the next start, which doubles each time */
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
	int lifeline; /* the end of a pipe that is kept open: see haproxy_tie */
	bool ended;   /* it was waited for, and status is set */
};

static void haproxy_set_up(struct haproxy *haproxy, bool up)
{
	LOCKED(&haproxy->lock);

	haproxy->up = up;
}

/* False: the router ends. */
static bool haproxy_wait_ms(struct haproxy *haproxy, unsigned int ms)
{
	uint64_t until = sched_now_us(haproxy->sched) + ms * 1000u;

	LOCKED(&haproxy->lock);
	while (!haproxy->stopping && sched_now_us(haproxy->sched) < until) {
		sched_cond_wait(&haproxy->ending, &haproxy->lock, until);
	}
	return !haproxy->stopping;
}

/* Makes the kernel kill HAProxy when the other end of the pipe is closed, so HAProxy ends with the
 * router however that ends. PR_SET_PDEATHSIG is not enough: the kernel resets it when HAProxy
 * changes its user. */
static bool haproxy_tie(int pipe_end)
{
	return fcntl(pipe_end, F_SETFD, 0) == 0 && fcntl(pipe_end, F_SETOWN, getpid()) == 0 &&
	       fcntl(pipe_end, F_SETSIG, SIGKILL) == 0 &&
	       fcntl(pipe_end, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

static pid_t haproxy_fork(const struct haproxy *haproxy, int pipe_end)
{
	const char *const argv[] = { haproxy->options->haproxy, "-db", "-f", haproxy->config,
				     NULL };
	/* HAProxy needs no variables, and ours may contain a secret
	 * (OTEL_EXPORTER_OTLP_HEADERS). */
	char *const environment[] = { NULL };
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		/* If the router has ended meanwhile, nothing would kill HAProxy. */
		if (haproxy_tie(pipe_end) && getppid() == parent) {
			execve(argv[0], (char *const *)(const void *)argv, environment);
		}
		_exit(127);
	}
	return pid;
}

/* Waits for at most ms; true: the child has ended. It is waited for only once, because its pid may
 * belong to another process afterwards. */
static bool haproxy_has_ended(struct child *child, int ms)
{
	struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };

	if (!child->ended && poll(&fd, 1, ms) > 0) {
		child->ended = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
	}
	return child->ended;
}

static void haproxy_kill(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGKILL);
		child->ended = waitpid(child->pid, &child->status, 0) == child->pid;
	}
}

static int haproxy_start(struct haproxy *haproxy, struct child *ret, struct error *reterr)
{
	struct child child = { 0 };
	int ends[2], code = table_write(haproxy->table, reterr);

	if (code < 0) {
		return code;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_set(reterr, -errno, "cannot create a pipe for HAProxy: %s",
				 strerror(errno));
	}
	child.lifeline = ends[1];
	child.pid = haproxy_fork(haproxy, ends[0]);
	if (child.pid < 0) {
		code = error_set(reterr, -errno, "cannot create a process for HAProxy: %s",
				 strerror(errno));
	}
	close(ends[0]);
	if (code < 0) {
		close(child.lifeline);
		return code;
	}
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	if (child.pidfd < 0) {
		code = error_set(reterr, -errno, "cannot watch HAProxy: %s", strerror(errno));
		haproxy_kill(&child);
		close(child.lifeline);
		return code;
	}
	*ret = child;
	return 0;
}

/* Whether HAProxy accepts commands in time. */
static bool haproxy_comes_up(struct haproxy *haproxy, struct child *child)
{
	for (int i = 0; i < START_TICKS && haproxy_wait_ms(haproxy, 0); i++) {
		CLEANUP_BUF struct buf response = BUF_INIT(65536);
		struct error error = { 0 };

		if (command_send(haproxy->socket, "show info\n", 10, &response, &error) == 0) {
			return true;
		}
		if (haproxy_has_ended(child, CHECK_MS)) {
			return false;
		}
	}
	return false;
}

/* On SIGUSR1 HAProxy accepts no new connections, and ends after the last one. */
static void haproxy_drain(struct child *child)
{
	if (!child->ended) {
		kill(child->pid, SIGUSR1);
	}
	if (!haproxy_has_ended(child, END_MS)) {
		log_warning("HAProxy still has requests after %d s, which are ended now",
			    END_MS / 1000);
	}
	haproxy_kill(child);
}

/* Repairs the map regularly until HAProxy ends, the router ends, or HAProxy does not respond. */
static void haproxy_supervise(struct haproxy *haproxy, struct child *child)
{
	unsigned int ticks = 0;

	table_online(haproxy->table);
	haproxy_set_up(haproxy, true);
	log_info("HAProxy runs with %zu sandboxes", table_count(haproxy->table));
	while (haproxy_wait_ms(haproxy, 0) && !haproxy_has_ended(child, CHECK_MS)) {
		if (table_is_lost(haproxy->table)) {
			log_error("HAProxy does not respond and is ended");
			break;
		}
		if (ticks++ % REPAIR_TICKS == 0) {
			table_repair(haproxy->table);
		}
	}
	haproxy_set_up(haproxy, false);
	table_offline(haproxy->table);
}

/* From the start of HAProxy to its end. True: it had accepted commands. */
static bool haproxy_run_once(struct haproxy *haproxy, struct child *child)
{
	bool was_up = haproxy_comes_up(haproxy, child);

	if (was_up) {
		haproxy_supervise(haproxy, child);
	}
	if (!haproxy_wait_ms(haproxy, 0)) {
		haproxy_drain(child);
		return was_up;
	}
	haproxy_kill(child);
	log_error("HAProxy ended (%s %d) and is started again",
		  WIFSIGNALED(child->status) ? "signal" : "status",
		  WIFSIGNALED(child->status) ? WTERMSIG(child->status)
					     : WEXITSTATUS(child->status));
	return was_up;
}

static void haproxy_thread(void *arg)
{
	struct haproxy *haproxy = arg;
	unsigned int pause = PAUSE_MS;
	bool goes_on = true;

	while (goes_on) {
		struct error error = { 0 };
		struct child child;

		if (haproxy_start(haproxy, &child, &error) < 0) {
			log_error("cannot start HAProxy, trying again: %s", error.text);
		} else {
			pause = haproxy_run_once(haproxy, &child) ? PAUSE_MS : pause;
			close(child.pidfd);
			close(child.lifeline);
		}
		goes_on = haproxy_wait_ms(haproxy, pause);
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
	haproxy->thread = sched_start(sched, "haproxy", haproxy_thread, haproxy);
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
