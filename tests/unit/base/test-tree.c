/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/tree.h: order, both directions, and a shape that does not depend on history. */
#include "config.h"

#include "base/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define NODES 300

struct item {
	struct tree_node node;
	char tie[16];
	bool in;
};

static void fill(struct item *items)
{
	for (size_t i = 0; i < NODES; i++) {
		items[i] = (struct item){ .node.rank = (int64_t)(i % 7) - 3 };
		snprintf(items[i].tie, sizeof(items[i].tie), "item-%zu", i);
		items[i].node.tie = items[i].tie;
	}
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
	return a->rank != b->rank ? a->rank < b->rank : strcmp(a->tie, b->tie) < 0;
}

static void check_order(const struct tree *tree, size_t wanted)
{
	size_t forward = 0, backward = 0;
	struct tree_node *last = NULL;

	for (struct tree_node *node = tree_first(tree); node != NULL; node = tree_next(node)) {
		assert_true(last == NULL || before(last, node));
		assert_ptr_equal(tree_previous(node), last);
		last = node;
		forward++;
	}
	assert_ptr_equal(tree_last(tree), last);
	for (struct tree_node *node = last; node != NULL; node = tree_previous(node)) {
		backward++;
	}
	assert_int_equal(forward, wanted);
	assert_int_equal(backward, wanted);
	assert_int_equal(tree->count, wanted);
}

static void tree_stays_sorted_over_inserts_and_removes(void **state)
{
	static struct item items[NODES];
	struct tree tree = TREE_INIT;
	uint32_t random = 5;
	size_t count = 0;

	(void)state;
	fill(items);
	check_order(&tree, 0);
	for (int step = 0; step < 10000; step++) {
		random = random * 1664525u + 1013904223u;

		struct item *item = &items[(random >> 8) % NODES];

		if (item->in) {
			tree_remove(&tree, &item->node);
			count--;
		} else {
			tree_insert(&tree, &item->node);
			count++;
		}
		item->in = !item->in;
		if (step % 100 == 0) {
			check_order(&tree, count);
		}
	}
	check_order(&tree, count);
}

static size_t height(const struct tree_node *node)
{
	size_t left, right;

	if (node == NULL) {
		return 0;
	}
	left = height(node->left);
	right = height(node->right);
	return 1 + (left > right ? left : right);
}

static void tree_stays_shallow_when_filled_in_order(void **state)
{
	static struct item items[NODES];
	struct tree tree = TREE_INIT;

	(void)state;
	fill(items);
	for (size_t i = 0; i < NODES; i++) {
		items[i].node.rank = (int64_t)i;
		tree_insert(&tree, &items[i].node);
	}
	assert_true(height(tree.root) < 30);
}

static void tree_has_one_shape_whatever_the_order_of_inserts(void **state)
{
	static struct item forward[NODES], backward[NODES];
	struct tree a = TREE_INIT, b = TREE_INIT;

	(void)state;
	fill(forward);
	fill(backward);
	for (size_t i = 0; i < NODES; i++) {
		tree_insert(&a, &forward[i].node);
		tree_insert(&b, &backward[NODES - 1 - i].node);
	}
	for (size_t i = 0; i < NODES; i++) {
		const struct tree_node *x = forward[i].node.parent, *y = backward[i].node.parent;

		assert_true((x == NULL) == (y == NULL));
		if (x != NULL) {
			assert_string_equal(x->tie, y->tie);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_stays_sorted_over_inserts_and_removes),
		cmocka_unit_test(tree_stays_shallow_when_filled_in_order),
		cmocka_unit_test(tree_has_one_shape_whatever_the_order_of_inserts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
