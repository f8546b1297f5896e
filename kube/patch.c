/* SPDX-License-Identifier: Apache-2.0 */
/* Applies JSON patches (RFC 6902) and merge patches (RFC 7386) to trees. The in-memory API and
 * local mode call it. */
#include "config.h"

#include "kube/patch.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

/* What one patch may do, counted while it is done. A few lines that copy the root into itself would
 * double it each time, and a small operation may move a large value again and again. */
#define COPY_NODES_MAX 200000
#define STEPS_MAX 4000000 /* nodes walked over; some 0.1 s */
#define STEP_ELEMENTS 16  /* so many elements of an array are moved in a step */

/* How much of the limits is left. */
struct budget {
	size_t copy_nodes, copy_bytes, steps;
};

/* The names of a path (RFC 6901). */
struct pointer {
	char *text; /* the names stand in it, unescaped */
	char *names[JSON_DEPTH_MAX];
	size_t count;
};

static void patch_pointer_finish(struct pointer *pointer)
{
	free(pointer->text);
}

/* Unescapes in place up to the next '/' and returns the text behind it, NULL at the end or for a
 * wrong escape. */
static char *patch_unescape(char *text, bool *ret_bad)
{
	char *out = text;

	for (; *text != '\0' && *text != '/'; text++) {
		if (*text == '~') {
			text++;
			if (*text != '0' && *text != '1') {
				*ret_bad = true;
				return NULL;
			}
			*out++ = *text == '0' ? '~' : '/';
		} else {
			*out++ = *text;
		}
	}

	char *next = *text == '/' ? text + 1 : NULL;

	*out = '\0';
	return next;
}

static int patch_pointer_init(struct pointer *pointer, struct json_object *operation,
			      const char *member, struct error *reterr)
{
	const char *path = asb_str(operation, member);
	bool bad = false;

	*pointer = (struct pointer){ 0 };
	if (path == NULL || (*path != '\0' && *path != '/')) {
		return error_set(reterr, -EINVAL,
				 "an operation of the patch has no '%s' that is a path", member);
	}
	pointer->text = xstrdup(path);
	for (char *at = *path == '/' ? pointer->text + 1 : NULL; at != NULL;) {
		if (pointer->count == ARRAY_LEN(pointer->names)) {
			return error_set(reterr, -EINVAL, "the path '%.100s...' is too deep", path);
		}
		pointer->names[pointer->count++] = at;
		at = patch_unescape(at, &bad);
	}
	return bad ? error_set(reterr, -EINVAL, "the path '%.200s' has a wrong escape", path) : 0;
}

static int patch_missing(const struct pointer *pointer, struct error *reterr)
{
	return error_set(
		reterr, -EPROTO, "the patch names a path that is not there: '%.100s' of %zu",
		pointer->count > 0 ? pointer->names[pointer->count - 1] : "", pointer->count);
}

/* Reads a name as an index of an array of that length. */
static bool patch_array_place(const char *name, size_t length, size_t *ret)
{
	size_t place = 0;

	if (*name == '\0' || (*name == '0' && name[1] != '\0')) {
		return false;
	}
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || place > length) {
			return false;
		}
		place = place * 10 + (size_t)(*name - '0');
	}
	*ret = place;
	return place < length;
}

/* A member of a container. False when there is none; a member that is null is there. */
static bool patch_child(struct json_object *container, const char *name, struct json_object **ret)
{
	size_t place;

	if (json_object_is_type(container, json_type_object)) {
		return json_object_object_get_ex(container, name, ret);
	}
	if (!patch_array_place(name, asb_length(container), &place)) {
		return false;
	}
	*ret = json_object_array_get_idx(container, place);
	return true;
}

/* Finds the value that the first count names of a path lead to. */
static bool patch_walk(struct json_object *root, const struct pointer *pointer, size_t count,
		       struct json_object **ret)
{
	for (size_t i = 0; i < count; i++) {
		if (!patch_child(root, pointer->names[i], &root)) {
			return false;
		}
	}
	*ret = root;
	return true;
}

/* Finds the container that the last name of a path belongs to. The path is not the root. */
static struct json_object *patch_parent(struct json_object *root, const struct pointer *pointer,
					const char **ret_name)
{
	struct json_object *container = NULL;

	*ret_name = pointer->names[pointer->count - 1];
	return patch_walk(root, pointer, pointer->count - 1, &container) ? container : NULL;
}

static int patch_too_much(const char *what, struct error *reterr)
{
	return error_set(reterr, -E2BIG, "the patch %s", what);
}

static bool patch_take(size_t *left, size_t amount)
{
	bool enough = *left >= amount;

	*left -= enough ? amount : *left;
	return enough;
}

/* The length of a scalar, about as it is printed. */
static size_t patch_scalar_bytes(struct json_object *value)
{
	return json_object_is_type(value, json_type_string)
		       ? (size_t)json_object_get_string_len(value) + 2
		       : 4;
}

/* Counts a node of a tree that is walked over, and copied if copy. */
static int patch_count_node(size_t bytes, bool copy, struct budget *budget, struct error *reterr)
{
	if (!patch_take(&budget->steps, 1)) {
		return patch_too_much("takes too many steps: it moves large values too often",
				      reterr);
	}
	if (copy &&
	    (!patch_take(&budget->copy_nodes, 1) || !patch_take(&budget->copy_bytes, bytes))) {
		return patch_too_much(
			"copies too much: all that its operations copy may be 3145728 bytes and 200000 values",
			reterr);
	}
	return 0;
}

/* Counts a tree, which may be at most depth deep. */
static int patch_count_tree(struct json_object *value, size_t depth, bool copy,
			    struct budget *budget, struct error *reterr)
{
	int code;

	if (depth == 0) {
		return error_set(reterr, -EPROTO, "the patch makes the object too deep");
	}
	code = patch_count_node(patch_scalar_bytes(value), copy, budget, reterr);
	for (size_t i = 0; code == 0 && i < asb_length(value); i++) {
		code = patch_count_tree(json_object_array_get_idx(value, i), depth - 1, copy,
					budget, reterr);
	}
	if (code == 0 && json_object_is_type(value, json_type_object)) {
		json_object_object_foreach (value, name, member) {
			if (copy) {
				patch_take(&budget->copy_bytes, strlen(name));
			}
			code = patch_count_tree(member, depth - 1, copy, budget, reterr);
			if (code < 0) {
				break;
			}
		}
	}
	return code;
}

/* Counts the elements of an array that make room, or close a gap. */
static int patch_count_moved(size_t elements, struct budget *budget, struct error *reterr)
{
	return patch_take(&budget->steps, 1 + elements / STEP_ELEMENTS)
		       ? 0
		       : patch_too_much("takes too many steps: it moves long lists too often",
					reterr);
}

static void patch_array_insert(struct json_object *array, size_t place,
			       struct json_object *take_value)
{
	struct array_list *list = json_object_get_array(array);

	if (json_object_array_add(array, take_value) < 0) {
		abort();
	}
	memmove(list->array + place + 1, list->array + place,
		(list->length - 1 - place) * sizeof(list->array[0]));
	list->array[place] = take_value;
}

static int patch_put(struct json_object **root, const struct pointer *pointer, bool replace,
		     struct json_object *value, struct budget *budget, struct error *reterr)
{
	struct json_object *old = NULL;
	const char *name;
	size_t place;
	/* Each value is within the depth that was parsed, but a patch could hang one under the
	 * other. */
	int code = patch_count_tree(value, JSON_DEPTH_MAX - pointer->count, false, budget, reterr);

	if (code < 0) {
		return code;
	}
	if (pointer->count == 0) {
		json_object_get(value);
		json_object_put(*root);
		*root = value;
		return 0;
	}

	struct json_object *container = patch_parent(*root, pointer, &name);

	if (replace && (container == NULL || !patch_child(container, name, &old))) {
		return patch_missing(pointer, reterr);
	}
	if (json_object_is_type(container, json_type_object)) {
		json_object_object_add(container, name, json_object_get(value));
		return 0;
	}
	if (!json_object_is_type(container, json_type_array)) {
		return patch_missing(pointer, reterr);
	}
	if (strcmp(name, "-") == 0) {
		place = asb_length(container);
	} else if (!patch_array_place(name, asb_length(container) + 1, &place)) {
		return patch_missing(pointer, reterr);
	}
	if (replace) {
		json_object_array_put_idx(container, place, json_object_get(value));
		return 0;
	}
	code = patch_count_moved(asb_length(container) - place, budget, reterr);
	if (code == 0) {
		patch_array_insert(container, place, json_object_get(value));
	}
	return code;
}

/* Removes a value from its container; *ret is the caller's. */
static int patch_cut(struct json_object *root, const struct pointer *pointer, struct budget *budget,
		     struct json_object **ret, struct error *reterr)
{
	struct json_object *old = NULL;
	const char *name;
	size_t place;

	if (pointer->count == 0) {
		return error_set(reterr, -EPROTO, "the patch removes the whole object");
	}

	struct json_object *container = patch_parent(root, pointer, &name);

	if (container == NULL || !patch_child(container, name, &old)) {
		return patch_missing(pointer, reterr);
	}
	*ret = json_object_get(old);
	if (json_object_is_type(container, json_type_object)) {
		json_object_object_del(container, name);
	} else if (patch_array_place(name, asb_length(container), &place)) {
		int code = patch_count_moved(asb_length(container) - place, budget, reterr);

		if (code < 0) {
			json_object_put(*ret);
			*ret = NULL;
			return code;
		}
		json_object_array_del_idx(container, place, 1);
	}
	return 0;
}

static int patch_test(struct json_object *root, const struct pointer *pointer,
		      struct json_object *value, struct error *reterr)
{
	struct json_object *container = root, *found = root;
	const char *name = "";

	if (pointer->count > 0) {
		container = patch_parent(root, pointer, &name);
		found = NULL;
		if (container == NULL) {
			return patch_missing(pointer, reterr);
		}
		if (!patch_child(container, name, &found) &&
		    !json_object_is_type(container, json_type_object)) {
			return patch_missing(pointer, reterr);
		}
	}
	return json_object_equal(found, value)
		       ? 0
		       : error_set(reterr, -EPROTO, "a test of the patch failed");
}

static int patch_copy_or_move(struct json_object **root, struct json_object *operation,
			      const struct pointer *to, bool move, struct budget *budget,
			      struct error *reterr)
{
	CLEANUP(patch_pointer_finish) struct pointer from = { 0 };
	CLEANUP_JSON struct json_object *value = NULL;
	struct json_object *found = NULL;
	int code = patch_pointer_init(&from, operation, "from", reterr);

	if (code < 0) {
		return code;
	}
	if (move) {
		code = patch_cut(*root, &from, budget, &value, reterr);
		return code < 0 ? code : patch_put(root, to, false, value, budget, reterr);
	}
	if (!patch_walk(*root, &from, from.count, &found)) {
		return patch_missing(&from, reterr);
	}
	code = patch_count_tree(found, JSON_DEPTH_MAX, true, budget, reterr);
	if (code < 0) {
		return code;
	}
	value = asb_copy(found);
	return patch_put(root, to, false, value, budget, reterr);
}

static int patch_apply(struct json_object **root, struct json_object *operation,
		       struct budget *budget, struct error *reterr)
{
	CLEANUP(patch_pointer_finish) struct pointer path = { 0 };
	CLEANUP_JSON struct json_object *copy = NULL;
	struct json_object *value = NULL;
	const char *op = asb_str(operation, "op");
	int code = patch_pointer_init(&path, operation, "path", reterr);

	if (code < 0) {
		return code;
	}
	if (asb_streq(op, "remove")) {
		return patch_cut(*root, &path, budget, &copy, reterr);
	}
	if (asb_streq(op, "move") || asb_streq(op, "copy")) {
		return patch_copy_or_move(root, operation, &path, asb_streq(op, "move"), budget,
					  reterr);
	}
	if (!asb_streq(op, "add") && !asb_streq(op, "replace") && !asb_streq(op, "test")) {
		return error_set(reterr, -EINVAL, "the patch has an operation '%.40s'",
				 op != NULL ? op : "");
	}
	if (!json_object_object_get_ex(operation, "value", &value)) {
		return error_set(reterr, -EINVAL, "the operation '%s' of the patch has no value",
				 op);
	}
	if (asb_streq(op, "test")) {
		return patch_test(*root, &path, value, reterr);
	}
	/* A copy: later operations may change what this one put in, and the patch is not ours. */
	copy = asb_copy(value);
	return patch_put(root, &path, asb_streq(op, "replace"), copy, budget, reterr);
}

int patch_json(struct json_object *target, struct json_object *patch, struct json_object **ret,
	       struct error *reterr)
{
	CLEANUP_JSON struct json_object *root = NULL;
	struct budget budget = { .copy_nodes = COPY_NODES_MAX,
				 .copy_bytes = PATCH_COPY_BYTES_MAX,
				 .steps = STEPS_MAX };

	if (asb_as_array(patch) == NULL) {
		return error_set(reterr, -EINVAL, "a JSON patch must be an array");
	}
	if (asb_length(patch) > PATCH_OPERATIONS_MAX) {
		return error_set(reterr, -EINVAL,
				 "a JSON patch may have %d operations, this one has %zu",
				 PATCH_OPERATIONS_MAX, asb_length(patch));
	}
	root = asb_copy(target);
	for (size_t i = 0; i < asb_length(patch); i++) {
		int code = patch_apply(&root, json_object_array_get_idx(patch, i), &budget, reterr);

		if (code < 0) {
			return code;
		}
	}
	*ret = TAKE(root);
	return 0;
}

struct json_object *patch_merge(struct json_object *target, struct json_object *patch)
{
	if (!json_object_is_type(patch, json_type_object)) {
		return asb_copy(patch);
	}

	struct json_object *result = json_object_new_object();

	if (json_object_is_type(target, json_type_object)) {
		json_object_object_foreach (target, name, member) {
			if (!json_object_object_get_ex(patch, name, NULL)) {
				json_object_object_add(result, name, asb_copy(member));
			}
		}
	}
	json_object_object_foreach (patch, name, member) {
		if (member != NULL) {
			json_object_object_add(result, name,
					       patch_merge(asb_at(target, name), member));
		}
	}
	return result;
}
