/* SPDX-License-Identifier: Apache-2.0 */
/* Text to json-c trees and back, strictly and within limits. Everybody who meets JSON outside of
 * the watch path. */
#include "config.h"

#include "base/json.h"

#include <errno.h>
#include <json-c/printbuf.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* json-c prepares every level before it reads: 128 of them cost as much as a small object's text.
 * Pods and Sandboxes nest less deep than this; what does not is read again. */
#define DEPTH_USUAL 24
#define ROOM_USUAL 65536u /* below it a failed allocation is small, and not expected */

static bool json_faithful(struct json_object *value);

static bool json_faithful_members(struct json_object *object)
{
	json_object_object_foreach (object, name, member) {
		(void)name;
		if (!json_faithful(member)) {
			return false;
		}
	}
	return true;
}

static bool json_faithful_elements(struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		if (!json_faithful(json_object_array_get_idx(array, i))) {
			return false;
		}
	}
	return true;
}

/* json-c also reads 1. and .5 and 01.5, and would print them as they are. */
static bool json_proper_double(struct json_object *value)
{
	const char *text = json_object_get_string(value), *dot = strchr(text, '.');
	static const char digits[] = "0123456789";

	text += *text == '-' ? 1 : 0;
	return isfinite(json_object_get_double(value)) && strspn(text, digits) > 0 &&
	       (*text != '0' || strspn(text, digits) == 1) &&
	       (dot == NULL || strspn(dot + 1, digits) > 0);
}

/* json-c clamps integers that do not fit and reads NaN: changed and unprintable values that must
 * not pass silently. */
static bool json_faithful(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_int:
		return json_object_get_uint64(value) != UINT64_MAX &&
		       json_object_get_int64(value) != INT64_MIN;
	case json_type_double:
		return json_proper_double(value);
	case json_type_array:
		return json_faithful_elements(value);
	case json_type_object:
		return json_faithful_members(value);
	default:
		return true;
	}
}

/* Feeds the tokener the whole text. *ret_end is how much of it was read. */
static struct json_object *json_read_all(struct json_tokener *tokener, const char *text,
					 size_t length, size_t *ret_end)
{
	struct json_object *value = json_tokener_parse_ex(tokener, text, (int)length);

	*ret_end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) == json_tokener_continue) {
		/* A number ends only where something follows it. */
		value = json_tokener_parse_ex(tokener, "\n", 1);
	}
	return value;
}

/*
 * json-c gathers each string in a buffer, and leaves out what it cannot make room for: a long one
 * would come out empty when memory is short. With room for all of the text there is none to make.
 */
static bool json_make_room(struct json_tokener *tokener, size_t length)
{
	if (length <= ROOM_USUAL) {
		return true;
	}
	if (printbuf_memset(tokener->pb, 0, ' ', (int)length) < 0) {
		return false;
	}
	printbuf_reset(tokener->pb);
	return true;
}

/* Reads a text that nests at most so deep. *ret_end is how much of it was read. */
static struct json_object *json_read_within(int depth, const char *text, size_t length,
					    size_t *ret_end, enum json_tokener_error *ret_problem)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);

	if (tokener == NULL) {
		abort();
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	if (!json_make_room(tokener, length)) {
		json_tokener_free(tokener);
		*ret_problem = json_tokener_error_size;
		*ret_end = 0;
		return NULL;
	}

	struct json_object *value = json_read_all(tokener, text, length, ret_end);

	*ret_problem = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	return value;
}

/*
 * json-c takes names in single quotes even when it is strict. Where the first is, or length: a
 * text that parsed has one outside of its strings for that reason alone. Most texts have none at
 * all.
 */
static size_t json_single_quote(const char *text, size_t length)
{
	bool within = false;

	if (memchr(text, '\'', length) == NULL) {
		return length;
	}
	for (size_t i = 0; i < length; i++) {
		if (within && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			within = !within;
		} else if (text[i] == '\'' && !within) {
			return i;
		}
	}
	return length;
}

/* The end of the string that begins at a quote, and whether it has an escaped NUL. */
static size_t json_string_end(const char *text, size_t length, size_t at, bool *ret_nul)
{
	*ret_nul = false;
	for (at++; at < length && text[at] != '"'; at++) {
		if (text[at] == '\\') {
			*ret_nul = *ret_nul ||
				   (length - at >= 6 && memcmp(text + at, "\\u0000", 6) == 0);
			at++;
		}
	}
	return at;
}

/*
 * json-c ends a name at an escaped NUL, and may so make two names of an object the same. Where the
 * first one is in a text that parsed, or length. Most texts have no such escape.
 */
static size_t json_name_with_nul(const char *text, size_t length)
{
	bool has_nul;

	if (memmem(text, length, "\\u0000", 6) == NULL) {
		return length;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '"') {
			continue;
		}

		size_t start = i, end = json_string_end(text, length, i, &has_nul), next = end + 1;

		while (next < length && strchr(" \t\r\n", text[next]) != NULL) {
			next++;
		}
		if (has_nul && next < length && text[next] == ':') {
			return start;
		}
		i = end;
	}
	return length;
}

bool json_too_many(const char *text, size_t length)
{
	size_t left = JSON_CONTAINERS_MAX + length / JSON_CONTAINER_BYTES;
	bool within = false;

	if (length < 2 * left) {
		return false;
	}
	for (size_t i = 0; i < length && left > 0; i++) {
		if (text[i] == '"') {
			within = !within;
		} else if (within) {
			i += text[i] == '\\' ? 1 : 0;
		} else if (text[i] == '{' || text[i] == '[') {
			left--;
		}
	}
	return left == 0;
}

struct json_object *json_parse(const char *text, size_t length, struct error *reterr)
{
	if (json_too_many(text, length)) {
		error_set(reterr, -EINVAL, "JSON text of %zu bytes has too many objects and arrays",
			  length);
		return NULL;
	}
	if (length > INT_MAX) {
		error_set(reterr, -EINVAL, "JSON text of %zu bytes is too long", length);
		return NULL;
	}

	enum json_tokener_error problem;
	size_t end = 0;
	struct json_object *value = json_read_within(DEPTH_USUAL, text, length, &end, &problem);

	if (problem == json_tokener_error_depth) {
		json_object_put(value);
		value = json_read_within(JSON_DEPTH_MAX, text, length, &end, &problem);
	}
	if (problem == json_tokener_error_size) {
		error_set(reterr, -ENOMEM, "no memory for JSON text of %zu bytes", length);
	} else if (problem == json_tokener_continue) {
		error_set(reterr, -EINVAL, "JSON text ends too early, after %zu bytes", length);
	} else if (problem != json_tokener_success || end != length) {
		error_set(reterr, -EINVAL, "bad JSON at byte %zu: %s", end,
			  problem != json_tokener_success ? json_tokener_error_desc(problem)
							  : "text after the end");
	} else if ((end = json_single_quote(text, length)) < length) {
		error_set(reterr, -EINVAL, "bad JSON at byte %zu: a single quote", end);
	} else if ((end = json_name_with_nul(text, length)) < length) {
		error_set(reterr, -EINVAL, "bad JSON at byte %zu: a name with a NUL", end);
	} else if (value == NULL) {
		error_set(reterr, -EINVAL, "the JSON text is null");
	} else if (!json_faithful(value)) {
		error_set(reterr, -EINVAL,
			  "JSON text holds a number that is none, or out of range");
	} else {
		return value;
	}
	json_object_put(value);
	return NULL;
}

/* The number of members that are not null. */
static size_t json_count_members(struct json_object *object)
{
	size_t count = 0;

	json_object_object_foreach (object, name, member) {
		(void)name;
		count += member != NULL ? 1 : 0;
	}
	return count;
}

static bool json_same_members(struct json_object *a, struct json_object *b)
{
	json_object_object_foreach (a, name, member) {
		struct json_object *other = NULL;

		if (member != NULL &&
		    (!json_object_object_get_ex(b, name, &other) || !json_same(member, other))) {
			return false;
		}
	}
	return json_count_members(a) == json_count_members(b);
}

static bool json_same_elements(struct json_object *a, struct json_object *b)
{
	size_t count = json_object_array_length(a);

	if (count != json_object_array_length(b)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!json_same(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i))) {
			return false;
		}
	}
	return true;
}

bool json_same(struct json_object *a, struct json_object *b)
{
	enum json_type type = json_object_get_type(a);

	if (type != json_object_get_type(b)) {
		return false;
	}
	return type == json_type_object  ? json_same_members(a, b)
	       : type == json_type_array ? json_same_elements(a, b)
					 : json_object_equal(a, b) != 0;
}

bool json_has_nul(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value);
}

bool json_any_nul(struct json_object *tree)
{
	if (json_object_is_type(tree, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(tree); i++) {
			if (json_any_nul(json_object_array_get_idx(tree, i))) {
				return true;
			}
		}
		return false;
	}
	if (!json_object_is_type(tree, json_type_object)) {
		return json_has_nul(tree);
	}
	json_object_object_foreach (tree, name, member) {
		(void)name;
		if (json_any_nul(member)) {
			return true;
		}
	}
	return false;
}

bool json_is_text(struct json_object *value, const char *text)
{
	return json_object_is_type(value, json_type_string) && !json_has_nul(value) &&
	       strcmp(json_object_get_string(value), text) == 0;
}

void json_release(struct json_object **value)
{
	json_object_put(*value);
}
