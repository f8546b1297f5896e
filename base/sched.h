/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door to threads, locks, clocks and randomness. Nothing else in the tree names pthread_*,
 * clock_gettime or getrandom: so the same core runs in two ways.
 *
 * Production (sched_create): pthreads, CLOCK_BOOTTIME, the kernel's randomness.
 *
 * Simulation (sched_create_simulation): the same threads, but only the one that holds the baton
 * runs. It gives the baton away whenever it waits (condition, lock held by another, join, sleep),
 * and now and then when it takes a lock; who runs next is drawn from the seed. Time stands still
 * while anybody can run, and jumps to the next deadline when all wait. All else being
 * deterministic, a seed replays a run exactly; sched_trace() is a hash of all decisions.
 *
 * Times are microseconds. A deadline is a value of sched_now_us(); SCHED_FOREVER is none. All
 * functions may be called from any thread that sched knows: those started by it, and the one that
 * called sched_create or runs inside sched_run.
 */
#ifndef ASB_BASE_SCHED_H
#define ASB_BASE_SCHED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_FOREVER UINT64_MAX

struct sched;
struct sched_thread;

/* Real threads. Never fails (aborts without memory). */
struct sched *sched_create(void);
/* The baton. wall_start_us is what sched_wall_us says at time 0. */
struct sched *sched_create_simulation(uint64_t seed, int64_t wall_start_us);
/* Every thread must have been joined. NULL is fine. */
void sched_destroy(struct sched *sched);

/* Runs fn in a thread and waits for its end: how a simulation is entered. In production it simply
 * calls fn. */
void sched_run(struct sched *sched, void (*fn)(void *arg), void *arg);

/* Simulation: a hash of every decision so far; equal seeds give equal traces. 0 in production. */
uint64_t sched_trace(const struct sched *sched);
/* Simulation: mixes a fact (a write's version, say) into the trace. Nothing in production. */
void sched_note(struct sched *sched, uint64_t fact);
bool sched_is_simulation(const struct sched *sched);

/* Since boot, suspended time included (CLOCK_BOOTTIME): for deadlines, backoff, leases. */
uint64_t sched_now_us(struct sched *sched);
/* Since 1970: for what people and other machines read. */
int64_t sched_wall_us(struct sched *sched);
uint64_t sched_random(struct sched *sched);

/* Starts a thread. name (15 characters count) is copied. Aborts where the system has no threads
 * left: there is no going on without one. The handle is freed by sched_join. Threads block all
 * signals. */
struct sched_thread *sched_start(struct sched *sched, const char *name, void (*fn)(void *arg),
				 void *arg);
/* The same, for those who can go on without another thread: NULL where the system has none left. */
struct sched_thread *sched_try_start(struct sched *sched, const char *name, void (*fn)(void *arg),
				     void *arg);
void sched_join(struct sched_thread *thread);

/* Sleeps until sched_now_us() is deadline_us, at once where it has passed. For pauses that nothing may
 * cut short; who can be woken waits on a condition instead. */
void sched_sleep_until(struct sched *sched, uint64_t deadline_us);

struct sched_mutex {
	struct sched *sched;
	pthread_mutex_t real;
	struct sched_thread *holder; /* simulation */
};

struct sched_cond {
	struct sched *sched;
	pthread_cond_t real;
};

void sched_mutex_init(struct sched_mutex *mutex, struct sched *sched);
void sched_mutex_finish(struct sched_mutex *mutex);
void sched_mutex_lock(struct sched_mutex *mutex);
void sched_mutex_unlock(struct sched_mutex *mutex);

void sched_cond_init(struct sched_cond *cond, struct sched *sched);
void sched_cond_finish(struct sched_cond *cond);
/* Waits, mutex held, until woken (0, possibly for no reason) or until the deadline (-ETIMEDOUT). */
int sched_cond_wait(struct sched_cond *cond, struct sched_mutex *mutex, uint64_t deadline_us);
void sched_cond_signal(struct sched_cond *cond);
void sched_cond_broadcast(struct sched_cond *cond);

/* Holds a lock until the end of the scope: LOCKED(&queue->lock); */
static inline void sched_unlock_scope(struct sched_mutex **mutex)
{
	sched_mutex_unlock(*mutex);
}
#define SCHED_PASTE_(a, b) a##b
#define SCHED_PASTE(a, b) SCHED_PASTE_(a, b)
#define LOCKED(mutex)                                                          \
	struct sched_mutex *SCHED_PASTE(locked_, __LINE__)                     \
		__attribute__((__cleanup__(sched_unlock_scope), __unused__)) = \
			(sched_mutex_lock(mutex), (mutex))

#endif
