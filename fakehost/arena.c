/* SPDX-License-Identifier: Apache-2.0 */
/* What a call hands out and frees at its end. The host's functions put things in; whoever made the
 * call finishes it. */
#include "config.h"

#include "base/memory.h"
#include "fakehost/fake.h"

struct json_object *arena_tree(struct arena *arena, struct json_object *take)
{
	if (take != NULL) {
		arena->trees = xrealloc(arena->trees, (arena->tree_count + 1) * sizeof(take));
		arena->trees[arena->tree_count++] = take;
	}
	return take;
}

void *arena_block(struct arena *arena, void *take)
{
	arena->blocks = xrealloc(arena->blocks, (arena->block_count + 1) * sizeof(take));
	arena->blocks[arena->block_count++] = take;
	return take;
}

void arena_finish(struct arena *arena)
{
	for (size_t i = 0; i < arena->tree_count; i++) {
		json_object_put(arena->trees[i]);
	}
	for (size_t i = 0; i < arena->block_count; i++) {
		free(arena->blocks[i]);
	}
	free(arena->trees);
	free(arena->blocks);
	*arena = (struct arena){ 0 };
}
