/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled form of a schema. Private to apiserver/schema. */
#ifndef ASB_APISERVER_SCHEMA_SCHEMA_PRIVATE_H
#define ASB_APISERVER_SCHEMA_SCHEMA_PRIVATE_H

#include <stdint.h>

#include "apiserver/schema/pattern.h"
#include "apiserver/schema/schema.h"
#include "base/map.h"

#define SCHEMA_PATH_MAX 8192 /* of a field in a message: keys of maps may be long */

enum schema_type {
	SCHEMA_ANY,
	SCHEMA_OBJECT,
	SCHEMA_ARRAY,
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_NUMBER,
	SCHEMA_BOOLEAN
};

enum schema_list { SCHEMA_LIST_ATOMIC, SCHEMA_LIST_SET, SCHEMA_LIST_MAP };

/* Several nodes that must, or may, hold. */
struct schema_nodes {
	struct schema_node **nodes;
	size_t count;
};

struct schema_property {
	char *name;
	struct schema_node *node;
};

struct schema_node {
	enum schema_type type;
	enum schema_list list;
	bool nullable, int_or_string, preserve, embedded, unique_items;
	bool fills; /* it, or something below it, has a default */
	bool exclusive_minimum, exclusive_maximum;
	bool has_minimum, has_maximum, has_multiple;
	double minimum, maximum, multiple;
	/* -1: none */
	int64_t min_length, max_length, min_items, max_items, min_properties, max_properties;
	char *format, *pattern_text;
	struct pattern *pattern;
	struct schema_property *properties; /* in the schema's order */
	size_t property_count;
	struct map by_name;             /* name -> struct schema_node */
	struct schema_node *additional; /* of values that are no property */
	bool additional_any;            /* additionalProperties: true */
	struct schema_node *items;      /* NULL: anything */
	char **required;
	size_t required_count;
	char **map_keys;
	size_t map_key_count;
	struct json_object *default_value; /* copied, never printed: any thread may copy */
	size_t default_bytes, default_nodes;
	struct json_object *enumeration;
	size_t enum_bytes;
	char *enum_text; /* "A", "B" */
	struct schema_nodes all_of, any_of, one_of;
	struct schema_node * not ;
};

struct schema {
	struct schema_node *root;
	size_t nodes, patterns;
};

/* The schema of a member: its property, or additional; NULL where the schema has none for it. */
const struct schema_node *schema_member(const struct schema_node *node, const char *name);

/* Whether text is of a format; a format that is not known fits all. */
bool schema_format_fits(const char *format, const char *text);

#endif
