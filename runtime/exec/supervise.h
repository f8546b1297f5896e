/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor runs commands in one thread of its own: it starts them, reads what they write,
 * enforces their timeouts, kills their process trees and reaps every process that ends, orphans
 * included. So the HTTP thread never waits for a guest.
 *
 * A command is done when its first process and both outputs have ended, or 200 ms after its first
 * process. Processes that it left in the background (a daemon started on purpose) live on until the
 * server ends; what they write is dropped. A timeout and a cancel kill the whole tree (tree.h).
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
	const char *base_dir;    /* looked up for each command: it may be replaced */
	const struct user *user; /* NULL: the server's own user */
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

/* How the command ended; valid from on_end on. */
struct execution_result {
	int exit_code; /* -N: killed by signal N */
	int signal;    /* 0: none */
	bool timed_out;
	char *failure; /* why it was not started, for people; NULL: it was started */
};

/* All but destroy are called in the supervisor's thread. None may block. */
struct execution_handler {
	/* Returns false to stop reading until execution_resume. */
	bool (*on_output)(void *arg, enum execution_stream stream, const char *data, size_t length);
	/* Optional: called once at the time that execution_set_timer has set; SCHED_FOREVER:
	 * never. */
	void (*on_timer)(void *arg, uint64_t now);
	/* Called once, after all others. */
	void (*on_end)(void *arg, const struct execution_result *result);
	/* Called when nobody uses arg any more; in either thread. */
	void (*destroy)(void *arg);
};

/* Takes the command, also when it returns NULL: too many commands run. The caller owns a reference.
 * handler is borrowed for ever. execution_start must follow; nothing is called before it. */
struct execution *execution_create(struct supervisor *supervisor, struct command *take_command,
				   const struct execution_handler *handler, void *arg);
void execution_start(struct execution *execution);
/* Kills its process tree; on_end is called afterwards. */
void execution_cancel(struct execution *execution);
void execution_resume(struct execution *execution);
/* Only on_output and on_timer may call it, and the creator before execution_start. */
void execution_set_timer(struct execution *execution, uint64_t at_us);
void execution_ref(struct execution *execution);
void execution_unref(struct execution *execution);

#endif
