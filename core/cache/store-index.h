/* SPDX-License-Identifier: Apache-2.0 */
/* The indexes of a store: for each index a map from values to ordered sets of entries. Private to
 * core/cache/store; its lock guards all. */
#ifndef ASB_CORE_CACHE_STORE_INDEX_H
#define ASB_CORE_CACHE_STORE_INDEX_H

#include <agent-sandbox/plugin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/tree.h"

#define INDEX_ENTRIES_MAX 64 /* of one object over all indexes: further ones are left out */
#define INDEX_VALUE_MAX 1024 /* bytes of a value: longer ones are left out */

struct index {
	const char *name; /* borrowed */
	void (*values)(struct json_object *object, struct asb_values *out);
	struct map buckets;
};

struct bucket;

struct index_entry {
	struct tree_node node; /* bucket.tree */
	struct bucket *bucket;
};

/* The values that the index functions of an object gave, before they are in the indexes. */
struct index_values {
	struct {
		uint32_t index;
		int64_t rank;
		char *value;
	} items[INDEX_ENTRIES_MAX];
	size_t count;
};

/* Calls every index function: with no lock held. */
void index_collect(const struct index *indexes, uint32_t count, struct json_object *object,
		   struct index_values *ret);
void index_values_finish(struct index_values *values);
/* Enters the values into the indexes under key, which outlives the entries. Returns the entries, to
 * be passed to index_detach; NULL for none. */
struct index_entry *index_attach(struct index *indexes, const struct index_values *values,
				 const char *key);
void index_detach(struct index_entry *entries, size_t count);
/* The ordered set under a value, or NULL. */
const struct tree *index_find(const struct index *index, const char *value);
void index_finish(struct index *index);
/* The first node after (rank, tie) in order, or before it in reverse order; NULL for none. */
struct tree_node *index_beyond(const struct tree *tree, int64_t rank, const char *tie, int reverse);

#endif
