/* SPDX-License-Identifier: Apache-2.0 */
/* Ranked indexes over stored objects. Called by core/cache/store.c under its lock, except for
 * index_collect. */
#include "config.h"

#include "core/cache/store-index.h"

#include <string.h>

#include "base/macros.h"
#include "base/memory.h"

struct bucket {
	struct tree tree;
	struct index *index;
	char value[];
};

/* What an index function adds its values to. */
struct collector {
	struct asb_values base;
	struct index_values *ret;
	uint32_t index;
};

static void index_collect_value(struct asb_values *base, const char *value, int64_t rank)
{
	struct collector *collector = CONTAINER_OF(base, struct collector, base);
	struct index_values *values = collector->ret;

	if (value == NULL || strlen(value) > INDEX_VALUE_MAX) {
		return;
	}
	for (size_t i = 0; i < values->count; i++) {
		if (values->items[i].index == collector->index &&
		    strcmp(values->items[i].value, value) == 0) {
			values->items[i].rank = rank;
			return;
		}
	}
	if (values->count < INDEX_ENTRIES_MAX) {
		values->items[values->count].index = collector->index;
		values->items[values->count].rank = rank;
		values->items[values->count++].value = xstrdup(value);
	}
}

void index_collect(const struct index *indexes, uint32_t count, struct json_object *object,
		   struct index_values *ret)
{
	ret->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct collector collector = { .base.add = index_collect_value,
					       .ret = ret,
					       .index = i };

		indexes[i].values(object, &collector.base);
	}
}

void index_values_finish(struct index_values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		free(values->items[i].value);
	}
	values->count = 0;
}

static struct bucket *index_bucket_of(struct index *index, const char *value)
{
	struct bucket *bucket = map_get(&index->buckets, value);

	if (bucket == NULL) {
		size_t size = strlen(value) + 1;

		bucket = xalloc(sizeof(*bucket) + size);
		bucket->index = index;
		memcpy(bucket->value, value, size);
		map_put(&index->buckets, bucket->value, bucket);
	}
	return bucket;
}

struct index_entry *index_attach(struct index *indexes, const struct index_values *values,
				 const char *key)
{
	struct index_entry *entries =
		values->count > 0 ? xnew_array(struct index_entry, values->count) : NULL;

	for (size_t i = 0; i < values->count; i++) {
		struct index_entry *entry = &entries[i];

		entry->bucket =
			index_bucket_of(&indexes[values->items[i].index], values->items[i].value);
		entry->node.rank = values->items[i].rank;
		entry->node.tie = key;
		tree_insert(&entry->bucket->tree, &entry->node);
	}
	return entries;
}

void index_detach(struct index_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bucket *bucket = entries[i].bucket;

		tree_remove(&bucket->tree, &entries[i].node);
		if (bucket->tree.count == 0) {
			map_remove(&bucket->index->buckets, bucket->value);
			free(bucket);
		}
	}
	free(entries);
}

const struct tree *index_find(const struct index *index, const char *value)
{
	const struct bucket *bucket = map_get(&index->buckets, value);

	return bucket != NULL ? &bucket->tree : NULL;
}

void index_finish(struct index *index)
{
	struct bucket *bucket;
	size_t at = 0;

	while ((bucket = map_next(&index->buckets, &at, NULL)) != NULL) {
		free(bucket);
	}
	map_finish(&index->buckets);
}

struct tree_node *index_beyond(const struct tree *tree, int64_t rank, const char *tie, int reverse)
{
	struct tree_node *node = tree->root, *best = NULL;

	while (node != NULL) {
		int order =
			node->rank != rank ? (node->rank < rank ? -1 : 1) : strcmp(node->tie, tie);

		if (reverse ? order < 0 : order > 0) {
			best = node;
			node = reverse ? node->right : node->left;
		} else {
			node = reverse ? node->left : node->right;
		}
	}
	return best;
}
