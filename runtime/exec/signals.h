/* SPDX-License-Identifier: Apache-2.0 */
/* Which signals end the server. */
#ifndef ASB_RUNTIME_EXEC_SIGNALS_H
#define ASB_RUNTIME_EXEC_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

struct signalfd_siginfo;

/*
 * Whether a signal may end the process with the number self. The kernel drops the signals that a guest
 * sends to the first process of its PID namespace, but it queues those that this process blocks, as
 * the server does with all. So the first process has to look at the sender: one outside of the
 * namespace, and the terminal, have no number inside, while a nested namespace's have one.
 *
 * The number counts only where the kernel wrote it: a sender makes up what it queues (sigqueue, a
 * negative code), and the signal of a descriptor (F_SETSIG, a POLL_* code) has none.
 */
bool signals_count(const struct signalfd_siginfo *info, pid_t self);

#endif
