/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child processes of `up`. A child process that ends is started again, after a pause that
 * doubles each time. Its output goes to <log directory>/<name>.log, of which at most two times
 * SUPERVISE_LOG_MAX bytes are kept. The kernel sends it SIGTERM when this process ends. While it
 * runs it holds the second lock of the instance (local/instance.h).
 *
 * Only one thread may call these functions, because the kernel ends a child process together with
 * the thread that started it.
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
#define SUPERVISE_STEADY_US \
	30000000u /* a child process that ran this long has the first pause again */

/* A command line. It is made again for each start, since its ports may have been taken
 * meanwhile. */
struct command {
	char *argv[SUPERVISE_ARGS_MAX + 1]; /* owned; argv[0] is an absolute path */
	size_t count;
};
void command_add(struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
void command_finish(struct command *command);

struct child_spec {
	const char *name; /* static */
	void (*make)(void *arg, struct command *ret);
	void *arg;
	bool once; /* it ends by itself and is not started again */
};

struct supervisor;
/* log_dir is copied; lock_fd, borrowed, is inherited by children as descriptor 3. */
struct supervisor *supervisor_create(struct sched *sched, const char *log_dir, int lock_fd);
/* All child processes must have ended. NULL is fine. */
void supervisor_destroy(struct supervisor *supervisor);

/* Adds a child process and starts it. When it cannot be started it is tried again, like one that
 * ended. */
void supervisor_add(struct supervisor *supervisor, const struct child_spec *spec);
/* Fills in the descriptors that poll must wait for, and returns how many there are. */
size_t supervisor_polls(const struct supervisor *supervisor, struct pollfd fds[SUPERVISE_MAX]);
/* Finds the child processes that have ended, starts those whose pause is over, and shortens logs.
 * Returns the milliseconds until it must be called again. */
int supervisor_step(struct supervisor *supervisor);
/* Sends SIGTERM, and SIGKILL after grace_us. Returns when the process has ended; it is not started
 * again. */
void supervisor_end(struct supervisor *supervisor, const char *name, uint64_t grace_us);
/* Runs a command to its end, or kills it after limit_us. Its output goes to the log of `name`.
 * Returns the exit status, -ETIMEDOUT, or another negative code. */
int supervisor_run(struct supervisor *supervisor, const char *name, const struct command *command,
		   uint64_t limit_us);

/* 0: it does not run. */
pid_t supervisor_pid(const struct supervisor *supervisor, const char *name);
/* Starts but for the first. */
unsigned int supervisor_restarts(const struct supervisor *supervisor, const char *name);
/* A `once` child: whether it has ended, and how (128 + N for signal N). */
bool supervisor_ended(const struct supervisor *supervisor, const char *name, int *ret_status);
/* How often a child was started or has ended: changes when there is something to tell. */
unsigned int supervisor_changes(const struct supervisor *supervisor);

#endif
