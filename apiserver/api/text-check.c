/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through trees for strings with a NUL and for bytes that are not UTF-8. Bodies are looked at
 * when they are parsed, objects before they are stored. */
#include "config.h"

#include "apiserver/api/text-check.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"

#define PATH_MAX_BYTES 160u /* what of a path an error shows */

static bool text_whole(const char *text, size_t length)
{
	return utf8_valid_length(text, length) == length;
}

bool text_is_utf8(struct json_object *tree)
{
	if (json_object_is_type(tree, json_type_string)) {
		return text_whole(json_object_get_string(tree),
				  (size_t)json_object_get_string_len(tree));
	}
	for (size_t i = 0; i < asb_length(tree); i++) {
		if (!text_is_utf8(json_object_array_get_idx(tree, i))) {
			return false;
		}
	}
	if (!json_object_is_type(tree, json_type_object)) {
		return true;
	}
	json_object_object_foreach (tree, name, value) {
		if (!text_whole(name, strlen(name)) || !text_is_utf8(value)) {
			return false;
		}
	}
	return true;
}

static bool text_is_free(const char *path, enum text_rule rule)
{
	static const char *const object[] = { "metadata.annotations", "data", "stringData",
					      "message", "note" };

	if (rule == TEXT_NOWHERE) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(object); i++) {
		if (strcmp(path, object[i]) == 0) {
			return true;
		}
	}
	return false;
}

static int text_fail(const struct buf *path, struct error *reterr)
{
	return error_set(reterr, -EINVAL, "%s: Invalid value: must not contain NUL (U+0000)",
			 buf_str(path));
}

/* path is as it was when it returns; one that is too long ends early. */
static int text_check(struct json_object *value, struct buf *path, enum text_rule rule,
		      struct error *reterr)
{
	size_t length = path->length;
	int code = 0;

	if (json_has_nul(value)) {
		return text_fail(path, reterr);
	}
	for (size_t i = 0; code == 0 && i < asb_length(value); i++) {
		buf_printf(path, "[%zu]", i);
		code = text_check(json_object_array_get_idx(value, i), path, rule, reterr);
		buf_cut(path, length);
		path->failed = false;
	}
	if (!json_object_is_type(value, json_type_object)) {
		return code;
	}
	json_object_object_foreach (value, name, member) {
		if (code < 0) {
			return code;
		}
		buf_printf(path, "%s%s", length > 0 ? "." : "", name);
		if (!text_is_free(buf_str(path), rule)) {
			code = text_check(member, path, rule, reterr);
		}
		buf_cut(path, length);
		path->failed = false;
	}
	return code;
}

int text_check_nul(struct json_object *tree, enum text_rule rule, struct error *reterr)
{
	static const char *const names[] = { "apiVersion", "kind", "metadata" };
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
	int code = 0;

	if (rule == TEXT_NOWHERE || rule == TEXT_OBJECT) {
		return text_check(tree, &path, rule, reterr);
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(names); i++) {
		struct json_object *value = asb_at(tree, names[i]);

		buf_clear(&path);
		buf_append_str(&path, names[i]);
		if (rule == TEXT_PLACE && strcmp(names[i], "metadata") == 0) {
			buf_append_str(&path, ".namespace");
			value = asb_at(value, "namespace");
		}
		code = text_check(value, &path, rule, reterr);
	}
	return code;
}

static int text_check_directives(struct json_object *value, struct error *reterr)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < asb_length(value); i++) {
		code = text_check_directives(json_object_array_get_idx(value, i), reterr);
	}
	if (!json_object_is_type(value, json_type_object)) {
		return code;
	}
	json_object_object_foreach (value, name, member) {
		if (code == 0) {
			code = *name == '$' ? text_check_nul(member, TEXT_NOWHERE, reterr)
					    : text_check_directives(member, reterr);
		}
	}
	return code;
}

int text_check_patch(struct json_object *patch, struct error *reterr)
{
	static const char *const names[] = { "op", "path", "from" };

	if (!json_object_is_type(patch, json_type_array)) {
		return text_check_directives(patch, reterr);
	}
	for (size_t i = 0; i < asb_length(patch); i++) {
		struct json_object *step = json_object_array_get_idx(patch, i);

		for (size_t j = 0; j < ARRAY_LEN(names); j++) {
			if (json_has_nul(asb_at(step, names[j]))) {
				return error_set(
					reterr, -EINVAL,
					"[%zu].%s: Invalid value: must not contain NUL (U+0000)", i,
					names[j]);
			}
		}
	}
	return 0;
}
