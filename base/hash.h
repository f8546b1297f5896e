/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FNV-1a: a fast hash for tables and for ids that must be the same after a restart. It is not for
 * input whose author may look for collisions.
 */
#ifndef ASB_BASE_HASH_H
#define ASB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_START UINT64_C(14695981039346656037)
#define HASH32_START UINT32_C(2166136261)

/* Continues a hash, that begins at HASH_START, with more bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
	}
	return hash;
}

static inline uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text));
}

/* The same in 32 bits; hash begins at HASH32_START. */
static inline uint32_t hash32_bytes(uint32_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ bytes[i]) * UINT32_C(16777619);
	}
	return hash;
}

static inline uint32_t hash32_text(uint32_t hash, const char *text)
{
	return hash32_bytes(hash, text, strlen(text));
}

#endif
