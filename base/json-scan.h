/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies chosen fields out of JSON text without building values: the one parser this project
 * writes, because a watch frame costs it 5 us where a tree takes 60 to 100. It finds where the
 * declared paths begin and end, checks the text between them as strictly as it must to be sure of
 * that, and on any doubt (an escape in a member name on a declared path, a duplicate member, a
 * number that is none) returns -EAGAIN: the caller then uses json-c, which is slow and exact.
 * Fuzzed against json-c.
 */
#ifndef ASB_BASE_JSON_SCAN_H
#define ASB_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct json_fields;

/* A piece of the text scanned; start NULL: not there. Strings include their quotes. */
struct json_span {
	const char *start;
	size_t length;
};

/* Compiles paths with dots ("metadata.labels", "status.phase"); a path that is under another one
 * adds nothing. Never fails. Immutable afterwards: threads may share it. */
struct json_fields *json_fields_create(const char *const *paths, size_t count);
void json_fields_destroy(struct json_fields *fields);

/*
 * Appends to out an object with just the fields, compact, members in the order of the text; objects
 * on the way to a field that hold none are left out. 0; -EAGAIN for doubt; -ENOSPC when out is
 * full; out is as it was then (though failed, when full).
 */
int json_scan_extract(const struct json_fields *fields, const char *text, size_t length,
		      struct buf *out);
/* The same by json-c, for text that the scan doubts: the same output for all text both take.
 * -EINVAL when it is not an object. */
int json_tree_extract(const struct json_fields *fields, const char *text, size_t length,
		      struct buf *out);

/* Finds members of the top-level object: names[i]'s value goes to ret_spans[i]. 0 or -EAGAIN. count
 * <= 16. */
int json_scan_members(const char *text, size_t length, const char *const *names, size_t count,
		      struct json_span *ret_spans);

/* Whether a span is a string without escapes, and its inside. */
bool json_span_text(const struct json_span *span, const char **ret_text, size_t *ret_length);

#endif
