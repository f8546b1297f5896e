/* SPDX-License-Identifier: Apache-2.0 */
/* Maps from strings to pointers: linear probing, removal by shifting back. The store, queues and
 * everybody who finds things by name. */
#include "config.h"

#include "base/map.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define CAPACITY_MIN 16

/* FNV-1a, then a finaliser, because FNV's low bits, its worst, choose the slot. */
static uint64_t map_hash_of(const char *key)
{
	uint64_t hash = hash_text(HASH_START, key);

	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdu;
	return hash ^ (hash >> 33);
}

/* The slot that holds key, or the free one where it belongs. There is always a free one. */
static struct map_slot *map_find(const struct map *map, uint64_t hash, const char *key)
{
	size_t mask = map->capacity - 1, at = (size_t)hash & mask;

	while (map->slots[at].key != NULL &&
	       (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0)) {
		at = (at + 1) & mask;
	}
	return &map->slots[at];
}

/* Keeps a quarter of the slots free, so that probes stay short. */
static void map_make_room(struct map *map)
{
	struct map old = *map;

	if (map->slots != NULL && (map->count + 1) * 4 <= map->capacity * 3) {
		return;
	}
	map->capacity = old.slots == NULL ? CAPACITY_MIN : old.capacity * 2;
	map->slots = xnew_array(struct map_slot, map->capacity);
	for (size_t i = 0; old.slots != NULL && i < old.capacity; i++) {
		if (old.slots[i].key != NULL) {
			*map_find(map, old.slots[i].hash, old.slots[i].key) = old.slots[i];
		}
	}
	free(old.slots);
}

void map_finish(struct map *map)
{
	free(map->slots);
	*map = (struct map)MAP_INIT;
}

void *map_get(const struct map *map, const char *key)
{
	if (map->count == 0) {
		return NULL;
	}
	return map_find(map, map_hash_of(key), key)->value;
}

void *map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = map_hash_of(key);

	map_make_room(map);

	struct map_slot *slot = map_find(map, hash, key);
	void *old = slot->value;

	if (slot->key == NULL) {
		map->count++;
	}
	*slot = (struct map_slot){ .hash = hash, .key = key, .value = value };
	return old;
}

/* Moves later members of a probe sequence into the gap, so that no sequence is ever broken and no
 * tombstones pile up. */
static void map_close_gap(struct map *map, size_t gap)
{
	size_t mask = map->capacity - 1;

	for (size_t at = (gap + 1) & mask; map->slots[at].key != NULL; at = (at + 1) & mask) {
		size_t home = (size_t)map->slots[at].hash & mask;

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			map->slots[gap] = map->slots[at];
			gap = at;
		}
	}
	map->slots[gap] = (struct map_slot){ 0 };
}

void *map_remove(struct map *map, const char *key)
{
	if (map->count == 0) {
		return NULL;
	}

	struct map_slot *slot = map_find(map, map_hash_of(key), key);
	void *value = slot->value;

	if (slot->key != NULL) {
		map->count--;
		map_close_gap(map, (size_t)(slot - map->slots));
	}
	return value;
}

void *map_next(const struct map *map, size_t *at, const char **ret_key)
{
	for (; map->slots != NULL && *at < map->capacity; (*at)++) {
		const struct map_slot *slot = &map->slots[*at];

		if (slot->key != NULL) {
			(*at)++;
			if (ret_key != NULL) {
				*ret_key = slot->key;
			}
			return slot->value;
		}
	}
	return NULL;
}
