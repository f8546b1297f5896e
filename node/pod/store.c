/* SPDX-License-Identifier: Apache-2.0 */
/* The records of pods by uid. Owned by node/node.c; used by the reconciles and by what enqueues
 * them. */
#include "config.h"

#include "node/pod/store.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"

#define EVENTS_MAX 16 /* of one pod, unread: more say nothing new */

struct pending_event {
	char *reason, *message;
	struct pending_event *next;
};

struct pod_store {
	struct sched_mutex lock;
	struct map records; /* lock: by uid; and the posts of the records */
	struct map keys;    /* lock: the first record of each key */
};

struct pod_store *pod_store_create(struct sched *sched)
{
	struct pod_store *store = xnew(struct pod_store);

	sched_mutex_init(&store->lock, sched);
	return store;
}

static void store_free_event(struct pending_event *event)
{
	free(event->reason);
	free(event->message);
	free(event);
}

static void store_free_record(struct pod_record *record)
{
	for (size_t i = 0; i < record->container_count; i++) {
		free(record->containers[i].texts[0]);
		free(record->containers[i].texts[1]);
	}
	while (record->events != NULL) {
		struct pending_event *event = record->events;

		record->events = event->next;
		store_free_event(event);
	}
	free(record->containers);
	free(record->key);
	free(record->uid);
	free(record->ns);
	free(record->name);
	free(record);
}

void pod_store_destroy(struct pod_store *store)
{
	struct pod_record *record;
	size_t at = 0;

	if (store == NULL) {
		return;
	}
	while ((record = map_next(&store->records, &at, NULL)) != NULL) {
		store_free_record(record);
	}
	map_finish(&store->records);
	map_finish(&store->keys);
	sched_mutex_finish(&store->lock);
	free(store);
}

struct pod_record *pod_store_get(struct pod_store *store, const char *uid, const char *ns,
				 const char *name)
{
	struct pod_record *record;

	LOCKED(&store->lock);
	record = map_get(&store->records, uid);
	if (record == NULL) {
		record = xnew(struct pod_record);
		record->uid = xstrdup(uid);
		record->ns = xstrdup(ns);
		record->name = xstrdup(name);
		record->grace_s = -1;
		record->key = xprintf("%s/%s", ns, name);
		record->next = map_get(&store->keys, record->key);
		map_put(&store->keys, record->key, record);
		map_put(&store->records, record->uid, record);
	}
	return record;
}

struct container_record *pod_record_containers(struct pod_record *record, size_t count)
{
	if (record->container_count < count) {
		record->containers =
			xrealloc(record->containers, count * sizeof(*record->containers));
		for (size_t i = record->container_count; i < count; i++) {
			record->containers[i] = (struct container_record){ 0 };
		}
		record->container_count = count;
	}
	return record->containers;
}

/* The map borrows its key from the first record. The lock is held. */
static void store_leave_key(struct pod_store *store, struct pod_record *record)
{
	struct pod_record *first = map_get(&store->keys, record->key);

	if (first != record) {
		while (first->next != record) {
			first = first->next;
		}
		first->next = record->next;
		return;
	}
	map_remove(&store->keys, record->key);
	if (record->next != NULL) {
		map_put(&store->keys, record->next->key, record->next);
	}
}

void pod_store_remove(struct pod_store *store, const char *uid)
{
	struct pod_record *record;

	sched_mutex_lock(&store->lock);
	record = map_remove(&store->records, uid);
	if (record != NULL) {
		store_leave_key(store, record);
	}
	sched_mutex_unlock(&store->lock);
	if (record != NULL) {
		store_free_record(record);
	}
}

bool pod_store_key(struct pod_store *store, const char *uid, char **ret_ns, char **ret_name)
{
	const struct pod_record *record;

	LOCKED(&store->lock);
	record = map_get(&store->records, uid);
	if (record == NULL) {
		return false;
	}
	*ret_ns = xstrdup(record->ns);
	*ret_name = xstrdup(record->name);
	return true;
}

char **pod_store_uids(struct pod_store *store, const char *ns, const char *name)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	const struct pod_record *first;
	size_t count = 0;
	char **uids;

	LOCKED(&store->lock);
	first = map_get(&store->keys, key);
	for (const struct pod_record *at = first; at != NULL; at = at->next) {
		count++;
	}
	uids = xnew_array(char *, count + 1);
	count = 0;
	for (const struct pod_record *at = first; at != NULL; at = at->next) {
		uids[count++] = xstrdup(at->uid);
	}
	return uids;
}

void pod_store_each(struct pod_store *store,
		    void (*each)(void *arg, const char *ns, const char *name), void *arg)
{
	const struct pod_record *record;
	size_t at = 0, count = 0;
	char **keys;

	{
		LOCKED(&store->lock);
		keys = xnew_array(char *, 2 * store->records.count + 1);
		while ((record = map_next(&store->records, &at, NULL)) != NULL) {
			keys[count++] = xstrdup(record->ns);
			keys[count++] = xstrdup(record->name);
		}
	}
	for (size_t i = 0; i < count; i += 2) {
		each(arg, keys[i], keys[i + 1]);
		free(keys[i]);
		free(keys[i + 1]);
	}
	free(keys);
}

void pod_store_add_event(struct pod_store *store, const char *uid, const char *reason,
			 const char *message)
{
	struct pending_event *event = xnew(struct pending_event), **at;
	struct pod_record *record;
	size_t count = 0;

	*event = (struct pending_event){ .reason = xstrdup(reason), .message = xstrdup(message) };
	LOCKED(&store->lock);
	record = map_get(&store->records, uid);
	for (at = record != NULL ? &record->events : NULL; at != NULL && *at != NULL;
	     at = &(*at)->next) {
		count++;
	}
	if (at == NULL || count >= EVENTS_MAX) {
		store_free_event(event);
		return;
	}
	*at = event;
}

bool pod_store_take_event(struct pod_store *store, struct pod_record *record, char **ret_reason,
			  char **ret_message)
{
	struct pending_event *event;

	LOCKED(&store->lock);
	event = record->events;
	if (event == NULL) {
		return false;
	}
	record->events = event->next;
	*ret_reason = event->reason;
	*ret_message = event->message;
	free(event);
	return true;
}
