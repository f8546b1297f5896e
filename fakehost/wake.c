/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a changed object wakes: the mappings of the plugin's watches. fakehost/cache.c calls
 * it. */
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

static void add_key(struct asb_keys *keys, const char *ns, const char *name)
{
	struct adder *adder = CONTAINER_OF(keys, struct adder, keys);

	run_enqueue(adder->fake, ns, name, 0);
}

static void wake_self(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		      const char *name)
{
	/* An own object that went wakes as well: who it was is still the key's. */
	if (kind == fake->kinds[0] || cache_find(fake->kinds[0], ns, name) != NULL) {
		run_enqueue(fake, ns, name, 0);
	}
}

static void wake_controller(struct asb_fake *fake, const char *ns, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *name = asb_str(owner, "name");

	if (name != NULL && asb_owner_is(owner, fake->kinds[0]->kind)) {
		run_enqueue(fake, ns, name, 0);
	}
}

static void wake_index(struct asb_fake *fake, const char *index_name, const char *ns,
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

		run_enqueue(fake, key_ns, node->tie + strlen(key_ns) + 1, 0);
	}
}

/* A tree of its own for a mapping function, as the store would give it. */
static struct json_object *view(struct fake_call *call, struct json_object *object)
{
	return object != NULL ? arena_tree(&call->arena, asb_copy(object)) : NULL;
}

static void wake_function(struct asb_fake *fake, const struct asb_watch *watch,
			  struct json_object *before, struct json_object *after)
{
	struct adder adder = { { add_key }, fake };
	struct fake_call call;

	call_init(&call, fake, NULL);
	watch->enqueue_function(fake->state, &call.call, view(&call, before), view(&call, after),
				&adder.keys);
	arena_finish(&call.arena);
}

void wake_changed(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		  const char *name, struct json_object *before, struct json_object *after)
{
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const struct asb_watch *watch = &fake->plugin->watches[i];

		if (fake->kinds[i] != kind) {
			continue;
		}
		if ((watch->enqueue & ASB_ENQUEUE_SELF) != 0) {
			wake_self(fake, kind, ns, name);
		}
		if ((watch->enqueue & ASB_ENQUEUE_OWNER) != 0) {
			wake_controller(fake, ns, before);
			wake_controller(fake, ns, after);
		}
		if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0) {
			wake_index(fake, watch->enqueue_index, ns, name);
		}
		if ((watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0) {
			wake_function(fake, watch, before, after);
		}
	}
}

void wake_filtered(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		   const char *name)
{
	for (uint32_t i = 0; i < fake->watch_count; i++) {
		const struct asb_watch *watch = &fake->plugin->watches[i];

		if (fake->kinds[i] == kind && (watch->enqueue & ASB_ENQUEUE_SELF) != 0) {
			wake_self(fake, kind, ns, name);
		}
	}
}
