/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that start programs. A guest can block the thread that starts a program (spawn.h), so
 * these threads do nothing else. There are two of them. While all are blocked, more are started, up
 * to SPAWNER_THREADS_MAX. When none of them has taken a program from the queue for SPAWNER_WAIT_US,
 * those that have waited so long are refused with EAGAIN. All functions are called in the supervisor's thread.
 */
#ifndef ASB_RUNTIME_EXEC_SPAWNER_H
#define ASB_RUNTIME_EXEC_SPAWNER_H

#include "base/sched.h"
#include "runtime/exec/spawn.h"

#define SPAWNER_THREADS_MAX 256u
#define SPAWNER_WAIT_US 10000000u

struct sock_fprog;
struct spawner;

/* wake: an eventfd, written when a program was refused. filter: for the programs (protect.h), or NULL;
 * it must live as long as the spawner. */
struct spawner *spawner_create(struct sched *sched, int wake, const struct sock_fprog *filter);
/* Everything submitted must have returned or been cancelled. A thread that is still blocked after a
 * second is left behind with the memory that it uses; the process must end then. NULL is fine. */
void spawner_destroy(struct spawner *spawner);
/* Takes a reference of its own. */
void spawner_submit(struct spawner *spawner, struct spawn *spawn, uint64_t now);
/* The program must not run any more. One that still waits for a thread is refused with ECANCELED at
 * once. A child that exists already is the caller's to kill. */
void spawner_cancel(struct spawner *spawner, struct spawn *spawn);
/* Starts and ends threads as needed. Returns when to call it again. */
uint64_t spawner_tend(struct spawner *spawner, uint64_t now);

#endif
