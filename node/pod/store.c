/* SPDX-License-Identifier: Apache-2.0 */
/* Records of pods by uid. Owned by node/node.c, used by the reconciles and by whatever wakes them. */
#include "config.h"

#include "node/pod/store.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"

#define POSTS_MAX 16 /* of one pod, unread: more say nothing new */

struct record_post {
	char *reason, *message;
	struct record_post *next;
};

struct book {
	struct sched_mutex lock;
	struct map records; /* lock: by uid; and the posts of the records */
	struct map keys;    /* lock: the first record of each key */
};

struct book *book_create(struct sched *sched)
{
	struct book *book = xnew(struct book);

	sched_mutex_init(&book->lock, sched);
	return book;
}

static void free_post(struct record_post *post)
{
	free(post->reason);
	free(post->message);
	free(post);
}

static void free_record(struct pod_record *record)
{
	for (size_t i = 0; i < record->note_count; i++) {
		free(record->notes[i].texts[0]);
		free(record->notes[i].texts[1]);
	}
	while (record->post != NULL) {
		struct record_post *post = record->post;

		record->post = post->next;
		free_post(post);
	}
	free(record->notes);
	free(record->key);
	free(record->uid);
	free(record->ns);
	free(record->name);
	free(record);
}

void book_destroy(struct book *book)
{
	struct pod_record *record;
	size_t at = 0;

	if (book == NULL) {
		return;
	}
	while ((record = map_next(&book->records, &at, NULL)) != NULL) {
		free_record(record);
	}
	map_finish(&book->records);
	map_finish(&book->keys);
	sched_mutex_finish(&book->lock);
	free(book);
}

struct pod_record *book_get(struct book *book, const char *uid, const char *ns, const char *name)
{
	struct pod_record *record;

	LOCKED(&book->lock);
	record = map_get(&book->records, uid);
	if (record == NULL) {
		record = xnew(struct pod_record);
		record->uid = xstrdup(uid);
		record->ns = xstrdup(ns);
		record->name = xstrdup(name);
		record->grace_s = -1;
		record->key = xprintf("%s/%s", ns, name);
		record->next = map_get(&book->keys, record->key);
		map_put(&book->keys, record->key, record);
		map_put(&book->records, record->uid, record);
	}
	return record;
}

struct container_note *record_notes(struct pod_record *record, size_t count)
{
	if (record->note_count < count) {
		record->notes = xrealloc(record->notes, count * sizeof(*record->notes));
		for (size_t i = record->note_count; i < count; i++) {
			record->notes[i] = (struct container_note){ 0 };
		}
		record->note_count = count;
	}
	return record->notes;
}

/* The map borrows its key from the first record. The lock is held. */
static void leave_key(struct book *book, struct pod_record *record)
{
	struct pod_record *first = map_get(&book->keys, record->key);

	if (first != record) {
		while (first->next != record) {
			first = first->next;
		}
		first->next = record->next;
		return;
	}
	map_remove(&book->keys, record->key);
	if (record->next != NULL) {
		map_put(&book->keys, record->next->key, record->next);
	}
}

void book_drop(struct book *book, const char *uid)
{
	struct pod_record *record;

	sched_mutex_lock(&book->lock);
	record = map_remove(&book->records, uid);
	if (record != NULL) {
		leave_key(book, record);
	}
	sched_mutex_unlock(&book->lock);
	if (record != NULL) {
		free_record(record);
	}
}

bool book_key(struct book *book, const char *uid, char **ret_ns, char **ret_name)
{
	const struct pod_record *record;

	LOCKED(&book->lock);
	record = map_get(&book->records, uid);
	if (record == NULL) {
		return false;
	}
	*ret_ns = xstrdup(record->ns);
	*ret_name = xstrdup(record->name);
	return true;
}

char **book_uids(struct book *book, const char *ns, const char *name)
{
	CLEANUP_FREE char *key = xprintf("%s/%s", ns, name);
	const struct pod_record *first;
	size_t count = 0;
	char **uids;

	LOCKED(&book->lock);
	first = map_get(&book->keys, key);
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

void book_each(struct book *book, void (*each)(void *arg, const char *ns, const char *name),
	       void *arg)
{
	const struct pod_record *record;
	size_t at = 0, count = 0;
	char **keys;

	{
		LOCKED(&book->lock);
		keys = xnew_array(char *, 2 * book->records.count + 1);
		while ((record = map_next(&book->records, &at, NULL)) != NULL) {
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

void book_post(struct book *book, const char *uid, const char *reason, const char *message)
{
	struct record_post *post = xnew(struct record_post), **at;
	struct pod_record *record;
	size_t count = 0;

	*post = (struct record_post){ .reason = xstrdup(reason), .message = xstrdup(message) };
	LOCKED(&book->lock);
	record = map_get(&book->records, uid);
	for (at = record != NULL ? &record->post : NULL; at != NULL && *at != NULL;
	     at = &(*at)->next) {
		count++;
	}
	if (at == NULL || count >= POSTS_MAX) {
		free_post(post);
		return;
	}
	*at = post;
}

bool book_take_post(struct book *book, struct pod_record *record, char **ret_reason,
		    char **ret_message)
{
	struct record_post *post;

	LOCKED(&book->lock);
	post = record->post;
	if (post == NULL) {
		return false;
	}
	record->post = post->next;
	*ret_reason = post->reason;
	*ret_message = post->message;
	free(post);
	return true;
}
