/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which signals end the server. */
#ifndef ASB_RUNTIME_EXEC_SIGNALS_H
#define ASB_RUNTIME_EXEC_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

struct signalfd_siginfo;

/*
 * Whether a signal may end the process with the number self. The kernel drops signals that a guest
 * sends to the first process of its PID namespace, but not those that this process blocks, and the
 * server blocks all. So the server as the first process checks the sender. A sender outside of the
 * namespace, and the terminal, have no number inside; a sender in a nested namespace has one.
 *
 * The number is reliable only where the kernel wrote it: sigqueue (a negative code) lets the sender
 * choose it, and the signal of a descriptor (F_SETSIG, a POLL_* code) has none.
 */
bool signals_count(const struct signalfd_siginfo *info, pid_t self);

#endif
