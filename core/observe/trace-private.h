/* SPDX-License-Identifier: Apache-2.0 */
/* What spans (trace.c) and their sending (trace-export.c) share. */
#ifndef ASB_CORE_OBSERVE_TRACE_PRIVATE_H
#define ASB_CORE_OBSERVE_TRACE_PRIVATE_H

#include "core/observe/trace.h"

struct tracer {
	struct tracer_config config;
	char *path, *service;
	struct metric *spans; /* result: sent, failed, dropped */
	struct sched_thread *thread;
	struct transport *own; /* made by tracer_connect; NULL: somebody else's */

	struct sched_mutex lock;
	struct sched_cond changed;
	struct span *ring;   /* lock; TRACE_RING of them */
	size_t first, count; /* lock */
	bool stopping;       /* lock */
};

/* Takes a copy, or drops it when the ring is full. */
void tracer_add(struct tracer *tracer, const struct span *span);

#endif
