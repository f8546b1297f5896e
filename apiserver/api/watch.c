/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: the position of each in the history, and its next bytes. The HTTP server reads from
 * them on its threads; writes and the thread of time wake those that sleep. */
#include "config.h"

#include "apiserver/api/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/watch-private.h"
#include "apiserver/objects/status.h"
#include "base/json.h"
#include "base/memory.h"

#define EVENT_MAX (8u << 20)    /* an object of 1.5 MB, its quotes, a Table row with it */
#define BATCH_BYTES (32u << 10) /* printed ahead for a reader: what a slow one may hold */
#define BOOKMARK_US UINT64_C(60000000)
#define OUTDATED_SHARE 2u /* of the budget, for what watches have not sent and is replaced since */
#define OUTDATED_LOOKS 32u /* at that, while as much as the budget is written */

/* The watches of one kind, one namespace or all, one name or all. */
struct watch_list {
	struct watch *first;
	char key[];
};

struct watch {
	struct api *api;
	struct watch *previous, *next;           /* of all */
	struct watch *list_previous, *list_next; /* of its list */
	struct watch_list *list;

	struct kind_copy copy;
	struct asb_kind kind; /* the same */
	char *ns;
	struct selector *selector;
	enum representation representation;
	const char *meta_version;
	bool bookmarks, initial_bookmark, expired;
	bool first_sent; /* the first Table has the columns */
	struct list_page *initial; /* lock, and its reader's while it fills */
	size_t initial_at;         /* so too */
	uint64_t initial_bytes;    /* so too; of those that are not sent */
	bool filling;              /* lock; the reader prints the initial objects */
	uint64_t began;            /* lock; api->written_bytes then */

	uint64_t after, end_us, bookmark_us;
	bool asleep;       /* all up to the history's end is read */
	bool bookmark_due; /* lock */
	bool over;         /* the last event is printed */
	bool gone;         /* lock; it ends: the kind is not served any more, or it is dropped */
	void (*wake)(void *arg);
	void *wake_arg;

	struct buf text; /* printed and not read yet */
	size_t text_at;
	struct budget_share unread; /* of the text */
};

/* ---- lists of watches ---- */

static char *watch_list_key(const char *group, const char *plural, const char *ns, const char *name)
{
	return xprintf("%s/%s/%s/%s", group, plural, ns, name);
}

static struct watch_list *watch_list_of(struct api *api, const char *group, const char *plural,
					const char *ns, const char *name)
{
	CLEANUP_FREE char *key = watch_list_key(group, plural, ns, name);
	struct watch_list *list = map_get(&api->watch_lists, key);

	if (list == NULL) {
		list = xalloc(sizeof(*list) + strlen(key) + 1);
		memcpy(list->key, key, strlen(key) + 1);
		map_put(&api->watch_lists, list->key, list);
	}
	return list;
}

static void watch_list_add(struct watch *watch)
{
	const char *name = selector_name(watch->selector);

	watch->list = watch_list_of(watch->api, watch->kind.group, watch->kind.plural, watch->ns,
				    name != NULL ? name : "");
	watch->list_next = watch->list->first;
	if (watch->list_next != NULL) {
		watch->list_next->list_previous = watch;
	}
	watch->list->first = watch;
}

/* An empty list is freed, since there may be one for each name that was ever watched. */
static void watch_list_remove(struct watch *watch)
{
	struct watch_list *list = watch->list;

	if (watch->list_next != NULL) {
		watch->list_next->list_previous = watch->list_previous;
	}
	if (watch->list_previous != NULL) {
		watch->list_previous->list_next = watch->list_next;
	} else {
		list->first = watch->list_next;
	}
	if (list->first == NULL) {
		map_remove(&watch->api->watch_lists, list->key);
		free(list);
	}
}

void watch_lists_finish(struct api *api)
{
	map_finish(&api->watch_lists);
}

/* ---- waking; the lock is held ---- */

/* A watch sleeps only when it has read the whole history, and is woken by the first change that
 * concerns it. So it can skip all changes in between. */
static void watch_wake_at(struct watch *watch, uint64_t version)
{
	if (!watch->asleep) {
		return;
	}
	watch->asleep = false;
	if (version > watch->after) {
		watch->after = version;
	}
	watch->wake(watch->wake_arg);
}

static void watch_wake_list(struct api *api, const char *group, const char *plural, const char *ns,
			    const char *name, uint64_t version)
{
	CLEANUP_FREE char *key = watch_list_key(group, plural, ns, name);
	const struct watch_list *list = map_get(&api->watch_lists, key);

	for (struct watch *watch = list != NULL ? list->first : NULL; watch != NULL;
	     watch = watch->list_next) {
		watch_wake_at(watch, version);
	}
}

static void watch_initial_free(struct watch *watch)
{
	if (watch->initial != NULL) {
		list_page_finish(watch->initial);
		free(watch->initial);
		watch->initial = NULL;
	}
}

static size_t watch_state_bytes(const struct objects_state *state)
{
	size_t length = 0;

	objects_state_text(state, &length);
	return length;
}

/* The most that the initial objects of a watch may take beside those that are stored. */
static uint64_t watch_outdated_bytes(const struct watch *watch)
{
	uint64_t written = watch->api->written_bytes - watch->began;

	if (watch->initial == NULL || watch->filling) {
		return 0;
	}
	return watch->initial_bytes < written ? watch->initial_bytes : written;
}

/*
 * A watch that sends initial objects keeps them until they are read, also those that are not stored any
 * more. Ends the oldest ones when that takes too much: their clients watch again.
 */
static void watch_drop_outdated(struct api *api)
{
	uint64_t total = 0;

	api->outdated_bytes = api->written_bytes;
	for (const struct watch *watch = api->first; watch != NULL; watch = watch->next) {
		total += watch_outdated_bytes(watch);
	}
	for (struct watch *watch = api->first; watch != NULL && total > api->unread.most / OUTDATED_SHARE;
	     watch = watch->next) {
		uint64_t bytes = watch_outdated_bytes(watch);

		if (bytes > 0) {
			total -= bytes;
			watch_initial_free(watch);
			watch->gone = true;
		}
	}
}

void watch_changed(struct api *api, const char *group, const char *plural,
		   const struct objects_state *state)
{
	const char *ns = objects_state_ns(state), *name = objects_state_name(state);
	uint64_t before = objects_state_version(state) - 1;

	if (api->watch_count == 0) {
		return;
	}
	api->written_bytes += watch_state_bytes(state);
	if (api->written_bytes - api->outdated_bytes > api->unread.most / OUTDATED_LOOKS) {
		watch_drop_outdated(api);
	}
	watch_wake_list(api, group, plural, "", "", before);
	watch_wake_list(api, group, plural, "", name, before);
	if (*ns != '\0') {
		watch_wake_list(api, group, plural, ns, "", before);
		watch_wake_list(api, group, plural, ns, name, before);
	}
}

uint64_t watch_time(struct api *api, uint64_t now_us)
{
	uint64_t next = SCHED_FOREVER, version = objects_version(api->objects);

	for (struct watch *watch = api->first; watch != NULL; watch = watch->next) {
		if (watch->bookmarks && now_us >= watch->bookmark_us) {
			watch->bookmark_due = true;
			watch->bookmark_us = now_us + BOOKMARK_US;
		}
		if (watch->bookmark_due || now_us >= watch->end_us) {
			watch_wake_at(watch, version);
		}
		if (now_us < watch->end_us && watch->end_us < next) {
			next = watch->end_us;
		}
		if (watch->bookmarks && watch->bookmark_us < next) {
			next = watch->bookmark_us;
		}
	}
	return next;
}

void watch_kind_gone(struct api *api, const char *group, const char *plural)
{
	for (struct watch *watch = api->first; watch != NULL; watch = watch->next) {
		if (strcmp(watch->kind.group, group) == 0 &&
		    strcmp(watch->kind.plural, plural) == 0) {
			watch->gone = true;
			watch_wake_at(watch, 0);
		}
	}
}

void watch_stop_all(struct api *api)
{
	for (struct watch *watch = api->first; watch != NULL; watch = watch->next) {
		watch_wake_at(watch, 0);
	}
}

void watch_wake(struct watch *watch)
{
	LOCKED(&watch->api->lock);
	watch_wake_at(watch, 0);
}

/* ---- life ---- */

struct watch *watch_create(struct api *api, struct watch_options *options)
{
	struct watch *watch = xnew(struct watch);
	uint64_t now = sched_now_us(api->sched);

	watch->api = api;
	kind_copy_init(&watch->copy, &options->kind);
	watch->kind = watch->copy.kind;
	watch->ns = xstrdup(options->ns);
	watch->selector = TAKE(options->take_selector);
	watch->representation = options->representation;
	watch->meta_version = options->meta_version;
	watch->bookmarks = options->bookmarks;
	watch->initial_bookmark = options->initial_bookmark;
	watch->expired = options->expired;
	watch->initial = TAKE(options->initial);
	watch->began = api->written_bytes;
	for (size_t i = 0; watch->initial != NULL && i < watch->initial->count; i++) {
		watch->initial_bytes += watch_state_bytes(watch->initial->states[i]);
	}
	watch->after = options->after;
	watch->end_us = options->end_us;
	watch->bookmark_us = now + BOOKMARK_US;
	watch->text.ceiling = EVENT_MAX;
	watch->unread.budget = &api->unread;

	watch->previous = api->last;
	if (api->last != NULL) {
		api->last->next = watch;
	} else {
		api->first = watch;
	}
	api->last = watch;
	api->watch_count++;
	watch_list_add(watch);

	uint64_t due = watch->end_us < watch->bookmark_us ? watch->end_us : watch->bookmark_us;

	if (due < api->boundary_us) {
		api->boundary_us = due;
		sched_cond_signal(&api->clock);
	}
	return watch;
}

static void watch_unlink_watch(struct watch *watch)
{
	struct api *api = watch->api;

	LOCKED(&api->lock);
	watch_list_remove(watch);
	if (watch->previous != NULL) {
		watch->previous->next = watch->next;
	} else {
		api->first = watch->next;
	}
	if (watch->next != NULL) {
		watch->next->previous = watch->previous;
	} else {
		api->last = watch->previous;
	}
	api->watch_count--;
}

static void watch_drop_text(struct watch *watch)
{
	buf_finish(&watch->text);
	watch->text_at = 0;
	budget_release(&watch->unread);
}

void watch_close(struct watch *watch)
{
	if (watch == NULL) {
		return;
	}
	watch_unlink_watch(watch);
	watch_initial_free(watch);
	selector_destroy(watch->selector);
	watch_drop_text(watch);
	kind_copy_finish(&watch->copy);
	free(watch->ns);
	free(watch);
}

/* ---- printing ---- */

static void watch_print_state(struct watch *watch, int type, const struct objects_state *state)
{
	static const char *const words[] = { [OBJECTS_ADDED] = "ADDED",
					     [OBJECTS_MODIFIED] = "MODIFIED",
					     [OBJECTS_DELETED] = "DELETED" };

	buf_printf(&watch->text, "{\"type\":\"%s\",\"object\":", words[type]);
	if (print_event(watch->api, &watch->kind, watch->representation, watch->meta_version,
			!watch->first_sent, state, &watch->text) < 0) {
		watch->over = true; /* too large, or its type is gone: the client watches again */
	}
	watch->first_sent = true;
	buf_append_str(&watch->text, "}\n");
}

static void watch_print_bookmark(struct watch *watch, uint64_t version, bool initial_end)
{
	const struct asb_kind *kind = &watch->kind;

	buf_printf(
		&watch->text,
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64
		"\"%s}}}\n",
		watch->representation == REPRESENTATION_METADATA ? "PartialObjectMetadata"
								 : kind->kind,
		watch->representation == REPRESENTATION_METADATA ? "meta.k8s.io" : kind->group,
		watch->representation == REPRESENTATION_METADATA || *kind->group != '\0' ? "/" : "",
		watch->representation == REPRESENTATION_METADATA ? watch->meta_version
								 : kind->version,
		version,
		initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
}

static void watch_print_expired(struct watch *watch)
{
	CLEANUP_JSON struct json_object *status = status_refusal(
		410, "Expired",
		"too old resource version: the history does not go back that far; list again and watch from there",
		NULL);

	buf_append_str(&watch->text, "{\"type\":\"ERROR\",\"object\":");
	json_print(status, &watch->text);
	buf_append_str(&watch->text, "}\n");
	watch->over = true;
}

/* Counts the text until it is read. Where there is no room for it the watch ends without it: its client
 * watches again from the last event that it has read. */
static void watch_count_text(struct watch *watch)
{
	if (watch->text.length <= API_UNREAD_FREE) {
		budget_force(&watch->unread, watch->text.length);
	} else if (!budget_resize(&watch->unread, watch->text.length)) {
		watch_drop_text(watch);
		watch->over = true;
	}
}

static void watch_fill_initial(struct watch *watch)
{
	struct list_page *page = watch->initial;

	while (watch->initial_at < page->count && watch->text.length < BATCH_BYTES &&
	       !watch->over) {
		struct objects_state **state = &page->states[watch->initial_at++];

		watch->initial_bytes -= watch_state_bytes(*state);
		watch_print_state(watch, OBJECTS_ADDED, *state);
		objects_state_unref(TAKE(*state));
	}
	if (watch->initial_at == page->count) {
		if (watch->initial_bookmark) {
			watch_print_bookmark(watch, page->version, true);
		}
		watch_initial_free(watch);
	}
}

/* ---- reading ---- */

/* Whether there are initial objects to print, which stay until watch_end_initial. */
static bool watch_begin_initial(struct watch *watch)
{
	LOCKED(&watch->api->lock);
	watch->filling = watch->initial != NULL;
	return watch->filling;
}

static void watch_end_initial(struct watch *watch)
{
	LOCKED(&watch->api->lock);
	watch->filling = false;
}

#define EVENTS_AT_ONCE 16u

/* Takes events from the history. The lock is held. False: there are none, and the watch sleeps. */
static bool watch_take_events(struct watch *watch, struct watch_event *events, size_t *ret_count)
{
	struct api *api = watch->api;
	size_t count = 0, bytes = 0, length = 0;

	while (count < EVENTS_AT_ONCE && bytes < BATCH_BYTES) {
		struct error error;
		int got = watch_next(api->objects, &watch->kind, watch->ns, watch->selector,
				     watch->after, &events[count], &error);

		if (got == 1) {
			watch->after = events[count].version;
			objects_state_text(events[count].state, &length);
			bytes += length;
			count++;
			continue;
		}
		if (got == 404) {
			watch->gone = true;
			break;
		}
		if (got != 0) {
			watch->expired = true;
			break;
		}
		watch->after = events[count].version;
		if (watch->after >= objects_version(api->objects)) {
			break;
		}
	}
	*ret_count = count;
	return count > 0 || watch->expired || watch->gone;
}

/* Prints what comes next. False: it sleeps. */
static bool watch_fill(struct watch *watch, void (*asleep)(void *arg), void (*wake)(void *arg),
		       void *arg)
{
	struct watch_event events[EVENTS_AT_ONCE];
	struct api *api = watch->api;
	size_t count = 0;

	if (watch_begin_initial(watch)) {
		watch_fill_initial(watch);
		watch_end_initial(watch);
		return true;
	}
	{
		LOCKED(&api->lock);

		if (api->stopping || sched_now_us(api->sched) >= watch->end_us) {
			watch->over = true;
			if (watch->bookmarks && !watch->expired) {
				watch_print_bookmark(watch, watch->after, false);
			}
			return true;
		}
		if (watch->gone) {
			watch->over = true;
			return true;
		}
		if (!watch->expired && !watch_take_events(watch, events, &count)) {
			if (!watch->bookmark_due) {
				watch->asleep = true;
				watch->wake = wake;
				watch->wake_arg = arg;
				if (asleep != NULL) {
					asleep(arg);
				}
				return false;
			}
			watch->bookmark_due = false;
			watch_print_bookmark(watch, watch->after, false);
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!watch->over) {
			watch_print_state(watch, events[i].type, events[i].state);
		}
		objects_state_unref(events[i].state);
	}
	if (watch->expired) {
		watch_print_expired(watch);
	}
	return true;
}

ssize_t watch_read(struct watch *watch, char *data, size_t size, void (*asleep)(void *arg),
		   void (*wake)(void *arg), void *arg)
{
	while (watch->text_at == watch->text.length) {
		bool failed = watch->text.failed;

		watch_drop_text(watch); /* also, since thousands of them sleep */
		if (watch->over || failed) {
			return -1;
		}
		if (!watch_fill(watch, asleep, wake, arg)) {
			return 0;
		}
		watch_count_text(watch);
	}

	size_t left = watch->text.length - watch->text_at;
	size_t take = left < size ? left : size;

	memcpy(data, watch->text.data + watch->text_at, take);
	watch->text_at += take;
	return (ssize_t)take;
}
