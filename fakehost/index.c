/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's indexes over its store. fakehost/cache.c adds objects; list, count, enqueue
 * functions and reservations read. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

struct collector {
	struct asb_values values;
	struct fake_index *index;
	struct stored *stored;
};

static struct fake_bucket *index_bucket(struct fake_index *index, const char *value)
{
	struct fake_bucket *bucket = map_get(&index->buckets, value);

	if (bucket == NULL) {
		bucket = xnew(struct fake_bucket);
		bucket->value = xstrdup(value);
		map_put(&index->buckets, bucket->value, bucket);
	}
	return bucket;
}

/* The entry of an object under a value of an index. */
static struct fake_entry *index_entry(struct stored *stored, const struct fake_index *index,
				      const char *value)
{
	struct fake_entry *entry = stored->entries;

	while (entry != NULL &&
	       (entry->index != index || strcmp(entry->bucket->value, value) != 0)) {
		entry = entry->next;
	}
	return entry;
}

static void index_add(struct asb_values *values, const char *value, int64_t rank)
{
	struct collector *collector = CONTAINER_OF(values, struct collector, values);
	struct stored *stored = collector->stored;
	struct fake_entry *entry;

	if (value == NULL) {
		fake_fatal("the index '%s' has an entry without a value",
			   collector->index->index->name);
	}
	entry = index_entry(stored, collector->index, value);
	if (entry != NULL) {
		tree_remove(&entry->bucket->tree, &entry->node);
	} else {
		entry = xnew(struct fake_entry);
		entry->index = collector->index;
		entry->bucket = index_bucket(collector->index, value);
		entry->next = stored->entries;
		stored->entries = entry;
	}
	entry->node.rank = rank;
	entry->node.tie = stored->key;
	tree_insert(&entry->bucket->tree, &entry->node);
}

void index_enter(struct asb_fake *fake, const struct fake_kind *kind, struct stored *stored)
{
	for (uint32_t i = 0; i < fake->index_count; i++) {
		const struct asb_index *index = fake->indexes[i].index;
		struct collector collector = { { index_add }, &fake->indexes[i], stored };

		if (fake->kinds[index->watch] == kind &&
		    (fake->plugin->watches[index->watch].flags & ASB_WATCH_UNWATCHED) == 0) {
			/* A copy, because a function that changed it would change the store. */
			struct json_object *copy = asb_copy(stored->object);

			index->values(copy, &collector.values);
			json_object_put(copy);
		}
	}
}

void index_leave(struct stored *stored)
{
	while (stored->entries != NULL) {
		struct fake_entry *entry = stored->entries;
		struct fake_bucket *bucket = entry->bucket;

		stored->entries = entry->next;
		tree_remove(&bucket->tree, &entry->node);
		if (bucket->tree.count == 0) {
			map_remove(&entry->index->buckets, bucket->value);
			free(bucket->value);
			free(bucket);
		}
		free(entry);
	}
}

const struct tree *index_under(const struct fake_index *index, const char *value)
{
	const struct fake_bucket *bucket = value != NULL ? map_get(&index->buckets, value) : NULL;

	return bucket != NULL ? &bucket->tree : NULL;
}

int64_t index_number(const struct asb_plugin *plugin, const char *name)
{
	for (uint32_t i = 0; plugin->indexes != NULL && plugin->indexes[i].name != NULL; i++) {
		if (plugin->indexes[i].watch == 0 && strcmp(plugin->indexes[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}
