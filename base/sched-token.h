/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs next in a simulation: the decisions without the threads. For sched.c alone, which calls
 * it from the one thread that runs; so nothing here is locked.
 */
#ifndef ASB_BASE_SCHED_TOKEN_H
#define ASB_BASE_SCHED_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

enum sched_token_wait {
	SCHED_TOKEN_RUNS, /* or could */
	SCHED_TOKEN_WAITS_LOCK,
	SCHED_TOKEN_WAITS_COND,
	SCHED_TOKEN_WAITS_JOIN,
	SCHED_TOKEN_ENDED,
};

struct sched_token_thread {
	struct sched_token_thread *next; /* in order of creation */
	const char *name;
	uint64_t id;
	enum sched_token_wait wait;
	const void *target;                    /* the lock, condition or thread it waits for */
	const struct sched_token_thread *whom; /* who holds the lock, or has to end */
	uint64_t deadline_us;
	bool timed_out;
};

struct sched_token {
	struct sched_token_thread *first, *running;
	uint64_t ids;
	uint64_t random; /* state of the generator behind the decisions */
	uint64_t trace;
	uint64_t now_us;
	unsigned int waits[SCHED_TOKEN_ENDED + 1]; /* how many wait so: most of the time none */
};

/* Scrambles 64 bits; numbers in steps of SCHED_TOKEN_STEP come out as splitmix64. */
uint64_t sched_token_mix(uint64_t value);
#define SCHED_TOKEN_STEP 0x9e3779b97f4a7c15u

/* The first thread has the token. */
void sched_token_init(struct sched_token *token, uint64_t seed, struct sched_token_thread *first,
		      const char *name);
void sched_token_add(struct sched_token *token, struct sched_token_thread *thread,
		     const char *name);
void sched_token_forget(struct sched_token *token, struct sched_token_thread *thread);

/* Adds to the trace. */
void sched_token_record(struct sched_token *token, uint64_t fact);
/* True once in so many, by the seed. */
bool sched_token_chance(struct sched_token *token, uint64_t one_in);

/* Makes the running thread wait (or end). It runs on until the caller hands the token on. */
void sched_token_wait(struct sched_token *token, enum sched_token_wait wait, const void *target,
		      const struct sched_token_thread *whom, uint64_t deadline_us);
/* Wakes one drawn, or all, of those who wait for target. */
void sched_token_wake_one(struct sched_token *token, enum sched_token_wait wait,
			  const void *target);
void sched_token_wake_all(struct sched_token *token, enum sched_token_wait wait,
			  const void *target);
/* Draws one of those who can run; if nobody can, lets time pass to the first deadline; if there is
 * none, says who waits for what and aborts. */
struct sched_token_thread *sched_token_next(struct sched_token *token);

#endif
