/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of programs to start and the threads that take from it. Called by supervise.c and
 * execution.c, in the supervisor's thread. */
#include "config.h"

#include "runtime/exec/spawner.h"

#include <errno.h>
#include <unistd.h>

#include "base/memory.h"

#define THREADS_KEPT 2u /* that wait for work when there is none */
#define HELD_UP_US \
	20000u /* a thread that needs longer is held up; a program takes 0.2 ms to start */
#define LEAVE_US 1000000u /* for threads to end, at the end */

struct spawner_thread {
	struct spawner *spawner;
	struct sched_thread *thread; /* NULL: this place is free. The supervisor's thread alone */
	uint64_t busy_since;         /* lock; 0: it waits for work */
	bool ended;                  /* lock */
};

struct spawner {
	struct sched *sched;
	int wake;
	atomic_bool left_behind; /* nobody may touch anything any more: the process ends */

	struct sched_mutex lock;
	struct sched_cond work, end;
	struct spawn *first, **last; /* lock; the queue */
	size_t count, idle, ended;   /* lock; threads, those that wait, those to be joined */
	bool stop;                   /* lock */

	struct spawner_thread threads[SPAWNER_THREADS_MAX];
};

/* ---- the threads ---- */

/* NULL: this thread is not needed any more. */
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
	spawner->first = spawn->next;
	if (spawner->first == NULL) {
		spawner->last = &spawner->first;
	}
	return spawn;
}

static void spawner_tell(struct spawner *spawner)
{
	uint64_t one = 1;

	(void)!write(spawner->wake, &one, sizeof(one));
}

static void spawner_work(void *arg)
{
	struct spawner_thread *self = arg;
	struct spawner *spawner = self->spawner;
	struct spawn *spawn;

	while ((spawn = spawner_next(self)) != NULL) {
		spawn_run(spawn);
		while (atomic_load(&spawner->left_behind)) {
			(void)pause();
		}
		if (atomic_load(&spawn->pid) == 0) {
			spawner_tell(spawner);
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

/* They have left the lock, or are about to: nothing keeps us. */
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

struct spawner *spawner_create(struct sched *sched, int wake)
{
	struct spawner *spawner = xnew(struct spawner);

	spawner->sched = sched;
	spawner->wake = wake;
	spawner->last = &spawner->first;
	sched_mutex_init(&spawner->lock, sched);
	sched_cond_init(&spawner->work, sched);
	sched_cond_init(&spawner->end, sched);
	spawner_add_threads(spawner, THREADS_KEPT);
	return spawner;
}

/* False: some are still held up. */
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
	/* Who is woken takes the lock first: it is free by now. */
	if (idle) {
		sched_cond_signal(&spawner->work);
	}
}

/* Takes it out of the queue; false: it is not there. */
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
	uint64_t waits_since; /* the first one in the queue; SCHED_FOREVER: there is none */
	size_t count, held_up, ended;
};

static struct spawner_view spawner_look(struct spawner *spawner, uint64_t now)
{
	LOCKED(&spawner->lock);

	struct spawner_view view = {
		.waits_since = spawner->first != NULL ? spawner->first->queued_at : SCHED_FOREVER,
		.count = spawner->count,
		.ended = spawner->ended,
	};

	for (size_t i = 0; i < SPAWNER_THREADS_MAX && spawner->first != NULL; i++) {
		const struct spawner_thread *place = &spawner->threads[i];

		if (place->thread != NULL && !place->ended && place->busy_since != 0 &&
		    now >= place->busy_since + HELD_UP_US) {
			view.held_up++;
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

static void spawner_refuse_those(struct spawner *spawner, uint64_t before)
{
	struct spawn *spawn;

	while ((spawn = spawner_take_first(spawner, before)) != NULL) {
		spawn_refuse(spawn, -EAGAIN);
		spawn_unref(spawn);
		spawner_tell(spawner);
	}
}

uint64_t spawner_tend(struct spawner *spawner, uint64_t now)
{
	struct spawner_view view = spawner_look(spawner, now);

	if (view.ended > 0) {
		spawner_join_ended(spawner);
	}
	if (view.waits_since == SCHED_FOREVER) {
		return SCHED_FOREVER;
	}
	if (now < view.waits_since + HELD_UP_US) {
		return view.waits_since + HELD_UP_US;
	}
	/* As many commands again as hold them up now may follow. */
	size_t wanted = 2 * view.held_up + THREADS_KEPT;

	if (view.count < wanted && view.count < SPAWNER_THREADS_MAX) {
		spawner_add_threads(spawner, wanted - view.count);
	}
	if (now >= view.waits_since + SPAWNER_WAIT_US) {
		spawner_refuse_those(spawner, now - SPAWNER_WAIT_US);
	}
	return now + HELD_UP_US;
}
