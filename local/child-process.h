/* SPDX-License-Identifier: Apache-2.0 */
/* One child process and its log. */
#ifndef ASB_LOCAL_CHILD_PROCESS_H
#define ASB_LOCAL_CHILD_PROCESS_H

#include "local/supervise.h"

/* Starts a process with standard input from /dev/null, output appended to the log (mode 0600) and
 * lock_fd as descriptor 3. It has a process group of its own, so that Ctrl-C in the terminal
 * reaches only this process. Returns the pid, or a negative code and *reterr; *ret_pidfd is the
 * caller's. */
pid_t child_spawn(const struct command *command, const char *log, int lock_fd, int *ret_pidfd,
		  struct error *reterr);
/* Copies a log of more than `most` bytes to <log>.1 and empties it. The writer continues at the new
 * end, because it appends. A line that is written meanwhile may be lost. */
void child_log_cut(const char *log, size_t most);

#endif
