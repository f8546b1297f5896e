/* SPDX-License-Identifier: Apache-2.0 */
/* Table answers and metadata-only objects. The API server makes them for lists, objects and watch
 * events where a client asks for them. */
#include "config.h"

#include "apiserver/types/table.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/jsonpath.h"
#include "apiserver/types/table-private.h"
#include "base/json.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- durations ---- */

static void table_two_parts(int64_t first, char first_unit, int64_t second, char second_unit,
			    char ret[32])
{
	if (second == 0) {
		snprintf(ret, 32, "%lld%c", (long long)first, first_unit);
	} else {
		snprintf(ret, 32, "%lld%c%lld%c", (long long)first, first_unit, (long long)second,
			 second_unit);
	}
}

/* The longer the coarser, with two or three digits. */
void duration_words(int64_t ms, char ret[32])
{
	if (ms < -SECOND) {
		snprintf(ret, 32, "<invalid>");
	} else if (ms < 0) {
		snprintf(ret, 32, "0s");
	} else if (ms < 2 * MINUTE) {
		table_two_parts(ms / SECOND, 's', 0, 's', ret);
	} else if (ms < 10 * MINUTE) {
		table_two_parts(ms / MINUTE, 'm', ms % MINUTE / SECOND, 's', ret);
	} else if (ms < 3 * HOUR) {
		table_two_parts(ms / MINUTE, 'm', 0, 'm', ret);
	} else if (ms < 8 * HOUR) {
		table_two_parts(ms / HOUR, 'h', ms % HOUR / MINUTE, 'm', ret);
	} else if (ms < 48 * HOUR) {
		table_two_parts(ms / HOUR, 'h', 0, 'h', ret);
	} else if (ms < 8 * DAY) {
		table_two_parts(ms / DAY, 'd', ms % DAY / HOUR, 'h', ret);
	} else if (ms < 2 * 365 * DAY) {
		table_two_parts(ms / DAY, 'd', 0, 'd', ret);
	} else if (ms < 8 * 365 * DAY) {
		table_two_parts(ms / DAY / 365, 'y', ms / DAY % 365, 'd', ret);
	} else {
		table_two_parts(ms / DAY / 365, 'y', 0, 'y', ret);
	}
}

void age_words(const char *since, int64_t now_ms, char ret[32])
{
	int64_t ms;

	if (asb_time_parse(since, &ms)) {
		duration_words(now_ms - ms, ret);
	} else {
		snprintf(ret, 32, "<unknown>");
	}
}

/* ---- cells ---- */

void cell_add(struct json_object *row, const char *text)
{
	json_object_array_add(row, json_object_new_string(text != NULL ? text : ""));
}

void cell_add_or_none(struct json_object *row, const char *text)
{
	cell_add(row, text != NULL && *text != '\0' ? text : "<none>");
}

void cell_add_int(struct json_object *row, int64_t number)
{
	json_object_array_add(row, json_object_new_int64(number));
}

void cell_add_age(struct json_object *row, struct json_object *object, int64_t now_ms)
{
	char text[32];

	age_words(asb_str(object, "metadata", "creationTimestamp"), now_ms, text);
	cell_add(row, text);
}

/* What the cells of a row may still take. */
struct cells {
	struct effort effort;
	size_t bytes;
	bool failed;
};

static struct json_object *table_text_cell(struct cells *cells, struct json_object *value)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TABLE_CELLS_MAX - cells->bytes);

	if (json_object_is_type(value, json_type_string)) {
		buf_append(&text, json_object_get_string(value),
			   (size_t)json_object_get_string_len(value));
	} else {
		json_print(value, &text);
	}
	if (text.failed) {
		cells->failed = true;
		return NULL;
	}
	cells->bytes += text.length;
	return json_object_new_string_len(buf_str(&text), (int)text.length);
}

/* A value of the column's type, as the server prints it; null where it has another. */
static struct json_object *table_custom_cell(const struct type_column *column,
					     struct json_object *object, int64_t now_ms,
					     struct cells *cells)
{
	struct json_object *value = NULL;
	char text[32];

	if (column->path == NULL ||
	    !jsonpath_get_within(column->path, object, &cells->effort, &value) || value == NULL) {
		return NULL;
	}
	if (strcmp(column->type, "integer") == 0) {
		return json_object_is_type(value, json_type_int) ||
				       json_object_is_type(value, json_type_double)
			       ? json_object_new_int64(json_object_get_int64(value))
			       : NULL;
	}
	if (strcmp(column->type, "number") == 0) {
		return json_object_is_type(value, json_type_int) ||
				       json_object_is_type(value, json_type_double)
			       ? json_object_get(value)
			       : NULL;
	}
	if (strcmp(column->type, "boolean") == 0) {
		return json_object_is_type(value, json_type_boolean) ? json_object_get(value)
								     : NULL;
	}
	if (strcmp(column->type, "date") == 0) {
		age_words(asb_as_str(value), now_ms, text);
		return json_object_new_string(text);
	}
	return table_text_cell(cells, value);
}

static struct json_object *table_custom_cells(const struct type *type, struct json_object *object,
					      int64_t now_ms, struct cells *cells)
{
	struct json_object *row = json_object_new_array();

	for (const struct type_column *column = type->columns;
	     column->name != NULL && !cells->failed && effort_spend(&cells->effort, 1); column++) {
		if (strcmp(column->format, "name") == 0 && column->path == NULL) {
			cell_add(row, asb_name(object));
		} else {
			json_object_array_add(row,
					      table_custom_cell(column, object, now_ms, cells));
		}
	}
	return row;
}

/* ---- tables ---- */

const struct type_column plain_columns[] = {
	{ "Name", "string", "name", "The object's name.", 0, NULL },
	{ "Age", "string", "", "Since it was created.", 0, NULL },
	{ 0 },
};

static void table_add_columns(struct json_object *list, const struct type *type)
{
	const struct type_column *column = type->columns != NULL ? type->columns : plain_columns;

	for (; column->name != NULL; column++) {
		struct json_object *one = json_object_new_object();

		asb_set_str(one, "name", column->name);
		asb_set_str(one, "type", column->type);
		asb_set_str(one, "format", column->format);
		asb_set_str(one, "description", column->description);
		json_object_object_add(one, "priority", json_object_new_int(column->priority));
		json_object_array_add(list, one);
	}
}

struct json_object *table_create(const struct type *type, const char *version, bool without_columns)
{
	struct json_object *table = json_object_new_object(), *columns = json_object_new_array();
	char api_version[64];

	snprintf(api_version, sizeof(api_version), "meta.k8s.io/%s", version);
	asb_set_str(table, "kind", "Table");
	asb_set_str(table, "apiVersion", api_version);
	asb_object_in(table, "metadata");
	if (!without_columns) {
		table_add_columns(columns, type);
	}
	json_object_object_add(table, "columnDefinitions", columns);
	json_object_object_add(table, "rows", json_object_new_array());
	return table;
}

static struct json_object *table_cells_of(const struct type *type, struct json_object *object,
					  int64_t now_ms, struct cells *cells)
{
	struct json_object *row;

	if (type->custom) {
		return table_custom_cells(type, object, now_ms, cells);
	}
	row = json_object_new_array();
	if (type->hooks.cells != NULL) {
		type->hooks.cells(object, now_ms, row);
	} else {
		cell_add(row, asb_name(object));
		cell_add_age(row, object, now_ms);
	}
	return row;
}

uint64_t table_add(struct json_object *table, const struct type *type, struct json_object *object,
		   enum table_include include, int64_t now_ms)
{
	struct cells made = { 0 };
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "cells", table_cells_of(type, object, now_ms, &made));
	if (made.failed || effort_refusal(&made.effort) != NULL) {
		json_object_put(row);
		return UINT64_MAX;
	}
	if (include == TABLE_OBJECT) {
		json_object_object_add(row, "object", json_object_get(object));
	} else if (include == TABLE_METADATA) {
		json_object_object_add(row, "object", partial_metadata(object, "v1"));
	} else {
		json_object_object_add(row, "object", NULL);
	}
	json_object_array_add(asb_array(table, "rows"), row);
	return made.effort.steps;
}

struct json_object *partial_metadata(struct json_object *object, const char *version)
{
	struct json_object *partial = json_object_new_object();
	char api_version[64];

	snprintf(api_version, sizeof(api_version), "meta.k8s.io/%s", version);
	asb_set_str(partial, "kind", "PartialObjectMetadata");
	asb_set_str(partial, "apiVersion", api_version);
	json_object_object_add(partial, "metadata", json_object_get(asb_at(object, "metadata")));
	return partial;
}
