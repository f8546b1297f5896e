/* SPDX-License-Identifier: Apache-2.0 */
/* Treaps of embedded nodes: sorted by rank and tie, balanced by a priority hashed from the tie. The
 * store's indexes. */
#include "config.h"

#include "base/tree.h"

#include <string.h>

#include "base/hash.h"

static uint32_t tree_priority_of(const char *tie)
{
	uint32_t hash = hash32_text(HASH32_START, tie);

	/* Names that differ in the last letter only would get similar priorities without this. */
	hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
	hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
	return hash ^ (hash >> 16);
}

static int tree_compare(const struct tree_node *a, const struct tree_node *b)
{
	if (a->rank != b->rank) {
		return a->rank < b->rank ? -1 : 1;
	}
	return strcmp(a->tie, b->tie);
}

/* The pointer that points to a node: in its parent, or the root. */
static struct tree_node **tree_link_to(struct tree *tree, const struct tree_node *node)
{
	if (node->parent == NULL) {
		return &tree->root;
	}
	return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

/* Rotates: child, a child of node, takes the place of node, and node goes below it. */
static void tree_rotate_up(struct tree *tree, struct tree_node *node, struct tree_node *child)
{
	struct tree_node **inner = child == node->left ? &child->right : &child->left;

	*tree_link_to(tree, node) = child;
	child->parent = node->parent;
	if (child == node->left) {
		node->left = *inner;
	} else {
		node->right = *inner;
	}
	if (*inner != NULL) {
		(*inner)->parent = node;
	}
	*inner = node;
	node->parent = child;
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
	struct tree_node **at = &tree->root;

	node->left = node->right = node->parent = NULL;
	node->priority = tree_priority_of(node->tie);
	while (*at != NULL) {
		node->parent = *at;
		at = tree_compare(node, *at) < 0 ? &(*at)->left : &(*at)->right;
	}
	*at = node;
	tree->count++;
	while (node->parent != NULL && node->priority < node->parent->priority) {
		tree_rotate_up(tree, node->parent, node);
	}
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
	while (node->left != NULL && node->right != NULL) {
		tree_rotate_up(tree, node,
			       node->left->priority < node->right->priority ? node->left
									    : node->right);
	}

	struct tree_node *child = node->left != NULL ? node->left : node->right;

	*tree_link_to(tree, node) = child;
	if (child != NULL) {
		child->parent = node->parent;
	}
	node->left = node->right = node->parent = NULL;
	tree->count--;
}

static struct tree_node *tree_leftmost(struct tree_node *node)
{
	while (node != NULL && node->left != NULL) {
		node = node->left;
	}
	return node;
}

static struct tree_node *tree_rightmost(struct tree_node *node)
{
	while (node != NULL && node->right != NULL) {
		node = node->right;
	}
	return node;
}

struct tree_node *tree_first(const struct tree *tree)
{
	return tree_leftmost(tree->root);
}

struct tree_node *tree_last(const struct tree *tree)
{
	return tree_rightmost(tree->root);
}

struct tree_node *tree_next(const struct tree_node *node)
{
	if (node->right != NULL) {
		return tree_leftmost(node->right);
	}
	while (node->parent != NULL && node->parent->right == node) {
		node = node->parent;
	}
	return node->parent;
}

struct tree_node *tree_previous(const struct tree_node *node)
{
	if (node->left != NULL) {
		return tree_rightmost(node->left);
	}
	while (node->parent != NULL && node->parent->left == node) {
		node = node->parent;
	}
	return node->parent;
}
