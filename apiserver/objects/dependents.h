/* SPDX-License-Identifier: Apache-2.0 */
/* The links from owners to the records that depend on them, and the records that the garbage collector
 * looks at next. Private to the in-memory API. */
#ifndef ASB_APISERVER_OBJECTS_DEPENDENTS_H
#define ASB_APISERVER_OBJECTS_DEPENDENTS_H

#include "apiserver/objects/owner.h"

/* All references to one uid, in the order in which they came; those of one record stand together. */
struct dependents {
	char *uid;
	struct owner *first, *last;
	size_t count;
};

/* What the owners of a record are, taken together. */
struct owners_result {
	size_t present, absent, unknown;
};

/* Looks for each owner of a record. */
struct owners_result owners_look(const struct objects *objects, const struct record *record);
/* Moves the references of the first record to the end. Returns how many they are. */
size_t dependents_rotate(struct dependents *dependents);
/* The garbage collector looks at a record in its next pass, or not. */
void candidate_add(struct objects *objects, struct record *record);
void candidate_remove(struct objects *objects, struct record *record);

#endif
