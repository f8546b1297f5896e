/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns threads, locks, clocks and randomness, real or simulated; everybody who waits calls it. In a
 * simulation all state belongs to the thread with the baton, so only handing it over takes a (real)
 * lock, and going on costs nothing.
 */
#include "config.h"

#include "base/sched.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/baton.h"
#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (2u * 1024 * 1024) /* sanitizers make frames several times as large */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_SIZE (2u * 1024 * 1024)
#endif
#endif
#ifndef STACK_SIZE
#define STACK_SIZE (256u * 1024) /* the deepest JSON and YAML take 32 KiB of it */
#endif

/* The monotonic clock, by which conditions wait, stands still in suspend: so a wait looks at the
 * other clock this often. */
#define SLICE_US UINT64_C(10000000)
#define YIELD_ONE_IN 8 /* free locks taken until, on average, somebody else gets a turn */

struct sched_thread {
	struct sched *sched;
	void (*fn)(void *arg);
	void *arg;
	pthread_t real;
	char name[16];
	struct baton_thread in_baton; /* simulation */
	pthread_cond_t turn;          /* simulation */
};

struct sched {
	bool simulation;
	_Atomic uint64_t random;

	/* Simulation. */
	pthread_mutex_t lock;
	struct baton baton; /* used by who runs; who runs is written under lock */
	struct sched_thread main;
	int64_t wall_start_us;
};

static void check(int r, const char *what)
{
	if (r != 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(r));
		abort();
	}
}

/* ---- the baton ---- */

static struct sched_thread *self_of(struct sched *sched)
{
	return CONTAINER_OF(sched->baton.running, struct sched_thread, in_baton);
}

/* Gives the baton to whoever is drawn; comes back with it, unless the caller has ended. */
static void pass_baton(struct sched *sched)
{
	struct sched_thread *self = self_of(sched);
	struct sched_thread *next =
		CONTAINER_OF(baton_next(&sched->baton), struct sched_thread, in_baton);
	bool ended = self->in_baton.wait == BATON_ENDED;

	if (next == self) {
		return;
	}
	check(pthread_mutex_lock(&sched->lock), "baton");
	sched->baton.running = &next->in_baton;
	check(pthread_cond_signal(&next->turn), "baton");
	while (!ended && sched->baton.running != &self->in_baton) {
		check(pthread_cond_wait(&self->turn, &sched->lock), "baton");
	}
	check(pthread_mutex_unlock(&sched->lock), "baton");
}

static void lock_simulated(struct sched_mutex *mutex)
{
	struct sched *sched = mutex->sched;

	if (mutex->holder == self_of(sched)) {
		fprintf(stderr, "'%s' locks what it has locked\n", mutex->holder->name);
		abort();
	}
	while (mutex->holder != NULL) {
		baton_wait(&sched->baton, BATON_WAITS_LOCK, mutex, &mutex->holder->in_baton,
			   SCHED_FOREVER);
		pass_baton(sched);
	}
	mutex->holder = self_of(sched);
}

static void unlock_simulated(struct sched_mutex *mutex)
{
	struct sched *sched = mutex->sched;

	if (mutex->holder != self_of(sched)) {
		fprintf(stderr, "'%s' unlocks what it has not locked\n", self_of(sched)->name);
		abort();
	}
	mutex->holder = NULL;
	baton_wake_all(&sched->baton, BATON_WAITS_LOCK, mutex);
}

/* ---- schedulers and clocks ---- */

struct sched *sched_create(void)
{
	struct sched *sched = xnew(struct sched);
	uint64_t seed;

	/* Up to 256 bytes come whole or not at all, and only early in boot not at once. */
	while (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		check(errno == EINTR ? 0 : errno, "random numbers");
	}
	atomic_init(&sched->random, seed);
	return sched;
}

struct sched *sched_create_simulation(uint64_t seed, int64_t wall_start_us)
{
	struct sched *sched = xnew(struct sched);

	sched->simulation = true;
	sched->wall_start_us = wall_start_us;
	sched->main = (struct sched_thread){ .sched = sched, .name = "main" };
	atomic_init(&sched->random, baton_mix(seed + BATON_STEP));
	baton_init(&sched->baton, seed, &sched->main.in_baton, sched->main.name);
	check(pthread_mutex_init(&sched->lock, NULL), "baton");
	check(pthread_cond_init(&sched->main.turn, NULL), "baton");
	return sched;
}

void sched_destroy(struct sched *sched)
{
	if (sched != NULL && sched->simulation) {
		check(pthread_cond_destroy(&sched->main.turn), "baton");
		check(pthread_mutex_destroy(&sched->lock), "baton");
	}
	free(sched);
}

uint64_t sched_trace(const struct sched *sched)
{
	return sched->baton.trace;
}

void sched_note(struct sched *sched, uint64_t fact)
{
	if (sched->simulation) {
		baton_record(&sched->baton, fact);
	}
}

bool sched_is_simulation(const struct sched *sched)
{
	return sched->simulation;
}

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	check(clock_gettime(clock, &now) == 0 ? 0 : errno, "clock");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t sched_now_us(struct sched *sched)
{
	return sched->simulation ? sched->baton.now_us : clock_us(CLOCK_BOOTTIME);
}

int64_t sched_wall_us(struct sched *sched)
{
	return sched->simulation ? sched->wall_start_us + (int64_t)sched->baton.now_us
				 : (int64_t)clock_us(CLOCK_REALTIME);
}

uint64_t sched_random(struct sched *sched)
{
	return baton_mix(
		atomic_fetch_add_explicit(&sched->random, BATON_STEP, memory_order_relaxed) +
		BATON_STEP);
}

/* ---- threads ---- */

static void *thread_main(void *arg)
{
	struct sched_thread *self = arg;
	struct sched *sched = self->sched;

	pthread_setname_np(pthread_self(), self->name);
	if (sched->simulation) {
		check(pthread_mutex_lock(&sched->lock), "baton");
		while (sched->baton.running != &self->in_baton) {
			check(pthread_cond_wait(&self->turn, &sched->lock), "baton");
		}
		check(pthread_mutex_unlock(&sched->lock), "baton");
	}
	self->fn(self->arg);
	if (sched->simulation) {
		baton_wake_all(&sched->baton, BATON_WAITS_JOIN, self);
		baton_wait(&sched->baton, BATON_ENDED, NULL, NULL, SCHED_FOREVER);
		pass_baton(sched);
	}
	return NULL;
}

/* Threads inherit the mask: signals go to the one thread that reads them. Faults stay, for those
 * who report them. */
static void block_signals(sigset_t *ret_old)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		sigdelset(&all, faults[i]);
	}
	check(pthread_sigmask(SIG_SETMASK, &all, ret_old), "signal mask");
}

static int try_create_real(struct sched_thread *thread)
{
	pthread_attr_t attr;
	sigset_t old;

	check(pthread_attr_init(&attr), "new thread");
	check(pthread_attr_setstacksize(&attr, STACK_SIZE), "new thread");
	block_signals(&old);

	int code = pthread_create(&thread->real, &attr, thread_main, thread);

	check(pthread_sigmask(SIG_SETMASK, &old, NULL), "signal mask");
	pthread_attr_destroy(&attr);
	return code;
}

static void create_real(struct sched_thread *thread)
{
	check(try_create_real(thread), "new thread");
}

struct sched_thread *sched_start(struct sched *sched, const char *name, void (*fn)(void *arg),
				 void *arg)
{
	struct sched_thread *thread = xnew(struct sched_thread);

	*thread = (struct sched_thread){ .sched = sched, .fn = fn, .arg = arg };
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	if (!sched->simulation) {
		create_real(thread);
		return thread;
	}
	check(pthread_cond_init(&thread->turn, NULL), "baton");
	baton_add(&sched->baton, &thread->in_baton, thread->name);
	create_real(thread);
	pass_baton(sched);
	return thread;
}

struct sched_thread *sched_try_start(struct sched *sched, const char *name, void (*fn)(void *arg),
				     void *arg)
{
	if (sched->simulation) {
		return sched_start(sched, name, fn, arg);
	}

	struct sched_thread *thread = xnew(struct sched_thread);

	*thread = (struct sched_thread){ .sched = sched, .fn = fn, .arg = arg };
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	if (try_create_real(thread) != 0) {
		free(thread);
		return NULL;
	}
	return thread;
}

void sched_join(struct sched_thread *thread)
{
	struct sched *sched = thread->sched;

	while (sched->simulation && thread->in_baton.wait != BATON_ENDED) {
		baton_wait(&sched->baton, BATON_WAITS_JOIN, thread, &thread->in_baton,
			   SCHED_FOREVER);
		pass_baton(sched);
	}
	check(pthread_join(thread->real, NULL), "join");
	if (sched->simulation) {
		baton_forget(&sched->baton, &thread->in_baton);
		check(pthread_cond_destroy(&thread->turn), "baton");
	}
	free(thread);
}

void sched_run(struct sched *sched, void (*fn)(void *arg), void *arg)
{
	if (!sched->simulation) {
		fn(arg);
		return;
	}
	sched_join(sched_start(sched, "run", fn, arg));
}

/* ---- locks and conditions ---- */

void sched_mutex_init(struct sched_mutex *mutex, struct sched *sched)
{
	*mutex = (struct sched_mutex){ .sched = sched };
	check(pthread_mutex_init(&mutex->real, NULL), "lock");
}

void sched_mutex_finish(struct sched_mutex *mutex)
{
	check(pthread_mutex_destroy(&mutex->real), "lock");
}

void sched_mutex_lock(struct sched_mutex *mutex)
{
	if (!mutex->sched->simulation) {
		check(pthread_mutex_lock(&mutex->real), "lock");
		return;
	}
	if (mutex->holder == NULL && baton_chance(&mutex->sched->baton, YIELD_ONE_IN)) {
		pass_baton(mutex->sched);
	}
	lock_simulated(mutex);
}

void sched_mutex_unlock(struct sched_mutex *mutex)
{
	if (!mutex->sched->simulation) {
		check(pthread_mutex_unlock(&mutex->real), "unlock");
		return;
	}
	unlock_simulated(mutex);
}

void sched_cond_init(struct sched_cond *cond, struct sched *sched)
{
	pthread_condattr_t attr;

	*cond = (struct sched_cond){ .sched = sched };
	check(pthread_condattr_init(&attr), "condition");
	check(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condition");
	check(pthread_cond_init(&cond->real, &attr), "condition");
	pthread_condattr_destroy(&attr);
}

void sched_cond_finish(struct sched_cond *cond)
{
	check(pthread_cond_destroy(&cond->real), "condition");
}

static int wait_real(struct sched_cond *cond, struct sched_mutex *mutex, uint64_t deadline_us)
{
	if (deadline_us == SCHED_FOREVER) {
		check(pthread_cond_wait(&cond->real, &mutex->real), "wait");
		return 0;
	}

	uint64_t now_us = sched_now_us(cond->sched),
		 rest_us = deadline_us > now_us ? deadline_us - now_us : 0;
	uint64_t until_us = clock_us(CLOCK_MONOTONIC) + (rest_us < SLICE_US ? rest_us : SLICE_US);
	struct timespec until = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};
	int r = pthread_cond_timedwait(&cond->real, &mutex->real, &until);

	check(r == ETIMEDOUT ? 0 : r, "wait");
	return r == ETIMEDOUT && sched_now_us(cond->sched) >= deadline_us ? -ETIMEDOUT : 0;
}

int sched_cond_wait(struct sched_cond *cond, struct sched_mutex *mutex, uint64_t deadline_us)
{
	if (!cond->sched->simulation) {
		return wait_real(cond, mutex, deadline_us);
	}
	unlock_simulated(mutex);
	baton_wait(&cond->sched->baton, BATON_WAITS_COND, cond, NULL, deadline_us);
	pass_baton(cond->sched);

	bool timed_out = self_of(cond->sched)->in_baton.timed_out;

	lock_simulated(mutex);
	return timed_out ? -ETIMEDOUT : 0;
}

void sched_cond_signal(struct sched_cond *cond)
{
	if (!cond->sched->simulation) {
		check(pthread_cond_signal(&cond->real), "signal");
		return;
	}
	baton_wake_one(&cond->sched->baton, BATON_WAITS_COND, cond);
}

void sched_cond_broadcast(struct sched_cond *cond)
{
	if (!cond->sched->simulation) {
		check(pthread_cond_broadcast(&cond->real), "broadcast");
		return;
	}
	baton_wake_all(&cond->sched->baton, BATON_WAITS_COND, cond);
}

/* On a condition that nobody signals, so that a simulation sees it like every other wait. */
void sched_sleep_until(struct sched *sched, uint64_t deadline_us)
{
	struct sched_mutex lock;
	struct sched_cond never;

	sched_mutex_init(&lock, sched);
	sched_cond_init(&never, sched);
	sched_mutex_lock(&lock);
	while (sched_cond_wait(&never, &lock, deadline_us) == 0) {
		/* woken for no reason */
	}
	sched_mutex_unlock(&lock);
	sched_cond_finish(&never);
	sched_mutex_finish(&lock);
}
