/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime that runs nothing: containers are rows of a table, starting one is immediate, addresses
 * come from 10.88.0.0/16. For tests and for trying the node without Podman. What an image does
 * stands in its name:
 *
 *	fake/crash:N    exits with N at once
 *	fake/exit0      exits with 0 at once
 *	fake/missing    cannot be pulled
 *	fake/INVALID    is no name
 *	fake/hang       does not end by SIGTERM, only when its grace is over
 *	fake/broken     is there, but cannot be started
 *	anything else   runs until it is stopped, then exits with 143
 */
#ifndef ASB_NODE_RUNTIME_FAKE_H
#define ASB_NODE_RUNTIME_FAKE_H

#include "base/sched.h"
#include "node/runtime/runtime.h"

/* file: where the table is stored, so that it outlives a kill -9 of the node as real containers do;
 * NULL: in memory alone. Borrowed: nothing. */
int fake_runtime_create(struct sched *sched, const char *file, runtime_changed changed, void *arg,
			struct runtime **ret, struct error *reterr);
/* For tests: ends a container as if it had ended by itself. */
void fake_runtime_exit(struct runtime *runtime, const char *uid, const char *name, int exit_code);
/* How often ensure_image was asked to pull, and containers were started: for tests. */
uint32_t fake_runtime_pulls(struct runtime *runtime);
uint32_t fake_runtime_starts(struct runtime *runtime);

#endif
