/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of programs to start and the threads that take from it. Called by supervise.c and
 * execution.c, in the supervisor's thread. */
#include "config.h"

#include "runtime/exec/spawner.h"

#include <errno.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/protect.h"

#define THREADS_KEPT 2u /* that wait for work when there is none */
#define BLOCKED_US \
	20000u /* a thread that takes longer is blocked; a program takes 0.2 ms to start */
#define LEAVE_US 1000000u /* for threads to end, at the end */

struct spawner_thread {
	struct spawner *spawner;
	struct sched_thread
		*thread;     /* NULL: this place is free. Only the supervisor's thread uses it */
	uint64_t busy_since; /* lock; 0: the thread waits for work */
	bool ended;          /* lock */
};

struct spawner {
	struct sched *sched;
	int wake;
	const struct sock_fprog *filter;
	atomic_bool left_behind; /* blocked threads outlive it: they may not touch it */

	struct sched_mutex lock;
	struct sched_cond work, end;
	struct spawn *first, **last; /* lock; the queue */
	size_t count, idle,
		ended; /* lock; of threads; idle wait for work, ended are to be joined */
	bool stop;     /* lock */

	uint64_t taken_at; /* lock; when a thread last took a program from the queue */
	struct spawner_thread threads[SPAWNER_THREADS_MAX];
};

/* ---- the threads ---- */

/* Waits for the next program. NULL: the thread is not needed any more. */
static struct spawn *spawner_next(struct spawner_thread *self)
{
	struct spawner *spawner = self->spawner;

	LOCKED(&spawner->lock);
	self->busy_since = 0;
	while (!spawner->stop && spawner->first == NULL && spawner->idle < THREADS_KEPT) {
		spawner->idle++;
		(void)sched_cond_wait(&spawner->work, &spawner->lock, SCHED_FOREVER);
		spawner->idle--;
	}

	struct spawn *spawn = spawner->first;

	if (spawn == NULL || spawner->stop) {
		self->ended = true;
		spawner->ended++;
		spawner->count--;
		sched_cond_signal(&spawner->end);
		return NULL;
	}
	self->busy_since = sched_now_us(spawner->sched);
	spawner->taken_at = self->busy_since;
	spawner->first = spawn->next;
	if (spawner->first == NULL) {
		spawner->last = &spawner->first;
	}
	return spawn;
}

static void spawner_notify(struct spawner *spawner)
{
	uint64_t one = 1;

	(void)!write(spawner->wake, &one, sizeof(one));
}

static void spawner_work(void *arg)
{
	struct spawner_thread *self = arg;
	struct spawner *spawner = self->spawner;
	struct spawn *spawn;

	/* The children inherit it: a filter of its own would cost each of them a third of its start. */
	protect_children(spawner->filter);
	while ((spawn = spawner_next(self)) != NULL) {
		spawn_run(spawn);
		while (atomic_load(&spawner->left_behind)) {
			(void)pause();
		}
		if (atomic_load(&spawn->pid) == 0) {
			spawner_notify(spawner);
		}
		spawn_unref(spawn);
	}
}

/* ---- the supervisor's thread ---- */

static void spawner_add_threads(struct spawner *spawner, size_t count)
{
	for (size_t i = 0; i < SPAWNER_THREADS_MAX && count > 0; i++) {
		struct spawner_thread *place = &spawner->threads[i];

		if (place->thread != NULL) {
			continue;
		}
		*place = (struct spawner_thread){ .spawner = spawner };
		sched_mutex_lock(&spawner->lock);
		spawner->count++;
		sched_mutex_unlock(&spawner->lock);
		place->thread = sched_try_start(spawner->sched, "spawner", spawner_work, place);
		if (place->thread == NULL) {
			sched_mutex_lock(&spawner->lock);
			spawner->count--;
			sched_mutex_unlock(&spawner->lock);
			return;
		}
		count--;
	}
}

/* Threads that have ended leave the lock at once, so that joining them does not block. */
static void spawner_join_ended(struct spawner *spawner)
{
	LOCKED(&spawner->lock);
	for (size_t i = 0; i < SPAWNER_THREADS_MAX && spawner->ended > 0; i++) {
		struct spawner_thread *place = &spawner->threads[i];

		if (place->thread != NULL && place->ended) {
			sched_join(place->thread);
			place->thread = NULL;
			spawner->ended--;
		}
	}
}

struct spawner *spawner_create(struct sched *sched, int wake, const struct sock_fprog *filter)
{
	struct spawner *spawner = xnew(struct spawner);

	spawner->sched = sched;
	spawner->wake = wake;
	spawner->filter = filter;
	spawner->last = &spawner->first;
	sched_mutex_init(&spawner->lock, sched);
	sched_cond_init(&spawner->work, sched);
	sched_cond_init(&spawner->end, sched);
	spawner_add_threads(spawner, THREADS_KEPT);
	return spawner;
}

/* Waits for the threads to end. False: some are still blocked. */
static bool spawner_end_threads(struct spawner *spawner)
{
	uint64_t until = sched_now_us(spawner->sched) + LEAVE_US;

	LOCKED(&spawner->lock);
	spawner->stop = true;
	sched_cond_broadcast(&spawner->work);
	while (spawner->count > 0) {
		if (sched_cond_wait(&spawner->end, &spawner->lock, until) < 0) {
			break;
		}
	}
	atomic_store(&spawner->left_behind, spawner->count > 0);
	return spawner->count == 0;
}

void spawner_destroy(struct spawner *spawner)
{
	if (spawner == NULL || !spawner_end_threads(spawner)) {
		return;
	}
	spawner_join_ended(spawner);
	sched_cond_finish(&spawner->end);
	sched_cond_finish(&spawner->work);
	sched_mutex_finish(&spawner->lock);
	free(spawner);
}

void spawner_submit(struct spawner *spawner, struct spawn *spawn, uint64_t now)
{
	atomic_fetch_add(&spawn->references, 1);
	spawn->queued_at = now;
	sched_mutex_lock(&spawner->lock);
	*spawner->last = spawn;
	spawner->last = &spawn->next;

	bool idle = spawner->idle > 0;

	sched_mutex_unlock(&spawner->lock);
	/* Signal after the unlock: the thread that wakes up takes the lock first. */
	if (idle) {
		sched_cond_signal(&spawner->work);
	}
}

/* Removes it from the queue. False: it is not there. */
static bool spawner_take_out(struct spawner *spawner, const struct spawn *spawn)
{
	LOCKED(&spawner->lock);
	for (struct spawn **at = &spawner->first; *at != NULL; at = &(*at)->next) {
		if (*at == spawn) {
			*at = spawn->next;
			if (*at == NULL) {
				spawner->last = at;
			}
			return true;
		}
	}
	return false;
}

void spawner_cancel(struct spawner *spawner, struct spawn *spawn)
{
	atomic_store(&spawn->cancelled, true);
	if (!atomic_load(&spawn->returned) && atomic_load(&spawn->pid) == 0 &&
	    spawner_take_out(spawner, spawn)) {
		spawn_refuse(spawn, -ECANCELED);
		spawn_unref(spawn);
	}
}

struct spawner_view {
	uint64_t waits_since; /* of the first one in the queue; SCHED_FOREVER: the queue is empty */
	uint64_t moved_at;    /* when a thread last took one */
	size_t count, blocked, ended;
};

static struct spawner_view spawner_inspect(struct spawner *spawner, uint64_t now)
{
	LOCKED(&spawner->lock);

	struct spawner_view view = {
		.waits_since = spawner->first != NULL ? spawner->first->queued_at : SCHED_FOREVER,
		.moved_at = spawner->taken_at,
		.count = spawner->count,
		.ended = spawner->ended,
	};

	for (size_t i = 0; i < SPAWNER_THREADS_MAX && spawner->first != NULL; i++) {
		const struct spawner_thread *place = &spawner->threads[i];

		if (place->thread != NULL && !place->ended && place->busy_since != 0 &&
		    now >= place->busy_since + BLOCKED_US) {
			view.blocked++;
		}
	}
	return view;
}

static struct spawn *spawner_take_first(struct spawner *spawner, uint64_t before)
{
	LOCKED(&spawner->lock);

	struct spawn *spawn = spawner->first;

	if (spawn == NULL || spawn->queued_at > before) {
		return NULL;
	}
	spawner->first = spawn->next;
	if (spawner->first == NULL) {
		spawner->last = &spawner->first;
	}
	return spawn;
}

static void spawner_refuse_old(struct spawner *spawner, uint64_t before)
{
	struct spawn *spawn;

	while ((spawn = spawner_take_first(spawner, before)) != NULL) {
		spawn_refuse(spawn, -EAGAIN);
		spawn_unref(spawn);
		spawner_notify(spawner);
	}
}

uint64_t spawner_tend(struct spawner *spawner, uint64_t now)
{
	struct spawner_view view = spawner_inspect(spawner, now);

	if (view.ended > 0) {
		spawner_join_ended(spawner);
	}
	if (view.waits_since == SCHED_FOREVER) {
		return SCHED_FOREVER;
	}
	if (now < view.waits_since + BLOCKED_US) {
		return view.waits_since + BLOCKED_US;
	}
	/* As many commands as block threads now may follow and block theirs. */
	size_t wanted = 2 * view.blocked + THREADS_KEPT;

	if (view.count < wanted && view.count < SPAWNER_THREADS_MAX) {
		spawner_add_threads(spawner, wanted - view.count);
	}
	/* A queue that moves is only long: its programs start, however slow the machine is. */
	if (now >= view.waits_since + SPAWNER_WAIT_US && now >= view.moved_at + SPAWNER_WAIT_US) {
		spawner_refuse_old(spawner, now - SPAWNER_WAIT_US);
	}
	return now + BLOCKED_US;
}
