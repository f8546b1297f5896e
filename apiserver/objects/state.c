/* SPDX-License-Identifier: Apache-2.0 */
/* States of objects: text and what selectors ask for in a server, a tree in memory alone. Records,
 * the history, lists and watches share them. */
#include "config.h"

#include "apiserver/objects/state.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/fields.h"
#include "apiserver/objects/objects-private.h"
#include "base/json.h"
#include "base/memory.h"

struct objects_state *objects_state_ref(struct objects_state *state)
{
	if (state != NULL) {
		atomic_fetch_add_explicit(&state->refs, 1, memory_order_relaxed);
	}
	return state;
}

void objects_state_unref(struct objects_state *state)
{
	if (state != NULL &&
	    atomic_fetch_sub_explicit(&state->refs, 1, memory_order_acq_rel) == 1) {
		/* A server's cache holds a reference as long as there is a tree: who frees the
		 * state without the lock meets none. */
		json_object_put(state->tree);
		free(state);
	}
}

void objects_state_release(struct objects_state **state)
{
	objects_state_unref(*state);
}

const char *objects_state_text(const struct objects_state *state, size_t *ret_length)
{
	if (ret_length != NULL) {
		*ret_length = state->length;
	}
	return state->data;
}

uint64_t objects_state_version(const struct objects_state *state)
{
	return state->version;
}

const char *objects_state_ns(const struct objects_state *state)
{
	return state->ns != NULL ? state->ns : asb_ns(state->tree);
}

const char *objects_state_name(const struct objects_state *state)
{
	return state->name != NULL ? state->name : asb_name(state->tree);
}

size_t state_size(const struct objects_state *state)
{
	return sizeof(*state) + state->length;
}

static void state_append_pair(struct buf *out, const char *name, const char *value)
{
	buf_append(out, name, strlen(name) + 1);
	buf_append(out, value, strlen(value) + 1);
}

static uint32_t state_append_labels(struct buf *out, struct json_object *object)
{
	struct json_object *labels = asb_at(object, "metadata", "labels");
	uint32_t count = 0;

	if (!json_object_is_type(labels, json_type_object)) {
		return 0;
	}
	json_object_object_foreach (labels, name, value) {
		const char *text = asb_as_str(value);

		state_append_pair(out, name, text != NULL ? text : "");
		count++;
	}
	return count;
}

static uint32_t state_append_fields(struct buf *out, const struct resource *resource,
				    struct json_object *object)
{
	const char *path;
	char text[FIELD_VALUE_MAX];
	uint32_t count = 0;

	for (size_t i = 0; (path = fields_nth(resource, i)) != NULL; i++) {
		const char *value = fields_value(object, path, text);

		/* What is not there is "". */
		if (*value != '\0') {
			state_append_pair(out, path, value);
			count++;
		}
	}
	return count;
}

/* Keeps the tree of a state as long as TREES_MAX - 1 others are not kept. */
static void state_cache_tree(struct objects *objects, struct objects_state *state,
			     struct json_object *take_tree)
{
	struct objects_state **place = &objects->trees[objects->next_tree++ % TREES_MAX];

	if (*place != NULL) {
		json_object_put(TAKE((*place)->tree));
		objects_state_unref(*place);
	}
	state->tree = take_tree;
	*place = objects_state_ref(state);
}

void state_trees_finish(struct objects *objects)
{
	for (size_t i = 0; i < TREES_MAX; i++) {
		if (objects->trees[i] != NULL) {
			json_object_put(TAKE(objects->trees[i]->tree));
			objects_state_unref(TAKE(objects->trees[i]));
		}
	}
}

static struct objects_state *state_new(size_t size)
{
	struct objects_state *state = xalloc(sizeof(*state) + size);

	atomic_init(&state->refs, 1);
	return state;
}

/* Whether an allocation failed since that was last forgotten in this thread. */
static bool state_lacks_memory(const struct objects *objects, bool forget)
{
	return objects->hooks.allocation_failed != NULL && objects->hooks.allocation_failed(forget);
}

int state_check_memory(struct objects *objects, struct error *reterr)
{
	if (!state_lacks_memory(objects, true)) {
		return 0;
	}
	objects->trees_suspect = true;
	return objects_fail(
		reterr, 503,
		"the server has no memory left for this request, and changed nothing: try again later, or with less");
}

int state_create(struct objects *objects, const struct resource *resource,
		 struct json_object *take_tree, struct objects_state **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = take_tree;
	CLEANUP_BUF struct buf out = BUF_INIT(3 * OBJECTS_SIZE_MAX);
	struct objects_state *state;

	if (!objects->policy->states_as_text) {
		state = state_new(0);
		state->tree = TAKE(tree);
		*ret = state;
		return 0;
	}
	json_print(tree, &out);
	if (state_check_memory(objects, reterr) != 0) {
		return 503;
	}

	size_t length = out.length, ns_at = length + 1, name_at = ns_at + strlen(asb_ns(tree)) + 1,
	       pairs_at = name_at + strlen(asb_name(tree)) + 1;

	if (!out.failed && json_too_many(buf_str(&out), length)) {
		return objects_fail(
			reterr, 413,
			"Request entity too large: the object '%.253s' has too many objects and arrays for its size",
			asb_name(tree));
	}
	if (out.failed || length > OBJECTS_SIZE_MAX) {
		return objects_fail(
			reterr, 413,
			"Request entity too large: the object '%.253s' would be larger than the %d bytes that can be stored",
			asb_name(tree), OBJECTS_SIZE_MAX);
	}
	buf_append(&out, "", 1);
	state_append_pair(&out, asb_ns(tree), asb_name(tree));

	uint32_t labels = state_append_labels(&out, tree),
		 fields = state_append_fields(&out, resource, tree);

	if (out.failed) {
		return objects_fail(reterr, 413, "Request entity too large: too many labels");
	}
	state = state_new(out.length);
	memcpy(state->data, out.data, out.length);
	state->at_ms = objects->config.now_ms(objects->config.arg);
	state->labels = labels;
	state->fields = fields;
	state->length = length;
	state->ns = state->data + ns_at;
	state->name = state->data + name_at;
	state->pairs = state->data + pairs_at;
	state_cache_tree(objects, state, TAKE(tree));
	*ret = state;
	return 0;
}

struct objects_state *state_of_text(struct json_object *take_tree)
{
	CLEANUP_JSON struct json_object *tree = take_tree;
	CLEANUP_BUF struct buf out = BUF_INIT(3 * OBJECTS_SIZE_MAX);
	struct objects_state *state;

	json_print(tree, &out);
	state = state_new(out.length + 1);
	memcpy(state->data, buf_str(&out), out.length + 1);
	state->length = out.length;
	state->ns = state->name = state->pairs = state->data + out.length;
	return state;
}

struct json_object *state_tree(struct objects *objects, struct objects_state *state)
{
	if (objects->trees_suspect) {
		objects->trees_suspect = false;
		state_trees_finish(objects);
	}
	if (state->tree == NULL) {
		struct json_object *tree = json_parse(state->data, state->length, NULL);

		if (tree == NULL) {
			abort(); /* we printed it */
		}
		/* It may lack parts: whoever is here now will not store it, and nobody else gets
		 * it. */
		objects->trees_suspect = state_lacks_memory(objects, false);
		state_cache_tree(objects, state, tree);
	}
	return state->tree;
}

struct json_object *state_hold(struct objects *objects, struct objects_state *state)
{
	return json_object_get(state_tree(objects, state));
}

struct json_object *objects_keep(struct objects *objects, struct objects_state *take_state)
{
	objects_state_unref(objects->scratch);
	objects->scratch = take_state;
	return state_tree(objects, take_state);
}
