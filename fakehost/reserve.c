/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations: those of reserve(), and those of indexes with ASB_INDEX_RESERVES. The host table
 * and the test's functions call it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"
#include "kube/kind.h"

struct reservation {
	char *id, *holder;
};

static void reserve_id(const struct asb_kind *kind, const char *ns, const char *name,
		       char ret[FAKE_KEY_MAX])
{
	snprintf(ret, FAKE_KEY_MAX, "%s/%s/%s/%s", kind->group, kind->kind, ns, name);
}

/* The holder of an object by an index. */
static const char *reserve_index_holder(const struct asb_fake *fake, const struct asb_kind *kind,
					const char *ns, const char *name)
{
	char value[FAKE_KEY_MAX];

	snprintf(value, sizeof(value), "%s/%s", ns, name);
	for (uint32_t i = 0; i < fake->index_count; i++) {
		const struct asb_index *index = fake->indexes[i].index;
		const struct tree *tree = index_under(&fake->indexes[i], value);

		if ((index->flags & ASB_INDEX_RESERVES) != 0 && tree != NULL &&
		    kind_same(&fake->plugin->watches[index->reserves].kind, kind)) {
			return tree_first(tree)->tie;
		}
	}
	return NULL;
}

const char *reserve_holder(const struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
			   const char *name)
{
	char id[FAKE_KEY_MAX];
	const struct reservation *reservation;

	reserve_id(kind, ns, name, id);
	reservation = map_get(&fake->reservations, id);
	return reservation != NULL ? reservation->holder
				   : reserve_index_holder(fake, kind, ns, name);
}

int32_t reserve_add(struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
		    const char *name, const char *holder)
{
	const char *current = reserve_holder(fake, kind, ns, name);
	char id[FAKE_KEY_MAX];
	struct reservation *reservation;

	if (current != NULL && strcmp(current, holder) != 0) {
		return ASB_ALREADY_EXISTS;
	}
	reserve_id(kind, ns, name, id);
	if (map_get(&fake->reservations, id) == NULL) {
		reservation = xnew(struct reservation);
		reservation->id = xstrdup(id);
		reservation->holder = xstrdup(holder);
		map_put(&fake->reservations, reservation->id, reservation);
	}
	return ASB_OK;
}

static void reserve_free(struct reservation *reservation)
{
	free(reservation->id);
	free(reservation->holder);
	free(reservation);
}

void reserve_remove(struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
		    const char *name, const char *holder)
{
	char id[FAKE_KEY_MAX];
	struct reservation *reservation;

	reserve_id(kind, ns, name, id);
	reservation = map_get(&fake->reservations, id);
	if (reservation != NULL && strcmp(reservation->holder, holder) == 0) {
		map_remove(&fake->reservations, id);
		reserve_free(reservation);
	}
}

void reserve_clear(struct asb_fake *fake)
{
	struct reservation *reservation;
	size_t at = 0;

	while ((reservation = map_next(&fake->reservations, &at, NULL)) != NULL) {
		reserve_free(reservation);
	}
	map_finish(&fake->reservations);
}
