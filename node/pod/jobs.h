/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes long and must not hold up a worker: pulls, stops with their grace, hooks. Each has a
 * name, runs on a thread of its own, and at most once at a time by that name. Any thread.
 */
#ifndef ASB_NODE_POD_JOBS_H
#define ASB_NODE_POD_JOBS_H

#include <stdbool.h>

#include "base/sched.h"

#define JOBS_MAX 256 /* threads at one time: twice the pods a node has, most of them asleep */

struct jobs;
struct jobs *jobs_create(struct sched *sched);
/* Waits until all have ended; false when that takes until after the deadline. */
bool jobs_wait(struct jobs *jobs, uint64_t deadline_us);
/* Waits for as long as it takes. */
void jobs_destroy(struct jobs *jobs);
/* Runs run(arg) on a thread, then release(arg). False, and arg stays the caller's: one of that name
 * runs, or there are JOBS_MAX. name is copied. */
bool jobs_start(struct jobs *jobs, const char *name, void (*run)(void *arg),
		void (*release)(void *arg), void *arg);
bool jobs_running(struct jobs *jobs, const char *name);

#endif
