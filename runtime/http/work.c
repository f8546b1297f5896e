/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that may wait for the file system, their queue and its deadlines. Called by the
 * handlers of files, and by server.c for the deadlines. */
#include "config.h"

#include "runtime/http/work.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "runtime/http/request.h"
#include "runtime/http/server-private.h"

TAILQ_HEAD(work_list, work);

struct work_pool {
	struct sched *sched;
	struct server *server;
	size_t limit;
	struct sched_thread *threads[WORK_THREADS];
	struct server_task task; /* calls done of finished work */

	struct sched_mutex lock;
	struct sched_cond changed;
	struct work_list queue, running, finished; /* lock */
	size_t count;                              /* lock: started and not destroyed */
	size_t alive;                              /* lock: threads */
	bool stopping;                             /* lock */
};

/* ---- lists ---- */

static struct work_list *work_list_of_state(struct work_pool *pool, enum work_state state)
{
	switch (state) {
	case WORK_QUEUED:
		return &pool->queue;
	case WORK_RUNNING:
		return &pool->running;
	case WORK_FINISHED:
		return &pool->finished;
	default:
		return NULL;
	}
}

/* Moves work to the end of the list of its new state. The caller holds the lock. */
static void work_set_state(struct work *work, enum work_state state)
{
	struct work_list *from = work_list_of_state(work->pool, work->state);
	struct work_list *to = work_list_of_state(work->pool, state);

	if (from != NULL) {
		TAILQ_REMOVE(from, work, link);
	}
	work->state = state;
	work->since = sched_now_us(work->pool->sched);
	if (to != NULL) {
		TAILQ_INSERT_TAIL(to, work, link);
	}
}

/* ---- in the threads ---- */

/* The caller holds the lock; it is released meanwhile. */
static void work_destroy(struct work_pool *pool, struct work *work)
{
	work_set_state(work, WORK_IDLE);
	sched_mutex_unlock(&pool->lock);
	work->destroy(work);
	sched_mutex_lock(&pool->lock);
	pool->count--;
}

static void work_run_step(struct work_pool *pool, struct work *work)
{
	if (!work->unwanted) {
		work_set_state(work, WORK_RUNNING);
		sched_mutex_unlock(&pool->lock);
		work->run(work);
		sched_mutex_lock(&pool->lock);
	}
	if (work->unwanted) {
		work_destroy(pool, work);
	} else if (work->given_up) {
		work_set_state(work, WORK_IDLE);
	} else {
		work_set_state(work, WORK_FINISHED);
		server_post(pool->server, &pool->task);
	}
}

static void work_run_thread(void *arg)
{
	struct work_pool *pool = arg;

	LOCKED(&pool->lock);
	while (!TAILQ_EMPTY(&pool->queue) || !pool->stopping) {
		if (!TAILQ_EMPTY(&pool->queue)) {
			work_run_step(pool, TAILQ_FIRST(&pool->queue));
		} else {
			(void)sched_cond_wait(&pool->changed, &pool->lock, SCHED_FOREVER);
		}
	}
	pool->alive--;
	sched_cond_broadcast(&pool->changed);
}

/* ---- in the server's thread ---- */

static struct work *work_next_finished(struct work_pool *pool)
{
	LOCKED(&pool->lock);

	struct work *work = TAILQ_FIRST(&pool->finished);

	if (work != NULL) {
		work_set_state(work, WORK_IDLE);
	}
	return work;
}

static void work_on_task(struct server_task *task)
{
	struct work_pool *pool = CONTAINER_OF(task, struct work_pool, task);
	struct work *work;

	while ((work = work_next_finished(pool)) != NULL) {
		work->done(work, 0);
	}
}

struct work_pool *work_pool_create(struct sched *sched, struct server *server, size_t limit)
{
	struct work_pool *pool = xnew(struct work_pool);

	*pool = (struct work_pool){
		.sched = sched,
		.server = server,
		.limit = limit < WORK_MAX ? limit : WORK_MAX,
		.task = { .fn = work_on_task },
		.alive = WORK_THREADS,
	};
	TAILQ_INIT(&pool->queue);
	TAILQ_INIT(&pool->running);
	TAILQ_INIT(&pool->finished);
	sched_mutex_init(&pool->lock, sched);
	sched_cond_init(&pool->changed, sched);
	for (size_t i = 0; i < WORK_THREADS; i++) {
		pool->threads[i] = sched_start(sched, "files", work_run_thread, pool);
	}
	return pool;
}

static bool work_wait_for_threads(struct work_pool *pool)
{
	uint64_t until = sched_now_us(pool->sched) + WORK_FINISH_US;

	LOCKED(&pool->lock);
	pool->stopping = true;
	sched_cond_broadcast(&pool->changed);
	while (pool->alive > 0) {
		if (sched_cond_wait(&pool->changed, &pool->lock, until) == -ETIMEDOUT) {
			break;
		}
	}
	return pool->alive == 0;
}

bool work_pool_destroy(struct work_pool *pool)
{
	if (pool == NULL) {
		return true;
	}
	if (!work_wait_for_threads(pool)) {
		return false;
	}
	for (size_t i = 0; i < WORK_THREADS; i++) {
		sched_join(pool->threads[i]);
	}
	sched_cond_finish(&pool->changed);
	sched_mutex_finish(&pool->lock);
	free(pool);
	return true;
}

/* The next work that is given up; *ret_outcome is for its done. */
static struct work *work_next_expired(struct work_pool *pool, uint64_t now, int *ret_outcome)
{
	struct work *work;

	LOCKED(&pool->lock);
	TAILQ_FOREACH (work, &pool->queue, link) {
		if (!work->unwanted && (now > work->since + WORK_QUEUE_US ||
					guard_has_gone(work->request->connection))) {
			work_set_state(work, WORK_IDLE);
			*ret_outcome = -EAGAIN;
			return work;
		}
	}
	TAILQ_FOREACH (work, &pool->running, link) {
		if (!work->unwanted && !work->given_up && now > work->since + WORK_RUN_US) {
			work->given_up = true;
			*ret_outcome = -ETIMEDOUT;
			return work;
		}
	}
	return NULL;
}

void work_pool_expire(struct work_pool *pool, uint64_t now)
{
	struct work *work;
	int outcome = 0;

	while ((work = work_next_expired(pool, now, &outcome)) != NULL) {
		work->done(work, outcome);
	}
}

/* ---- for handlers ---- */

static void work_on_request_end(void *arg)
{
	struct work *work = arg;
	struct work_pool *pool = work->pool;

	LOCKED(&pool->lock);
	work->request = NULL;
	work->unwanted = true;
	if (work->state == WORK_IDLE || work->state == WORK_FINISHED) {
		work_set_state(work, WORK_QUEUED);
		sched_cond_signal(&pool->changed);
	}
}

bool work_begin(struct work *work, struct request *request)
{
	struct work_pool *pool = request_server(request)->pool;

	sched_mutex_lock(&pool->lock);

	bool room = pool->count < pool->limit;

	pool->count += room ? 1 : 0;
	sched_mutex_unlock(&pool->lock);
	if (!room) {
		request_add_header(request, "Retry-After", "1");
		request_respond_detail(request, 503, "Too many files are transferred at once");
		return false;
	}
	work->pool = pool;
	work->request = request;
	request_set_data(request, work, work_on_request_end);
	return true;
}

void work_submit(struct work *work)
{
	LOCKED(&work->pool->lock);
	work_set_state(work, WORK_QUEUED);
	sched_cond_signal(&work->pool->changed);
}

void work_respond_failed(struct request *request, int outcome)
{
	request_add_header(request, "Retry-After", outcome == -ETIMEDOUT ? "10" : "5");
	request_respond_detail(request, outcome == -ETIMEDOUT ? 504 : 503,
			       outcome == -ETIMEDOUT
				       ? "The file system did not answer in time"
				       : "All threads for files wait for the file system");
}
