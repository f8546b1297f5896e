/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps HAProxy running. Made by router/main.c once the map is filled. */
#include "config.h"

#include "router/haproxy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/log.h"
#include "router/commands.h"
#include "router/haproxy-config.h"

#define LOOK_MS 50      /* how often a start is looked at, and whether we end */
#define REPAIR_TICKS 20 /* of them between two looks at the map */
#define START_TICKS 100 /* it takes commands within this, or is started again */
#define END_TICKS 200   /* what runs may end within this */
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

/* Whether the child ends within ms; its status goes to *ret. */
static bool has_ended(pid_t child, int pidfd, int ms, int *ret)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	return poll(&fd, 1, ms) > 0 && waitpid(child, ret, WNOHANG) == child;
}

static pid_t start(struct haproxy *haproxy, int *ret_pidfd)
{
	const char *const argv[] = { haproxy->options->haproxy, "-db", "-f", haproxy->config,
				     NULL };
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		/* Ends when the thread that started it does, or never started when that is too late. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() == parent) {
			execv(argv[0], (char *const *)(const void *)argv);
		}
		_exit(127);
	}
	*ret_pidfd = child > 0 ? (int)syscall(SYS_pidfd_open, child, 0) : -1;
	return child;
}

/* Whether it takes commands within its time. */
static bool comes_up(struct haproxy *haproxy, pid_t child, int pidfd, int *ret_status)
{
	for (int i = 0; i < START_TICKS; i++) {
		CLEANUP_BUF struct buf answer = BUF_INIT(65536);
		struct error error = { 0 };

		if (command_send(haproxy->socket, "show info\n", 10, &answer, &error) == 0) {
			return true;
		}
		if (has_ended(child, pidfd, LOOK_MS, ret_status)) {
			return false;
		}
	}
	return false;
}

/* SIGUSR1: no new connections, ends with the last one. */
static void end(pid_t child, int pidfd)
{
	int status;

	kill(child, SIGUSR1);
	if (!has_ended(child, pidfd, END_TICKS * LOOK_MS, &status)) {
		log_warning("HAProxy still has requests after %d s, ending them",
			    END_TICKS * LOOK_MS / 1000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
}

/* Watches it until it ends or we do; true: it had come up. */
static bool watch(struct haproxy *haproxy, pid_t child, int pidfd)
{
	int status = 0;
	unsigned int ticks = 0;
	bool was_up = comes_up(haproxy, child, pidfd, &status);

	if (was_up) {
		table_online(haproxy->table);
		set_up(haproxy, true);
		log_info("HAProxy runs with %zu sandboxes", table_count(haproxy->table));
		while (wait_ms(haproxy, 0) && !has_ended(child, pidfd, LOOK_MS, &status)) {
			if (ticks++ % REPAIR_TICKS == 0) {
				table_repair(haproxy->table);
			}
		}
	}
	set_up(haproxy, false);
	table_offline(haproxy->table);
	if (!wait_ms(haproxy, 0)) {
		end(child, pidfd);
	} else {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		log_error("HAProxy ended (%s %d); starting it again",
			  WIFSIGNALED(status) ? "signal" : "status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	return was_up;
}

static void run(void *arg)
{
	struct haproxy *haproxy = arg;
	unsigned int pause = PAUSE_MS;

	do {
		struct error error = { 0 };
		int pidfd = -1;
		pid_t child = -1;

		if (table_write(haproxy->table, &error) < 0) {
			log_error("%s", error.text);
		} else {
			child = start(haproxy, &pidfd);
		}
		if (pidfd >= 0) {
			pause = watch(haproxy, child, pidfd) ? PAUSE_MS : pause;
			close(pidfd);
		} else if (child > 0) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
		}
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	} while (wait_ms(haproxy, pause));
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
