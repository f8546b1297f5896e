/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One start of a program, as posix_spawn does it (the child shares our memory until it runs the
 * program, so that it costs the same whatever our size), with what posix_spawn has no attribute for:
 * another user, its own place among the killable, a mark that tree.h finds it by.
 *
 * The thread that starts a program is held up until the program runs or could not be run, and a guest
 * decides how long that takes: it may stop the child, hold a lease on the program's file, or answer for
 * the file system. So the threads of spawner.h do it, and whoever waits for the program may give up.
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

enum spawn_step { SPAWN_FORK, SPAWN_FOLDER, SPAWN_USER, SPAWN_RUN };

/* Lies at the low end of the mapping that holds the child's stack, which server and child share
 * whatever else they share. Who waits for the program and the thread that starts it have a reference
 * each; the fields above the line are set before the second one is given away. */
struct spawn {
	struct program program;  /* what to run; gone once it runs */
	const char *directory;   /* where it starts; borrowed, outlives all of them */
	char *cwd;               /* from there; NULL: there */
	int in, out, err;        /* closed when the child has them; in is kept if keep_in */
	bool keep_in;            /* in is the server's own */
	bool session;            /* a session of its own, not only a process group */
	const struct user *user; /* NULL: as we are */
	uint64_t mark;           /* of its tree; 0: none */
	struct rlimit files;     /* RLIMIT_NOFILE, which the server raised for itself */
	/* ---- */
	atomic_uint references;
	atomic_int pid;   /* 0: there is no child yet; the kernel sets it before the child runs */
	atomic_int error; /* negative errno: the program was not run */
	atomic_bool cancelled; /* a child that has not run the program yet must not */
	atomic_bool returned;  /* the thread is done: no child holds up anybody */
	enum spawn_step step;  /* where error came from */
	uint64_t queued_at;    /* spawner.c */
	struct spawn *next;    /* spawner.c */
};

/* NULL with errno when there is no memory. One reference; all descriptors -1. */
struct spawn *spawn_create(void);
/* The last one frees it, and closes what is still open. */
void spawn_unref(struct spawn *spawn);
/* In a thread that may be held up: the child leads its own process group. Sets pid, error and step,
 * then returned. */
void spawn_run(struct spawn *spawn);
/* Without a child: sets error, then returned. */
void spawn_refuse(struct spawn *spawn, int error);
/* Whether it ended without a child. */
bool spawn_was_refused(const struct spawn *spawn);
/* Whether this process has a controlling terminal, which its children would get at. */
bool spawn_has_terminal(void);

#endif
