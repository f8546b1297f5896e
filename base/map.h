/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from strings to pointers: open addressing, keys borrowed (they usually live in the value).
 * Not locked. The order of iteration depends on the keys and the history alone, never on addresses,
 * so a simulation replays. Keys that a client has chosen to collide cost no more than others: the map
 * changes its hash function when they do.
 */
#ifndef ASB_BASE_MAP_H
#define ASB_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t hash;
	const char *key; /* NULL: free */
	void *value;
};

struct map {
	struct map_slot *slots; /* NULL when empty */
	size_t capacity;        /* power of two */
	size_t count;
	unsigned int generation; /* of the hash function */
};

#define MAP_INIT  \
	{         \
		0 \
	}

/* Frees the slots; what they point to is the caller's. */
void map_finish(struct map *map);
/* The value, or NULL. */
void *map_get(const struct map *map, const char *key);
/* Sets a value (not NULL) and returns the one it replaces, or NULL. key must stay valid while it is
 * in the map; replacing takes over the new key. */
void *map_put(struct map *map, const char *key, void *value);
/* Takes a key out and returns its value, or NULL. */
void *map_remove(struct map *map, const char *key);
/* Iteration: size_t at = 0; while ((value = map_next(&map, &at, &key)) != NULL). No put or remove
 * meanwhile. ret_key may be NULL. */
void *map_next(const struct map *map, size_t *at, const char **ret_key);

#endif
