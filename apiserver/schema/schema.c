/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles structural schemas from their JSON. The kinds of CustomResourceDefinitions have one for
 * each version. */
#include "config.h"

#include "apiserver/schema/schema.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "apiserver/schema/schema-private.h"
#include "base/buf.h"
#include "base/memory.h"

#define ENUM_TEXT_MAX (64u * 1024)

/* What a compilation carries along. */
struct compiler {
	struct schema *schema;
	struct error *reterr;
	size_t depth;
};

static struct schema_node *schema_compile_node(struct compiler *compiler, struct json_object *json);

/* ---- freeing ---- */

static void schema_node_destroy(struct schema_node *node);

static void schema_nodes_finish(struct schema_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++) {
		schema_node_destroy(nodes->nodes[i]);
	}
	free(nodes->nodes);
}

static void schema_strings_free(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(strings[i]);
	}
	free(strings);
}

static void schema_node_destroy(struct schema_node *node)
{
	if (node == NULL) {
		return;
	}
	for (size_t i = 0; i < node->property_count; i++) {
		free(node->properties[i].name);
		schema_node_destroy(node->properties[i].node);
	}
	free(node->properties);
	map_finish(&node->by_name);
	schema_node_destroy(node->additional);
	schema_node_destroy(node->items);
	schema_node_destroy(node->not );
	schema_nodes_finish(&node->all_of);
	schema_nodes_finish(&node->any_of);
	schema_nodes_finish(&node->one_of);
	schema_strings_free(node->required, node->required_count);
	schema_strings_free(node->map_keys, node->map_key_count);
	pattern_destroy(node->pattern);
	json_object_put(node->default_value);
	json_object_put(node->enumeration);
	free(node->format);
	free(node->pattern_text);
	free(node->enum_text);
	free(node);
}

void schema_destroy(struct schema *schema)
{
	if (schema != NULL) {
		schema_node_destroy(schema->root);
		free(schema);
	}
}

/* ---- compiling ---- */

static enum schema_type schema_type_of(const char *text)
{
	static const struct {
		const char *name;
		enum schema_type type;
	} types[] = {
		{ "object", SCHEMA_OBJECT }, { "array", SCHEMA_ARRAY },
		{ "string", SCHEMA_STRING }, { "integer", SCHEMA_INTEGER },
		{ "number", SCHEMA_NUMBER }, { "boolean", SCHEMA_BOOLEAN },
	};

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].name, text) == 0) {
			return types[i].type;
		}
	}
	return SCHEMA_ANY;
}

static char **schema_strings_of(struct json_object *array, size_t *ret_count)
{
	size_t length = asb_length(array), count = 0;
	char **strings = length > 0 ? xnew_array(char *, length) : NULL;

	for (size_t i = 0; i < length; i++) {
		const char *text = asb_as_str(json_object_array_get_idx(array, i));

		if (text != NULL) {
			strings[count++] = xstrdup(text);
		}
	}
	*ret_count = count;
	return strings;
}

static bool schema_number_of(struct json_object *json, const char *name, double *ret)
{
	struct json_object *value = asb_at(json, name);

	if (!json_object_is_type(value, json_type_int) &&
	    !json_object_is_type(value, json_type_double)) {
		return false;
	}
	*ret = json_object_get_double(value);
	return true;
}

static char *schema_string_of(struct json_object *json, const char *name)
{
	const char *text = asb_str(json, name);

	return text != NULL && *text != '\0' ? xstrdup(text) : NULL;
}

static size_t schema_printed_bytes(struct json_object *value)
{
	return strlen(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static size_t schema_count_nodes(struct json_object *value)
{
	size_t count = 1;

	for (size_t i = 0; i < asb_length(value); i++) {
		count += schema_count_nodes(json_object_array_get_idx(value, i));
	}
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach (value, name, member) {
			(void)name;
			count += schema_count_nodes(member);
		}
	}
	return count;
}

static void schema_read_enum(struct schema_node *node, struct json_object *json)
{
	struct json_object *values = asb_array(json, "enum");
	CLEANUP_BUF struct buf text = BUF_INIT(ENUM_TEXT_MAX);

	if (values == NULL) {
		return;
	}
	for (size_t i = 0; i < asb_length(values); i++) {
		struct json_object *value = json_object_array_get_idx(values, i);

		buf_append_str(&text, i > 0 ? ", " : "");
		if (json_object_is_type(value, json_type_string)) {
			buf_append_json(&text, json_object_get_string(value),
					(size_t)json_object_get_string_len(value));
		} else {
			buf_printf(&text, "\"%s\"", json_object_to_json_string(value));
		}
	}
	node->enumeration = asb_copy(values);
	node->enum_bytes = schema_printed_bytes(values);
	node->enum_text = buf_take(&text);
}

static void schema_read_values(struct schema_node *node, struct json_object *json)
{
	node->type = schema_type_of(asb_str(json, "type"));
	node->nullable = asb_true(asb_at(json, "nullable"));
	node->int_or_string = asb_true(asb_at(json, "x-kubernetes-int-or-string"));
	node->preserve = asb_true(asb_at(json, "x-kubernetes-preserve-unknown-fields"));
	node->embedded = asb_true(asb_at(json, "x-kubernetes-embedded-resource"));
	node->unique_items = asb_true(asb_at(json, "uniqueItems"));
	node->exclusive_minimum = asb_true(asb_at(json, "exclusiveMinimum"));
	node->exclusive_maximum = asb_true(asb_at(json, "exclusiveMaximum"));
	node->has_minimum = schema_number_of(json, "minimum", &node->minimum);
	node->has_maximum = schema_number_of(json, "maximum", &node->maximum);
	node->has_multiple = schema_number_of(json, "multipleOf", &node->multiple);
	node->min_length = asb_int(asb_at(json, "minLength"), -1);
	node->max_length = asb_int(asb_at(json, "maxLength"), -1);
	node->min_items = asb_int(asb_at(json, "minItems"), -1);
	node->max_items = asb_int(asb_at(json, "maxItems"), -1);
	node->min_properties = asb_int(asb_at(json, "minProperties"), -1);
	node->max_properties = asb_int(asb_at(json, "maxProperties"), -1);
	node->format = schema_string_of(json, "format");
	node->default_value = asb_copy(asb_at(json, "default"));
	node->default_bytes = schema_printed_bytes(node->default_value);
	node->default_nodes = schema_count_nodes(node->default_value);
	node->fills = node->default_value != NULL;
	schema_read_enum(node, json);
}

static void schema_read_lists(struct compiler *compiler, struct schema_node *node,
			      struct json_object *json)
{
	const char *list = asb_str(json, "x-kubernetes-list-type");

	node->list = asb_streq(list, "set")   ? SCHEMA_LIST_SET
		     : asb_streq(list, "map") ? SCHEMA_LIST_MAP
					      : SCHEMA_LIST_ATOMIC;
	node->required = schema_strings_of(asb_at(json, "required"), &node->required_count);
	node->map_keys =
		schema_strings_of(asb_at(json, "x-kubernetes-list-map-keys"), &node->map_key_count);
	node->pattern_text = schema_string_of(json, "pattern");
	if (node->pattern_text != NULL) {
		node->pattern = pattern_create(node->pattern_text, strlen(node->pattern_text));
		compiler->schema->patterns++;
	}
}

static int schema_read_properties(struct compiler *compiler, struct schema_node *node,
				  struct json_object *json)
{
	struct json_object *properties = asb_at(json, "properties");

	if (!json_object_is_type(properties, json_type_object)) {
		return 0;
	}
	node->properties = xnew_array(struct schema_property,
				      (size_t)json_object_object_length(properties) + 1);
	json_object_object_foreach (properties, name, value) {
		struct schema_property *property = &node->properties[node->property_count++];

		property->name = xstrdup(name);
		property->node = schema_compile_node(compiler, value);
		if (property->node == NULL) {
			return -EINVAL;
		}
		node->fills = node->fills || property->node->fills;
		map_put(&node->by_name, property->name, property->node);
	}
	return 0;
}

static int schema_read_child(struct compiler *compiler, struct schema_node *node,
			     struct json_object *json, struct schema_node **ret)
{
	if (!json_object_is_type(json, json_type_object)) {
		return 0;
	}
	*ret = schema_compile_node(compiler, json);
	if (*ret == NULL) {
		return -EINVAL;
	}
	node->fills = node->fills || (*ret)->fills;
	return 0;
}

static int schema_read_nodes(struct compiler *compiler, struct json_object *array,
			     struct schema_nodes *ret)
{
	size_t length = asb_length(array);

	ret->nodes = length > 0 ? xnew_array(struct schema_node *, length) : NULL;
	for (size_t i = 0; i < length; i++) {
		struct schema_node *node =
			schema_compile_node(compiler, json_object_array_get_idx(array, i));

		if (node == NULL) {
			return -EINVAL;
		}
		ret->nodes[ret->count++] = node;
	}
	return 0;
}

static int schema_read_children(struct compiler *compiler, struct schema_node *node,
				struct json_object *json)
{
	bool fills;
	int r = schema_read_properties(compiler, node, json);

	node->additional_any = asb_true(asb_at(json, "additionalProperties"));
	if (r == 0) {
		r = schema_read_child(compiler, node, asb_at(json, "additionalProperties"),
				      &node->additional);
	}
	if (r == 0) {
		r = schema_read_child(compiler, node, asb_at(json, "items"), &node->items);
	}
	fills = node->fills;
	if (r == 0) {
		r = schema_read_child(compiler, node, asb_at(json, "not"), &node->not );
	}
	/* Only the structural part fills in. */
	node->fills = fills;
	if (r == 0) {
		r = schema_read_nodes(compiler, asb_at(json, "allOf"), &node->all_of);
	}
	if (r == 0) {
		r = schema_read_nodes(compiler, asb_at(json, "anyOf"), &node->any_of);
	}
	if (r == 0) {
		r = schema_read_nodes(compiler, asb_at(json, "oneOf"), &node->one_of);
	}
	return r;
}

static struct schema_node *schema_compile_node(struct compiler *compiler, struct json_object *json)
{
	struct schema_node *node;
	int r;

	if (!json_object_is_type(json, json_type_object)) {
		error_set(compiler->reterr, -EINVAL, "a schema must be an object");
		return NULL;
	}
	if (compiler->depth >= SCHEMA_DEPTH_MAX || compiler->schema->nodes >= SCHEMA_NODES_MAX) {
		error_set(compiler->reterr, -EINVAL,
			  "a schema may nest %d deep and have %d parts: this one does not fit",
			  SCHEMA_DEPTH_MAX, SCHEMA_NODES_MAX);
		return NULL;
	}
	if (compiler->schema->patterns >= SCHEMA_PATTERNS_MAX) {
		error_set(compiler->reterr, -EINVAL, "a schema may have %d patterns",
			  SCHEMA_PATTERNS_MAX);
		return NULL;
	}
	compiler->schema->nodes++;
	compiler->depth++;
	node = xnew(struct schema_node);
	schema_read_values(node, json);
	schema_read_lists(compiler, node, json);
	r = schema_read_children(compiler, node, json);
	compiler->depth--;
	if (r < 0) {
		schema_node_destroy(node);
		return NULL;
	}
	return node;
}

struct schema *schema_compile(struct json_object *json, struct error *reterr)
{
	struct schema *schema = xnew(struct schema);
	struct compiler compiler = { .schema = schema, .reterr = reterr };

	schema->root = schema_compile_node(&compiler, json);
	if (schema->root == NULL) {
		schema_destroy(schema);
		return NULL;
	}
	return schema;
}

const struct schema_node *schema_member(const struct schema_node *node, const char *name)
{
	const struct schema_node *member = map_get(&node->by_name, name);

	return member != NULL ? member : node->additional;
}
