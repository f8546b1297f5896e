/* SPDX-License-Identifier: Apache-2.0 */
/* Taking references out of objects. Private to the in-memory API. Each int is 0 or an HTTP status. */
#ifndef ASB_APISERVER_OBJECTS_ORPHAN_H
#define ASB_APISERVER_OBJECTS_ORPHAN_H

#include "apiserver/objects/objects-private.h"

/* A copy of an array without the elements that are, or whose uid is, that text; the caller's. */
struct json_object *orphan_without(struct json_object *array, const char *text);
/* Takes the references to one uid out of a record. */
int orphan_record(struct objects *objects, struct record *record, const char *uid,
		  struct error *reterr);
/* Takes the references to a record out of its dependents. */
int orphan_dependents(struct objects *objects, struct record *owner, struct error *reterr);

#endif
