/* SPDX-License-Identifier: Apache-2.0 */
/* The links from owners to the records that depend on them, and the records that the garbage collector
 * looks at next. Private to the in-memory API. */
#ifndef ASB_APISERVER_OBJECTS_DEPENDENTS_H
#define ASB_APISERVER_OBJECTS_DEPENDENTS_H

#include "apiserver/objects/owner.h"

/* The records that name one uid as an owner, once for each time they do. */
struct dependents {
	char *uid;
	struct record **records;
	size_t count, size;
};

/* What the owners of a record are, taken together. */
struct owners_result {
	size_t present, absent, unknown;
};

/* Looks for each owner of a record. */
struct owners_result owners_look(const struct objects *objects, const struct record *record);
/* The garbage collector looks at a record in its next pass, or not. */
void candidate_add(struct objects *objects, struct record *record);
void candidate_remove(struct objects *objects, struct record *record);

#endif
