/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that start programs. A guest can block the thread that starts a program (spawn.h), so
 * these threads do nothing else. There are two of them. While all are blocked, more are started, up
 * to SPAWNER_THREADS_MAX; then a program that has waited for SPAWNER_WAIT_US is refused with
 * EAGAIN. All functions are called in the supervisor's thread.
 */
#ifndef ASB_RUNTIME_EXEC_SPAWNER_H
#define ASB_RUNTIME_EXEC_SPAWNER_H

#include "base/sched.h"
#include "runtime/exec/spawn.h"

#define SPAWNER_THREADS_MAX 256u
#define SPAWNER_WAIT_US 10000000u

struct spawner;

/* wake: an eventfd, written when a program was refused. */
struct spawner *spawner_create(struct sched *sched, int wake);
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
