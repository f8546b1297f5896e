/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon's child does between fork and exec. */
#ifndef ASB_BASE_CHILD_H
#define ASB_BASE_CHILD_H

#include <sys/types.h>

/*
 * In the child: it ends with the thread that forked it (SIGTERM), blocks and ignores no signal, and
 * leads a group of its own, so that a terminal's Ctrl-C reaches only the parent. Exits with 127
 * where parent, the process that forked, is gone already. It only calls functions that are safe
 * while other threads run.
 */
void child_begin(pid_t parent);

#endif
