/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport that makes up the watch streams of a large cluster: N Sandboxes with a pod and a Service each, or one pool of N pods;
 * all in the state at which the controller leaves them, as an API server prints them. Pods can be touched: their Ready condition
 * gets another time, which wakes whom a pod concerns and leaves nothing to do.
 */
#ifndef ASB_BENCH_SCALE_WORLD_H
#define ASB_BENCH_SCALE_WORLD_H

#include <stdbool.h>

#include "base/sched.h"
#include "net/transport.h"

struct scale_world {
	struct transport transport; /* first */
	struct sched *sched;
	unsigned int count;
	bool pool; /* the pods are those of one pool */

	struct sched_mutex lock;
	struct sched_cond changed;
	unsigned int touched; /* lock: touches asked for */
	unsigned int sent;    /* lock: touches that the reader has taken */
	bool stopped;         /* lock */
	unsigned int writes;  /* lock: requests that were no reading */
};

void scale_world_init(struct scale_world *world, struct sched *sched, unsigned int count,
		      bool pool);
void scale_world_finish(struct scale_world *world);
/* Sends MODIFIED events of so many further pods, one after the other. */
void scale_world_touch(struct scale_world *world, unsigned int pods);
/* Whether all of them have been read. */
bool scale_world_settled(struct scale_world *world);

#endif
