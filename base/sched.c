/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns threads, locks, clocks and randomness, real or simulated; everybody who waits calls it. In a
 * simulation all state belongs to the thread with the token, so only handing it over takes a (real)
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

#include "base/sched-token.h"
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
	struct sched_token_thread simulated; /* simulation */
	pthread_cond_t turn;                 /* simulation */
};

struct sched {
	bool simulation;
	_Atomic uint64_t random;

	/* Simulation. */
	pthread_mutex_t lock;
	struct sched_token token; /* used by who runs; who runs is written under lock */
	struct sched_thread main;
	int64_t wall_start_us;
};

static void sched_check(int r, const char *what)
{
	if (r != 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(r));
		abort();
	}
}

/* ---- the token ---- */

static struct sched_thread *sched_self_of(struct sched *sched)
{
	return CONTAINER_OF(sched->token.running, struct sched_thread, simulated);
}

/* Gives the token to the thread that is drawn, and returns when this thread has it again, or at
 * once if it has ended. */
static void sched_pass_token(struct sched *sched)
{
	struct sched_thread *self = sched_self_of(sched);
	struct sched_thread *next =
		CONTAINER_OF(sched_token_next(&sched->token), struct sched_thread, simulated);
	bool ended = self->simulated.wait == SCHED_TOKEN_ENDED;

	if (next == self) {
		return;
	}
	sched_check(pthread_mutex_lock(&sched->lock), "the token of the simulation");
	sched->token.running = &next->simulated;
	sched_check(pthread_cond_signal(&next->turn), "the token of the simulation");
	while (!ended && sched->token.running != &self->simulated) {
		sched_check(pthread_cond_wait(&self->turn, &sched->lock),
			    "the token of the simulation");
	}
	sched_check(pthread_mutex_unlock(&sched->lock), "the token of the simulation");
}

static void sched_lock_simulated(struct sched_mutex *mutex)
{
	struct sched *sched = mutex->sched;

	if (mutex->holder == sched_self_of(sched)) {
		fprintf(stderr, "'%s' locks what it has locked\n", mutex->holder->name);
		abort();
	}
	while (mutex->holder != NULL) {
		sched_token_wait(&sched->token, SCHED_TOKEN_WAITS_LOCK, mutex,
				 &mutex->holder->simulated, SCHED_FOREVER);
		sched_pass_token(sched);
	}
	mutex->holder = sched_self_of(sched);
}

static void sched_unlock_simulated(struct sched_mutex *mutex)
{
	struct sched *sched = mutex->sched;

	if (mutex->holder != sched_self_of(sched)) {
		fprintf(stderr, "'%s' unlocks what it has not locked\n",
			sched_self_of(sched)->name);
		abort();
	}
	mutex->holder = NULL;
	sched_token_wake_all(&sched->token, SCHED_TOKEN_WAITS_LOCK, mutex);
}

/* ---- schedulers and clocks ---- */

struct sched *sched_create(void)
{
	struct sched *sched = xnew(struct sched);
	uint64_t seed;

	/* Up to 256 bytes come whole or not at all, and only early in boot not at once. */
	while (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		sched_check(errno == EINTR ? 0 : errno, "random numbers");
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
	atomic_init(&sched->random, sched_token_mix(seed + SCHED_TOKEN_STEP));
	sched_token_init(&sched->token, seed, &sched->main.simulated, sched->main.name);
	sched_check(pthread_mutex_init(&sched->lock, NULL), "the token of the simulation");
	sched_check(pthread_cond_init(&sched->main.turn, NULL), "the token of the simulation");
	return sched;
}

void sched_destroy(struct sched *sched)
{
	if (sched != NULL && sched->simulation) {
		sched_check(pthread_cond_destroy(&sched->main.turn), "the token of the simulation");
		sched_check(pthread_mutex_destroy(&sched->lock), "the token of the simulation");
	}
	free(sched);
}

uint64_t sched_trace(const struct sched *sched)
{
	return sched->token.trace;
}

void sched_note(struct sched *sched, uint64_t fact)
{
	if (sched->simulation) {
		sched_token_record(&sched->token, fact);
	}
}

bool sched_is_simulation(const struct sched *sched)
{
	return sched->simulation;
}

static uint64_t sched_clock_us(clockid_t clock)
{
	struct timespec now;

	sched_check(clock_gettime(clock, &now) == 0 ? 0 : errno, "clock");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t sched_now_us(struct sched *sched)
{
	return sched->simulation ? sched->token.now_us : sched_clock_us(CLOCK_BOOTTIME);
}

int64_t sched_wall_us(struct sched *sched)
{
	return sched->simulation ? sched->wall_start_us + (int64_t)sched->token.now_us
				 : (int64_t)sched_clock_us(CLOCK_REALTIME);
}

uint64_t sched_random(struct sched *sched)
{
	return sched_token_mix(
		atomic_fetch_add_explicit(&sched->random, SCHED_TOKEN_STEP, memory_order_relaxed) +
		SCHED_TOKEN_STEP);
}

/* ---- threads ---- */

static void *sched_thread_main(void *arg)
{
	struct sched_thread *self = arg;
	struct sched *sched = self->sched;

	pthread_setname_np(pthread_self(), self->name);
	if (sched->simulation) {
		sched_check(pthread_mutex_lock(&sched->lock), "the token of the simulation");
		while (sched->token.running != &self->simulated) {
			sched_check(pthread_cond_wait(&self->turn, &sched->lock),
				    "the token of the simulation");
		}
		sched_check(pthread_mutex_unlock(&sched->lock), "the token of the simulation");
	}
	self->fn(self->arg);
	if (sched->simulation) {
		sched_token_wake_all(&sched->token, SCHED_TOKEN_WAITS_JOIN, self);
		sched_token_wait(&sched->token, SCHED_TOKEN_ENDED, NULL, NULL, SCHED_FOREVER);
		sched_pass_token(sched);
	}
	return NULL;
}

/* Threads inherit the mask: signals go to the one thread that reads them. Faults stay, for those
 * who report them. */
static void sched_block_signals(sigset_t *ret_old)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		sigdelset(&all, faults[i]);
	}
	sched_check(pthread_sigmask(SIG_SETMASK, &all, ret_old), "signal mask");
}

static int sched_try_create_real(struct sched_thread *thread)
{
	pthread_attr_t attr;
	sigset_t old;

	sched_check(pthread_attr_init(&attr), "new thread");
	sched_check(pthread_attr_setstacksize(&attr, STACK_SIZE), "new thread");
	sched_block_signals(&old);

	int code = pthread_create(&thread->real, &attr, sched_thread_main, thread);

	sched_check(pthread_sigmask(SIG_SETMASK, &old, NULL), "signal mask");
	pthread_attr_destroy(&attr);
	return code;
}

static void sched_create_real(struct sched_thread *thread)
{
	sched_check(sched_try_create_real(thread), "new thread");
}

struct sched_thread *sched_start(struct sched *sched, const char *name, void (*fn)(void *arg),
				 void *arg)
{
	struct sched_thread *thread = xnew(struct sched_thread);

	*thread = (struct sched_thread){ .sched = sched, .fn = fn, .arg = arg };
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	if (!sched->simulation) {
		sched_create_real(thread);
		return thread;
	}
	sched_check(pthread_cond_init(&thread->turn, NULL), "the token of the simulation");
	sched_token_add(&sched->token, &thread->simulated, thread->name);
	sched_create_real(thread);
	sched_pass_token(sched);
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
	if (sched_try_create_real(thread) != 0) {
		free(thread);
		return NULL;
	}
	return thread;
}

void sched_join(struct sched_thread *thread)
{
	struct sched *sched = thread->sched;

	while (sched->simulation && thread->simulated.wait != SCHED_TOKEN_ENDED) {
		sched_token_wait(&sched->token, SCHED_TOKEN_WAITS_JOIN, thread, &thread->simulated,
				 SCHED_FOREVER);
		sched_pass_token(sched);
	}
	sched_check(pthread_join(thread->real, NULL), "join");
	if (sched->simulation) {
		sched_token_forget(&sched->token, &thread->simulated);
		sched_check(pthread_cond_destroy(&thread->turn), "the token of the simulation");
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
	sched_check(pthread_mutex_init(&mutex->real, NULL), "lock");
}

void sched_mutex_finish(struct sched_mutex *mutex)
{
	sched_check(pthread_mutex_destroy(&mutex->real), "lock");
}

void sched_mutex_lock(struct sched_mutex *mutex)
{
	if (!mutex->sched->simulation) {
		sched_check(pthread_mutex_lock(&mutex->real), "lock");
		return;
	}
	if (mutex->holder == NULL && sched_token_chance(&mutex->sched->token, YIELD_ONE_IN)) {
		sched_pass_token(mutex->sched);
	}
	sched_lock_simulated(mutex);
}

void sched_mutex_unlock(struct sched_mutex *mutex)
{
	if (!mutex->sched->simulation) {
		sched_check(pthread_mutex_unlock(&mutex->real), "unlock");
		return;
	}
	sched_unlock_simulated(mutex);
}

void sched_cond_init(struct sched_cond *cond, struct sched *sched)
{
	pthread_condattr_t attr;

	*cond = (struct sched_cond){ .sched = sched };
	sched_check(pthread_condattr_init(&attr), "condition");
	sched_check(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condition");
	sched_check(pthread_cond_init(&cond->real, &attr), "condition");
	pthread_condattr_destroy(&attr);
}

void sched_cond_finish(struct sched_cond *cond)
{
	sched_check(pthread_cond_destroy(&cond->real), "condition");
}

static int sched_wait_real(struct sched_cond *cond, struct sched_mutex *mutex, uint64_t deadline_us)
{
	if (deadline_us == SCHED_FOREVER) {
		sched_check(pthread_cond_wait(&cond->real, &mutex->real), "wait");
		return 0;
	}

	uint64_t now_us = sched_now_us(cond->sched),
		 rest_us = deadline_us > now_us ? deadline_us - now_us : 0;
	uint64_t until_us =
		sched_clock_us(CLOCK_MONOTONIC) + (rest_us < SLICE_US ? rest_us : SLICE_US);
	struct timespec until = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};
	int code = pthread_cond_timedwait(&cond->real, &mutex->real, &until);

	sched_check(code == ETIMEDOUT ? 0 : code, "wait");
	return code == ETIMEDOUT && sched_now_us(cond->sched) >= deadline_us ? -ETIMEDOUT : 0;
}

int sched_cond_wait(struct sched_cond *cond, struct sched_mutex *mutex, uint64_t deadline_us)
{
	if (!cond->sched->simulation) {
		return sched_wait_real(cond, mutex, deadline_us);
	}
	sched_unlock_simulated(mutex);
	sched_token_wait(&cond->sched->token, SCHED_TOKEN_WAITS_COND, cond, NULL, deadline_us);
	sched_pass_token(cond->sched);

	bool timed_out = sched_self_of(cond->sched)->simulated.timed_out;

	sched_lock_simulated(mutex);
	return timed_out ? -ETIMEDOUT : 0;
}

void sched_cond_signal(struct sched_cond *cond)
{
	if (!cond->sched->simulation) {
		sched_check(pthread_cond_signal(&cond->real), "signal");
		return;
	}
	sched_token_wake_one(&cond->sched->token, SCHED_TOKEN_WAITS_COND, cond);
}

void sched_cond_broadcast(struct sched_cond *cond)
{
	if (!cond->sched->simulation) {
		sched_check(pthread_cond_broadcast(&cond->real), "broadcast");
		return;
	}
	sched_token_wake_all(&cond->sched->token, SCHED_TOKEN_WAITS_COND, cond);
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
