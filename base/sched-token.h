/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs next in a simulation: the decisions without the threads. For sched.c alone, which calls
 * it from the one thread that runs; so nothing here is locked.
 */
#ifndef ASB_BASE_BATON_H
#define ASB_BASE_BATON_H

#include <stdbool.h>
#include <stdint.h>

enum baton_wait {
	BATON_RUNS, /* or could */
	BATON_WAITS_LOCK,
	BATON_WAITS_COND,
	BATON_WAITS_JOIN,
	BATON_ENDED,
};

struct baton_thread {
	struct baton_thread *next; /* in order of creation */
	const char *name;
	uint64_t id;
	enum baton_wait wait;
	const void *target;              /* the lock, condition or thread it waits for */
	const struct baton_thread *whom; /* who holds the lock, or has to end */
	uint64_t deadline_us;
	bool timed_out;
};

struct baton {
	struct baton_thread *first, *running;
	uint64_t ids;
	uint64_t random; /* state of the generator behind the decisions */
	uint64_t trace;
	uint64_t now_us;
	unsigned int waits[BATON_ENDED + 1]; /* how many wait so: most of the time none */
};

/* Scrambles 64 bits; numbers in steps of BATON_STEP come out as splitmix64. */
uint64_t baton_mix(uint64_t value);
#define BATON_STEP 0x9e3779b97f4a7c15u

/* The first thread has the baton. */
void baton_init(struct baton *baton, uint64_t seed, struct baton_thread *first, const char *name);
void baton_add(struct baton *baton, struct baton_thread *thread, const char *name);
void baton_forget(struct baton *baton, struct baton_thread *thread);

/* Adds to the trace. */
void baton_record(struct baton *baton, uint64_t fact);
/* True once in so many, by the seed. */
bool baton_chance(struct baton *baton, uint64_t one_in);

/* Makes the running thread wait (or end). It runs on until the caller hands the baton on. */
void baton_wait(struct baton *baton, enum baton_wait wait, const void *target,
		const struct baton_thread *whom, uint64_t deadline_us);
/* Wakes one drawn, or all, of those who wait for target. */
void baton_wake_one(struct baton *baton, enum baton_wait wait, const void *target);
void baton_wake_all(struct baton *baton, enum baton_wait wait, const void *target);
/* Draws one of those who can run; if nobody can, lets time pass to the first deadline; if there is
 * none, says who waits for what and aborts. */
struct baton_thread *baton_next(struct baton *baton);

#endif
