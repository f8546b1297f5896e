/* SPDX-License-Identifier: Apache-2.0 */
/* A watch that notes when each of a set of objects first became Ready. */
#ifndef ASB_BENCH_LOAD_WATCH_H
#define ASB_BENCH_LOAD_WATCH_H

#include "base/map.h"
#include "base/sched.h"
#include "net/transport.h"

struct load_watch {
	struct sched *sched;
	struct transport *transport;
	const char *path; /* of the collection */

	struct sched_mutex lock;
	struct sched_cond changed;
	struct map names; /* lock; name -> its time */
	size_t ready;     /* lock */
	bool open, ended; /* lock */
	char error[600];  /* lock */
	struct buf line;  /* the watch's thread */
	struct sched_thread *thread;
};

/* Opens it and waits until the server has shown what there is. Returns false with error set when that fails. */
bool load_watch_start(struct load_watch *watch, struct sched *sched, struct transport *transport,
		      const char *path);
/* *ret_us becomes the time of the event that shows name Ready; 0 until then. Before its object exists. */
void load_watch_expect(struct load_watch *watch, const char *name, uint64_t *ret_us);
/* Waits until that many are Ready; false at the deadline or when the watch ended. */
bool load_watch_wait(struct load_watch *watch, size_t count, uint64_t deadline_us);
/* After the transport was stopped. */
void load_watch_finish(struct load_watch *watch);

#endif
