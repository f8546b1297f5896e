/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and printing trees with json-c, within limits. Reading and building them:
 * agent-sandbox/helpers.h. */
#ifndef ASB_BASE_JSON_H
#define ASB_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* CRD schemas nest deeper than json-c's 32; nothing of Kubernetes nests deeper than this. */
#define JSON_DEPTH_MAX 128
#define JSON_CONTAINERS_MAX 100000 /* objects and arrays of a text, and one more for each... */
#define JSON_CONTAINER_BYTES 12    /* ...so many bytes: what is real has fewer */

/* Whether a text has more objects and arrays than go with its length, which json_parse refuses: an
 * empty one takes half a kilobyte as a tree, and two bytes as text. */
bool json_too_many(const char *text, size_t length);

/* Parses exactly one document (white space around it is fine). The tree is the caller's; NULL and
 * *reterr (-EINVAL, or -ENOMEM) for anything else, and for names with a NUL, which the tree cannot
 * hold; strings may have one. Duplicate members: the last counts. */
struct json_object *json_parse(const char *text, size_t length, struct error *reterr);
/* Appends the compact text, "/" unescaped. 0, or -ENOSPC where it is longer than the buffer may be
 * or memory has run out. Writes into the tree (json-c caches numbers there): only the tree's own
 * thread may. */
int json_print(struct json_object *value, struct buf *out);
/* Whether they say the same, a member that is null being none: servers differ in which of those
 * they keep ("lastProbeTime": null). */
bool json_same(struct json_object *a, struct json_object *b);
/* Whether a value is a string with a NUL, which who reads it as a C string takes for a shorter one. */
bool json_has_nul(struct json_object *value);
/* The same of any string in a tree. */
bool json_any_nul(struct json_object *tree);
/* Whether a value is the string text, all of it: one that goes on behind a NUL is another. */
bool json_is_text(struct json_object *value, const char *text);
/* json_object_put for CLEANUP. */
void json_release(struct json_object **value);
#define CLEANUP_JSON CLEANUP(json_release)

#endif
