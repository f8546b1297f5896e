/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reservations, shared by all plugins of a process. Called by core/controller/host.c.
 */
#include "config.h"

#include "core/cache/reservations.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "kube/kind.h"

#define RESERVING_INDEXES_MAX 16

struct reservation {
	char *holder;
	const void *by;
	char key[]; /* "group/plural/ns/name" */
};

struct reserving_index {
	const struct asb_kind *kind;
	struct store *store;
	uint32_t index;
};

struct reservations {
	struct sched_mutex lock;
	struct map table; /* lock */
	struct reserving_index indexes[RESERVING_INDEXES_MAX];
	size_t index_count;
};

struct reservations *reservations_create(struct sched *sched)
{
	struct reservations *reservations = xnew(struct reservations);

	sched_mutex_init(&reservations->lock, sched);
	return reservations;
}

static void reservation_destroy(struct reservation *reservation)
{
	free(reservation->holder);
	free(reservation);
}

void reservations_destroy(struct reservations *reservations)
{
	struct reservation *reservation;
	size_t at = 0;

	if (reservations == NULL) {
		return;
	}
	while ((reservation = map_next(&reservations->table, &at, NULL)) != NULL) {
		reservation_destroy(reservation);
	}
	map_finish(&reservations->table);
	sched_mutex_finish(&reservations->lock);
	free(reservations);
}

void reservations_add_index(struct reservations *reservations, const struct asb_kind *kind,
			    struct store *store, uint32_t index)
{
	if (reservations->index_count < RESERVING_INDEXES_MAX) {
		reservations->indexes[reservations->index_count++] =
			(struct reserving_index){ .kind = kind, .store = store, .index = index };
	}
}

static void reservations_make_key(char key[STORE_KEY_MAX * 2], const struct asb_kind *kind,
				  const char *ns, const char *name)
{
	snprintf(key, STORE_KEY_MAX * 2, "%s/%s/%s/%s", kind->group, kind->plural, ns, name);
}

/* What an index says. With the lock held. */
static bool reservations_find_in_indexes(struct reservations *reservations,
					 const struct asb_kind *kind, const char *ns,
					 const char *name, char ret_holder[STORE_KEY_MAX])
{
	char value[STORE_KEY_MAX];

	snprintf(value, sizeof(value), "%s/%s", ns, name);
	for (size_t i = 0; i < reservations->index_count; i++) {
		const struct reserving_index *index = &reservations->indexes[i];
		struct store_cursor cursor = { 0 };
		char key[1][STORE_KEY_MAX];

		if (kind_same(index->kind, kind) &&
		    store_keys(index->store, index->index, value, false, &cursor, key, 1) > 0) {
			memcpy(ret_holder, key[0], STORE_KEY_MAX);
			return true;
		}
	}
	return false;
}

bool reservations_take(struct reservations *reservations, const struct asb_kind *kind,
		       const char *ns, const char *name, const char *holder, const void *by)
{
	char key[STORE_KEY_MAX * 2], other[STORE_KEY_MAX];

	reservations_make_key(key, kind, ns, name);
	LOCKED(&reservations->lock);
	struct reservation *reservation = map_get(&reservations->table, key);

	if (reservation != NULL) {
		return strcmp(reservation->holder, holder) == 0;
	}
	if (reservations_find_in_indexes(reservations, kind, ns, name, other) &&
	    strcmp(other, holder) != 0) {
		return false;
	}
	reservation = xalloc(sizeof(*reservation) + strlen(key) + 1);
	memcpy(reservation->key, key, strlen(key) + 1);
	reservation->holder = xstrdup(holder);
	reservation->by = by;
	map_put(&reservations->table, reservation->key, reservation);
	return true;
}

void reservations_release(struct reservations *reservations, const struct asb_kind *kind,
			  const char *ns, const char *name, const char *holder)
{
	char key[STORE_KEY_MAX * 2];

	reservations_make_key(key, kind, ns, name);
	LOCKED(&reservations->lock);
	struct reservation *reservation = map_get(&reservations->table, key);

	if (reservation != NULL && strcmp(reservation->holder, holder) == 0) {
		map_remove(&reservations->table, key);
		reservation_destroy(reservation);
	}
}

static struct reservation *reservations_find_held(struct reservations *reservations,
						  const char *holder, const void *by)
{
	struct reservation *reservation;
	size_t at = 0;

	while ((reservation = map_next(&reservations->table, &at, NULL)) != NULL) {
		if (reservation->by == by && strcmp(reservation->holder, holder) == 0) {
			return reservation;
		}
	}
	return NULL;
}

void reservations_forget(struct reservations *reservations, const char *holder, const void *by)
{
	struct reservation *reservation;

	LOCKED(&reservations->lock);
	while ((reservation = reservations_find_held(reservations, holder, by)) != NULL) {
		map_remove(&reservations->table, reservation->key);
		reservation_destroy(reservation);
	}
}

bool reservations_find(struct reservations *reservations, const struct asb_kind *kind,
		       const char *ns, const char *name, char ret_holder[STORE_KEY_MAX])
{
	char key[STORE_KEY_MAX * 2];

	reservations_make_key(key, kind, ns, name);
	LOCKED(&reservations->lock);
	const struct reservation *reservation = map_get(&reservations->table, key);

	if (reservation != NULL) {
		snprintf(ret_holder, STORE_KEY_MAX, "%s", reservation->holder);
		return true;
	}
	return reservations_find_in_indexes(reservations, kind, ns, name, ret_holder);
}

size_t reservations_count(struct reservations *reservations)
{
	LOCKED(&reservations->lock);

	return reservations->table.count;
}
