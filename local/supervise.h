/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The children of `up`: started, watched, started again after a pause that grows when they end, and
 * ended in order. Their output goes to <log directory>/<name>.log, of which at most two times
 * SUPERVISE_LOG_MAX bytes are kept. They die with us (SIGTERM from the kernel), and hold the
 * instance's second lock while they live (local/instance.h).
 *
 * One thread, the caller's, uses all of it: the kernel ties a child's life to the thread that made
 * it.
 */
#ifndef ASB_LOCAL_SUPERVISE_H
#define ASB_LOCAL_SUPERVISE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sched.h"

#define SUPERVISE_MAX 4
#define SUPERVISE_ARGS_MAX 32
#define SUPERVISE_LOG_MAX (4u << 20)
#define SUPERVISE_PAUSE_MIN_US 100000u /* before the first restart; doubles */
#define SUPERVISE_PAUSE_MAX_US 10000000u
#define SUPERVISE_STEADY_US 30000000u /* it ran this long: what it died of is new */

/* What is run: made again for each start, since ports may have been taken meanwhile. */
struct command {
	char *argv[SUPERVISE_ARGS_MAX + 1]; /* ours; argv[0] is an absolute path */
	size_t count;
};
void command_add(struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
void command_finish(struct command *command);

struct child_spec {
	const char *name; /* static */
	void (*make)(void *arg, struct command *ret);
	void *arg;
	bool once; /* it is to end by itself: not started again */
};

struct supervisor;
/* log_dir is copied; lock_fd, borrowed, is inherited by children as descriptor 3. */
struct supervisor *supervisor_create(struct sched *sched, const char *log_dir, int lock_fd);
/* All must have ended. */
void supervisor_destroy(struct supervisor *supervisor);

/* Adds a child and starts it; one that cannot be started is tried again, as one that died. */
void supervisor_add(struct supervisor *supervisor, const struct child_spec *spec);
/* Descriptors to poll for; how many. */
size_t supervisor_polls(const struct supervisor *supervisor, struct pollfd fds[SUPERVISE_MAX]);
/* Looks who ended, starts who is due, cuts logs; milliseconds until it is to be called again. */
int supervisor_look(struct supervisor *supervisor);
/* SIGTERM, then SIGKILL after grace_us; returns when it has ended. Not started again. */
void supervisor_end(struct supervisor *supervisor, const char *name, uint64_t grace_us);
/* Runs a command to its end, or kills it after limit_us; its output goes to the log `name`. The exit
 * status, -ETIMEDOUT, or another negative code. */
int supervisor_run(struct supervisor *supervisor, const char *name, const struct command *command,
		   uint64_t limit_us);

/* 0: it does not run now. */
pid_t supervisor_pid(const struct supervisor *supervisor, const char *name);
/* Starts but for the first. */
unsigned int supervisor_restarts(const struct supervisor *supervisor, const char *name);
/* A `once` child: whether it has ended, and how (128 + N for signal N). */
bool supervisor_ended(const struct supervisor *supervisor, const char *name, int *ret_status);
/* How often a child was started or has ended: changes when there is something to tell. */
unsigned int supervisor_changes(const struct supervisor *supervisor);

#endif
