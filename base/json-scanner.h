/* SPDX-License-Identifier: Apache-2.0 */
/* What json-scan.c, json-copy.c and json-fields.c share. For them alone; everybody else has
 * json-scan.h. */
#ifndef ASB_BASE_JSON_SCANNER_H
#define ASB_BASE_JSON_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SCAN_DEPTH_MAX 127 /* containers around a value: as json-c counts JSON_DEPTH_MAX */
/* Member names of all objects open at once in a copied part; few have more than 50. */
#define SCAN_NAMES_MAX 512

/* A node in the tree of declared names. */
struct json_field {
	char *name;
	size_t length;
	char *text; /* the name as it is printed: "name": */
	size_t text_length;
	bool whole; /* a path ends here: everything below is wanted */
	struct json_field *children;
	size_t count;
};

struct json_fields {
	struct json_field root;
};

/* The index of the child with that name; count if there is none. */
size_t json_field_find(const struct json_field *field, const char *name, size_t length);

struct json_scanner {
	const char *at, *end; /* end[-1] is '}' */
	unsigned int depth;   /* containers open */

	/* Copying. */
	struct buf *out;
	const char *from; /* what lies between here and at is yet to be copied */
	size_t names;
	uint32_t hashes[SCAN_NAMES_MAX]; /* a stack: of the names of the objects open */
};

/* Copies the value at scanner->at as json-c would print it: 0, or -EAGAIN for doubt. */
int json_copy_value(struct json_scanner *scanner);

/* ---- eight bytes at a time ---- */

#define SWAR_ONES UINT64_C(0x0101010101010101)
#define SWAR_HIGH UINT64_C(0x8080808080808080)

/* The first byte lowest on all machines; compilers make one load of it. */
static inline uint64_t swar_load(const char *text)
{
	const unsigned char *t = (const unsigned char *)text;

	return (uint64_t)t[0] | (uint64_t)t[1] << 8 | (uint64_t)t[2] << 16 | (uint64_t)t[3] << 24 |
	       (uint64_t)t[4] << 32 | (uint64_t)t[5] << 40 | (uint64_t)t[6] << 48 |
	       (uint64_t)t[7] << 56;
}

/* Marks the bytes below a limit in their high bit; right up to the first one marked, which is all
 * that is asked. */
static inline uint64_t swar_below(uint64_t word, uint64_t limit)
{
	return (word - SWAR_ONES * limit) & ~word & SWAR_HIGH;
}

static inline uint64_t swar_equal(uint64_t word, char byte)
{
	return swar_below(word ^ (SWAR_ONES * (unsigned char)byte), 1);
}

/* The index of the first byte marked. The product moves the index into the top byte. */
static inline size_t swar_first(uint64_t marks)
{
	return (size_t)(((marks & (0 - marks)) >> 7) * UINT64_C(0x0001020304050607) >> 56);
}

/* ---- small steps ---- */

/* The next byte; 0, which no JSON has, at the end. */
static inline char json_peek(const struct json_scanner *scanner)
{
	return scanner->at < scanner->end ? *scanner->at : '\0';
}

static inline bool json_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline void json_skip_space(struct json_scanner *scanner)
{
	while (json_is_space(json_peek(scanner))) {
		scanner->at++;
	}
}

/* Steps over a byte if it is the next. */
static inline bool json_take(struct json_scanner *scanner, char c)
{
	if (json_peek(scanner) != c) {
		return false;
	}
	scanner->at++;
	return true;
}

/* Where the next '"' or '\' is; end if there is none. */
static inline const char *json_find_quote(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word = swar_load(at);
		uint64_t marks = swar_equal(word, '"') | swar_equal(word, '\\');

		if (marks != 0) {
			return at + swar_first(marks);
		}
	}
	while (at < end && *at != '"' && *at != '\\') {
		at++;
	}
	return at;
}

#endif
