/* SPDX-License-Identifier: Apache-2.0 */
/* One child process and its log. Private to local/supervise*.c. */
#ifndef ASB_LOCAL_SUPERVISE_PRIVATE_H
#define ASB_LOCAL_SUPERVISE_PRIVATE_H

#include "local/supervise.h"

/* Starts it with /dev/null, the log (appended to, mode 0600), and lock_fd as descriptor 3; a process
 * group of its own, so that a Ctrl-C of the terminal is ours alone. Its pid, or a negative code. */
pid_t child_spawn(const struct command *command, const char *log, int lock_fd, int *ret_pidfd,
		  struct error *reterr);
/* Moves a log of more than most bytes to <log>.1 and empties it; the writer goes on at its new end,
 * as it appends. A line written meanwhile may be lost. */
void child_log_cut(const char *log, size_t most);

#endif
