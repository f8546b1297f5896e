/* SPDX-License-Identifier: Apache-2.0 */
/* Maps from strings to pointers: linear probing, removal by shifting back. The store, queues and
 * everybody who finds things by name. */
#include "config.h"

#include "base/map.h"

#include <string.h>

#include "base/memory.h"

#define CAPACITY_MIN 16

/* A client may choose the keys of a map. Where a key would lie further from its place than so many slots
 * for each bit of the capacity, which chance does not do, the map takes another hash function. */
#define PROBES_PER_BIT 32u
#define GENERATIONS_MAX 64u

/* ---- hashing ---- */

static uint64_t map_rotate(uint64_t word, unsigned int bits)
{
	return word << bits | word >> (64 - bits);
}

static void map_mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = map_rotate(v[1], 13) ^ v[0];
	v[0] = map_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = map_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = map_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = map_rotate(v[1], 17) ^ v[2];
	v[2] = map_rotate(v[2], 32);
}

/*
 * SipHash-1-3 (Aumasson and Bernstein, 2012). Its key is the generation of the map and not a secret, so
 * that a simulation replays: keys that collide in one generation do not in the next, and who wants keys
 * that collide in many needs exponentially many tries.
 */
static uint64_t map_hash(unsigned int generation, const char *key)
{
	uint64_t k0 = (generation + 1) * UINT64_C(0x9e3779b97f4a7c15), k1 = ~k0;
	uint64_t v[4] = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	size_t length = strlen(key);
	uint64_t word = 0, last = (uint64_t)length << 56;

	for (size_t i = 0; i + 8 <= length; i += 8) {
		memcpy(&word, key + i, 8);
		v[3] ^= word;
		map_mix(v);
		v[0] ^= word;
	}
	for (size_t i = length & ~(size_t)7; i < length; i++) {
		last |= (uint64_t)(unsigned char)key[i] << (8 * (i & 7));
	}
	v[3] ^= last;
	map_mix(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++) {
		map_mix(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
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

/* ---- growing ---- */

/* Moves everything to as many slots, hashed anew where the generation has changed. */
static void map_rebuild(struct map *map, size_t capacity, unsigned int generation)
{
	struct map old = *map;

	map->capacity = capacity;
	map->generation = generation;
	map->slots = xnew_array(struct map_slot, map->capacity);
	for (size_t i = 0; old.slots != NULL && i < old.capacity; i++) {
		struct map_slot slot = old.slots[i];

		if (slot.key != NULL) {
			if (generation != old.generation) {
				slot.hash = map_hash(generation, slot.key);
			}
			*map_find(map, slot.hash, slot.key) = slot;
		}
	}
	free(old.slots);
}

/* Keeps a quarter of the slots free, so that probes stay short. */
static void map_make_room(struct map *map)
{
	if (map->slots == NULL || (map->count + 1) * 4 > map->capacity * 3) {
		map_rebuild(map, map->slots == NULL ? CAPACITY_MIN : map->capacity * 2,
			    map->generation);
	}
}

static bool map_is_far(const struct map *map, const struct map_slot *slot, uint64_t hash)
{
	size_t mask = map->capacity - 1, at = (size_t)(slot - map->slots), limit = 0;

	for (size_t capacity = map->capacity; capacity > 1; capacity /= 2) {
		limit += PROBES_PER_BIT;
	}
	return ((at - (size_t)hash) & mask) > limit;
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
	return map_find(map, map_hash(map->generation, key), key)->value;
}

void *map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash;
	struct map_slot *slot;

	map_make_room(map);
	hash = map_hash(map->generation, key);
	slot = map_find(map, hash, key);
	while (slot->key == NULL && map->generation < GENERATIONS_MAX &&
	       map_is_far(map, slot, hash)) {
		map_rebuild(map, map->capacity, map->generation + 1);
		hash = map_hash(map->generation, key);
		slot = map_find(map, hash, key);
	}

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

	struct map_slot *slot = map_find(map, map_hash(map->generation, key), key);
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
