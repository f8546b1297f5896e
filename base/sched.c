/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns threads, locks, clocks and randomness, real or simulated; everybody who waits calls it. In a simulation all state
 * belongs to the thread with the baton, so only handing it over takes a (real) lock, and going on costs nothing.
 */
#include "config.h"

#include "base/memory.h"
#include "base/sched.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (2u * 1024 * 1024) /* sanitizers make frames several times as large */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_SIZE (2u * 1024 * 1024)
#endif
#endif
#ifndef STACK_SIZE
#define STACK_SIZE (256u * 1024) /* plugins run here; JSON nested JSON_DEPTH_MAX deep takes a quarter of it */
#endif

/* The monotonic clock, by which conditions wait, stands still in suspend: so a wait looks at the other clock this often. */
#define SLICE_US UINT64_C(10000000)
#define YIELD_ONE_IN 8     /* locks taken until, on average, somebody else gets a turn */
#define SPURIOUS_ONE_IN 64 /* waits that end for no reason, to catch callers that do not look again */

enum wait {
	WAIT_NONE, /* can run, or runs */
	WAIT_MUTEX,
	WAIT_COND,
	WAIT_JOIN,
	WAIT_ENDED,
};

struct sched_thread {
	struct sched *sched;
	void (*fn)(void *arg);
	void *arg;
	pthread_t real;
	char name[16];

	/* Simulation. */
	struct sched_thread *next; /* in order of creation */
	uint64_t id;
	enum wait wait;
	const void *target; /* the lock, condition or thread it waits for */
	uint64_t deadline_us;
	bool timed_out;
	pthread_cond_t turn;
};

struct sched {
	bool simulation;
	_Atomic uint64_t random; /* the callers' */

	/* Simulation. */
	pthread_mutex_t lock;
	struct sched_thread *running; /* holds the baton; written under lock */
	struct sched_thread main;     /* the creator of the simulation, and the list's first */
	uint64_t ids;
	uint64_t decisions; /* state of the generator behind decisions */
	uint64_t trace;
	uint64_t now_us;
	int64_t wall_start_us;
	unsigned int mutex_waits, cond_waits; /* threads in such a wait: most of the time none */
};

static void check(int r, const char *what)
{
	if (r != 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(r));
		abort();
	}
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

#define SPLITMIX_STEP 0x9e3779b97f4a7c15u

/* ---- the baton --------------------------------------------------------------------------------------------- */

static void record(struct sched *sched, uint64_t fact)
{
	sched->trace = mix(sched->trace * 31 + fact + 1);
}

static uint64_t draw(struct sched *sched, uint64_t below)
{
	sched->decisions += SPLITMIX_STEP;
	return mix(sched->decisions) % below;
}

static void wake(struct sched *sched, struct sched_thread *thread, bool timed_out)
{
	sched->mutex_waits -= thread->wait == WAIT_MUTEX ? 1 : 0;
	sched->cond_waits -= thread->wait == WAIT_COND ? 1 : 0;
	thread->wait = WAIT_NONE;
	thread->timed_out = timed_out;
}

static void wake_all(struct sched *sched, enum wait wait, const void *target)
{
	for (struct sched_thread *thread = &sched->main; thread != NULL; thread = thread->next) {
		if (thread->wait == wait && thread->target == target) {
			wake(sched, thread, false);
		}
	}
}

/* All wait and no deadline will end it: a bug in the simulated program. Says who waits for what. */
static void die_stuck(const struct sched *sched)
{
	fprintf(stderr, "simulation stuck at %" PRIu64 " us, nobody can run:\n", sched->now_us);
	for (const struct sched_thread *thread = &sched->main; thread != NULL; thread = thread->next) {
		const struct sched_mutex *mutex = thread->target;
		const struct sched_thread *other = thread->target;

		switch (thread->wait) {
		case WAIT_MUTEX:
			fprintf(stderr, "  '%s' waits for lock %p, held by '%s'\n", thread->name, (const void *)mutex,
			        mutex->holder != NULL ? mutex->holder->name : "");
			break;
		case WAIT_COND:
			fprintf(stderr, "  '%s' waits for condition %p\n", thread->name, thread->target);
			break;
		case WAIT_JOIN:
			fprintf(stderr, "  '%s' waits for the end of '%s'\n", thread->name, other->name);
			break;
		default:
			fprintf(stderr, "  '%s' has ended\n", thread->name);
			break;
		}
	}
	abort();
}

/* Lets time pass to the earliest deadline and wakes all who waited for it. */
static void jump(struct sched *sched)
{
	uint64_t earliest = SCHED_FOREVER;

	for (struct sched_thread *thread = &sched->main; thread != NULL; thread = thread->next) {
		if (thread->wait == WAIT_COND && thread->deadline_us < earliest) {
			earliest = thread->deadline_us;
		}
	}
	if (earliest == SCHED_FOREVER) {
		die_stuck(sched);
	}
	sched->now_us = earliest;
	record(sched, earliest);
	for (struct sched_thread *thread = &sched->main; thread != NULL; thread = thread->next) {
		if (thread->wait == WAIT_COND && thread->deadline_us <= earliest) {
			wake(sched, thread, true);
		}
	}
}

/* Counts who is in such a wait; the one at place goes to *ret. */
static uint64_t find(struct sched *sched, enum wait wait, const void *target, uint64_t place, struct sched_thread **ret)
{
	uint64_t count = 0;

	for (struct sched_thread *thread = &sched->main; thread != NULL; thread = thread->next) {
		if (thread->wait == wait && (target == NULL || thread->target == target)) {
			if (count == place) {
				*ret = thread;
			}
			count++;
		}
	}
	return count;
}

/* Draws who runs next, of all who can. */
static struct sched_thread *draw_next(struct sched *sched)
{
	struct sched_thread *next = NULL;
	uint64_t count;

	while ((count = find(sched, WAIT_NONE, NULL, 0, &next)) == 0) {
		jump(sched);
	}
	if (count > 1) {
		find(sched, WAIT_NONE, NULL, draw(sched, count), &next);
	}
	record(sched, next->id);
	return next;
}

/* Gives the baton to whoever is drawn; comes back with it, unless the caller has ended. */
static void pass_baton(struct sched *sched)
{
	struct sched_thread *self = sched->running, *next = draw_next(sched);
	bool ended = self->wait == WAIT_ENDED;

	if (next == self) {
		return;
	}
	check(pthread_mutex_lock(&sched->lock), "baton");
	sched->running = next;
	check(pthread_cond_signal(&next->turn), "baton");
	while (!ended && sched->running != self) {
		check(pthread_cond_wait(&self->turn, &sched->lock), "baton");
	}
	check(pthread_mutex_unlock(&sched->lock), "baton");
}

/* Waits until woken; whether the deadline did it. */
static bool wait_for(struct sched *sched, enum wait wait, const void *target, uint64_t deadline_us)
{
	struct sched_thread *self = sched->running;

	self->wait = wait;
	self->target = target;
	self->deadline_us = deadline_us;
	self->timed_out = false;
	sched->mutex_waits += wait == WAIT_MUTEX ? 1 : 0;
	sched->cond_waits += wait == WAIT_COND ? 1 : 0;
	if (wait == WAIT_COND && deadline_us <= sched->now_us) {
		wake(sched, self, true);
	} else if (wait == WAIT_COND && draw(sched, SPURIOUS_ONE_IN) == 0) {
		wake(sched, self, false);
	}
	pass_baton(sched);
	return self->timed_out;
}

static void lock_simulated(struct sched_mutex *mutex)
{
	struct sched *sched = mutex->sched;

	if (mutex->holder == sched->running) {
		fprintf(stderr, "'%s' locks what it has locked\n", sched->running->name);
		abort();
	}
	while (mutex->holder != NULL) {
		wait_for(sched, WAIT_MUTEX, mutex, SCHED_FOREVER);
	}
	mutex->holder = sched->running;
}

static void unlock_simulated(struct sched_mutex *mutex)
{
	if (mutex->holder != mutex->sched->running) {
		fprintf(stderr, "'%s' unlocks what it has not locked\n", mutex->sched->running->name);
		abort();
	}
	mutex->holder = NULL;
	if (mutex->sched->mutex_waits > 0) {
		wake_all(mutex->sched, WAIT_MUTEX, mutex);
	}
}

/* ---- schedulers and clocks --------------------------------------------------------------------------------- */

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
	atomic_init(&sched->random, mix(seed + SPLITMIX_STEP));
	sched->decisions = mix(seed ^ SPLITMIX_STEP);
	sched->wall_start_us = wall_start_us;
	sched->main = (struct sched_thread){ .sched = sched, .name = "main" };
	sched->running = &sched->main;
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
	return sched->trace;
}

void sched_note(struct sched *sched, uint64_t fact)
{
	if (sched->simulation) {
		record(sched, fact);
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
	return sched->simulation ? sched->now_us : clock_us(CLOCK_BOOTTIME);
}

int64_t sched_wall_us(struct sched *sched)
{
	return sched->simulation ? sched->wall_start_us + (int64_t)sched->now_us : (int64_t)clock_us(CLOCK_REALTIME);
}

uint64_t sched_random(struct sched *sched)
{
	return mix(atomic_fetch_add_explicit(&sched->random, SPLITMIX_STEP, memory_order_relaxed) + SPLITMIX_STEP);
}

/* ---- threads ----------------------------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
	struct sched_thread *self = arg;
	struct sched *sched = self->sched;

	pthread_setname_np(pthread_self(), self->name);
	if (sched->simulation) {
		check(pthread_mutex_lock(&sched->lock), "baton");
		while (sched->running != self) {
			check(pthread_cond_wait(&self->turn, &sched->lock), "baton");
		}
		check(pthread_mutex_unlock(&sched->lock), "baton");
	}
	self->fn(self->arg);
	if (sched->simulation) {
		wake_all(sched, WAIT_JOIN, self);
		self->wait = WAIT_ENDED;
		pass_baton(sched);
	}
	return NULL;
}

/* Threads inherit the mask: signals go to the one thread that reads them. Faults stay, for those who report them. */
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

static void create_real(struct sched_thread *thread)
{
	pthread_attr_t attr;
	sigset_t old;

	check(pthread_attr_init(&attr), "new thread");
	check(pthread_attr_setstacksize(&attr, STACK_SIZE), "new thread");
	block_signals(&old);
	check(pthread_create(&thread->real, &attr, thread_main, thread), "new thread");
	check(pthread_sigmask(SIG_SETMASK, &old, NULL), "signal mask");
	pthread_attr_destroy(&attr);
}

struct sched_thread *sched_start(struct sched *sched, const char *name, void (*fn)(void *arg), void *arg)
{
	struct sched_thread *thread = xnew(struct sched_thread), *last = &sched->main;

	*thread = (struct sched_thread){ .sched = sched, .fn = fn, .arg = arg };
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	if (!sched->simulation) {
		create_real(thread);
		return thread;
	}
	thread->id = ++sched->ids;
	check(pthread_cond_init(&thread->turn, NULL), "baton");
	while (last->next != NULL) {
		last = last->next;
	}
	last->next = thread;
	create_real(thread);
	pass_baton(sched);
	return thread;
}

static void forget(struct sched *sched, struct sched_thread *thread)
{
	struct sched_thread *before = &sched->main;

	while (before->next != thread) {
		before = before->next;
	}
	before->next = thread->next;
}

void sched_join(struct sched_thread *thread)
{
	struct sched *sched = thread->sched;

	while (sched->simulation && thread->wait != WAIT_ENDED) {
		wait_for(sched, WAIT_JOIN, thread, SCHED_FOREVER);
	}
	check(pthread_join(thread->real, NULL), "join");
	if (sched->simulation) {
		forget(sched, thread);
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

/* ---- locks and conditions ---------------------------------------------------------------------------------- */

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
	if (mutex->holder == NULL && draw(mutex->sched, YIELD_ONE_IN) == 0) {
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

	uint64_t now_us = sched_now_us(cond->sched), rest_us = deadline_us > now_us ? deadline_us - now_us : 0;
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

	bool timed_out = wait_for(cond->sched, WAIT_COND, cond, deadline_us);

	lock_simulated(mutex);
	return timed_out ? -ETIMEDOUT : 0;
}

void sched_cond_signal(struct sched_cond *cond)
{
	struct sched *sched = cond->sched;
	struct sched_thread *thread = NULL;

	if (!sched->simulation) {
		check(pthread_cond_signal(&cond->real), "signal");
		return;
	}

	uint64_t count = sched->cond_waits > 0 ? find(sched, WAIT_COND, cond, 0, &thread) : 0;

	if (count > 0) {
		find(sched, WAIT_COND, cond, draw(sched, count), &thread);
		wake(sched, thread, false);
	}
}

void sched_cond_broadcast(struct sched_cond *cond)
{
	if (!cond->sched->simulation) {
		check(pthread_cond_broadcast(&cond->real), "broadcast");
	} else if (cond->sched->cond_waits > 0) {
		wake_all(cond->sched, WAIT_COND, cond);
	}
}
