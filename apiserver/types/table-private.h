/* SPDX-License-Identifier: Apache-2.0 */
/* Making the cells of a row. Private to apiserver/types. */
#ifndef ASB_APISERVER_TYPES_TABLE_PRIVATE_H
#define ASB_APISERVER_TYPES_TABLE_PRIVATE_H

#include "apiserver/types/table.h"
#include "apiserver/types/types-private.h"

void cell_add(struct json_object *row, const char *text);         /* NULL: "" */
void cell_add_or_none(struct json_object *row, const char *text); /* NULL or "": <none> */
void cell_add_int(struct json_object *row, int64_t number);
/* Since the object was created. */
void cell_add_age(struct json_object *row, struct json_object *object, int64_t now_ms);
/* Since a time; "<unknown>" for none. */
void age_words(const char *since, int64_t now_ms, char ret[32]);

extern const struct type_column plain_columns[];

#define COLUMN_NAME                                                     \
	{                                                               \
		"Name", "string", "name", "The object's name.", 0, NULL \
	}
#define COLUMN_AGE                                                    \
	{                                                             \
		"Age", "string", "", "Since it was created.", 0, NULL \
	}
#define COLUMN(name, description)                        \
	{                                                \
		name, "string", "", description, 0, NULL \
	}
#define COLUMN_WIDE(name, description)                   \
	{                                                \
		name, "string", "", description, 1, NULL \
	}

#endif
