/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local mode as commands. `up` serves the API in its own process and keeps node, controller and
 * router as children: the programs that are installed beside it. Ended, it ends all of them and the
 * containers; the state stays, and the next `up` goes on with it.
 */
#ifndef ASB_LOCAL_UP_H
#define ASB_LOCAL_UP_H

#include "base/error.h"

#define UP_NODE_NAME "local"
#define UP_STATE_DIR_MAX 64 /* characters: sockets in it must have paths of at most 107 */

/* Exit statuses of `status`, after systemctl's. */
enum { STATUS_GOOD = 0, STATUS_NOT_ALL = 1, STATUS_NOTHING = 3 };

struct local_options;

/* Until a signal comes; signals is a signalfd. 0, or a negative code and *reterr. */
int up_run(const struct local_options *options, int signals, struct error *reterr);
/* 0: nothing runs (any more). */
int down_run(const struct local_options *options, int signals, struct error *reterr);
/* An exit status of above, or a negative code. */
int status_run(const struct local_options *options, struct error *reterr);

#endif
