/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON body and the model it must fit, answered as FastAPI does where it does not: the same
 * statuses, types, places and words. The text is checked once from front to back without building
 * a tree (8 MiB of "[[],[],..." as a tree would be a gigabyte); values of the model's own members
 * alone are read.
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
	bool required; /* else absent and null are both fine */
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
	char *text; /* decoded, NUL beyond its length; it may hold NULs */
	size_t length;
	bool surrogate; /* it holds half of a surrogate pair, which UTF-8 cannot say */
	int64_t number; /* clamped to INT64_MAX */
	struct json_pair *pairs;
	size_t pair_count;
};

/* Reads the body. True: values[i] is what rules[i] says. False: *ret_status and out are the response.
 * Either way json_body_finish(values, count). */
bool json_body_parse(const char *text, size_t length, const struct json_field_rule *rules,
		     size_t count, struct json_value *values, unsigned int *ret_status,
		     struct buf *out);
void json_body_finish(struct json_value *values, size_t count);

/* The same for a request, Content-Type included; where it is false the request is answered. */
bool json_body_read(struct request *request, const struct json_field_rule *rules, size_t count,
		    struct json_value *values);

#endif
