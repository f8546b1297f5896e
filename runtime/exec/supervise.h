/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs commands and watches over them, in one thread of its own: it starts them, reads what they
 * write, counts their time, ends their trees, and reaps whatever dies, orphans too, so that the
 * HTTP thread never waits for a guest.
 *
 * A command is over when its first process has ended and both outputs have, or 200 ms after that
 * process: what it left behind in the background lives on (a daemon started on purpose), without an
 * output, until the server ends. On timeout and on cancel all of its tree is killed (tree.h).
 *
 * supervisor_create makes the process a subreaper and takes its SIGCHLD, SIGTERM and SIGINT, which
 * must be blocked in all threads.
 */
#ifndef ASB_RUNTIME_EXEC_SUPERVISE_H
#define ASB_RUNTIME_EXEC_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/sched.h"
#include "runtime/exec/command.h"

struct supervisor;
struct execution;
struct user;

#define EXECUTIONS_MAX 2000u /* at once; more are refused */
#define EXIT_TIMED_OUT 124

struct supervisor_config {
	const char *base_dir;    /* looked up for each command: it may be made again */
	const struct user *user; /* NULL: as we are */
	char *const *environment;
	struct rlimit files;          /* RLIMIT_NOFILE of commands */
	void (*on_signal)(void *arg); /* SIGTERM or SIGINT; in the supervisor's thread */
	void *arg;
};

int supervisor_create(struct sched *sched, const struct supervisor_config *config,
		      struct supervisor **ret, struct error *reterr);
/* From any thread: ends all commands; new ones are refused. */
void supervisor_stop(struct supervisor *supervisor);
/* Stops, kills what commands left behind, waits for the thread. NULL is fine. */
void supervisor_destroy(struct supervisor *supervisor);

enum execution_stream { EXECUTION_OUT, EXECUTION_ERR, EXECUTION_STREAMS };

/* How it ended; valid from on_end on. */
struct execution_result {
	int exit_code; /* -N: killed by signal N */
	int signal;    /* 0: none */
	bool timed_out;
	char *failure; /* it was not started: the text for people. NULL: it was */
};

/* Called in the supervisor's thread; none may block. */
struct execution_handler {
	/* false: nothing more is read until execution_resume. */
	bool (*on_output)(void *arg, enum execution_stream stream, const char *data, size_t length);
	/* Optional: at the time it said last; SCHED_FOREVER for never. Set by execution_set_timer. */
	void (*on_timer)(void *arg, uint64_t now);
	/* Once, at last. */
	void (*on_end)(void *arg, const struct execution_result *result);
	/* When nobody uses arg any more; in either thread. */
	void (*destroy)(void *arg);
};

/* Takes the command. NULL when there are too many. The caller owns a reference. handler is static.
 * Nothing happens, and nothing is called, before execution_start, which must follow. */
struct execution *execution_create(struct supervisor *supervisor, struct command *take_command,
				   const struct execution_handler *handler, void *arg);
void execution_start(struct execution *execution);
/* Nobody waits for it any more: its tree is killed; on_end comes. */
void execution_cancel(struct execution *execution);
void execution_resume(struct execution *execution);
/* In on_output or on_timer alone. */
void execution_set_timer(struct execution *execution, uint64_t at_us);
void execution_ref(struct execution *execution);
void execution_unref(struct execution *execution);

#endif
