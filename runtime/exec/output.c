/* SPDX-License-Identifier: Apache-2.0 */
/* A list of pieces. execute.c fills it in the supervisor's thread, then reads it in the server's
 * thread. */
#include "config.h"

#include "runtime/exec/output.h"

#include <string.h>

#include "base/memory.h"

#define PIECE_LEAST 1024u
#define PIECE_MOST (256u << 10) /* far above malloc's limit for pieces of the kernel's own */

struct output_piece {
	struct output_piece *next;
	size_t begin, end, size;
	char data[];
};

void output_init(struct output *output, size_t most, struct output_budget *budget)
{
	*output = (struct output){ .most = most, .budget = budget };
}

static void output_drop_first(struct output *output)
{
	struct output_piece *piece = output->first;

	output->first = piece->next;
	output->last = output->first != NULL ? output->last : NULL;
	atomic_fetch_add(&output->budget->left, piece->size);
	free(piece);
}

void output_finish(struct output *output)
{
	while (output->first != NULL) {
		output_drop_first(output);
	}
}

static bool output_reserve(struct output_budget *budget, size_t size)
{
	size_t left = atomic_load(&budget->left);

	while (left >= size) {
		if (atomic_compare_exchange_weak(&budget->left, &left, left - size)) {
			return true;
		}
	}
	return false;
}

static bool output_add_piece(struct output *output, size_t length)
{
	size_t size = output->last == NULL ? PIECE_LEAST : output->last->size * 4;

	size = size < length ? length : size;
	size = size > PIECE_MOST ? PIECE_MOST : size;
	if (!output_reserve(output->budget, size)) {
		return false;
	}

	struct output_piece *piece = xalloc(sizeof(*piece) + size);

	*piece = (struct output_piece){ .size = size };
	if (output->last != NULL) {
		output->last->next = piece;
	} else {
		output->first = piece;
	}
	output->last = piece;
	return true;
}

void output_add(struct output *output, const char *data, size_t length)
{
	size_t room = output->most - output->length;

	if (length > room) {
		output->truncated = true;
		length = room;
	}
	while (length > 0) {
		struct output_piece *piece = output->last;

		if (piece == NULL || piece->end == piece->size) {
			if (!output_add_piece(output, length)) {
				output->truncated = true;
				output->most = output->length; /* a later part would leave a gap */
				return;
			}
			continue;
		}

		size_t part = piece->size - piece->end < length ? piece->size - piece->end : length;

		memcpy(piece->data + piece->end, data, part);
		piece->end += part;
		output->length += part;
		data += part;
		length -= part;
	}
}

size_t output_read_json(struct output *output, char *data, size_t size)
{
	size_t made = 0, used = 0;

	while (output->first != NULL && size - made > 2 * UTF8_JSON_MAX) {
		struct output_piece *piece = output->first;

		made += utf8_to_json(&output->decoder, piece->data + piece->begin,
				     piece->end - piece->begin, data + made, size - made, &used);
		piece->begin += used;
		if (piece->begin < piece->end) {
			break;
		}
		output_drop_first(output);
	}
	if (output->first == NULL && made + 3 <= size) {
		made += utf8_to_json_end(&output->decoder, data + made);
	}
	return made;
}
