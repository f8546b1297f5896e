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

/* Waits that end for no reason, to catch callers that do not look again. */
#define SPURIOUS_ONE_IN 64

uint64_t baton_mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

void baton_record(struct baton *baton, uint64_t fact)
{
	baton->trace = baton_mix(baton->trace * 31 + fact + 1);
}

static uint64_t draw(struct baton *baton, uint64_t below)
{
	baton->random += BATON_STEP;
	return baton_mix(baton->random) % below;
}

bool baton_chance(struct baton *baton, uint64_t one_in)
{
	return draw(baton, one_in) == 0;
}

void baton_init(struct baton *baton, uint64_t seed, struct baton_thread *first, const char *name)
{
	*baton = (struct baton){ .first = first,
				 .running = first,
				 .random = baton_mix(seed ^ BATON_STEP) };
	*first = (struct baton_thread){ .name = name };
}

void baton_add(struct baton *baton, struct baton_thread *thread, const char *name)
{
	struct baton_thread *last = baton->first;

	while (last->next != NULL) {
		last = last->next;
	}
	last->next = thread;
	*thread = (struct baton_thread){ .name = name, .id = ++baton->ids };
}

void baton_forget(struct baton *baton, struct baton_thread *thread)
{
	struct baton_thread *before = baton->first;

	while (before->next != thread) {
		before = before->next;
	}
	before->next = thread->next;
}

static void wake(struct baton *baton, struct baton_thread *thread, bool timed_out)
{
	baton->waits[thread->wait]--;
	thread->wait = BATON_RUNS;
	thread->timed_out = timed_out;
}

void baton_wait(struct baton *baton, enum baton_wait wait, const void *target,
		const struct baton_thread *whom, uint64_t deadline_us)
{
	struct baton_thread *self = baton->running;

	self->wait = wait;
	self->target = target;
	self->whom = whom;
	self->deadline_us = deadline_us;
	self->timed_out = false;
	baton->waits[wait]++;
	if (wait != BATON_WAITS_COND) {
		return;
	}
	if (deadline_us <= baton->now_us) {
		wake(baton, self, true);
	} else if (baton_chance(baton, SPURIOUS_ONE_IN)) {
		wake(baton, self, false);
	}
}

/* Counts who is in such a wait for target (NULL: any); the one at place goes to *ret. */
static uint64_t find(const struct baton *baton, enum baton_wait wait, const void *target,
		     uint64_t place, struct baton_thread **ret)
{
	uint64_t count = 0;

	for (struct baton_thread *thread = baton->first; thread != NULL; thread = thread->next) {
		if (thread->wait == wait && (target == NULL || thread->target == target)) {
			if (count == place) {
				*ret = thread;
			}
			count++;
		}
	}
	return count;
}

void baton_wake_one(struct baton *baton, enum baton_wait wait, const void *target)
{
	struct baton_thread *thread = NULL;
	uint64_t count = baton->waits[wait] > 0 ? find(baton, wait, target, 0, &thread) : 0;

	if (count > 0) {
		find(baton, wait, target, draw(baton, count), &thread);
		wake(baton, thread, false);
	}
}

void baton_wake_all(struct baton *baton, enum baton_wait wait, const void *target)
{
	for (struct baton_thread *thread = baton->first; baton->waits[wait] > 0 && thread != NULL;
	     thread = thread->next) {
		if (thread->wait == wait && thread->target == target) {
			wake(baton, thread, false);
		}
	}
}

/* All wait and no deadline will end it: a bug in the simulated program. */
static void die_stuck(const struct baton *baton)
{
	fprintf(stderr, "simulation stuck at %" PRIu64 " us, nobody can run:\n", baton->now_us);
	for (const struct baton_thread *thread = baton->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == BATON_WAITS_LOCK) {
			fprintf(stderr, "  '%s' waits for lock %p, held by '%s'\n", thread->name,
				thread->target, thread->whom->name);
		} else if (thread->wait == BATON_WAITS_JOIN) {
			fprintf(stderr, "  '%s' waits for the end of '%s'\n", thread->name,
				thread->whom->name);
		} else if (thread->wait == BATON_WAITS_COND) {
			fprintf(stderr, "  '%s' waits for condition %p\n", thread->name,
				thread->target);
		} else {
			fprintf(stderr, "  '%s' has ended\n", thread->name);
		}
	}
	abort();
}

/* Lets time pass to the earliest deadline and wakes all who waited for it. */
static void jump(struct baton *baton)
{
	uint64_t earliest = UINT64_MAX;

	for (const struct baton_thread *thread = baton->first; thread != NULL;
	     thread = thread->next) {
		if (thread->wait == BATON_WAITS_COND && thread->deadline_us < earliest) {
			earliest = thread->deadline_us;
		}
	}
	if (earliest == UINT64_MAX) {
		die_stuck(baton);
	}
	baton->now_us = earliest;
	baton_record(baton, earliest);
	for (struct baton_thread *thread = baton->first; thread != NULL; thread = thread->next) {
		if (thread->wait == BATON_WAITS_COND && thread->deadline_us <= earliest) {
			wake(baton, thread, true);
		}
	}
}

struct baton_thread *baton_next(struct baton *baton)
{
	struct baton_thread *next = NULL;
	uint64_t count;

	while ((count = find(baton, BATON_RUNS, NULL, 0, &next)) == 0) {
		jump(baton);
	}
	if (count > 1) {
		find(baton, BATON_RUNS, NULL, draw(baton, count), &next);
	}
	baton_record(baton, next->id);
	return next;
}
