/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that waits for the file system, done by a few threads of its own, so that the server's thread
 * never does. A handler embeds a struct work in its state, begins it for a request, submits it as often
 * as it likes, one step at a time, and is told in the server's thread when a step is over or has been
 * given up. A guest can make a file system that never answers: such a step is given up after
 * WORK_RUN_US, its thread is lost until the file system answers, and when all threads are lost, what
 * waits for one is refused after WORK_QUEUE_US. The threads are started with the server, before a guest
 * can use up what the system has of them.
 */
#ifndef ASB_RUNTIME_HTTP_WORK_H
#define ASB_RUNTIME_HTTP_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/http/server.h"

#define WORK_THREADS 8u         /* a stuck one is a lost one; idle ones cost a few pages */
#define WORK_MAX 1024u          /* begun at once; each may hold a piece of a file in memory */
#define WORK_RUN_US 10000000u   /* of one step: a piece of 64 KiB, a search, a slice of a list */
#define WORK_QUEUE_US 5000000u  /* until a thread is free for a step */
#define WORK_FINISH_US 1000000u /* for steps that are still done when the server ends */

struct work;
struct work_pool;
struct request;

enum work_state {
	WORK_IDLE,
	WORK_QUEUED,
	WORK_RUNNING,
	WORK_FINISHED, /* and done has not been called yet */
	WORK_STATE_MAX
};

struct work {
	/* In a thread of the pool: a step. It must not touch the request. */
	void (*run)(struct work *work);
	/* In the server's thread: the step is over (0), was given up while it ran (-ETIMEDOUT: no other
	 * may be submitted), or found no thread (-EAGAIN). Not called once the request has ended. */
	void (*done)(struct work *work, int outcome);
	/* In a thread of the pool: the request has ended and no step runs. Closes and frees all. */
	void (*destroy)(struct work *work);
	struct request *request; /* for the server's thread alone; NULL once it has ended */

	struct work_pool *pool;
	struct work *next,
		*previous;       /* lock of the pool: the queue, or those that run, or are over */
	enum work_state state;   /* lock */
	bool unwanted, given_up; /* lock */
	uint64_t since;          /* lock: in this state */
};

/* limit: how many may be begun at once. Starts the threads. */
struct work_pool *work_pool_create(struct sched *sched, struct server *server, size_t limit);
/* After all requests have ended. False: a thread still waits for the file system, so that the pool and
 * what its work refers to cannot be freed, and the process should end. NULL is fine. */
bool work_pool_destroy(struct work_pool *pool);
/* Gives up what has taken too long, and what waits for a thread on behalf of a client that has gone. In
 * the server's thread, every now and then. */
void work_pool_expire(struct work_pool *pool, uint64_t now);

/* Binds it to the request, whose data it becomes. False: too many are begun, and the request is
 * answered; the work is still the caller's. */
bool work_begin(struct work *work, struct request *request);
/* Does the next step. Only after work_begin or done. */
void work_submit(struct work *work);
/* The response for an outcome that is not 0: 503 or 504, with Retry-After. */
void work_response_failed(struct request *request, int outcome);

#endif
