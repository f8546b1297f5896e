/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owners that an object names, and whether they exist. As in Kubernetes' garbage collector an
 * owner is what its group, version, kind and name lead to in the object's own namespace (in none, for
 * kinds without), if that has the uid. Private to the collector and the records.
 */
#ifndef ASB_APISERVER_OBJECTS_OWNER_H
#define ASB_APISERVER_OBJECTS_OWNER_H

#include "apiserver/objects/objects-private.h"

enum owner_presence {
	OWNER_PRESENT,
	OWNER_ABSENT, /* proven */
	OWNER_UNKNOWN /* its kind is not served, or cannot own the object: nothing is proven */
};

/* Takes one of metadata.ownerReferences apart. */
void owner_init(struct owner *owner, struct json_object *reference);
/* Whether it says the same as a reference. */
bool owner_same(const struct owner *owner, struct json_object *reference);
/* Frees the owners of a record. */
void owners_free(struct record *record);

/* Whether a record is what an owner of another record names. */
bool owner_is(const struct owner *owner, const struct record *dependent,
	      const struct record *record);
enum owner_presence owner_look(const struct objects *objects, const struct record *record,
			       const struct owner *owner);
/* The length of the namespace in a record's key. */
size_t owner_ns_length(const struct record *record);
/* Whether two records are in the same namespace, or both in none. */
bool owner_ns_same(const struct record *a, const struct record *b);
/* The resource of an owner; NULL: it is not installed, or not in that version. */
const struct resource *owner_resource(const struct objects *objects, const struct owner *owner);
/* An object in no namespace cannot be owned by one that is in one. */
bool owner_misplaced(const struct objects *objects, const struct record *record,
		     const struct resource *resource);
/* Server: writes events about owners that prove nothing, and about those in a wrong namespace. May
 * create objects. */
void owners_report(struct objects *objects, struct record *record);

#endif
