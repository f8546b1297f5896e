/* SPDX-License-Identifier: Apache-2.0 */
/* What a command wrote, kept up to a limit in pieces that grow, so that a small output costs little
 * and a large one is given back to the kernel piece by piece while it is sent. One thread at a time. */
#ifndef ASB_RUNTIME_EXEC_OUTPUT_H
#define ASB_RUNTIME_EXEC_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/json/utf8.h"

struct output_piece;

/* What all outputs together may hold: many commands at once must not take the sandbox's memory. */
struct output_budget {
	atomic_size_t left;
};

struct output {
	struct output_piece *first, *last;
	size_t length;
	size_t most;
	bool truncated; /* some was dropped */
	struct output_budget *budget;
	struct utf8_decoder decoder; /* of what is being read out */
};

void output_init(struct output *output, size_t most, struct output_budget *budget);
void output_finish(struct output *output);
void output_add(struct output *output, const char *data, size_t length);
/* Takes from the front: the inside of a JSON string, at most size bytes (32 at least). 0 at the end. */
size_t output_read_json(struct output *output, char *data, size_t size);

#endif
