/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts one program as posix_spawn does: the child shares the server's memory until it runs the
 * program, so that the cost does not depend on the size of the server. It also sets what
 * posix_spawn has no attribute for: another user, an OOM score, and a process tag that tree.h finds
 * it by.
 *
 * The thread that starts a program is blocked until the program runs or could not be run, and a
 * guest decides how long that takes: it may stop the child, hold a lease on the program's file, or
 * be the one that serves the file system. So the threads of spawner.h do it, and their callers can
 * give up.
 */
#ifndef ASB_RUNTIME_EXEC_SPAWN_H
#define ASB_RUNTIME_EXEC_SPAWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "runtime/exec/command.h"

struct user;

enum spawn_step { SPAWN_FORK, SPAWN_DIRECTORY, SPAWN_USER, SPAWN_RUN };

/* It lies at the low end of the mapping that holds the child's stack; server and child always share
 * this mapping. The caller that waits for the program and the thread that starts it have a
 * reference each. The caller sets the fields above the line before it gives the second reference
 * away. */
struct spawn {
	struct program program;  /* what to run; freed once it runs */
	const char *directory;   /* where it starts; borrowed, lives as long as the server */
	char *cwd;               /* relative to directory; NULL: directory itself */
	int in, out, err;        /* closed once the child has them, but in only without keep_in */
	bool keep_in;            /* in belongs to the server */
	bool session;            /* start a session, not only a process group */
	const struct user *user; /* NULL: the server's own user */
	uint64_t tag;            /* the process tag of its tree; 0: none */
	struct rlimit files;     /* RLIMIT_NOFILE, as it was before the server raised its own */
	/* ---- */
	atomic_uint references;
	atomic_int pid;  /* 0: there is no child yet; the kernel sets it before the child runs */
	atomic_int code; /* negative errno: the program was not run */
	atomic_bool cancelled; /* a child that does not run the program yet must not run it */
	atomic_bool returned;  /* the thread is done: no child blocks it any more */
	enum spawn_step step;  /* the step that failed with code */
	uint64_t queued_at;    /* spawner.c */
	struct spawn *next;    /* spawner.c */
};

/* NULL with errno when there is no memory. One reference; all descriptors -1. */
struct spawn *spawn_create(void);
/* Drops a reference. The last one closes what is still open and frees it. NULL is fine. */
void spawn_unref(struct spawn *spawn);
/* Starts the child, which leads a process group of its own, in a thread that may be blocked. Sets
 * pid, code and step, and returned at last. */
void spawn_run(struct spawn *spawn);
/* Gives up without a child: sets code, and returned at last. */
void spawn_refuse(struct spawn *spawn, int code);
/* Whether it ended without a child. */
bool spawn_was_refused(const struct spawn *spawn);
/* Whether this process has a controlling terminal, which its children could use. */
bool spawn_has_terminal(void);

#endif
