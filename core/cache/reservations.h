/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations: "this object is spoken for", within the process and across plugins. Two sources: a
 * table in memory, for the time between choosing an object and having written so; and indexes over
 * objects that say so themselves (ASB_INDEX_RESERVES), which is what a restart knows. Thread-safe;
 * the lock is taken before a store's, never after.
 */
#ifndef ASB_CORE_CACHE_RESERVATIONS_H
#define ASB_CORE_CACHE_RESERVATIONS_H

#include <stdbool.h>

#include "base/sched.h"
#include "core/cache/store.h"

struct reservations;
struct reservations *reservations_create(struct sched *sched);
void reservations_destroy(struct reservations *reservations);
/* Keys listed in this index of store reserve objects of kind. Before the first call of the others.
 */
void reservations_add_index(struct reservations *reservations, const struct asb_kind *kind,
			    struct store *store, uint32_t index);
/* False when somebody else has it. by: what reservations_forget knows it by, with the holder. */
bool reservations_take(struct reservations *reservations, const struct asb_kind *kind,
		       const char *ns, const char *name, const char *holder, const void *by);
void reservations_release(struct reservations *reservations, const struct asb_kind *kind,
			  const char *ns, const char *name, const char *holder);
/* Releases all that by has taken for a holder who is gone without a word. */
void reservations_forget(struct reservations *reservations, const char *holder, const void *by);
/* Copies the holder; false when nobody has it. */
bool reservations_find(struct reservations *reservations, const struct asb_kind *kind,
		       const char *ns, const char *name, char ret_holder[STORE_KEY_MAX]);
/* How many are in the table. */
size_t reservations_count(struct reservations *reservations);

#endif
