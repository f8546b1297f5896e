/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered set of nodes embedded in their owners: a treap whose priorities come from a hash of
 * the tie text, so its shape is the same in every run. Ordered by rank, then by tie. Not locked.
 */
#ifndef ASB_BASE_TREE_H
#define ASB_BASE_TREE_H

#include <stddef.h>
#include <stdint.h>

struct tree_node {
	struct tree_node *left, *right, *parent;
	int64_t rank;
	const char *tie; /* borrowed; unique within a rank */
	uint32_t priority;
};

struct tree {
	struct tree_node *root;
	size_t count;
};

#define TREE_INIT \
	{         \
		0 \
	}

/* rank and tie are set by the caller; no equal node may be in the tree. */
void tree_insert(struct tree *tree, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node);
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

#endif
