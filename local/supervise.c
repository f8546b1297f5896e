/* SPDX-License-Identifier: Apache-2.0 */
/* Starts, watches and ends the child processes of `up`. local/up.c calls it from its loop. */
#include "config.h"

#include "local/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/observe/log.h"
#include "local/child-process.h"

#define LOG_CHECK_US 10000000u
#define KILLED_US 5000000u /* time that the kernel may take to end a process after SIGKILL */

/* ---- commands ---- */

void command_add(struct command *command, const char *format, ...)
{
	va_list args;

	if (command->count == SUPERVISE_ARGS_MAX) {
		abort(); /* a table of this program is too long */
	}
	va_start(args, format);
	if (vasprintf(&command->argv[command->count], format, args) < 0) {
		abort();
	}
	va_end(args);
	command->argv[++command->count] = NULL;
}

void command_finish(struct command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		free(command->argv[i]);
	}
	command->count = 0;
}

/* ---- child processes ---- */

struct child {
	struct child_spec spec;
	pid_t pid; /* 0: it does not run */
	int pidfd; /* -1: none */
	uint64_t started_us, again_us;
	unsigned int failures, starts;
	bool over; /* it is not started again */
	int status;
};

struct supervisor {
	struct sched *sched;
	char *log_dir;
	int lock_fd;
	struct child children[SUPERVISE_MAX];
	size_t count;
	uint64_t log_check_us;
	unsigned int changes;
};

struct supervisor *supervisor_create(struct sched *sched, const char *log_dir, int lock_fd)
{
	struct supervisor *supervisor = xnew(struct supervisor);

	*supervisor = (struct supervisor){ .sched = sched,
					   .log_dir = xstrdup(log_dir),
					   .lock_fd = lock_fd };
	return supervisor;
}

void supervisor_destroy(struct supervisor *supervisor)
{
	if (supervisor == NULL) {
		return;
	}
	free(supervisor->log_dir);
	free(supervisor);
}

static struct child *supervisor_find(const struct supervisor *supervisor, const char *name)
{
	for (size_t i = 0; i < supervisor->count; i++) {
		if (strcmp(supervisor->children[i].spec.name, name) == 0) {
			return (struct child *)(uintptr_t)&supervisor->children[i];
		}
	}
	return NULL;
}

/* ---- starting ---- */

static uint64_t supervisor_pause(const struct child *child)
{
	unsigned int doublings = child->failures < 8 ? child->failures : 8;
	uint64_t pause = (uint64_t)SUPERVISE_PAUSE_MIN_US << doublings;

	return pause < SUPERVISE_PAUSE_MAX_US ? pause : SUPERVISE_PAUSE_MAX_US;
}

static void supervisor_start(struct supervisor *supervisor, struct child *child)
{
	struct command command = { 0 };
	struct error error = { 0 };
	CLEANUP_FREE char *log = xprintf("%s/%s.log", supervisor->log_dir, child->spec.name);

	child->spec.make(child->spec.arg, &command);
	child->started_us = sched_now_us(supervisor->sched);
	child->pid = child_spawn(&command, log, supervisor->lock_fd, &child->pidfd, &error);
	command_finish(&command);
	if (child->pid < 0) {
		log_error("cannot start the %s, trying again: %s", child->spec.name, error.text);
		child->pid = 0;
		child->again_us = child->started_us + supervisor_pause(child);
		child->failures++;
		return;
	}
	child->starts++;
	supervisor->changes++;
}

void supervisor_add(struct supervisor *supervisor, const struct child_spec *spec)
{
	if (supervisor->count == SUPERVISE_MAX) {
		abort(); /* a table of this program is too long */
	}

	struct child *child = &supervisor->children[supervisor->count++];

	*child = (struct child){ .spec = *spec, .pidfd = -1 };
	supervisor_start(supervisor, child);
}

/* ---- watching ---- */

size_t supervisor_polls(const struct supervisor *supervisor, struct pollfd fds[SUPERVISE_MAX])
{
	for (size_t i = 0; i < supervisor->count; i++) {
		fds[i] = (struct pollfd){ .fd = supervisor->children[i].pidfd, .events = POLLIN };
	}
	return supervisor->count;
}

/* The process has ended, and waitpid has returned its status. */
static void supervisor_record_end(struct supervisor *supervisor, struct child *child, int status)
{
	uint64_t now = sched_now_us(supervisor->sched);

	child->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	child->pid = 0;
	if (child->pidfd >= 0) {
		close(child->pidfd);
		child->pidfd = -1;
	}
	if (now - child->started_us > SUPERVISE_STEADY_US) {
		child->failures = 0;
	}
	child->again_us = now + supervisor_pause(child);
	child->failures++;
	child->over = child->over || child->spec.once;
	supervisor->changes++;
	if (!child->over) {
		log_warning(
			"the %s ended with status %d and is started again; its log is %s/%s.log",
			child->spec.name, child->status, supervisor->log_dir, child->spec.name);
	}
}

static void supervisor_reap(struct supervisor *supervisor, struct child *child)
{
	int status;

	if (child->pid != 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
		supervisor_record_end(supervisor, child, status);
	}
}

static void supervisor_cut_logs(struct supervisor *supervisor, uint64_t now)
{
	if (now < supervisor->log_check_us) {
		return;
	}
	supervisor->log_check_us = now + LOG_CHECK_US;
	for (size_t i = 0; i < supervisor->count; i++) {
		CLEANUP_FREE char *log = xprintf("%s/%s.log", supervisor->log_dir,
						 supervisor->children[i].spec.name);

		child_log_cut(log, SUPERVISE_LOG_MAX);
	}
}

int supervisor_step(struct supervisor *supervisor)
{
	uint64_t now = sched_now_us(supervisor->sched);

	supervisor_cut_logs(supervisor, now);

	uint64_t due = supervisor->log_check_us;

	for (size_t i = 0; i < supervisor->count; i++) {
		struct child *child = &supervisor->children[i];

		supervisor_reap(supervisor, child);
		if (child->pid == 0 && !child->over && child->again_us <= now) {
			supervisor_start(supervisor, child);
		}
		if (child->pid == 0 && !child->over && child->again_us < due) {
			due = child->again_us;
		}
		if (child->pid != 0 && child->pidfd < 0 && now + 100000 < due) {
			due = now + 100000; /* there is no pidfd to wait for */
		}
	}
	return due > now ? (int)((due - now) / 1000 + 1) : 0;
}

/* ---- ending ---- */

/* Waits until the process has ended or the deadline has passed. False: it still runs. */
static bool supervisor_wait_end(struct supervisor *supervisor, struct child *child,
				uint64_t deadline)
{
	for (;;) {
		uint64_t now = sched_now_us(supervisor->sched);
		struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };
		uint64_t left = deadline > now ? (deadline - now) / 1000 + 1 : 0;

		supervisor_reap(supervisor, child);
		if (child->pid == 0 || left == 0) {
			return child->pid == 0;
		}
		(void)poll(&fd, 1, child->pidfd >= 0 ? (int)left : left < 20 ? (int)left : 20);
	}
}

static bool supervisor_end_child(struct supervisor *supervisor, struct child *child,
				 uint64_t grace_us)
{
	child->over = true;
	if (child->pid == 0) {
		return true;
	}
	(void)kill(child->pid, SIGTERM);
	if (supervisor_wait_end(supervisor, child, sched_now_us(supervisor->sched) + grace_us)) {
		return true;
	}
	log_warning("the %s did not end on SIGTERM and is killed", child->spec.name);
	(void)kill(child->pid, SIGKILL);
	return supervisor_wait_end(supervisor, child, sched_now_us(supervisor->sched) + KILLED_US);
}

void supervisor_end(struct supervisor *supervisor, const char *name, uint64_t grace_us)
{
	struct child *child = supervisor_find(supervisor, name);

	if (child != NULL && !supervisor_end_child(supervisor, child, grace_us)) {
		log_error("the %s (process %d) cannot be ended, going on", name, (int)child->pid);
	}
}

int supervisor_run(struct supervisor *supervisor, const char *name, const struct command *command,
		   uint64_t limit_us)
{
	CLEANUP_FREE char *log = xprintf("%s/%s.log", supervisor->log_dir, name);
	struct child child = { .spec = { .name = name, .once = true }, .pidfd = -1 };
	struct error error = { 0 };

	child.started_us = sched_now_us(supervisor->sched);
	child.pid = child_spawn(command, log, supervisor->lock_fd, &child.pidfd, &error);
	if (child.pid < 0) {
		log_error("cannot run the command of the %s: %s", name, error.text);
		return child.pid;
	}
	if (!supervisor_wait_end(supervisor, &child, child.started_us + limit_us)) {
		(void)supervisor_end_child(supervisor, &child, 0);
		return -ETIMEDOUT;
	}
	return child.status;
}

/* ---- questions ---- */

pid_t supervisor_pid(const struct supervisor *supervisor, const char *name)
{
	const struct child *child = supervisor_find(supervisor, name);

	return child != NULL ? child->pid : 0;
}

unsigned int supervisor_restarts(const struct supervisor *supervisor, const char *name)
{
	const struct child *child = supervisor_find(supervisor, name);

	return child != NULL && child->starts > 0 ? child->starts - 1 : 0;
}

bool supervisor_ended(const struct supervisor *supervisor, const char *name, int *ret_status)
{
	const struct child *child = supervisor_find(supervisor, name);

	if (child == NULL || !child->over || child->pid != 0) {
		return false;
	}
	*ret_status = child->status;
	return true;
}

unsigned int supervisor_changes(const struct supervisor *supervisor)
{
	return supervisor->changes;
}
