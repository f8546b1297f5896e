/* SPDX-License-Identifier: Apache-2.0 */
/* The names of an event's members in its two groups. Requests for events.k8s.io come here. */
#include "config.h"

#include "apiserver/requests/event-shape.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/macros.h"

static const struct {
	const char *core, *other;
} names[] = {
	{ "involvedObject", "regarding" },
	{ "message", "note" },
	{ "reportingComponent", "reportingController" },
	{ "source", "deprecatedSource" },
	{ "firstTimestamp", "deprecatedFirstTimestamp" },
	{ "lastTimestamp", "deprecatedLastTimestamp" },
	{ "count", "deprecatedCount" },
};

bool event_is_other(const struct asb_kind *kind)
{
	return strcmp(kind->group, "events.k8s.io") == 0 && strcmp(kind->kind, "Event") == 0;
}

static const char *event_renamed(const char *name, bool to_core)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, to_core ? names[i].other : names[i].core) == 0) {
			return to_core ? names[i].core : names[i].other;
		}
	}
	return name;
}

static struct json_object *event_turned(struct json_object *event, bool to_core)
{
	struct json_object *result = json_object_new_object();

	if (json_object_is_type(event, json_type_object)) {
		json_object_object_foreach (event, name, value) {
			json_object_object_add(result, event_renamed(name, to_core),
					       json_object_get(value));
		}
	}
	asb_set_str(result, "apiVersion", to_core ? "v1" : "events.k8s.io/v1");
	return result;
}

struct json_object *event_to_core(struct json_object *event)
{
	return event_turned(event, true);
}

struct json_object *event_to_other(struct json_object *event)
{
	return event_turned(event, false);
}
