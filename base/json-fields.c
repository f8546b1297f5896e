/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the trees that declared paths are compiled to, and the slow way to extract them, by json-c.
 * The store compiles them once for each kind it watches; json-scan.c reads them.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/json-scan.h"
#include "base/json-scanner.h"
#include "base/json.h"
#include "base/memory.h"

size_t json_field_find(const struct json_field *field, const char *name, size_t length)
{
	size_t i = 0;

	while (i < field->count && (field->children[i].length != length ||
				    memcmp(field->children[i].name, name, length) != 0)) {
		i++;
	}
	return i;
}

static struct json_field *fields_child_of(struct json_field *field, const char *name, size_t length)
{
	size_t i = json_field_find(field, name, length);

	if (i == field->count) {
		struct buf text = BUF_INIT(SIZE_MAX / 2);

		field->children = xrealloc(field->children, (i + 1) * sizeof(*field->children));
		field->count++;
		buf_append_json(&text, name, length);
		buf_append_char(&text, ':');
		field->children[i] = (struct json_field){
			.name = xstrndup(name, length),
			.length = length,
			.text_length = text.length,
		};
		field->children[i].text = buf_take(&text);
	}
	return &field->children[i];
}

static void fields_finish(struct json_field *field)
{
	for (size_t i = 0; i < field->count; i++) {
		fields_finish(&field->children[i]);
	}
	free(field->children);
	free(field->name);
	free(field->text);
	*field = (struct json_field){ 0 };
}

static void fields_add_path(struct json_field *field, const char *path)
{
	while (!field->whole) {
		size_t length = strcspn(path, ".");

		field = fields_child_of(field, path, length);
		if (path[length] == '\0') {
			/* Longer paths that were there before add nothing now. */
			for (size_t i = 0; i < field->count; i++) {
				fields_finish(&field->children[i]);
			}
			field->count = 0;
			field->whole = true;
			return;
		}
		path += length + 1;
	}
}

struct json_fields *json_fields_create(const char *const *paths, size_t count)
{
	struct json_fields *fields = xnew(struct json_fields);

	for (size_t i = 0; i < count; i++) {
		fields_add_path(&fields->root, paths[i]);
	}
	return fields;
}

void json_fields_destroy(struct json_fields *fields)
{
	if (fields != NULL) {
		fields_finish(&fields->root);
		free(fields);
	}
}

/* Prints the declared members of an object, and whether there were any. */
static bool fields_print_members(const struct json_field *field, struct json_object *object,
				 struct buf *out)
{
	bool any = false;

	json_object_object_foreach (object, name, value) {
		size_t i = json_field_find(field, name, strlen(name)), before = out->length;

		if (i == field->count) {
			continue;
		}

		const struct json_field *child = &field->children[i];

		if (!child->whole && !json_object_is_type(value, json_type_object)) {
			continue;
		}
		buf_append_str(out, any ? "," : "");
		buf_append(out, child->text, child->text_length);
		if (child->whole) {
			json_print(value, out);
			any = true;
			continue;
		}
		buf_append_char(out, '{');
		if (fields_print_members(child, value, out)) {
			buf_append_char(out, '}');
			any = true;
		} else {
			out->length = before;
		}
	}
	return any;
}

int json_tree_extract(const struct json_fields *fields, const char *text, size_t length,
		      struct buf *out)
{
	CLEANUP_JSON struct json_object *object = json_parse(text, length, NULL);
	size_t before = out->length;

	if (!json_object_is_type(object, json_type_object)) {
		return -EINVAL;
	}
	buf_append_char(out, '{');
	fields_print_members(&fields->root, object, out);
	if (buf_append_char(out, '}') < 0) {
		buf_cut(out, before);
		return -ENOSPC;
	}
	return 0;
}
