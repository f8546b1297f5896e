/* SPDX-License-Identifier: Apache-2.0 */
/* Binary heaps of embedded nodes, which know their place so that any can be taken out. The queue
 * and the timer. */
#include "config.h"

#include "base/heap.h"

#include "base/memory.h"

static bool heap_earlier(const struct heap_node *a, const struct heap_node *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void heap_set(struct heap *heap, size_t index, struct heap_node *node)
{
	heap->nodes[index] = node;
	node->place = index + 1;
}

static void heap_move_up(struct heap *heap, size_t index, struct heap_node *node)
{
	while (index > 0 && heap_earlier(node, heap->nodes[(index - 1) / 2])) {
		heap_set(heap, index, heap->nodes[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	heap_set(heap, index, node);
}

static void heap_move_down(struct heap *heap, size_t index, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= heap->count) {
			break;
		}
		if (child + 1 < heap->count &&
		    heap_earlier(heap->nodes[child + 1], heap->nodes[child])) {
			child++;
		}
		if (!heap_earlier(heap->nodes[child], node)) {
			break;
		}
		heap_set(heap, index, heap->nodes[child]);
		index = child;
	}
	heap_set(heap, index, node);
}

void heap_finish(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap)HEAP_INIT;
}

void heap_push(struct heap *heap, struct heap_node *node)
{
	if (heap->count == heap->size) {
		heap->size = heap->size > 0 ? heap->size * 2 : 16;
		heap->nodes = xrealloc(heap->nodes, heap->size * sizeof(*heap->nodes));
	}
	node->order = heap->arrivals++;
	heap_move_up(heap, heap->count++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t index = node->place - 1;
	struct heap_node *last = heap->nodes[--heap->count];

	node->place = 0;
	if (last == node) {
		return;
	}
	if (index > 0 && heap_earlier(last, heap->nodes[(index - 1) / 2])) {
		heap_move_up(heap, index, last);
	} else {
		heap_move_down(heap, index, last);
	}
}

struct heap_node *heap_peek(const struct heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}
