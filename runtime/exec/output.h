/* SPDX-License-Identifier: Apache-2.0 */
/* An output keeps what a command wrote, up to a limit. Its pieces grow: a small output costs little
 * memory, and a large one is returned to the kernel piece by piece while it is sent. One thread at
 * a time. */
#ifndef ASB_RUNTIME_EXEC_OUTPUT_H
#define ASB_RUNTIME_EXEC_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/json/utf8.h"

struct output_piece;

/* What all outputs together may hold, so that many commands do not take all memory of the
 * sandbox. */
struct output_budget {
	atomic_size_t left;
};

struct output {
	struct output_piece *first, *last;
	size_t length;
	size_t most;
	bool truncated; /* a part was dropped */
	struct output_budget *budget;
	struct utf8_decoder decoder; /* of output_read_json */
};

void output_init(struct output *output, size_t most, struct output_budget *budget);
void output_finish(struct output *output);
void output_add(struct output *output, const char *data, size_t length);
/* Takes text from the front and converts it to the inside of a JSON string of at most size bytes;
 * size is 32 or more. Returns its length, 0 at the end. */
size_t output_read_json(struct output *output, char *data, size_t size);

#endif
