/* SPDX-License-Identifier: Apache-2.0 */
/* Records of pods by uid. Owned by node/node.c, used by the reconciles and by whatever wakes them. */
#include "config.h"

#include "node/book.h"

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
	struct map records; /* lock: the map, and the posts of the records */
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

void book_drop(struct book *book, const char *uid)
{
	struct pod_record *record;

	sched_mutex_lock(&book->lock);
	record = map_remove(&book->records, uid);
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
	const struct pod_record *record;
	size_t at = 0, count = 0;

	LOCKED(&book->lock);
	char **uids = xnew_array(char *, book->records.count + 1);

	while ((record = map_next(&book->records, &at, NULL)) != NULL) {
		if (strcmp(record->ns, ns) == 0 && strcmp(record->name, name) == 0) {
			uids[count++] = xstrdup(record->uid);
		}
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
