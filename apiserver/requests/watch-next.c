/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch sees of the history: a namespace, a selection that objects enter and leave. The
 * server's watch streams read through it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/refusal.h"
#include "apiserver/requests/list.h"
#include "base/json-scan.h"
#include "base/memory.h"

/* The same state at another version: only its text says so, labels and fields are gone with it. */
static struct objects_state *watch_next_at_version(struct objects_state *state, uint64_t version)
{
	static const char *const metadata[] = { "metadata" }, *const member[] = {
		"resourceVersion"
	};
	struct json_span outer = { 0 }, inner = { 0 };
	struct objects_state *copy;
	char text[32];
	int length = snprintf(text, sizeof(text), "\"%" PRIu64 "\"", version);

	if (json_scan_members(state->data, state->length, metadata, 1, &outer) < 0 ||
	    outer.start == NULL ||
	    json_scan_members(outer.start, outer.length, member, 1, &inner) < 0 ||
	    inner.start == NULL) {
		return objects_state_ref(state);
	}

	size_t head = (size_t)(inner.start - state->data),
	       tail = state->length - head - inner.length, ns = strlen(state->ns) + 1,
	       name = strlen(state->name) + 1, total = head + (size_t)length + tail;

	copy = xalloc(sizeof(*copy) + total + 1 + ns + name);
	atomic_init(&copy->refs, 1);
	copy->version = version;
	copy->length = total;
	memcpy(copy->data, state->data, head);
	memcpy(copy->data + head, text, (size_t)length);
	memcpy(copy->data + head + length, inner.start + inner.length, tail);
	copy->ns = memcpy(copy->data + total + 1, state->ns, ns);
	copy->name = memcpy(copy->data + total + 1 + ns, state->name, name);
	copy->pairs = "";
	return copy;
}

/* Whether a change concerns a selection, and what it is to it. */
static bool watch_next_seen(const struct change *change, const char *ns,
			    const struct selector *selector, struct watch_event *ret)
{
	bool is, was;

	if (*ns != '\0' && strcmp(ns, objects_state_ns(change->state)) != 0) {
		return false;
	}
	was = change->before != NULL && selector_matches(selector, change->before);
	is = change->type != OBJECTS_DELETED && selector_matches(selector, change->state);
	if (!was && !is) {
		return false;
	}
	ret->version = change->state->version;
	if (is) {
		ret->type = was ? OBJECTS_MODIFIED : OBJECTS_ADDED;
		ret->state = objects_state_ref(change->state);
	} else {
		ret->type = OBJECTS_DELETED;
		ret->state = change->type == OBJECTS_DELETED
				     ? objects_state_ref(change->state)
				     : watch_next_at_version(change->before, ret->version);
	}
	return true;
}

int watch_next(struct objects *objects, const struct asb_kind *kind, const char *ns,
	       const struct selector *selector, uint64_t after, struct watch_event *ret,
	       struct error *reterr)
{
	const struct resource *resource = resource_find(objects, kind);

	if (resource == NULL) {
		return refusal_not_found(NULL, "", reterr);
	}
	if (after < objects->compacted) {
		return objects_fail(reterr, 410,
				    "too old resource version: %" PRIu64 " (%" PRIu64 ")", after,
				    objects->compacted);
	}

	size_t place = history_first_after(resource, after);

	for (size_t i = 0; i < WATCH_STEP && place < resource->version_count; i++, place++) {
		if (watch_next_seen(history_change(objects, resource->versions[place]), ns,
				    selector, ret)) {
			return 1;
		}
	}
	ret->version =
		place < resource->version_count ? resource->versions[place] - 1 : objects->version;
	ret->version = ret->version < after ? after : ret->version;
	return 0;
}
