/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/heap.h: order by time, then by arrival, and removal from anywhere. */
#include "config.h"

#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/macros.h"

static void heap_gives_ties_in_order_of_arrival(void **state)
{
	struct heap heap = HEAP_INIT;
	struct heap_node nodes[50] = { { 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		nodes[i].when = 7;
		heap_push(&heap, &nodes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		assert_ptr_equal(heap_peek(&heap), &nodes[i]);
		heap_remove(&heap, &nodes[i]);
		assert_false(heap_has(&nodes[i]));
	}
	assert_null(heap_peek(&heap));
	heap_finish(&heap);
}

/* The earliest node that is in, by looking at all. */
static struct heap_node *model_peek(struct heap_node *nodes, size_t count)
{
	struct heap_node *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (heap_has(&nodes[i]) &&
		    (best == NULL || nodes[i].when < best->when ||
		     (nodes[i].when == best->when && nodes[i].order < best->order))) {
			best = &nodes[i];
		}
	}
	return best;
}

/* No node is earlier than the one above it, and each knows its place. */
static void check_shape(const struct heap *heap)
{
	for (size_t i = 0; i < heap->count; i++) {
		const struct heap_node *node = heap->nodes[i],
				       *above = heap->nodes[i > 0 ? (i - 1) / 2 : 0];

		assert_int_equal(node->place, i + 1);
		assert_true(above->when < node->when ||
			    (above->when == node->when && above->order <= node->order));
	}
}

static void heap_keeps_the_earliest_first_over_pushes_and_removes(void **state)
{
	struct heap heap = HEAP_INIT;
	struct heap_node nodes[200] = { { 0 } };
	uint32_t random = 99;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		random = random * 1664525u + 1013904223u;

		struct heap_node *node = &nodes[(random >> 8) % ARRAY_LEN(nodes)];

		if (heap_has(node)) {
			heap_remove(&heap, node);
		} else {
			node->when = (random >> 20) % 64;
			heap_push(&heap, node);
		}
		assert_ptr_equal(heap_peek(&heap), model_peek(nodes, ARRAY_LEN(nodes)));
		check_shape(&heap);
	}
	heap_finish(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_gives_ties_in_order_of_arrival),
		cmocka_unit_test(heap_keeps_the_earliest_first_over_pushes_and_removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
