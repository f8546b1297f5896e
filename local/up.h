/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of local mode. `up` serves the API in its own process and runs node, controller and
 * router, the programs that are installed next to it, as child processes. When it ends, it ends
 * them and the containers. The state stays, and the next `up` continues with it.
 */
#ifndef ASB_LOCAL_UP_H
#define ASB_LOCAL_UP_H

#include "base/error.h"

#define UP_NODE_NAME "local"
#define UP_STATE_DIR_MAX 64 /* characters: the path of a socket in it may have at most 107 */

/* Exit statuses of `status`, after systemctl's. */
enum { STATUS_GOOD = 0, STATUS_NOT_ALL = 1, STATUS_NOTHING = 3 };

struct local_options;

/* Each command returns a negative code and *reterr when it fails. signals is a signalfd. */

/* Runs until a signal comes. */
int up_run(const struct local_options *options, int signals, struct error *reterr);
/* Returns 0 when nothing runs any more. */
int down_run(const struct local_options *options, int signals, struct error *reterr);
/* Returns one of the exit statuses above. */
int status_run(const struct local_options *options, struct error *reterr);

#endif
