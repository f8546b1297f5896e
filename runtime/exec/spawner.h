/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that start programs, so that nobody else is held up by one that a guest does not let come
 * to its exec. There are two; while all of them are held up there are more, until SPAWNER_THREADS_MAX
 * is reached: then what has waited for SPAWNER_WAIT_US is refused with EAGAIN.
 */
#ifndef ASB_RUNTIME_EXEC_SPAWNER_H
#define ASB_RUNTIME_EXEC_SPAWNER_H

#include "base/sched.h"
#include "runtime/exec/spawn.h"

#define SPAWNER_THREADS_MAX 256u
#define SPAWNER_WAIT_US 10000000u

struct spawner;

/* wake: an eventfd that is written when a program was refused. */
struct spawner *spawner_create(struct sched *sched, int wake);
/* All that was submitted has returned or was cancelled. A thread that is still held up after a second
 * stays behind, and so does the memory that it uses: the process is to end then. NULL is fine. */
void spawner_destroy(struct spawner *spawner);
/* Takes a reference of its own. */
void spawner_submit(struct spawner *spawner, struct spawn *spawn, uint64_t now);
/* It shall not run its program. Where it was still waiting it returns at once, as refused with
 * ECANCELED. A child that is there already is the caller's to kill. */
void spawner_cancel(struct spawner *spawner, struct spawn *spawn);
/* Starts and ends threads as needed; says when to call it again. */
uint64_t spawner_tend(struct spawner *spawner, uint64_t now);

#endif
