/* SPDX-License-Identifier: Apache-2.0 */
/* The owners that an object names: looking for them, and telling where that proves nothing. The
 * garbage collector calls it. */
#include "config.h"

#include "apiserver/objects/owner.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static char *owner_text(struct json_object *reference, const char *name)
{
	const char *text = asb_str(reference, name);

	return xstrdup(text != NULL ? text : "");
}

void owner_init(struct owner *owner, struct json_object *reference)
{
	CLEANUP_FREE char *api_version = owner_text(reference, "apiVersion");
	char *slash = strchr(api_version, '/');

	*owner = (struct owner){
		.uid = owner_text(reference, "uid"),
		.kind = owner_text(reference, "kind"),
		.name = owner_text(reference, "name"),
		.version = xstrdup(slash != NULL ? slash + 1 : api_version),
		.blocks = asb_true(asb_at(reference, "blockOwnerDeletion")),
	};
	if (slash != NULL) {
		*slash = '\0';
	}
	owner->group = xstrdup(slash != NULL ? api_version : "");
}

static void owner_finish(struct owner *owner)
{
	free(owner->uid);
	free(owner->group);
	free(owner->version);
	free(owner->kind);
	free(owner->name);
}

bool owner_same(const struct owner *owner, struct json_object *reference)
{
	CLEANUP(owner_finish) struct owner other = { 0 };

	owner_init(&other, reference);
	return strcmp(owner->uid, other.uid) == 0 && strcmp(owner->kind, other.kind) == 0 &&
	       strcmp(owner->name, other.name) == 0 && strcmp(owner->group, other.group) == 0 &&
	       strcmp(owner->version, other.version) == 0 && owner->blocks == other.blocks;
}

void owners_free(struct record *record)
{
	for (size_t i = 0; i < record->owner_count; i++) {
		owner_finish(&record->owners[i]);
	}
	free(TAKE(record->owners));
	record->owner_count = 0;
}

/* ---- looking ---- */

/* The length of the namespace in a record's key. */
static size_t owner_ns_length(const struct record *record)
{
	return strcspn(record->key, "/");
}

static bool owner_ns_same(const struct record *a, const struct record *b)
{
	size_t length = owner_ns_length(a) + 1;

	return strncmp(a->key, b->key, length) == 0;
}

bool owner_is(const struct owner *owner, const struct record *dependent,
	      const struct record *record)
{
	const struct asb_kind *kind = &record->served->kind;

	return strcmp(owner->uid, record->uid) == 0 && strcmp(owner->kind, kind->kind) == 0 &&
	       (strcmp(owner->group, kind->group) == 0 || strcmp(kind->kind, "Event") == 0) &&
	       strcmp(owner->name, record->key + owner_ns_length(record) + 1) == 0 &&
	       (!record->namespaced || owner_ns_same(record, dependent));
}

/* The kind of an owner; NULL: it is not served, or not in that version. */
static const struct served *owner_served(const struct objects *objects, const struct owner *owner)
{
	const struct asb_kind kind = { .group = owner->group,
				       .version = owner->version,
				       .kind = owner->kind };
	const struct served *served = served_find(objects, &kind);
	bool known = served != NULL;

	if (objects->hooks.serves != NULL) {
		known = known && objects->hooks.serves(objects->hooks.arg, owner->group,
						       owner->version, owner->kind);
	} else if (objects->config.server) {
		known = known && strcmp(served->kind.version, owner->version) == 0;
	}
	return known ? served : NULL;
}

/* An object in no namespace cannot be owned by one that is in one. */
static bool owner_misplaced(const struct objects *objects, const struct record *record,
			    const struct served *served)
{
	return objects->config.server && served->serving.namespaced && !record->namespaced;
}

enum owner_presence owner_look(const struct objects *objects, const struct record *record,
			       const struct owner *owner)
{
	const struct served *served = owner_served(objects, owner);
	const struct record *found;
	char ns[KEY_MAX];

	if (owner->gone) {
		return OWNER_ABSENT;
	}
	if (served == NULL || owner_misplaced(objects, record, served)) {
		return OWNER_UNKNOWN;
	}
	snprintf(ns, sizeof(ns), "%.*s", (int)owner_ns_length(record), record->key);
	found = record_find(objects, served, ns, owner->name);
	if (found == NULL) {
		found = record_find(objects, served, "", owner->name);
	}
	return found != NULL && strcmp(found->uid, owner->uid) == 0 ? OWNER_PRESENT : OWNER_ABSENT;
}

/* ---- telling ---- */

/* Writes an event about a record, as the garbage collector does. */
static void owner_event(struct objects *objects, struct record *record, const char *reason,
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
	asb_set_str(about, "kind", record->served->kind.kind);
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

/* An owner in another namespace, or in one where the object is in none: the words of Kubernetes'
 * garbage collector. */
static void owner_tell_namespace(struct objects *objects, struct record *record,
				 const struct owner *owner)
{
	int length = (int)owner_ns_length(record);
	const char *slash = *owner->group != '\0' ? "/" : "";
	CLEANUP_FREE char *message = xprintf(
		"ownerRef [%s%s%s/%s, namespace: %.*s, name: %s, uid: %s] does not exist in namespace \"%.*s\"",
		owner->group, slash, owner->version, owner->kind, length, record->key, owner->name,
		owner->uid, length, record->key);

	owner_event(objects, record, "OwnerRefInvalidNamespace", message);
}

/* Kubernetes' garbage collector only logs these. */
static void owner_tell_kind(struct objects *objects, struct record *record,
			    const struct owner *owner)
{
	const char *slash = *owner->group != '\0' ? "/" : "";
	CLEANUP_FREE char *message = xprintf(
		"the object is kept: its owner %.100s '%.253s' cannot be looked up, for that kind is not served as '%.253s%s%.63s'",
		owner->kind, owner->name, owner->group, slash, owner->version);

	owner_event(objects, record, "OwnerRefUnknownKind", message);
}

void owners_tell(struct objects *objects, struct record *record)
{
	for (size_t i = 0; objects->config.server && i < record->owner_count; i++) {
		const struct owner *owner = &record->owners[i];
		const struct served *served = owner_served(objects, owner);
		const struct record *there = map_get(&objects->by_uid, owner->uid);
		bool elsewhere =
			there != NULL && there->namespaced && !owner_ns_same(there, record);

		if (owner->gone) {
			continue;
		}
		if (served == NULL) {
			owner_tell_kind(objects, record, owner);
		} else if (elsewhere || owner_misplaced(objects, record, served)) {
			owner_tell_namespace(objects, record, owner);
		}
	}
}
