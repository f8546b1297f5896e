/* SPDX-License-Identifier: Apache-2.0 */
/* A min-heap of nodes embedded in their owners (CONTAINER_OF finds them), by time, then by order of
 * arrival. Not locked. */
#ifndef ASB_BASE_HEAP_H
#define ASB_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t when;
	uint64_t order; /* set by heap_push: ties go in order of arrival */
	size_t place;   /* 1 + index in the heap; 0: in none */
};

struct heap {
	struct heap_node **nodes;
	size_t count, size;
	uint64_t arrivals;
};

#define HEAP_INIT \
	{         \
		0 \
	}

void heap_finish(struct heap *heap);
/* node->when is set by the caller; the node must be in no heap. */
void heap_push(struct heap *heap, struct heap_node *node);
void heap_remove(struct heap *heap, struct heap_node *node);
/* The earliest, or NULL; it stays in. */
struct heap_node *heap_peek(const struct heap *heap);
static inline bool heap_has(const struct heap_node *node)
{
	return node->place != 0;
}

#endif
