/* SPDX-License-Identifier: Apache-2.0 */
/* Validation by a schema, in the API server's words. The kinds of CustomResourceDefinitions call it
 * for every write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "apiserver/schema/schema-private.h"
#include "base/buf.h"
#include "base/memory.h"

/* Faults of no field of their own are said to be of this one: the server prints a nil. */
#define NO_FIELD "<nil>"

/* What costs as much as a step: characters that a pattern may look at with one instruction, and
 * characters that are copied into a message or compared. */
#define STEP_INSTRUCTIONS 20
#define STEP_CHARACTERS 32

struct validation {
	struct causes *causes;
	struct effort *effort;
	struct buf path;
};

static void schema_validate_node(struct validation *v, const struct schema_node *node,
				 struct json_object *value);

static const char *schema_here(const struct validation *v)
{
	return buf_str(&v->path);
}

/* ---- types ---- */

static const char *schema_type_name(enum schema_type type)
{
	static const char *const names[] = { "",        "object", "array",  "string",
					     "integer", "number", "boolean" };

	return names[type];
}

static bool schema_is_whole(struct json_object *value)
{
	double number = json_object_get_double(value);

	return fabs(number) < 9007199254740992.0 && floor(number) == number;
}

static const char *schema_value_type(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return "null";
	case json_type_boolean:
		return "boolean";
	case json_type_int:
		return "integer";
	case json_type_double:
		return schema_is_whole(value) ? "integer" : "number";
	case json_type_string:
		return "string";
	case json_type_array:
		return "array";
	default:
		return "object";
	}
}

static bool schema_is_number(struct json_object *value)
{
	return json_object_is_type(value, json_type_int) ||
	       json_object_is_type(value, json_type_double);
}

static bool schema_is_beyond_int64(struct json_object *value)
{
	return fabs(json_object_get_double(value)) >= 9223372036854775808.0;
}

static bool schema_type_fits(const struct schema_node *node, struct json_object *value)
{
	const char *type = schema_value_type(value);

	if (node->int_or_string) {
		return strcmp(type, "integer") == 0 || strcmp(type, "string") == 0;
	}
	if (node->type == SCHEMA_ANY) {
		return true;
	}
	return strcmp(type, schema_type_name(node->type)) == 0 ||
	       (node->type == SCHEMA_NUMBER && strcmp(type, "integer") == 0);
}

/* An integer that does not fit its format comes as a float to the server. */
static bool schema_check_type(struct validation *v, const struct schema_node *node,
			      struct json_object *value)
{
	const char *wanted = node->int_or_string ? "integer,string" : schema_type_name(node->type);
	const char *found = schema_value_type(value);
	bool sized =
		node->format != NULL && schema_is_number(value) && node->type == SCHEMA_INTEGER;

	if (schema_type_fits(node, value) && !(sized && schema_is_beyond_int64(value))) {
		return true;
	}
	if (sized) {
		wanted = node->format;
		found = "float64";
	}
	causes_add_str(v->causes, CAUSE_TYPE_INVALID, schema_here(v), found,
		       "%s in body must be of type %s: \"%s\"", schema_here(v), wanted, found);
	if (sized) {
		causes_add_str(v->causes, CAUSE_INVALID, NO_FIELD, "",
			       "Checked value must be of type integer with format %s in %s",
			       node->format, schema_here(v));
	}
	return false;
}

/* ---- strings and numbers ---- */

/* Whether a pattern is found in a text, or there is no more effort to look. */
static bool schema_pattern_found(struct validation *v, const struct schema_node *node,
				 const char *text, size_t length)
{
	uint64_t cost = (uint64_t)pattern_cost(node->pattern) * (length + 1) / STEP_INSTRUCTIONS;

	return !effort_spend(v->effort, cost) || pattern_matches(node->pattern, text, length);
}

static int64_t schema_letters_in(const char *text)
{
	int64_t count = 0;

	for (; *text != '\0'; text++) {
		count += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
	}
	return count;
}

static void schema_check_string(struct validation *v, const struct schema_node *node,
				struct json_object *value)
{
	const char *text = json_object_get_string(value);
	size_t length = (size_t)json_object_get_string_len(value);

	/* Once to look at it, once for what is said of it. */
	if (!effort_spend(v->effort, 2 * length / STEP_CHARACTERS)) {
		return;
	}
	if (node->max_length >= 0 && schema_letters_in(text) > node->max_length) {
		causes_add_str(v->causes, CAUSE_TOO_LONG, schema_here(v), NULL,
			       "may not be more than %" PRId64 " bytes", node->max_length);
	}
	if (node->min_length > 0 && schema_letters_in(text) < node->min_length) {
		causes_add_str(v->causes, CAUSE_INVALID, schema_here(v), text,
			       "%s in body should be at least %" PRId64 " chars long",
			       schema_here(v), node->min_length);
	}
	if (node->pattern != NULL && !schema_pattern_found(v, node, text, length)) {
		causes_add_str(v->causes, CAUSE_INVALID, schema_here(v), text,
			       "%s in body should match '%s'", schema_here(v), node->pattern_text);
	}
	if (node->format != NULL && !node->int_or_string &&
	    !schema_format_fits(node->format, text)) {
		causes_add_str(v->causes, CAUSE_TYPE_INVALID, schema_here(v), text,
			       "%s in body must be of type %s: \"%s\"", schema_here(v),
			       node->format, text);
	}
}

static void schema_check_integer_format(struct validation *v, const struct schema_node *node,
					struct json_object *value)
{
	if (node->format != NULL && node->type == SCHEMA_INTEGER &&
	    strcmp(node->format, "int32") == 0 &&
	    fabs(json_object_get_double(value) + 0.5) > 2147483648.0) {
		causes_add_str(v->causes, CAUSE_INVALID, NO_FIELD, "",
			       "Checked value must be of type integer with format %s in %s",
			       node->format, schema_here(v));
	}
}

/* The bound as the server prints it: in the type of the value. */
static const char *schema_bound_text(struct json_object *value, double bound, char ret[64])
{
	if (json_object_is_type(value, json_type_int)) {
		snprintf(ret, 64, "%" PRId64, (int64_t)bound);
	} else {
		snprintf(ret, 64, "%.15g", bound);
	}
	return ret;
}

static void schema_check_number(struct validation *v, const struct schema_node *node,
				struct json_object *value)
{
	double number = json_object_get_double(value);
	char text[64];

	schema_check_integer_format(v, node, value);
	if (node->has_minimum &&
	    (number < node->minimum || (node->exclusive_minimum && number <= node->minimum))) {
		causes_add(v->causes, CAUSE_INVALID, schema_here(v), value,
			   "%s in body should be greater than %s%s", schema_here(v),
			   node->exclusive_minimum ? "" : "or equal to ",
			   schema_bound_text(value, node->minimum, text));
	}
	if (node->has_maximum &&
	    (number > node->maximum || (node->exclusive_maximum && number >= node->maximum))) {
		causes_add(v->causes, CAUSE_INVALID, schema_here(v), value,
			   "%s in body should be less than %s%s", schema_here(v),
			   node->exclusive_maximum ? "" : "or equal to ",
			   schema_bound_text(value, node->maximum, text));
	}
	if (node->has_multiple && node->multiple > 0 &&
	    fabs(remainder(number, node->multiple)) > 1e-9 * fabs(node->multiple)) {
		causes_add(v->causes, CAUSE_INVALID, schema_here(v), value,
			   "%s in body should be a multiple of %s", schema_here(v),
			   schema_bound_text(value, node->multiple, text));
	}
}

static void schema_check_enum(struct validation *v, const struct schema_node *node,
			      struct json_object *value)
{
	bool container = asb_length(value) > 0 || json_object_is_type(value, json_type_object);
	size_t length = json_object_is_type(value, json_type_string)
				? (size_t)json_object_get_string_len(value)
				: 0;

	/* Of texts only those as long are compared. */
	if (!effort_spend(v->effort, asb_length(node->enumeration) * (1 + length / 256) +
					     length / STEP_CHARACTERS +
					     (container ? node->enum_bytes : 0))) {
		return;
	}
	for (size_t i = 0; i < asb_length(node->enumeration); i++) {
		if (json_object_equal(json_object_array_get_idx(node->enumeration, i), value)) {
			return;
		}
	}
	causes_add(v->causes, CAUSE_NOT_SUPPORTED, schema_here(v), value, "supported values: %s",
		   node->enum_text);
}

/* ---- arrays ---- */

static void schema_check_count(struct validation *v, size_t count, int64_t least, int64_t most,
			       const char *what)
{
	struct json_object *number = json_object_new_int64((int64_t)count);

	if ((int64_t)count < least) {
		causes_add(v->causes, CAUSE_INVALID, schema_here(v), number,
			   "%s in body should have at least %" PRId64 " %s", schema_here(v), least,
			   what);
	}
	if (most >= 0 && (int64_t)count > most) {
		causes_add(v->causes, CAUSE_TOO_MANY, schema_here(v), number,
			   "must have at most %" PRId64 " items", most);
	}
	json_object_put(number);
}

/* What must be unique of an item: all of it, or the values of its keys. */
static char *schema_identity(const struct schema_node *node, struct json_object *item)
{
	struct json_object *keys;
	char *text;

	if (node->list != SCHEMA_LIST_MAP || !json_object_is_type(item, json_type_object)) {
		return xstrdup(json_object_to_json_string_ext(
			item, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	keys = json_object_new_object();
	for (size_t i = 0; i < node->map_key_count; i++) {
		struct json_object *value = NULL;

		if (json_object_object_get_ex(item, node->map_keys[i], &value)) {
			json_object_object_add(keys, node->map_keys[i], json_object_get(value));
		}
	}
	text = xstrdup(json_object_to_json_string_ext(
		keys, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(keys);
	return text;
}

static void schema_check_unique(struct validation *v, const struct schema_node *node,
				struct json_object *array)
{
	size_t count = json_object_array_length(array), length = v->path.length;
	char **texts = xnew_array(char *, count + 1);
	struct map seen = MAP_INIT;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(array, i), *shown;

		texts[i] = schema_identity(node, item);
		if (!effort_spend(v->effort,
				  node->map_key_count + strlen(texts[i]) / STEP_CHARACTERS)) {
			count = i + 1;
			break;
		}
		if (map_get(&seen, texts[i]) == NULL) {
			map_put(&seen, texts[i], texts[i]);
			continue;
		}
		buf_printf(&v->path, "[%zu]", i);
		shown = json_tokener_parse(texts[i]);
		causes_add(v->causes, CAUSE_DUPLICATE, schema_here(v), shown, "%s", "");
		json_object_put(shown);
		buf_cut(&v->path, length);
	}
	map_finish(&seen);
	for (size_t i = 0; i < count; i++) {
		free(texts[i]);
	}
	free(texts);
}

static void schema_check_array(struct validation *v, const struct schema_node *node,
			       struct json_object *array)
{
	size_t length = v->path.length;

	schema_check_count(v, json_object_array_length(array), node->min_items, node->max_items,
			   "items");
	for (size_t i = 0; node->items != NULL && i < json_object_array_length(array); i++) {
		buf_printf(&v->path, "[%zu]", i);
		schema_validate_node(v, node->items, json_object_array_get_idx(array, i));
		buf_cut(&v->path, length);
	}
	if (node->list != SCHEMA_LIST_ATOMIC || node->unique_items) {
		schema_check_unique(v, node, array);
	}
}

/* ---- objects ---- */

static void schema_check_required(struct validation *v, const char *name,
				  struct json_object *object)
{
	size_t length = v->path.length;

	if (json_object_object_get_ex(object, name, NULL)) {
		return;
	}
	buf_printf(&v->path, "%s%s", length > 0 ? "." : "", name);
	causes_add(v->causes, CAUSE_REQUIRED, schema_here(v), NULL, "%s", "");
	buf_cut(&v->path, length);
}

static void schema_check_object(struct validation *v, const struct schema_node *node,
				struct json_object *object)
{
	size_t length = v->path.length;

	schema_check_count(v, (size_t)json_object_object_length(object), node->min_properties,
			   node->max_properties, "properties");
	for (size_t i = 0; i < node->required_count && effort_spend(v->effort, 1); i++) {
		schema_check_required(v, node->required[i], object);
	}
	if (node->embedded) {
		schema_check_required(v, "apiVersion", object);
		schema_check_required(v, "kind", object);
	}
	json_object_object_foreach (object, name, value) {
		const struct schema_node *member = schema_member(node, name);

		if (member != NULL) {
			buf_printf(&v->path, "%s%s", length > 0 ? "." : "", name);
			schema_validate_node(v, member, value);
			buf_cut(&v->path, length);
		}
	}
}

/* ---- allOf, anyOf, oneOf, not ---- */

/* How many hold; the causes of the first that does not go to *first. */
static size_t schema_holding(struct validation *v, const struct schema_nodes *nodes,
			     struct json_object *value, struct causes *first)
{
	struct causes *outer = v->causes;
	size_t count = 0;

	for (size_t i = 0; i < nodes->count && !v->effort->steps_spent; i++) {
		struct causes own = { .effort = v->effort };

		v->causes = &own;
		schema_validate_node(v, nodes->nodes[i], value);
		count += causes_any(&own) ? 0 : 1;
		if (causes_any(&own) && !causes_any(first)) {
			*first = own;
			own = (struct causes){ .effort = v->effort };
		}
		causes_finish(&own);
	}
	v->causes = outer;
	return count;
}

static void schema_check_one_of(struct validation *v, const struct schema_nodes *nodes,
				struct json_object *value)
{
	CLEANUP_CAUSES struct causes first = CAUSES_INIT;
	size_t count = nodes->count > 0 ? schema_holding(v, nodes, value, &first) : 1;

	if (count > 1) {
		causes_add_str(
			v->causes, CAUSE_INVALID, NO_FIELD, "",
			"\"%s\" must validate one and only one schema (oneOf). Found %zu valid alternatives",
			schema_here(v), count);
	} else if (count == 0) {
		causes_add_str(
			v->causes, CAUSE_INVALID, NO_FIELD, "",
			"\"%s\" must validate one and only one schema (oneOf). Found none valid",
			schema_here(v));
		causes_merge(v->causes, &first);
	}
}

static void schema_check_any_of(struct validation *v, const struct schema_nodes *nodes,
				struct json_object *value)
{
	CLEANUP_CAUSES struct causes first = CAUSES_INIT;

	if (nodes->count > 0 && schema_holding(v, nodes, value, &first) == 0) {
		causes_add_str(v->causes, CAUSE_INVALID, NO_FIELD, "",
			       "\"%s\" must validate at least one schema (anyOf)", schema_here(v));
		causes_merge(v->causes, &first);
	}
}

static void schema_check_all_of(struct validation *v, const struct schema_nodes *nodes,
				struct json_object *value)
{
	size_t count = 0;

	for (size_t i = 0; i < nodes->count && !v->effort->steps_spent; i++) {
		const struct schema_nodes one = { nodes->nodes + i, 1 };
		CLEANUP_CAUSES struct causes own = CAUSES_INIT;

		count += schema_holding(v, &one, value, &own);
		causes_merge(v->causes, &own);
	}
	if (count < nodes->count) {
		causes_add_str(v->causes, CAUSE_INVALID, NO_FIELD, "",
			       "\"%s\" must validate all the schemas (allOf)%s", schema_here(v),
			       count == 0 ? ". None validated" : "");
	}
}

static void schema_check_not(struct validation *v, const struct schema_node *node,
			     struct json_object *value)
{
	struct schema_node *inner = node->not ;
	const struct schema_nodes one = { &inner, 1 };
	CLEANUP_CAUSES struct causes own = CAUSES_INIT;

	if (inner != NULL && schema_holding(v, &one, value, &own) == 1) {
		causes_add_str(v->causes, CAUSE_INVALID, NO_FIELD, "",
			       "\"%s\" must not validate the schema (not)", schema_here(v));
	}
}

static void schema_validate_node(struct validation *v, const struct schema_node *node,
				 struct json_object *value)
{
	if ((value == NULL && node->nullable) || !effort_spend(v->effort, 1)) {
		return;
	}

	bool fits = schema_check_type(v, node, value);

	schema_check_all_of(v, &node->all_of, value);
	schema_check_any_of(v, &node->any_of, value);
	schema_check_one_of(v, &node->one_of, value);
	schema_check_not(v, node, value);
	if (node->enumeration != NULL) {
		schema_check_enum(v, node, value);
	}
	if (!fits) {
		return;
	}
	if (json_object_is_type(value, json_type_string)) {
		schema_check_string(v, node, value);
	} else if (schema_is_number(value)) {
		schema_check_number(v, node, value);
	} else if (json_object_is_type(value, json_type_array)) {
		schema_check_array(v, node, value);
	} else if (json_object_is_type(value, json_type_object)) {
		schema_check_object(v, node, value);
	}
}

void schema_validate(const struct schema *schema, struct json_object *object, struct causes *causes,
		     struct effort *effort)
{
	struct validation v = { .causes = causes,
				.effort = effort,
				.path = BUF_INIT(SCHEMA_PATH_MAX) };

	causes->effort = effort;
	schema_validate_node(&v, schema->root, object);
	causes->effort = NULL;
	buf_finish(&v.path);
}
