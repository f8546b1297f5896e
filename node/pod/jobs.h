/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Background jobs, for what takes too long for a worker: pulls, stops with their grace period,
 * hooks, connections of the kubelet server. Each has a name and a thread of its own; one job of a
 * name runs at a time. Any thread.
 */
#ifndef ASB_NODE_POD_JOBS_H
#define ASB_NODE_POD_JOBS_H

#include <stdbool.h>

#include "base/sched.h"

#define JOBS_MAX 256 /* threads at one time: twice the pods of a node; most of them wait */

struct jobs;
struct jobs *jobs_create(struct sched *sched);
/* Waits until all have ended; false when that takes until after the deadline. */
bool jobs_wait(struct jobs *jobs, uint64_t deadline_us);
/* Waits for as long as it takes. */
void jobs_destroy(struct jobs *jobs);
/* Runs run(arg) on a thread, then release(arg). False, and arg stays the caller's: a job of that
 * name runs, or JOBS_MAX jobs run. name is copied. */
bool jobs_start(struct jobs *jobs, const char *name, void (*run)(void *arg),
		void (*release)(void *arg), void *arg);
bool jobs_running(struct jobs *jobs, const char *name);

#endif
