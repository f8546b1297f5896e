/* SPDX-License-Identifier: Apache-2.0 */
/* Pruning and defaulting by a schema: what an object loses and gains before it is validated. The
 * kinds of CustomResourceDefinitions call it for every write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/schema/schema-private.h"
#include "base/buf.h"
#include "base/memory.h"

/* ---- pruning ---- */

struct pruning {
	struct json_object *unknown; /* NULL: nobody asks */
	struct buf path;
};

static void schema_prune_node(struct pruning *pruning, const struct schema_node *node,
			      struct json_object *value);

static void schema_note(struct pruning *pruning)
{
	if (pruning->unknown != NULL && asb_length(pruning->unknown) < VALIDATE_CAUSES_MAX) {
		json_object_array_add(pruning->unknown,
				      json_object_new_string(buf_str(&pruning->path)));
	}
}

static bool schema_known_at_top(const char *name)
{
	return strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0 ||
	       strcmp(name, "metadata") == 0;
}

static void schema_enter_member(struct buf *path, const char *name)
{
	buf_printf(path, "%s%s", path->length > 0 ? "." : "", name);
}

/* Names of members to drop; json-c's trees must not change while one walks over them. */
struct doomed {
	char **names;
	size_t count, size;
};

static void schema_doom(struct doomed *doomed, const char *name)
{
	if (doomed->count == doomed->size) {
		doomed->size = doomed->size > 0 ? doomed->size * 2 : 8;
		doomed->names = xrealloc(doomed->names, doomed->size * sizeof(char *));
	}
	doomed->names[doomed->count++] = xstrdup(name);
}

static void schema_drop(struct doomed *doomed, struct json_object *object)
{
	for (size_t i = 0; i < doomed->count; i++) {
		json_object_object_del(object, doomed->names[i]);
		free(doomed->names[i]);
	}
	free(doomed->names);
}

static void schema_prune_object(struct pruning *pruning, const struct schema_node *node, bool top,
				struct json_object *object)
{
	struct doomed doomed = { 0 };
	size_t length = pruning->path.length;

	json_object_object_foreach (object, name, value) {
		const struct schema_node *member = schema_member(node, name);
		bool keep = (top || node->embedded) && schema_known_at_top(name);

		schema_enter_member(&pruning->path, name);
		if (keep) {
			/* The server knows these itself. */
		} else if (member != NULL) {
			schema_prune_node(pruning, member, value);
		} else if (!node->preserve && !node->additional_any) {
			schema_note(pruning);
			schema_doom(&doomed, name);
		}
		buf_cut(&pruning->path, length);
	}
	schema_drop(&doomed, object);
}

static void schema_prune_node(struct pruning *pruning, const struct schema_node *node,
			      struct json_object *value)
{
	size_t length = pruning->path.length;

	if (json_object_is_type(value, json_type_object)) {
		schema_prune_object(pruning, node, false, value);
	} else if (json_object_is_type(value, json_type_array) && node->items != NULL) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			buf_printf(&pruning->path, "[%zu]", i);
			schema_prune_node(pruning, node->items,
					  json_object_array_get_idx(value, i));
			buf_cut(&pruning->path, length);
		}
	}
}

void schema_prune(const struct schema *schema, struct json_object *object,
		  struct json_object *unknown)
{
	struct pruning pruning = { .unknown = unknown, .path = BUF_INIT(SCHEMA_PATH_MAX) };

	if (json_object_is_type(object, json_type_object)) {
		schema_prune_object(&pruning, schema->root, true, object);
	}
	buf_finish(&pruning.path);
}

/* ---- defaulting ---- */

/* Copying a value takes about so many steps, and an empty object half a kilobyte. */
#define DEFAULT_STEPS 20

static void schema_fill(const struct schema_node *node, struct json_object *value,
			struct effort *effort);

/* A null where none is allowed counts as missing. */
static void schema_drop_nulls(const struct schema_node *node, struct json_object *object)
{
	struct doomed doomed = { 0 };

	json_object_object_foreach (object, name, value) {
		const struct schema_node *member = value == NULL ? schema_member(node, name) : NULL;

		if (member != NULL && !member->nullable) {
			schema_doom(&doomed, name);
		}
	}
	schema_drop(&doomed, object);
}

static void fill_object(const struct schema_node *node, struct json_object *object,
			struct effort *effort)
{
	bool fills = node->fills && effort_spend(effort, node->property_count);

	schema_drop_nulls(node, object);
	for (size_t i = 0; fills && i < node->property_count; i++) {
		const struct schema_property *property = &node->properties[i];

		if (property->node->default_value != NULL &&
		    !json_object_object_get_ex(object, property->name, NULL) &&
		    effort_grow(effort, property->node->default_bytes + strlen(property->name)) &&
		    effort_spend(effort, DEFAULT_STEPS * property->node->default_nodes)) {
			json_object_object_add(object, property->name,
					       asb_copy(property->node->default_value));
		}
	}
	json_object_object_foreach (object, name, value) {
		const struct schema_node *member = schema_member(node, name);

		if (member != NULL) {
			schema_fill(member, value, effort);
		}
	}
}

static void schema_fill(const struct schema_node *node, struct json_object *value,
			struct effort *effort)
{
	if (!effort_spend(effort, 1) || effort->bytes_spent) {
		return;
	}
	if (json_object_is_type(value, json_type_object)) {
		fill_object(node, value, effort);
	} else if (json_object_is_type(value, json_type_array) && node->items != NULL) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			schema_fill(node->items, json_object_array_get_idx(value, i), effort);
		}
	}
}

void schema_default(const struct schema *schema, struct json_object *object, struct effort *effort)
{
	schema_fill(schema->root, object, effort);
}
