/* SPDX-License-Identifier: Apache-2.0 */
/* What a schema must be like to be structural, in the API server's words. Validation of
 * CustomResourceDefinitions calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/schema/schema-private.h"
#include "apiserver/validation/name.h"
#include "base/buf.h"
#include "base/macros.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct check {
	struct causes *causes;
	struct effort *effort;
	struct buf path;
	size_t depth;
};

/* Where in a schema: outside of it the type must be said, inside of allOf and the like it must not. */
enum part { PART_ROOT, PART_STRUCTURE, PART_LOGIC };

static void check_node(struct check *c, struct json_object *json, enum part part);

static void check_add(struct check *c, enum cause_type type, const char *member, const char *value,
		      const char *detail)
{
	size_t length = c->path.length;

	buf_printf(&c->path, "%s%s", *member != '\0' ? "." : "", member);
	causes_add_str(c->causes, type, buf_str(&c->path), value, "%s", detail);
	buf_cut(&c->path, length);
}

static void check_type(struct check *c, struct json_object *json, enum part part)
{
	const char *type = asb_str(json, "type");
	bool free_form = asb_true(asb_at(json, "x-kubernetes-int-or-string")) ||
			 asb_true(asb_at(json, "x-kubernetes-preserve-unknown-fields"));
	size_t length = c->path.length;

	if (part == PART_ROOT && !asb_streq(type, "object")) {
		check_add(c, CAUSE_INVALID, "type", type != NULL ? type : "",
			  "must be object at the root");
	} else if (type == NULL && !free_form) {
		check_add(c, CAUSE_REQUIRED, "type", NULL,
			  "must not be empty for specified object fields");
	} else if (type != NULL) {
		buf_printf(&c->path, ".type");
		validate_option(
			type, OPTIONS("array", "boolean", "integer", "number", "object", "string"),
			buf_str(&c->path), c->causes);
		buf_cut(&c->path, length);
	}
	if (asb_streq(type, "array") && asb_at(json, "items") == NULL) {
		check_add(c, CAUSE_REQUIRED, "items", NULL, "must be specified");
	}
}

static void check_forbidden(struct check *c, struct json_object *json)
{
	static const struct {
		const char *member, *detail;
	} forbidden[] = {
		{ "$ref", "$ref is not supported" },
		{ "definitions", "definitions is not supported" },
		{ "dependencies", "dependencies is not supported" },
		{ "patternProperties", "patternProperties is not supported" },
		{ "additionalItems", "additionalItems is not supported" },
		{ "id", "id is not supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		if (asb_at(json, forbidden[i].member) != NULL) {
			check_add(c, CAUSE_FORBIDDEN, forbidden[i].member, NULL,
				  forbidden[i].detail);
		}
	}
	if (asb_true(asb_at(json, "uniqueItems"))) {
		check_add(
			c, CAUSE_FORBIDDEN, "uniqueItems", NULL,
			"uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
	}
	if (json_object_is_type(asb_at(json, "properties"), json_type_object) &&
	    json_object_object_length(asb_at(json, "properties")) > 0 &&
	    json_object_is_type(asb_at(json, "additionalProperties"), json_type_object)) {
		check_add(c, CAUSE_FORBIDDEN, "additionalProperties", NULL,
			  "additionalProperties and properties are mutual exclusive");
	}
}

static bool check_names_all(struct json_object *keys, struct json_object *properties)
{
	for (size_t i = 0; i < asb_length(keys); i++) {
		const char *key = asb_as_str(json_object_array_get_idx(keys, i));

		if (key == NULL || asb_at(properties, key) == NULL) {
			return false;
		}
	}
	return true;
}

static bool check_is_listed(struct json_object *array, const char *text)
{
	for (size_t i = 0; i < asb_length(array); i++) {
		if (asb_streq(asb_as_str(json_object_array_get_idx(array, i)), text)) {
			return true;
		}
	}
	return false;
}

/* A key that may be missing would make items without identity. */
static void check_keys_there(struct check *c, struct json_object *items, struct json_object *keys)
{
	size_t length = c->path.length;

	for (size_t i = 0; i < asb_length(keys); i++) {
		const char *key = asb_as_str(json_object_array_get_idx(keys, i));

		if (!effort_spend(c->effort, 1 + asb_length(asb_at(items, "required")))) {
			return;
		}
		if (!check_is_listed(asb_at(items, "required"), key) &&
		    asb_at(items, "properties", key, "default") == NULL) {
			buf_printf(&c->path, ".items.properties[%s]", key);
			check_add(
				c, CAUSE_REQUIRED, "default", NULL,
				"this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
			buf_cut(&c->path, length);
		}
	}
}

static void check_list(struct check *c, struct json_object *json)
{
	const char *list = asb_str(json, "x-kubernetes-list-type");
	struct json_object *keys = asb_at(json, "x-kubernetes-list-map-keys"),
			   *items = asb_at(json, "items");
	size_t length = c->path.length;

	if (list == NULL) {
		return;
	}
	buf_printf(&c->path, ".x-kubernetes-list-type");
	validate_option(list, OPTIONS("atomic", "set", "map"), buf_str(&c->path), c->causes);
	buf_cut(&c->path, length);
	if (strcmp(list, "map") != 0) {
		return;
	}
	if (asb_length(keys) == 0) {
		check_add(c, CAUSE_REQUIRED, "x-kubernetes-list-map-keys", NULL,
			  "must not be empty if x-kubernetes-list-type is map");
	} else if (!check_names_all(keys, asb_at(items, "properties"))) {
		buf_printf(&c->path, ".x-kubernetes-list-map-keys");
		causes_add(c->causes, CAUSE_INVALID, buf_str(&c->path), keys,
			   "entries must all be names of item properties");
		buf_cut(&c->path, length);
	} else {
		check_keys_there(c, items, keys);
	}
}

/* A default must fit its own schema. */
static void check_default(struct check *c, struct json_object *json)
{
	struct json_object *value = asb_at(json, "default"), *copy;
	struct causes own = CAUSES_INIT;
	struct schema *schema;

	if (value == NULL || c->effort->steps_spent || c->effort->bytes_spent) {
		return;
	}
	schema = schema_compile(json, NULL);
	copy = asb_copy(value);
	/* A default at each level compiles all the levels below again. */
	if (schema != NULL && effort_spend(c->effort, schema->nodes)) {
		schema_default(schema, copy, c->effort);
		schema_validate(schema, copy, &own, c->effort);
	}
	for (size_t i = 0; i < asb_length(own.list); i++) {
		struct json_object *cause = json_object_array_get_idx(own.list, i);
		const char *field = asb_str(cause, "field");
		size_t length = c->path.length;

		buf_printf(&c->path, ".default%s%s", asb_streq(field, "") ? "" : ".",
			   field != NULL ? field : "");
		asb_set_str(cause, "field", buf_str(&c->path));
		buf_cut(&c->path, length);
	}
	causes_merge(c->causes, &own);
	causes_finish(&own);
	json_object_put(copy);
	schema_destroy(schema);
}

/* Compiling a pattern takes about so many steps before the first of its instructions, and for each. */
#define PATTERN_STEPS 500
#define INSTRUCTION_STEPS 15

static void check_pattern(struct check *c, struct json_object *json)
{
	const char *text = asb_str(json, "pattern");
	size_t length = text != NULL ? strlen(text) : 0;
	char reason[PATTERN_REASON_MAX];
	struct pattern *pattern;
	size_t cost;

	if (length == 0 || !effort_spend(c->effort, PATTERN_STEPS + length)) {
		return;
	}
	pattern = pattern_create(text, length);
	cost = pattern_check(pattern, reason);
	if (cost == 0) {
		CLEANUP_BUF struct buf detail = BUF_INIT(2 * PATTERN_REASON_MAX);

		buf_printf(&detail, "must be a valid regular expression, but isn't: %s", reason);
		check_add(c, CAUSE_INVALID, "pattern", text, buf_str(&detail));
	}
	(void)effort_spend(c->effort, INSTRUCTION_STEPS * cost);
	pattern_destroy(pattern);
}

static void check_embedded(struct check *c, struct json_object *json)
{
	if (asb_true(asb_at(json, "x-kubernetes-embedded-resource")) &&
	    asb_at(json, "properties") == NULL &&
	    !asb_true(asb_at(json, "x-kubernetes-preserve-unknown-fields"))) {
		check_add(
			c, CAUSE_REQUIRED, "properties", NULL,
			"must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
	}
}

/* Inside of allOf and the like nothing may say what an object is like. */
static void check_logic(struct check *c, struct json_object *json)
{
	static const char *const empty[] = { "type",  "description", "default",
					     "title", "nullable",    "additionalProperties" };

	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		if (asb_at(json, empty[i]) != NULL) {
			check_add(c, CAUSE_FORBIDDEN, empty[i], NULL,
				  "must be empty to be structural");
		}
	}
}

static void check_metadata(struct check *c, struct json_object *json)
{
	struct json_object *metadata = asb_at(json, "properties", "metadata"),
			   *properties = asb_at(metadata, "properties");
	size_t length = c->path.length;
	bool more = false;

	if (json_object_is_type(properties, json_type_object)) {
		json_object_object_foreach (properties, name, value) {
			(void)value;
			more = more ||
			       (strcmp(name, "name") != 0 && strcmp(name, "generateName") != 0);
		}
	}
	if (more) {
		buf_printf(&c->path, ".properties[metadata]");
		check_add(
			c, CAUSE_FORBIDDEN, "", NULL,
			"must not specify anything other than name and generateName, but metadata is implicitly specified");
		buf_cut(&c->path, length);
	}
}

/* int-or-string may have its two types spelled out in anyOf, as generators do. */
static void check_lists_of(struct check *c, struct json_object *json)
{
	static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
	size_t length = c->path.length;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(json, lists[i]);

		if (asb_true(asb_at(json, "x-kubernetes-int-or-string"))) {
			continue;
		}
		for (size_t j = 0; j < asb_length(list); j++) {
			buf_printf(&c->path, ".%s[%zu]", lists[i], j);
			check_node(c, json_object_array_get_idx(list, j), PART_LOGIC);
			buf_cut(&c->path, length);
		}
	}
	if (asb_at(json, "not") != NULL) {
		buf_printf(&c->path, ".not");
		check_node(c, asb_at(json, "not"), PART_LOGIC);
		buf_cut(&c->path, length);
	}
}

static void check_below(struct check *c, struct json_object *json, enum part part)
{
	struct json_object *properties = asb_at(json, "properties");
	size_t length = c->path.length;

	if (json_object_is_type(properties, json_type_object)) {
		json_object_object_foreach (properties, name, value) {
			if (part == PART_ROOT && strcmp(name, "metadata") == 0) {
				continue;
			}
			buf_printf(&c->path, ".properties[%s]", name);
			check_node(c, value, part == PART_LOGIC ? PART_LOGIC : PART_STRUCTURE);
			buf_cut(&c->path, length);
		}
	}
	if (json_object_is_type(asb_at(json, "items"), json_type_object)) {
		buf_printf(&c->path, ".items");
		check_node(c, asb_at(json, "items"),
			   part == PART_LOGIC ? PART_LOGIC : PART_STRUCTURE);
		buf_cut(&c->path, length);
	}
	if (part != PART_LOGIC &&
	    json_object_is_type(asb_at(json, "additionalProperties"), json_type_object)) {
		buf_printf(&c->path, ".additionalProperties");
		check_node(c, asb_at(json, "additionalProperties"), PART_STRUCTURE);
		buf_cut(&c->path, length);
	}
	check_lists_of(c, json);
}

static void check_node(struct check *c, struct json_object *json, enum part part)
{
	if (++c->depth > SCHEMA_DEPTH_MAX || !effort_spend(c->effort, 1)) {
		c->depth--;
		return;
	}
	if (part == PART_LOGIC) {
		check_logic(c, json);
	} else {
		check_type(c, json, part);
		check_default(c, json);
	}
	if (part == PART_ROOT) {
		check_metadata(c, json);
	}
	check_forbidden(c, json);
	check_list(c, json);
	check_pattern(c, json);
	check_embedded(c, json);
	check_below(c, json, part);
	c->depth--;
}

void schema_check_structural(struct json_object *json, const char *field, struct causes *causes,
			     struct effort *effort)
{
	struct check c = { .causes = causes, .effort = effort, .path = BUF_INIT(SCHEMA_PATH_MAX) };

	buf_append_str(&c.path, field);
	check_node(&c, json, PART_ROOT);
	buf_finish(&c.path);
}
