/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of one call into a plugin, and the state that plugins keep of keys. Used by
 * core/controller/host.c and core/controller/worker.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/controller/controller-private.h"

void call_begin(struct call *call, struct controller *controller, const char *ns, const char *name)
{
	*call = (struct call){
		.base = { .host = controller->host, .instance = (struct asb_instance *)controller },
		.controller = controller,
		.ns = ns,
		.name = name,
	};
}

void call_finish(struct call *call)
{
	for (size_t i = 0; i < call->tree_count; i++) {
		json_object_put(call->trees[i]);
	}
	for (size_t i = 0; i < call->block_count; i++) {
		free(call->blocks[i]);
	}
	free(call->trees);
	free(call->blocks);
}

/* Makes room for one more pointer. */
static void *call_make_room(void *array, size_t count, size_t *size)
{
	if (count < *size) {
		return array;
	}
	*size = *size > 0 ? *size * 2 : 16;
	return xrealloc(array, *size * sizeof(void *));
}

struct json_object *call_keep(struct call *call, struct json_object *take_tree)
{
	if (take_tree != NULL) {
		call->trees = call_make_room(call->trees, call->tree_count, &call->tree_size);
		call->trees[call->tree_count++] = take_tree;
	}
	return take_tree;
}

void *call_alloc(struct call *call, size_t size)
{
	void *block = xalloc(size);

	call->blocks = call_make_room(call->blocks, call->block_count, &call->block_size);
	call->blocks[call->block_count++] = block;
	return block;
}

/* ---- the state that a plugin keeps of a key ---- */

struct key_state {
	char *uid; /* of the object it is about: another one of that name starts again */
	uint64_t size;
	void *data;
	char key[];
};

static void call_key_state_destroy(struct key_state *state)
{
	free(state->uid);
	free(state->data);
	free(state);
}

static struct key_state *call_key_state_find_or_make(struct controller *controller, const char *ns,
						     const char *name, uint64_t size)
{
	char key[STORE_KEY_MAX], uid[64] = "";
	bool exists = store_uid(controller->bindings[0].store, ns, name, uid);
	struct key_state *state;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	state = map_get(&controller->key_states, key);
	if (state != NULL && exists && strcmp(state->uid, uid) != 0) {
		map_remove(&controller->key_states, key);
		call_key_state_destroy(state);
		state = NULL;
		reservations_forget(controller->config.reservations, key, controller);
	}
	if (state == NULL) {
		state = xalloc(sizeof(*state) + strlen(key) + 1);
		state->size = size <= KEY_STATE_MAX ? size : KEY_STATE_MAX;
		state->data = xalloc(state->size);
		state->uid = xstrdup(uid);
		memcpy(state->key, key, strlen(key) + 1);
		map_put(&controller->key_states, state->key, state);
	}
	return state;
}

void *key_state_get(struct controller *controller, const char *ns, const char *name, uint64_t size)
{
	struct key_state *state = call_key_state_find_or_make(controller, ns, name, size);

	return size <= state->size ? state->data : NULL;
}

void *call_key_state(struct call *call, uint64_t size)
{
	if (call->key_state == NULL) {
		call->key_state =
			call_key_state_find_or_make(call->controller, call->ns, call->name, size);
	}
	return size <= call->key_state->size ? call->key_state->data : NULL;
}

void key_state_forget(struct controller *controller, const char *ns, const char *name)
{
	char key[STORE_KEY_MAX];
	struct key_state *state;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	state = map_remove(&controller->key_states, key);
	if (state != NULL) {
		call_key_state_destroy(state);
	}
	reservations_forget(controller->config.reservations, key, controller);
}

void key_state_finish(struct controller *controller)
{
	struct key_state *state;
	size_t at = 0;

	while ((state = map_next(&controller->key_states, &at, NULL)) != NULL) {
		call_key_state_destroy(state);
	}
	map_finish(&controller->key_states);
}
