/* SPDX-License-Identifier: Apache-2.0 */
/* What supervise.c and execution.c share. For them alone. */
#ifndef ASB_RUNTIME_EXEC_SUPERVISE_PRIVATE_H
#define ASB_RUNTIME_EXEC_SUPERVISE_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "runtime/exec/drain.h"
#include "runtime/exec/spawner.h"
#include "runtime/exec/supervise.h"
#include "runtime/exec/tree.h"

#define READ_SIZE 65536u

enum execution_state {
	EXECUTION_NEW,
	EXECUTION_RUNS,
	EXECUTION_DRAINS,
	EXECUTION_DIES,
	EXECUTION_OVER
};

#define WANT_START (1u << 0)
#define WANT_CANCEL (1u << 1)
#define WANT_RESUME (1u << 2)

struct execution_pipe {
	struct execution *execution;
	int fd; /* -1: it has ended */
	bool paused;
};

struct execution {
	struct supervisor *supervisor;
	const struct execution_handler *handler;
	void *arg;
	struct command command;
	atomic_uint references;

	struct execution *next_wanted; /* supervisor->lock, as are the next two */
	unsigned int wanted;
	bool queued;

	/* The supervisor's thread alone. */
	struct execution *next, *previous;
	enum execution_state state;
	struct spawn *spawn; /* of its first process, until that runs the program; NULL: then */
	pid_t pid;           /* of its first process from then on; 0: reaped, or never there */
	uint64_t nudge_at; /* when to send it on its way again while it has not come to its exec */
	uint64_t mark;
	struct execution_pipe pipes[EXECUTION_STREAMS];
	uint64_t deadline; /* of what the state waits for */
	uint64_t sweep_at;
	uint64_t timer_at;
	struct execution_result result;
};

struct supervisor {
	struct sched *sched;
	struct supervisor_config config;
	struct sched_thread *thread;
	int epoll, wake, signals, null;

	struct sched_mutex lock;
	struct execution *wanted, **wanted_end; /* lock */
	size_t count;                           /* lock; executions that are not over */
	bool stop;                              /* lock */

	/* The thread alone. */
	struct spawner *spawner;
	struct drains *drains;
	uint64_t drain_at; /* SCHED_FOREVER: when there is something to drain */
	bool more_to_reap;
	bool has_terminal;
	struct tree_marks marks;
	struct rlimit files;
	struct execution *executions;
	char buffer[READ_SIZE];
};

/* execution.c */
void execution_begin(struct execution *execution);
void execution_read(struct execution_pipe *end);
void execution_kill(struct execution *execution, bool timed_out);
/* Of its first process; 0: there is none now. */
pid_t execution_pid(const struct execution *execution);
/* Its first process has ended. */
void execution_reaped(struct execution *execution, int code, int status);
void execution_go_on(struct execution *execution);
/* One step; state OVER afterwards: the supervisor lets go of it. */
void execution_advance(struct execution *execution, uint64_t now);
/* When to call advance next. */
uint64_t execution_next(const struct execution *execution);

#endif
