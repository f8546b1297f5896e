/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON body by the rules of a model. A body that does not fit gets the response that
 * FastAPI gives: the same status, types, places and texts. The text is checked once from front to
 * back without building a tree (8 MiB of "[[],[],..." would be a tree of a gigabyte), and only the
 * members of the model are read.
 */
#ifndef ASB_RUNTIME_HTTP_JSON_BODY_H
#define ASB_RUNTIME_HTTP_JSON_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct request;

enum json_field_type {
	JSON_FIELD_TEXT,     /* a string */
	JSON_FIELD_POSITIVE, /* an integer above 0, as lax as pydantic: 5, 5.0, "5", " 5 ", true */
	JSON_FIELD_ENV,      /* an object of strings */
};

struct json_field_rule {
	const char *name;
	enum json_field_type type;
	bool required; /* false: the member may be absent or null */
};

#define JSON_BODY_FIELDS_MAX 8
#define JSON_BODY_PAIRS_MAX 4096 /* members of a JSON_FIELD_ENV */
#define JSON_BODY_DEPTH_MAX 512  /* FastAPI on Python ends near 1000 */

struct json_pair {
	char *name, *value;
	size_t name_length, value_length;
};

struct json_value {
	bool present;
	char *text; /* decoded, with a NUL after its length; it may hold NULs */
	size_t length;
	bool surrogate; /* it holds half of a surrogate pair, which UTF-8 cannot express */
	int64_t number; /* clamped to INT64_MAX */
	struct json_pair *pairs;
	size_t pair_count;
};

/* Reads the body. True: values[i] belongs to rules[i]. False: *ret_status and out are the response.
 * Call json_body_finish(values, count) in both cases. */
bool json_body_parse(const char *text, size_t length, const struct json_field_rule *rules,
		     size_t count, struct json_value *values, unsigned int *ret_status,
		     struct buf *out);
void json_body_finish(struct json_value *values, size_t count);

/* The same for a request, whose Content-Type is checked too. False: the request has been
 * answered. */
bool json_body_read(struct request *request, const struct json_field_rule *rules, size_t count,
		    struct json_value *values);

#endif
