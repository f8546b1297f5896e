/* SPDX-License-Identifier: Apache-2.0 */
/* What supervise.c and execution.c share. Only they include it. */
#ifndef ASB_RUNTIME_EXEC_SUPERVISE_PRIVATE_H
#define ASB_RUNTIME_EXEC_SUPERVISE_PRIVATE_H

#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "runtime/exec/drain.h"
#include "runtime/exec/spawner.h"
#include "runtime/exec/supervise.h"
#include "runtime/exec/tree.h"

#define READ_SIZE 65536u

enum execution_state {
	EXECUTION_NEW,
	EXECUTION_RUNNING,  /* its first process is there, or is being started */
	EXECUTION_DRAINING, /* its first process has ended; its outputs are still read */
	EXECUTION_KILLING,  /* its processes are being killed */
	EXECUTION_DONE
};

/* What other threads ask of the supervisor's thread. */
#define INBOX_START (1u << 0)
#define INBOX_CANCEL (1u << 1)
#define INBOX_RESUME (1u << 2)

struct execution_pipe {
	struct execution *execution;
	int fd; /* -1: the output has ended */
	bool paused;
};

struct execution {
	struct supervisor *supervisor;
	const struct execution_handler *handler;
	void *arg;
	struct command command;
	atomic_uint references;

	struct execution *next_in_inbox; /* supervisor->lock */
	unsigned int requested;          /* supervisor->lock; INBOX_* */
	bool queued;                     /* supervisor->lock; it is in the inbox */

	/* Only the supervisor's thread uses the rest. */
	LIST_ENTRY(execution) link; /* in supervisor->executions */
	enum execution_state state;
	struct spawn *spawn;  /* the start of its first process; NULL once the program runs */
	pid_t pid;            /* of its first process once the program runs; 0: it is reaped */
	uint64_t continue_at; /* when to send SIGCONT to a child without a program */
	uint64_t tag;         /* that its processes are found by */
	struct execution_pipe pipes[EXECUTION_STREAMS];
	uint64_t deadline; /* when the state ends at the latest */
	uint64_t kill_at;  /* EXECUTION_KILLING: when to look for its processes next */
	uint64_t timer_at; /* when to call handler->on_timer */
	struct execution_result result;
};

struct supervisor {
	struct sched *sched;
	struct supervisor_config config;
	struct sched_thread *thread;
	int epoll, wake, signals, null;

	struct sched_mutex lock;
	struct execution *inbox, **inbox_end; /* lock */
	size_t count;                         /* lock; executions that are not done */
	bool stop;                            /* lock */

	/* Only the supervisor's thread uses the rest. */
	struct spawner *spawner;
	struct drains *drains;
	uint64_t drain_at; /* SCHED_FOREVER: whenever epoll reports the drains */
	uint64_t walk_at;  /* when /proc may be walked next: walks take half of the thread's time at most */
	bool more_to_reap;
	bool has_terminal;
	struct tree_tags tags;
	struct rlimit files;
	LIST_HEAD(, execution) executions; /* those that are started and not done */
	char buffer[READ_SIZE];
};

/* execution.c: all of it is called in the supervisor's thread. */
/* Prepares the first process and submits it to the spawner. */
void execution_begin(struct execution *execution);
/* Reads once from an output that has something. */
void execution_read(struct execution_pipe *end);
/* Starts to kill its processes. Does nothing when it is being killed already, or done. */
void execution_kill(struct execution *execution, bool timed_out);
/* The number of its first process; 0 when there is none now. */
pid_t execution_pid(const struct execution *execution);
/* Its first process has ended; code and status are those of siginfo_t. */
void execution_reaped(struct execution *execution, int code, int status);
/* Reads its outputs again after on_output has returned false. */
void execution_go_on(struct execution *execution);
/* EXECUTION_KILLING: kills its first process, and returns what its other processes are found by. */
void execution_target(struct execution *execution, struct tree_target *ret);
/* EXECUTION_KILLING: so many of its processes were found and killed. It is EXECUTION_DONE afterwards
 * when there were none. */
void execution_killed(struct execution *execution, size_t found, uint64_t now);
/* Does what is due at now. The supervisor removes it when its state is EXECUTION_DONE
 * afterwards. */
void execution_advance(struct execution *execution, uint64_t now);
/* When to call execution_advance next. */
uint64_t execution_next(const struct execution *execution);

#endif
