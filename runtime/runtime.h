/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes share. server_config.arg points to it, and so request_arg() in every route.
 * main.c makes it before the server and frees it after the server. */
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
	struct output_budget budget; /* memory for outputs that are not sent yet */
	uint64_t exec_timeout_s;     /* of commands without one; 0: none */
	uint64_t output_max;         /* bytes kept of stdout, and of stderr */
	struct base base;            /* where commands run and where all files are */
};

#endif
