/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes share: server_config.arg points to it, so request_arg() of every route does. Made
 * by main before the server, ended after it. */
#ifndef ASB_RUNTIME_RUNTIME_H
#define ASB_RUNTIME_RUNTIME_H

#include "runtime/path.h"

struct sched;

struct runtime {
	struct sched *sched;
	struct base base; /* the folder that commands run in and files are below */
};

#endif
