/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the decisions of a simulation: who runs, who is woken, when time passes, and their trace.
 * Called by sched.c, which has the threads. Threads are kept and counted in order of creation:
 * addresses must never decide anything.
 */
#include "config.h"

#include "base/sched-token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Some waits end for no reason, to find callers that do not check their condition again. */
#define SPURIOUS_ONE_IN 64

uint64_t sched_token_mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

void sched_token_record(struct sched_token *token, uint64_t fact)
{
	token->trace = sched_token_mix(token->trace * 31 + fact + 1);
}

static uint64_t sched_token_draw(struct sched_token *token, uint64_t below)
{
	token->random += SCHED_TOKEN_STEP;
	return sched_token_mix(token->random) % below;
}

bool sched_token_chance(struct sched_token *token, uint64_t one_in)
{
	return sched_token_draw(token, one_in) == 0;
}

void sched_token_init(struct sched_token *token, uint64_t seed, struct sched_token_thread *first,
		      const char *name)
{
	*token = (struct sched_token){ .first = first,
				       .running = first,
				       .random = sched_token_mix(seed ^ SCHED_TOKEN_STEP) };
	*first = (struct sched_token_thread){ .name = name };
}

void sched_token_add(struct sched_token *token, struct sched_token_thread *thread, const char *name)
{
	struct sched_token_thread *last = token->first;

	while (last->next != NULL) {
		last = last->next;
	}
	last->next = thread;
	*thread = (struct sched_token_thread){ .name = name, .id = ++token->ids };
}

void sched_token_forget(struct sched_token *token, struct sched_token_thread *thread)
{
	struct sched_token_thread *before = token->first;

	while (before->next != thread) {
		before = before->next;
	}
	before->next = thread->next;
}

static void sched_token_wake(struct sched_token *token, struct sched_token_thread *thread,
			     bool timed_out)
{
	token->waits[thread->wait]--;
	thread->wait = SCHED_TOKEN_RUNS;
	thread->timed_out = timed_out;
}

void sched_token_wait(struct sched_token *token, enum sched_token_wait wait, const void *target,
		      const struct sched_token_thread *whom, uint64_t deadline_us)
{
	struct sched_token_thread *self = token->running;

	self->wait = wait;
	self->target = target;
	self->whom = whom;
	self->deadline_us = deadline_us;
	self->timed_out = false;
	token->waits[wait]++;
	if (wait != SCHED_TOKEN_WAITS_COND) {
		return;
	}
	if (deadline_us <= token->now_us) {
		sched_token_wake(token, self, true);
	} else if (sched_token_chance(token, SPURIOUS_ONE_IN)) {
		sched_token_wake(token, self, false);
	}
}

/* Counts the threads in such a wait for target (NULL: any target). *ret gets the one at place. */
static uint64_t sched_token_find(const struct sched_token *token, enum sched_token_wait wait,
				 const void *target, uint64_t place,
				 struct sched_token_thread **ret)
{
	uint64_t count = 0;

	for (struct sched_token_thread *thread = token->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == wait && (target == NULL || thread->target == target)) {
			if (count == place) {
				*ret = thread;
			}
			count++;
		}
	}
	return count;
}

void sched_token_wake_one(struct sched_token *token, enum sched_token_wait wait, const void *target)
{
	struct sched_token_thread *thread = NULL;
	uint64_t count =
		token->waits[wait] > 0 ? sched_token_find(token, wait, target, 0, &thread) : 0;

	if (count > 0) {
		sched_token_find(token, wait, target, sched_token_draw(token, count), &thread);
		sched_token_wake(token, thread, false);
	}
}

void sched_token_wake_all(struct sched_token *token, enum sched_token_wait wait, const void *target)
{
	for (struct sched_token_thread *thread = token->first;
	     token->waits[wait] > 0 && thread != NULL; thread = thread->next) {
		if (thread->wait == wait && thread->target == target) {
			sched_token_wake(token, thread, false);
		}
	}
}

/* Ends the process: all threads wait and no deadline ends that, which is a bug in the program. */
static void sched_token_die_stuck(const struct sched_token *token)
{
	fprintf(stderr, "simulation stuck at %" PRIu64 " us, nobody can run:\n", token->now_us);
	for (const struct sched_token_thread *thread = token->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == SCHED_TOKEN_WAITS_LOCK) {
			fprintf(stderr, "  '%s' waits for lock %p, held by '%s'\n", thread->name,
				thread->target, thread->whom->name);
		} else if (thread->wait == SCHED_TOKEN_WAITS_JOIN) {
			fprintf(stderr, "  '%s' waits for the end of '%s'\n", thread->name,
				thread->whom->name);
		} else if (thread->wait == SCHED_TOKEN_WAITS_COND) {
			fprintf(stderr, "  '%s' waits for condition %p\n", thread->name,
				thread->target);
		} else {
			fprintf(stderr, "  '%s' has ended\n", thread->name);
		}
	}
	abort();
}

/* Lets time pass to the earliest deadline and wakes all who waited for it. */
static void sched_token_jump(struct sched_token *token)
{
	uint64_t earliest = UINT64_MAX;

	for (const struct sched_token_thread *thread = token->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == SCHED_TOKEN_WAITS_COND && thread->deadline_us < earliest) {
			earliest = thread->deadline_us;
		}
	}
	if (earliest == UINT64_MAX) {
		sched_token_die_stuck(token);
	}
	token->now_us = earliest;
	sched_token_record(token, earliest);
	for (struct sched_token_thread *thread = token->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == SCHED_TOKEN_WAITS_COND && thread->deadline_us <= earliest) {
			sched_token_wake(token, thread, true);
		}
	}
}

struct sched_token_thread *sched_token_next(struct sched_token *token)
{
	struct sched_token_thread *next = NULL;
	uint64_t count;

	while ((count = sched_token_find(token, SCHED_TOKEN_RUNS, NULL, 0, &next)) == 0) {
		sched_token_jump(token);
	}
	if (count > 1) {
		sched_token_find(token, SCHED_TOKEN_RUNS, NULL, sched_token_draw(token, count),
				 &next);
	}
	sched_token_record(token, next->id);
	return next;
}
