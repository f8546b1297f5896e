/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes long and must not hold up a worker: pulls, stops with their grace, hooks. Each has a
 * name, runs on a thread of its own, and at most once at a time by that name. Any thread.
 */
#ifndef ASB_NODE_POD_JOBS_H
#define ASB_NODE_POD_JOBS_H

#include <stdbool.h>

#include "base/sched.h"

#define TASKS_MAX 256 /* threads at one time: twice the pods a node has, most of them asleep */

struct tasks;
struct tasks *tasks_create(struct sched *sched);
/* Waits until all have ended; false when that takes until after the deadline. */
bool tasks_wait(struct tasks *tasks, uint64_t deadline_us);
/* Waits for as long as it takes. */
void tasks_destroy(struct tasks *tasks);
/* Runs run(arg) on a thread, then release(arg). False, and arg stays the caller's: one of that name
 * runs, or there are TASKS_MAX. name is copied. */
bool tasks_start(struct tasks *tasks, const char *name, void (*run)(void *arg),
		 void (*release)(void *arg), void *arg);
bool tasks_running(struct tasks *tasks, const char *name);

#endif
