/* SPDX-License-Identifier: Apache-2.0 */
/* Events about owners that prove nothing, as Kubernetes' garbage collector writes them. The garbage
 * collector calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>

#include "apiserver/objects/owner.h"
#include "base/memory.h"

/* Writes an event about a record, as the garbage collector does. */
static void owner_event_write(struct objects *objects, struct record *record, const char *reason,
			      const char *message)
{
	static const struct asb_kind events = { "", "v1", "events", "Event" };
	static const char component[] = "garbage-collector-controller";
	int length = (int)owner_ns_length(record);
	const char *name = record->key + length + 1;
	CLEANUP_FREE char *ns = xprintf("%.*s", length, record->key);
	CLEANUP_FREE char *title =
		xprintf("%.200s.%016" PRIx64, name, objects->config.random(objects->config.arg));
	struct json_object *event = asb_new(&events, length > 0 ? ns : "default", title),
			   *about = asb_object_in(event, "involvedObject"),
			   *tree = record_tree(objects, record);

	json_object_object_add(about, "apiVersion", json_object_get(asb_at(tree, "apiVersion")));
	asb_set_str(about, "kind", record->resource->kind.kind);
	asb_set_str(about, "name", name);
	asb_set_str(about, "namespace", ns);
	asb_set_str(about, "uid", record->uid);
	asb_set_str(event, "reason", reason);
	asb_set_str(event, "type", "Warning");
	asb_set_str(event, "message", message);
	asb_set_str(asb_object_in(event, "source"), "component", component);
	asb_set_str(event, "reportingComponent", component);
	json_object_object_add(event, "firstTimestamp", time_now(objects, 0));
	json_object_object_add(event, "lastTimestamp", time_now(objects, 0));
	json_object_object_add(event, "count", json_object_new_int(1));
	/* The disk may be full: an event less. */
	(void)objects_create_object(objects, &events, length > 0 ? ns : "default", event, 0, NULL,
				    NULL);
}

/* How many more owners an event stands for, as a clause. */
static char *owner_event_rest(size_t more)
{
	return more > 0 ? xprintf(" (and %zu more owners like it)", more) : xstrdup("");
}

/* An owner in another namespace, or in one where the object is in none: the words of Kubernetes'
 * garbage collector. */
static void owner_event_namespace(struct objects *objects, struct record *record,
				  const struct owner *owner, size_t more)
{
	int length = (int)owner_ns_length(record);
	const char *slash = *owner->group != '\0' ? "/" : "";
	CLEANUP_FREE char *rest = owner_event_rest(more);
	CLEANUP_FREE char *message = xprintf(
		"ownerRef [%.253s%s%.63s/%.100s, namespace: %.*s, name: %.253s, uid: %.100s] does not exist in namespace \"%.*s\"%s",
		owner->group, slash, owner->version, owner->kind, length, record->key, owner->name,
		owner->uid, length, record->key, rest);

	owner_event_write(objects, record, "OwnerRefInvalidNamespace", message);
}

/* Kubernetes' garbage collector only logs these. */
static void owner_event_kind(struct objects *objects, struct record *record,
			     const struct owner *owner, size_t more)
{
	const char *slash = *owner->group != '\0' ? "/" : "";
	CLEANUP_FREE char *rest = owner_event_rest(more);
	CLEANUP_FREE char *message = xprintf(
		"the object is kept: its owner %.100s '%.253s' cannot be looked up, for that kind is not served as '%.253s%s%.63s'%s",
		owner->kind, owner->name, owner->group, slash, owner->version, rest);

	owner_event_write(objects, record, "OwnerRefUnknownKind", message);
}

/* One event for each reason, about the first owner that it concerns: a request may name thousands. */
void owners_report(struct objects *objects, struct record *record)
{
	const struct owner *unknown = NULL, *misplaced = NULL;
	size_t unknowns = 0, misplaceds = 0;

	for (size_t i = 0; objects->policy->strict_owners && i < record->owner_count; i++) {
		const struct owner *owner = &record->owners[i];
		const struct resource *resource = owner_resource(objects, owner);
		const struct record *there = map_get(&objects->by_uid, owner->uid);
		bool elsewhere =
			there != NULL && there->namespaced && !owner_ns_same(there, record);

		if (owner->gone) {
			continue;
		}
		if (resource == NULL) {
			unknown = unknown != NULL ? unknown : owner;
			unknowns++;
		} else if (elsewhere || owner_misplaced(objects, record, resource)) {
			misplaced = misplaced != NULL ? misplaced : owner;
			misplaceds++;
		}
	}
	if (unknown != NULL) {
		owner_event_kind(objects, record, unknown, unknowns - 1);
	}
	if (misplaced != NULL) {
		owner_event_namespace(objects, record, misplaced, misplaceds - 1);
	}
}
