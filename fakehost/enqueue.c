/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a changed object enqueues, by the plugin's watches. fakehost/update.c calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"
#include "kube/kind.h"

struct adder {
	struct asb_keys keys;
	struct asb_fake *fake;
};

static void enqueue_add(struct asb_keys *keys, const char *ns, const char *name)
{
	struct adder *adder = CONTAINER_OF(keys, struct adder, keys);

	keys_enqueue(adder->fake, ns, name, 0);
}

static void enqueue_self(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
			 const char *name)
{
	/* A deleted object of the own kind enqueues its key too. */
	if (kind == fake->kinds[0] || cache_find(fake->kinds[0], ns, name) != NULL) {
		keys_enqueue(fake, ns, name, 0);
	}
}

static void enqueue_controller(struct asb_fake *fake, const char *ns, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *name = asb_str(owner, "name");

	if (name != NULL && asb_owner_is(owner, fake->kinds[0]->kind)) {
		keys_enqueue(fake, ns, name, 0);
	}
}

static void enqueue_index(struct asb_fake *fake, const char *index_name, const char *ns,
			  const char *name)
{
	int64_t number = index_number(fake->plugin, index_name);
	char value[FAKE_KEY_MAX];
	const struct tree *tree;

	snprintf(value, sizeof(value), "%s/%s", ns, name);
	tree = index_under(&fake->indexes[number], value);
	for (struct tree_node *node = tree != NULL ? tree_first(tree) : NULL; node != NULL;
	     node = tree_next(node)) {
		CLEANUP_FREE char *key_ns = xstrndup(node->tie, strcspn(node->tie, "/"));

		keys_enqueue(fake, key_ns, node->tie + strlen(key_ns) + 1, 0);
	}
}

/* A copy of a stored tree, for an enqueue function. */
static struct json_object *enqueue_copy(struct fake_call *call, struct json_object *object)
{
	return object != NULL ? arena_tree(&call->arena, asb_copy(object)) : NULL;
}

static void enqueue_function(struct asb_fake *fake, const struct asb_watch *watch,
			     struct json_object *before, struct json_object *after)
{
	struct adder adder = { { enqueue_add }, fake };
	struct fake_call call;

	call_init(&call, fake, NULL);
	watch->enqueue_function(fake->state, &call.call, enqueue_copy(&call, before),
				enqueue_copy(&call, after), &adder.keys);
	arena_finish(&call.arena);
}

void enqueue_changed(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		     const char *name, struct json_object *before, struct json_object *after)
{
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const struct asb_watch *watch = &fake->plugin->watches[i];

		if (fake->kinds[i] != kind) {
			continue;
		}
		if ((watch->enqueue & ASB_ENQUEUE_SELF) != 0) {
			enqueue_self(fake, kind, ns, name);
		}
		if ((watch->enqueue & ASB_ENQUEUE_OWNER) != 0) {
			enqueue_controller(fake, ns, before);
			enqueue_controller(fake, ns, after);
		}
		if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0) {
			enqueue_index(fake, watch->enqueue_index, ns, name);
		}
		if ((watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0) {
			enqueue_function(fake, watch, before, after);
		}
	}
}

void enqueue_filtered(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		      const char *name)
{
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const struct asb_watch *watch = &fake->plugin->watches[i];

		if (fake->kinds[i] == kind && (watch->enqueue & ASB_ENQUEUE_SELF) != 0) {
			enqueue_self(fake, kind, ns, name);
		}
	}
}
