/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes share: server_config.arg points to it, so request_arg() of every route does. Made
 * by main before the server, ended after it. */
#ifndef ASB_RUNTIME_RUNTIME_H
#define ASB_RUNTIME_RUNTIME_H

#include <stdint.h>

#include "runtime/exec/output.h"
#include "runtime/files/path.h"

struct sched;
struct supervisor;

struct runtime {
	struct sched *sched;
	struct supervisor *supervisor;
	struct output_budget budget; /* of what commands wrote and nobody has read yet */
	uint64_t exec_timeout_s;     /* of commands that ask for none; 0: none */
	uint64_t output_max;         /* of a stream of a command */
	struct base base;            /* the directory that commands run in and files are below */
};

#endif
