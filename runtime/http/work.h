/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may wait for the file system. A few threads do it, so that the server's thread never
 * waits. A handler embeds a struct work in its state, starts it for a request (work_begin), and
 * submits one step after the other. It is called in the server's thread when a step has ended or is
 * given up. A guest can make a file system that never responds: such a step is given up after
 * WORK_RUN_US, and its thread is lost until the file system responds. While all threads are lost,
 * work that waits for one is refused after WORK_QUEUE_US. The threads are started with the server,
 * before a guest can use up all threads of the system.
 */
#ifndef ASB_RUNTIME_HTTP_WORK_H
#define ASB_RUNTIME_HTTP_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "runtime/http/server.h"

#define WORK_THREADS 8u /* a blocked thread is lost for others; an idle one costs a few pages */
#define WORK_MAX 1024u  /* at once; each may hold a piece of a file in memory */
#define WORK_RUN_US 10000000u   /* of one step: a piece of 64 KiB, a search, a slice of a list */
#define WORK_QUEUE_US 5000000u  /* how long a step may wait for a thread */
#define WORK_FINISH_US 1000000u /* for steps that still run when the server ends */

struct work;
struct work_pool;
struct request;

enum work_state {
	WORK_IDLE,
	WORK_QUEUED,
	WORK_RUNNING,
	WORK_FINISHED, /* done has not been called yet */
	WORK_STATE_MAX
};

struct work {
	/* In a thread of the pool: does a step. It must not touch the request. */
	void (*run)(struct work *work);
	/* In the server's thread: the step has ended (0), was given up while it ran (-ETIMEDOUT: no
	 * other step may be submitted), or found no free thread (-EAGAIN). Not called after the end
	 * of the request. */
	void (*done)(struct work *work, int outcome);
	/* In a thread of the pool, after the end of the request and of all steps: frees
	 * everything. */
	void (*destroy)(struct work *work);
	struct request *request; /* only for the server's thread; NULL after its end */

	struct work_pool *pool;
	TAILQ_ENTRY(work) link;  /* lock of the pool: in the list of its state */
	enum work_state state;   /* lock */
	bool unwanted, given_up; /* lock */
	uint64_t since;          /* lock: in this state */
};

/* Starts the threads. limit: how much work there may be at once. */
struct work_pool *work_pool_create(struct sched *sched, struct server *server, size_t limit);
/* To be called after the end of all requests. False: a thread still waits for the file system,
 * so that the pool and what its work refers to cannot be freed; the process should end. NULL is
 * fine. */
bool work_pool_destroy(struct work_pool *pool);
/* Gives up steps that take too long, and work that waits for a thread although its client has gone.
 * The server's thread calls it regularly. */
void work_pool_expire(struct work_pool *pool, uint64_t now);

/* Makes the work the data of the request. False: there is too much work already; the request has
 * been answered with 503, and the caller still owns the work. */
bool work_begin(struct work *work, struct request *request);
/* Submits the next step. Only after work_begin or done. */
void work_submit(struct work *work);
/* Responds to an outcome that is not 0: 503 or 504, with Retry-After. */
void work_respond_failed(struct request *request, int outcome);

#endif
