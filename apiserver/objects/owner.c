/* SPDX-License-Identifier: Apache-2.0 */
/* The owners that an object names, and looking for them. The links of dependents and the garbage
 * collector call it. */
#include "config.h"

#include "apiserver/objects/owner.h"

#include <agent-sandbox/helpers.h>
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
size_t owner_ns_length(const struct record *record)
{
	return strcspn(record->key, "/");
}

bool owner_ns_same(const struct record *a, const struct record *b)
{
	size_t length = owner_ns_length(a) + 1;

	return strncmp(a->key, b->key, length) == 0;
}

bool owner_is(const struct owner *owner, const struct record *dependent,
	      const struct record *record)
{
	const struct asb_kind *kind = &record->resource->kind;

	return strcmp(owner->uid, record->uid) == 0 && strcmp(owner->kind, kind->kind) == 0 &&
	       (strcmp(owner->group, kind->group) == 0 || strcmp(kind->kind, "Event") == 0) &&
	       strcmp(owner->name, record->key + owner_ns_length(record) + 1) == 0 &&
	       (!record->namespaced || owner_ns_same(record, dependent));
}

/* The kind of an owner; NULL: it is not served, or not in that version. */
const struct resource *owner_resource(const struct objects *objects, const struct owner *owner)
{
	const struct asb_kind kind = { .group = owner->group,
				       .version = owner->version,
				       .kind = owner->kind };
	const struct resource *resource = resource_find(objects, &kind);
	bool known = resource != NULL;

	if (objects->hooks.serves != NULL) {
		known = known && objects->hooks.serves(objects->hooks.arg, owner->group,
						       owner->version, owner->kind);
	} else if (objects->policy->strict_owners) {
		known = known && strcmp(resource->kind.version, owner->version) == 0;
	}
	return known ? resource : NULL;
}

/* An object in no namespace cannot be owned by one that is in one. */
bool owner_misplaced(const struct objects *objects, const struct record *record,
		     const struct resource *resource)
{
	return objects->policy->strict_owners && resource->options.namespaced &&
	       !record->namespaced;
}

enum owner_presence owner_look(const struct objects *objects, const struct record *record,
			       const struct owner *owner)
{
	const struct resource *resource = owner_resource(objects, owner);
	const struct record *found;
	char ns[KEY_MAX];

	if (owner->gone) {
		return OWNER_ABSENT;
	}
	if (resource == NULL || owner_misplaced(objects, record, resource)) {
		return OWNER_UNKNOWN;
	}
	snprintf(ns, sizeof(ns), "%.*s", (int)owner_ns_length(record), record->key);
	found = record_find(objects, resource, ns, owner->name);
	if (found == NULL) {
		found = record_find(objects, resource, "", owner->name);
	}
	return found != NULL && strcmp(found->uid, owner->uid) == 0 ? OWNER_PRESENT : OWNER_ABSENT;
}
