/* SPDX-License-Identifier: Apache-2.0 */
/* Taking references out of objects. Private to the in-memory API. Each int is 0 or an HTTP status. */
#ifndef ASB_APISERVER_OBJECTS_ORPHAN_H
#define ASB_APISERVER_OBJECTS_ORPHAN_H

#include "apiserver/objects/objects-private.h"

/* Takes the references to all uids that are keys of a map out of a record, in one update. */
int orphan_record_of(struct objects *objects, struct record *record, const struct map *uids,
		     struct error *reterr);
/* The same for one uid. */
int orphan_record(struct objects *objects, struct record *record, const char *uid,
		  struct error *reterr);
/* Takes the references to a record out of its dependents, until objects->work comes to
 * that number. *ret_more: some are left. */
int orphan_dependents(struct objects *objects, struct record *owner, uint64_t until, bool *ret_more,
		      struct error *reterr);

#endif
