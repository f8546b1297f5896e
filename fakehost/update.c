/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the plugin's store up to date with the objects, and enqueues the keys that a change
 * concerns. Everything that changes an object calls update_cache after it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>

#include "base/json.h"
#include "fakehost/fake.h"

/* Whether two stored states are equal, apart from their resourceVersion. */
static bool update_is_equal(struct json_object *a, struct json_object *b)
{
	CLEANUP_JSON struct json_object *copy = asb_copy(a);

	if (a == NULL || b == NULL) {
		return a == b;
	}
	asb_set_str(asb_object_in(copy, "metadata"), "resourceVersion", asb_resource_version(b));
	return json_object_equal(copy, b);
}

/* Stores one state of an object; NULL when it is gone. */
static void update_object(struct asb_fake *fake, const struct objects_change *change,
			  struct json_object *object)
{
	struct fake_kind *kind = cache_same_kind(fake, change->kind);
	struct stored *stored = cache_find(kind, change->ns, change->name);
	CLEANUP_JSON struct json_object *before =
		stored != NULL ? json_object_get(stored->object) : NULL;
	CLEANUP_JSON struct json_object *after = object != NULL && cache_keeps(fake, kind, object)
							 ? cache_trim(fake, kind, object)
							 : NULL;
	char key[FAKE_KEY_MAX];

	if (before == NULL && after == NULL) {
		if (kind->watched && change->type != OBJECTS_MODIFIED) {
			enqueue_filtered(fake, kind, change->ns, change->name);
		}
		return;
	}
	snprintf(key, sizeof(key), "%s/%s", change->ns, change->name);
	if (after != NULL) {
		cache_put(fake, kind, key, json_object_get(after));
	} else {
		cache_remove(kind, stored);
	}
	/* If only the version differs, no declared field has changed and nothing is enqueued. */
	if (!update_is_equal(before, after)) {
		enqueue_changed(fake, kind, change->ns, change->name, before, after);
	}
	if (after == NULL && kind == fake->kinds[0]) {
		keys_forget(fake, change->ns, change->name);
	}
}

void update_cache(struct asb_fake *fake)
{
	struct objects_change change;

	while (objects_next_any(fake->objects, fake->seen, &change)) {
		CLEANUP_JSON struct json_object *object = json_object_get(change.object);

		fake->seen = change.version;
		update_object(fake, &change, change.type == OBJECTS_DELETED ? NULL : object);
	}
	objects_compact(fake->objects, fake->seen);
}

void update_refill(struct asb_fake *fake)
{
	update_cache(fake);
	cache_clear(fake);
	for (size_t i = 0; i < fake->distinct_count; i++) {
		struct json_object *object;

		for (size_t j = 0;
		     (object = objects_nth(fake->objects, fake->distinct[i].kind, j)) != NULL;
		     j++) {
			struct objects_change change = { .kind = fake->distinct[i].kind,
							 .type = OBJECTS_ADDED,
							 .ns = asb_ns(object),
							 .name = asb_name(object) };

			update_object(fake, &change, object);
		}
	}
}

void update_collect(struct asb_fake *fake)
{
	do {
		update_cache(fake);
	} while (!fake->collector_paused && objects_collect(fake->objects) > 0);
}

void asb_fake_pause_garbage_collector(struct asb_fake *fake, bool pause)
{
	fake->collector_paused = pause;
	update_collect(fake);
}
