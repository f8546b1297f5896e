/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what pods request of a node, and lists the pods that wait. Called by scheduler.c. */
#include "config.h"

#include "node/pod/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

/* A pod that takes room, or one that waits for it. */
struct room_entry {
	char *key; /* "ns/name" */
	char *uid; /* NULL: it waits */
	char *ns, *name;
	struct node_capacity asked;
	bool seen;         /* on the node; else it is promised */
	uint64_t since_us; /* of a promise */
	uint64_t number;   /* of those who wait: who came first */
};

struct room {
	struct sched *sched;
	struct node_capacity capacity;
	void (*wake)(void *arg, const char *ns, const char *name);
	void *arg;
	struct sched_mutex lock;
	struct map pods;           /* lock: by "ns/name" */
	struct map waiting;        /* lock: the same */
	struct node_capacity used; /* lock: the sum of pods */
	uint64_t departures;       /* lock */
	uint64_t arrivals;         /* lock: of those who wait */
	bool counted;              /* lock */
};

/* Pods to be woken once the lock is released. */
struct room_call {
	char **names; /* ns, name, ns ... */
	size_t count;
};

struct room *room_create(struct sched *sched, const struct node_capacity *capacity,
			 void (*wake)(void *arg, const char *ns, const char *name), void *arg)
{
	struct room *room = xnew(struct room);

	room->sched = sched;
	room->capacity = *capacity;
	room->wake = wake;
	room->arg = arg;
	sched_mutex_init(&room->lock, sched);
	return room;
}

static void room_free_entry(struct room_entry *entry)
{
	if (entry != NULL) {
		free(entry->key);
		free(entry->uid);
		free(entry->ns);
		free(entry->name);
		free(entry);
	}
}

static void room_free_map(struct map *map)
{
	struct room_entry *entry;
	size_t at = 0;

	while ((entry = map_next(map, &at, NULL)) != NULL) {
		room_free_entry(entry);
	}
	map_finish(map);
}

void room_destroy(struct room *room)
{
	if (room == NULL) {
		return;
	}
	room_free_map(&room->pods);
	room_free_map(&room->waiting);
	sched_mutex_finish(&room->lock);
	free(room);
}

/* ---- sums ---- */

static void room_add(struct node_capacity *sum, const struct node_capacity *more)
{
	sum->cpu_milli += more->cpu_milli;
	sum->memory += more->memory;
	sum->pods += more->pods;
}

static void room_say(struct buf *why, size_t before, const char *text)
{
	if (why != NULL) {
		buf_printf(why, "%s%s", why->length > before ? ", " : "", text);
	}
}

/* Whether the request fits into what is left; why may be NULL. */
static bool room_fits(const struct node_capacity *capacity, const struct node_capacity *used,
		      const struct node_capacity *asked, struct buf *why)
{
	struct node_capacity sum = *used;
	size_t before = why != NULL ? why->length : 0;
	bool fits = true;

	room_add(&sum, asked);
	if (sum.pods > capacity->pods) {
		room_say(why, before, "1 Too many pods");
		fits = false;
	}
	if (sum.cpu_milli > capacity->cpu_milli) {
		room_say(why, before, "1 Insufficient cpu");
		fits = false;
	}
	if (sum.memory > capacity->memory) {
		room_say(why, before, "1 Insufficient memory");
		fits = false;
	}
	return fits;
}

/* ---- who waits; the lock is held ---- */

static int room_compare(const void *a, const void *b)
{
	const struct room_entry *first = *(const struct room_entry *const *)a;
	const struct room_entry *second = *(const struct room_entry *const *)b;

	return first->number < second->number ? -1 : first->number > second->number;
}

static void room_call_add(struct room_call *call, const struct room_entry *entry)
{
	call->names = xrealloc(call->names, (call->count + 2) * sizeof(char *));
	call->names[call->count++] = xstrdup(entry->ns);
	call->names[call->count++] = xstrdup(entry->name);
}

/* As many as fit, in the order in which they came. They stay in the list until they ask, because
 * another pod may be faster. */
static void room_find_callers(struct room *room, struct room_call *call)
{
	struct node_capacity used = room->used;
	const struct room_entry **waiting =
		xnew_array(const struct room_entry *, room->waiting.count + 1);
	const struct room_entry *entry;
	size_t at = 0, count = 0;

	while ((entry = map_next(&room->waiting, &at, NULL)) != NULL) {
		waiting[count++] = entry;
	}
	qsort(waiting, count, sizeof(*waiting), room_compare);
	for (size_t i = 0; i < count; i++) {
		if (room_fits(&room->capacity, &used, &waiting[i]->asked, NULL)) {
			room_add(&used, &waiting[i]->asked);
			room_call_add(call, waiting[i]);
		}
	}
	free(waiting);
}

/* With no lock held. */
static void room_wake(struct room *room, struct room_call *call)
{
	for (size_t i = 0; i < call->count; i += 2) {
		room->wake(room->arg, call->names[i], call->names[i + 1]);
		free(call->names[i]);
		free(call->names[i + 1]);
	}
	free(call->names);
}

static void room_stop_waiting(struct room *room, const char *key)
{
	room_free_entry(map_remove(&room->waiting, key));
}

static void room_begin_waiting(struct room *room, const char *key, const char *ns, const char *name,
			       const struct node_capacity *asked)
{
	struct room_entry *entry = map_get(&room->waiting, key);

	if (entry == NULL) {
		entry = xnew(struct room_entry);
		*entry = (struct room_entry){ .key = xstrdup(key),
					      .ns = xstrdup(ns),
					      .name = xstrdup(name),
					      .number = ++room->arrivals };
		map_put(&room->waiting, entry->key, entry);
	}
	entry->asked = *asked;
}

/* ---- who has room; the lock is held ---- */

static void room_drop(struct room *room, const char *key)
{
	struct room_entry *entry = map_remove(&room->pods, key);

	if (entry != NULL) {
		room->used.cpu_milli -= entry->asked.cpu_milli;
		room->used.memory -= entry->asked.memory;
		room->used.pods -= entry->asked.pods;
		room->departures++;
		room_free_entry(entry);
	}
}

static void room_put(struct room *room, const char *key, const char *uid,
		     const struct node_capacity *asked, bool seen)
{
	struct room_entry *entry = xnew(struct room_entry);

	*entry = (struct room_entry){ .key = xstrdup(key),
				      .uid = xstrdup(uid),
				      .asked = *asked,
				      .seen = seen,
				      .since_us = sched_now_us(room->sched) };
	map_put(&room->pods, entry->key, entry);
	room_add(&room->used, asked);
}

static bool room_is(const struct room_entry *entry, const char *uid)
{
	return entry != NULL && strcmp(entry->uid, uid) == 0;
}

/* ---- what is seen ---- */

void room_taken(struct room *room, const char *ns, const char *name, const char *uid,
		const struct node_capacity *asked)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	struct room_call call = { 0 };

	sched_mutex_lock(&room->lock);
	struct room_entry *entry = map_get(&room->pods, key);

	if (!room_is(entry, uid) || memcmp(&entry->asked, asked, sizeof(*asked)) != 0) {
		uint64_t before = room->departures;

		room_drop(room, key);
		room_put(room, key, uid, asked, true);
		if (room->departures != before) {
			room_find_callers(room, &call);
		}
	} else {
		entry->seen = true;
	}
	room_stop_waiting(room, key);
	sched_mutex_unlock(&room->lock);
	room_wake(room, &call);
}

void room_left(struct room *room, const char *ns, const char *name)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	struct room_call call = { 0 };

	sched_mutex_lock(&room->lock);
	room_stop_waiting(room, key);
	if (map_get(&room->pods, key) != NULL) {
		room_drop(room, key);
		room_find_callers(room, &call);
	}
	sched_mutex_unlock(&room->lock);
	room_wake(room, &call);
}

void room_unbound(struct room *room, const char *ns, const char *name, const char *uid)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	struct room_call call = { 0 };

	sched_mutex_lock(&room->lock);
	const struct room_entry *entry = map_get(&room->pods, key);

	if (entry != NULL && !room_is(entry, uid)) {
		room_drop(room, key);
		room_find_callers(room, &call);
	}
	sched_mutex_unlock(&room->lock);
	room_wake(room, &call);
}

bool room_counted(struct room *room)
{
	LOCKED(&room->lock);
	return room->counted;
}

uint64_t room_count_begin(struct room *room)
{
	LOCKED(&room->lock);
	return room->departures;
}

bool room_count_end(struct room *room, uint64_t departures)
{
	LOCKED(&room->lock);
	room->counted = room->departures == departures;
	return room->counted;
}

/* ---- what is asked ---- */

enum room_response room_ask(struct room *room, const char *ns, const char *name, const char *uid,
			    const struct node_capacity *asked, struct buf *why)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);

	LOCKED(&room->lock);
	struct room_entry *entry = map_get(&room->pods, key);

	if (room_is(entry, uid)) {
		uint64_t now_us = sched_now_us(room->sched);

		if (now_us - entry->since_us < ROOM_HELD_US) {
			return ROOM_HELD;
		}
		entry->since_us = now_us;
		return ROOM_PROMISED;
	}
	if (!room_fits(&room->capacity, &room->used, asked, why)) {
		room_begin_waiting(room, key, ns, name, asked);
		return ROOM_NONE;
	}
	room_stop_waiting(room, key);
	room_put(room, key, uid, asked, false);
	return ROOM_PROMISED;
}

void room_give_back(struct room *room, const char *ns, const char *name, const char *uid)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	struct room_call call = { 0 };

	sched_mutex_lock(&room->lock);
	const struct room_entry *entry = map_get(&room->pods, key);

	if (room_is(entry, uid) && !entry->seen) {
		room_drop(room, key);
		room_find_callers(room, &call);
	}
	sched_mutex_unlock(&room->lock);
	room_wake(room, &call);
}

void room_wait(struct room *room, const char *ns, const char *name,
	       const struct node_capacity *asked)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);

	LOCKED(&room->lock);
	room_begin_waiting(room, key, ns, name, asked);
}

void room_wake_all(struct room *room)
{
	struct room_call call = { 0 };

	sched_mutex_lock(&room->lock);
	room_find_callers(room, &call);
	sched_mutex_unlock(&room->lock);
	room_wake(room, &call);
}
