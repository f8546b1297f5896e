/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of core's store, reflector and controllers share: objects as text, and a store
 * that writes its wakes down. */
#ifndef ASB_TESTS_UNIT_CORE_CORE_FIXTURE_H
#define ASB_TESTS_UNIT_CORE_CORE_FIXTURE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sched.h"
#include "core/cache/store.h"

/* Text with every ' turned into ", to be freed. */
char *json_text(const char *format, ...) PRINTF_LIKE(1, 2);
/* A pod n/<name> with uid "u-<name>", to be freed. metadata: further members (",'labels':{}"),
 * rest: those beside metadata. */
char *object_text(const char *name, uint64_t version, const char *metadata, const char *rest);
#define PHASE(phase) ",'status':{'phase':'" phase "'}"
#define UID(uid) ",'uid':'" uid "'"

extern const struct asb_kind pods_kind;

struct store_world {
	struct sched *sched;
	struct store *store;
	struct buf wakes;
};

/* A store that keeps status.phase, until sealed open to more. */
void store_world_init(struct store_world *world);
void store_world_finish(struct store_world *world);
/*
 * What listeners were told since the last time: "+p" added, "~p" changed, "-p" removed, "?p" a
 * stranger; "!" behind what was part of a list. Keys outside of the namespace n have theirs.
 */
void expect_wakes(struct store_world *world, const char *wakes);

/* The functions of the store on an object_text; each expects success. */
void stream_shows(struct store_world *world, const char *name, uint64_t version,
		  const char *metadata, const char *rest);
void stream_deletes(struct store_world *world, const char *name, uint64_t version);
void list_shows(struct store_world *world, const char *name, uint64_t version, const char *metadata,
		const char *rest);
void response_is(struct store_world *world, const char *name, uint64_t version,
		 const char *metadata, const char *rest);
/* A whole list at a version: names separated by spaces, each as "name@version", in the phase
 * Running. */
void list_is(struct store_world *world, const char *objects, uint64_t version);

/* Of n/<name>: its phase and its version as the store has them, "" when there is none. To be
 * compared at once. */
const char *phase_of(struct store_world *world, const char *name, char ret[64]);
uint64_t version_of(struct store_world *world, const char *name);
bool is_deleting(struct store_world *world, const char *name);

#define expect_phase(world, name, expected)                                         \
	do {                                                                        \
		char phase_[64];                                                    \
		assert_string_equal(phase_of((world), (name), phase_), (expected)); \
	} while (0)

#endif
