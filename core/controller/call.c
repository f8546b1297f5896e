/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of one call into a plugin, and the memory of its keys. Used by core/controller/host.c and
 * core/controller/worker.c. */
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

/* Room for one more pointer. */
static void *make_room(void *array, size_t count, size_t *size)
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
		call->trees = make_room(call->trees, call->tree_count, &call->tree_size);
		call->trees[call->tree_count++] = take_tree;
	}
	return take_tree;
}

void *call_alloc(struct call *call, size_t size)
{
	void *block = xalloc(size);

	call->blocks = make_room(call->blocks, call->block_count, &call->block_size);
	call->blocks[call->block_count++] = block;
	return block;
}

/* ---- memory of keys ---- */

struct memory {
	char *uid; /* of the object it is about: another one of that name starts again */
	uint64_t size;
	void *data;
	char key[];
};

static void free_memory(struct memory *memory)
{
	free(memory->uid);
	free(memory->data);
	free(memory);
}

static struct memory *find_or_make(struct controller *controller, const char *ns, const char *name,
				   uint64_t size)
{
	char key[STORE_KEY_MAX], uid[64] = "";
	bool exists = store_uid(controller->bindings[0].store, ns, name, uid);
	struct memory *memory;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	memory = map_get(&controller->memories, key);
	if (memory != NULL && exists && strcmp(memory->uid, uid) != 0) {
		map_remove(&controller->memories, key);
		free_memory(memory);
		memory = NULL;
		reservations_forget(controller->config.reservations, key, controller);
	}
	if (memory == NULL) {
		memory = xalloc(sizeof(*memory) + strlen(key) + 1);
		memory->size = size <= MEMORY_MAX ? size : MEMORY_MAX;
		memory->data = xalloc(memory->size);
		memory->uid = xstrdup(uid);
		memcpy(memory->key, key, strlen(key) + 1);
		map_put(&controller->memories, memory->key, memory);
	}
	return memory;
}

void *memory_get(struct controller *controller, const char *ns, const char *name, uint64_t size)
{
	struct memory *memory = find_or_make(controller, ns, name, size);

	return size <= memory->size ? memory->data : NULL;
}

void *call_memory(struct call *call, uint64_t size)
{
	if (call->memory == NULL) {
		call->memory = find_or_make(call->controller, call->ns, call->name, size);
	}
	return size <= call->memory->size ? call->memory->data : NULL;
}

void memory_forget(struct controller *controller, const char *ns, const char *name)
{
	char key[STORE_KEY_MAX];
	struct memory *memory;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	memory = map_remove(&controller->memories, key);
	if (memory != NULL) {
		free_memory(memory);
	}
	reservations_forget(controller->config.reservations, key, controller);
}

void memory_finish(struct controller *controller)
{
	struct memory *memory;
	size_t at = 0;

	while ((memory = map_next(&controller->memories, &at, NULL)) != NULL) {
		free_memory(memory);
	}
	map_finish(&controller->memories);
}
