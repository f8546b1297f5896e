/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one request may make a schema do: steps of work and bytes of defaults, counted while they are
 * spent. A schema of a few lines can ask for any number of either. Once spent, an effort stays so:
 * whoever works goes on to its end without doing more, and who asked looks at effort_refusal.
 */
#ifndef ASB_APISERVER_SCHEMA_EFFORT_H
#define ASB_APISERVER_SCHEMA_EFFORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step is about as long as looking at a small value: all of them are some 0.3 s, and the largest
 * object with the largest schema in use takes a tenth of it. */
#define EFFORT_STEPS_MAX 5000000u
/* Defaults, as JSON: twice what can be stored. */
#define EFFORT_BYTES_MAX (3u << 20)

struct effort {
	uint64_t steps, bytes;
	bool steps_spent, bytes_spent;
};

/* Both return false when there is no more. */
static inline bool effort_spend(struct effort *effort, uint64_t steps)
{
	effort->steps += steps;
	effort->steps_spent = effort->steps_spent || effort->steps > EFFORT_STEPS_MAX;
	return !effort->steps_spent;
}

static inline bool effort_grow(struct effort *effort, uint64_t bytes)
{
	effort->bytes += bytes;
	effort->bytes_spent = effort->bytes_spent || effort->bytes > EFFORT_BYTES_MAX;
	return !effort->bytes_spent;
}

/* What was too much, for the client; NULL: nothing. */
static inline const char *effort_refusal(const struct effort *effort)
{
	return effort->bytes_spent
		       ? "the defaults of the schema make the object larger than 3145728 bytes"
	       : effort->steps_spent
		       ? "the object takes too long to check: its schema asks for more than 5000000 steps (patterns, enums and alternatives count for each value)"
		       : NULL;
}

#endif
