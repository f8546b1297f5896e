/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of a store: what the stream and our own responses do to it. Called by
 * core/cache/reflector and core/controller/host-write. */
#include "config.h"

#include "core/cache/store.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/cache/store-private.h"
#include "kube/version.h"
#include "net/transport.h"

/* Always kept; resourceVersion is not: it would make every version of an object look different. */
static const char *const always[] = {
	"metadata.name",
	"metadata.namespace",
	"metadata.uid",
	"metadata.generation",
	"metadata.labels",
	"metadata.annotations",
	"metadata.ownerReferences",
	"metadata.creationTimestamp",
	"metadata.deletionTimestamp",
};

enum source { FROM_STREAM, FROM_LIST, FROM_RESPONSE, FROM_REMOVAL };

/* An object that is about to be stored. */
struct store_update {
	enum source source;
	uint64_t version;
	char key[STORE_KEY_MAX];
	struct buf bytes;
	struct json_object *tree; /* parsed when needed */
};

struct store *store_create(struct sched *sched, const struct asb_kind *kind)
{
	struct store *store = xnew(struct store);

	store->sched = sched;
	store->kind = kind;
	sched_mutex_init(&store->lock, sched);
	return store;
}

void store_destroy(struct store *store)
{
	struct record *record;
	size_t at = 0;

	if (store == NULL) {
		return;
	}
	while ((record = map_next(&store->records, &at, NULL)) != NULL) {
		free(record->entries);
		free(record);
	}
	map_finish(&store->records);
	for (uint32_t i = 0; i < store->index_count; i++) {
		index_finish(&store->indexes[i]);
	}
	json_fields_destroy(store->fields);
	free(store->paths);
	sched_mutex_finish(&store->lock);
	free(store);
}

static void store_add_field(struct store *store, const char *path)
{
	store->paths = xrealloc(store->paths, (store->path_count + 1) * sizeof(*store->paths));
	store->paths[store->path_count++] = path;
}

void store_add_fields(struct store *store, const char *const *paths)
{
	for (; paths != NULL && *paths != NULL; paths++) {
		store_add_field(store, *paths);
	}
}

uint32_t store_add_index(struct store *store, const char *name,
			 void (*values)(struct json_object *object, struct asb_values *out))
{
	if (store->index_count == STORE_INDEXES_MAX) {
		abort(); /* checked by the loader */
	}
	store->indexes[store->index_count] = (struct index){ .name = name, .values = values };
	return store->index_count++;
}

void store_select_label(struct store *store, const char *label)
{
	for (size_t i = 0; i < store->selector_label_count; i++) {
		if (strcmp(store->selector_labels[i], label) == 0) {
			return;
		}
	}
	if (store->selector_label_count == STORE_SELECTORS_MAX) {
		store->select_all = true; /* more than we can look for: memory, not correctness */
		return;
	}
	store->selector_labels[store->selector_label_count++] = label;
}

void store_select_controlled(struct store *store, const struct asb_kind *kind)
{
	if (store->selector_kind_count == STORE_SELECTORS_MAX) {
		store->select_all = true;
		return;
	}
	store->selector_kinds[store->selector_kind_count++] = kind;
}

void store_select_all(struct store *store)
{
	store->select_all = true;
}

void store_listen(struct store *store, store_listener listener, store_filtered filtered, void *arg)
{
	store->listener = listener;
	store->filtered = filtered;
	store->listener_arg = arg;
}

void store_seal(struct store *store)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		store_add_field(store, always[i]);
	}
	store->fields = json_fields_create(store->paths, store->path_count);
}

/* ---- listeners ---- */

struct json_object *store_change_before(struct store_change *change)
{
	if (change->before == NULL && change->before_bytes != NULL) {
		change->before = store_parse(change->store, change->before_bytes,
					     change->before_length, change->before_version);
	}
	return change->before;
}

struct json_object *store_change_after(struct store_change *change)
{
	if (change->after == NULL && change->after_bytes != NULL) {
		change->after = store_parse(change->store, change->after_bytes,
					    change->after_length, change->after_version);
	}
	return change->after;
}

static void store_split_key(const char *key, char ret_ns[STORE_KEY_MAX], const char **ret_name)
{
	const char *slash = strchr(key, '/');

	snprintf(ret_ns, STORE_KEY_MAX, "%.*s", (int)(slash - key), key);
	*ret_name = slash + 1;
}

/* Tells the listener of a change and frees what was replaced. old may be NULL, update NULL for a
 * removal. */
static void store_notify(struct store *store, const char *key, struct record *old,
			 struct store_update *update)
{
	struct store_change change = { .store = store };
	char ns[STORE_KEY_MAX];

	store_split_key(key, ns, &change.name);
	change.ns = ns;
	if (old != NULL) {
		change.before_bytes = old->bytes;
		change.before_length = old->length;
		change.before_version = old->version;
	}
	if (update != NULL) {
		change.initial = update->source == FROM_LIST;
		change.after_bytes = buf_str(&update->bytes);
		change.after_length = update->bytes.length;
		change.after_version = update->version;
		change.after = TAKE(update->tree);
	}
	if (store->listener != NULL) {
		store->listener(store->listener_arg, &change);
	}
	json_object_put(change.before);
	if (update != NULL) {
		update->tree = change.after;
	}
	free(old);
}

/* ---- records: with the lock held ---- */

static struct record *store_make_record(struct store *store, const struct store_update *update,
					const struct index_values *values, const struct record *old)
{
	size_t key_size = strlen(update->key) + 1;
	struct record *record = xalloc(sizeof(*record) + key_size + update->bytes.length + 1);
	char *bytes = record->text + key_size;

	memcpy(record->text, update->key, key_size);
	memcpy(bytes, buf_str(&update->bytes), update->bytes.length);
	record->bytes = bytes;
	record->length = update->bytes.length;
	record->version = update->version;
	/* Only a list's own items count as listed: what is merely new here may be gone from the
	 * list's version on. */
	record->generation = update->source == FROM_LIST ? store->generation
			     : old != NULL               ? old->generation
							 : store->generation - 1;
	record->entries = index_attach(store->indexes, values, record->text);
	record->entry_count = values->count;
	store->bytes += sizeof(*record) + key_size + record->length;
	return record;
}

/* Takes a record out of the indexes and the count; the map is the caller's business. */
static void store_detach(struct store *store, struct record *record)
{
	index_detach(TAKE(record->entries), record->entry_count);
	record->entry_count = 0;
	store->bytes -= sizeof(*record) + strlen(record->text) + 1 + record->length;
}

/* Whether the update is older than what is known. record: what is stored, or NULL. */
static bool store_is_stale(const struct store *store, const struct store_update *update,
			   const struct record *record)
{
	switch (update->source) {
	case FROM_REMOVAL:
		return record == NULL || update->version != record->version;
	case FROM_LIST:
		/* A list that the stream has overtaken must not bring back what that has taken
		 * away. */
		if (record == NULL && store->stream > store->list_from &&
		    update->version <= store->stream) {
			return true;
		}
		break;
	default:
		if (update->version <= store->stream) {
			return true;
		}
	}
	return record != NULL &&
	       (update->version < record->version ||
		(update->version == record->version && update->source == FROM_RESPONSE));
}

static void store_note_stream(struct store *store, const struct store_update *update)
{
	if (update->source == FROM_STREAM && update->version > store->stream) {
		store->stream = update->version;
	}
}

/* Whether no cached field would change; then only the version is updated. */
static bool store_changes_nothing(struct store *store, const struct store_update *update,
				  struct record *record)
{
	bool same = record != NULL && record->length == update->bytes.length &&
		    memcmp(record->bytes, buf_str(&update->bytes), record->length) == 0;

	if (record != NULL && update->source == FROM_LIST) {
		record->generation = store->generation;
	}
	if (store_is_stale(store, update, record)) {
		same = true;
	} else if (same) {
		record->version = update->version;
	}
	if (same) {
		store_note_stream(store, update);
	}
	return same;
}

/* A cheap check before anything is parsed: true when nothing has to be stored. *ret_deleting: we
 * have removed this object. */
static bool store_settles_early(struct store *store, const struct store_update *update,
				bool *ret_deleting)
{
	LOCKED(&store->lock);
	struct record *record = map_get(&store->records, update->key);

	*ret_deleting = record != NULL && record->deleting;
	return store_changes_nothing(store, update, record);
}

/* ---- updates ---- */

/* An object we have removed may still show up without its deletionTimestamp, in an event from
 * before the removal. */
static bool store_keep_deleting(struct store *store, struct store_update *update)
{
	CLEANUP_JSON struct json_object *old = NULL;
	char ns[STORE_KEY_MAX], now[21];
	const char *name;

	store_split_key(update->key, ns, &name);
	old = store_get(store, ns, name);
	if (!asb_streq(asb_uid(old), asb_uid(update->tree)) || asb_deleting(update->tree)) {
		return asb_deleting(update->tree);
	}
	asb_time_format(sched_wall_us(store->sched) / 1000, now);
	asb_set_str(asb_object_in(update->tree, "metadata"), "deletionTimestamp",
		    asb_deleting(old) ? asb_str(old, "metadata", "deletionTimestamp") : now);
	return true;
}

static void store_reprint(struct store *store, struct store_update *update)
{
	CLEANUP_BUF struct buf full = BUF_INIT(RESPONSE_MAX);

	json_print(update->tree, &full);
	buf_clear(&update->bytes);
	json_tree_extract(store->fields, buf_str(&full), full.length, &update->bytes);
}

/* Puts the object into the maps. 1, and *ret_old, when that changed something; 0 when it did not;
 * -EAGAIN when another thread was faster. */
static int store_put(struct store *store, struct store_update *update,
		     const struct index_values *values, bool expected_deleting, bool deleting,
		     struct record **ret_old)
{
	LOCKED(&store->lock);
	struct record *old = map_get(&store->records, update->key), *record;

	if (store_changes_nothing(store, update, old)) {
		return update->source == FROM_REMOVAL ? -EAGAIN : 0;
	}
	if (old != NULL && old->deleting && !expected_deleting) {
		return -EAGAIN; /* removed by us just now: the mark must not be lost */
	}
	if (old != NULL) {
		store_detach(store, old);
	}
	record = store_make_record(store, update, values, old);
	record->deleting = deleting;
	map_put(&store->records, record->text, record);
	store_note_stream(store, update);
	*ret_old = old;
	return 1;
}

/* Stores the object if it differs, and calls the listener. deleting: we have removed this object.
 * -EAGAIN: try again. */
static int store_apply(struct store *store, struct store_update *update, bool deleting)
{
	bool expected_deleting = deleting;
	struct index_values values;
	struct record *old = NULL;
	int result;

	json_object_put(update->tree);
	update->tree =
		store_parse(store, buf_str(&update->bytes), update->bytes.length, update->version);
	if (update->tree == NULL) {
		return -EINVAL;
	}
	if (deleting) {
		deleting = store_keep_deleting(store, update);
		store_reprint(store, update);
	}
	index_collect(store->indexes, store->index_count, update->tree, &values);
	result = store_put(store, update, &values, expected_deleting, deleting, &old);
	index_values_finish(&values);
	if (result == 1) {
		store_notify(store, update->key, old, update);
	}
	return result < 0 ? result : 0;
}

/* Takes out what the update says is not there, or not ours, any more. False when the store knows
 * better. */
static bool store_remove(struct store *store, const struct store_update *update)
{
	struct record *old;
	bool stale;

	sched_mutex_lock(&store->lock);
	old = map_get(&store->records, update->key);
	stale = store_is_stale(store, update, old);
	old = stale ? NULL : old;
	if (old != NULL) {
		map_remove(&store->records, update->key);
		store_detach(store, old);
	}
	store_note_stream(store, update);
	sched_mutex_unlock(&store->lock);
	if (old != NULL) {
		store_notify(store, update->key, old, NULL);
	}
	return !stale;
}

static void store_remove_filtered(struct store *store, const struct store_update *update)
{
	char ns[STORE_KEY_MAX];
	const char *name;

	store_split_key(update->key, ns, &name);
	if (store_remove(store, update) && store->filtered != NULL) {
		store->filtered(store->listener_arg, ns, name);
	}
}

static int store_extract(struct store *store, const char *text, size_t length, struct buf *out)
{
	int code = json_scan_extract(store->fields, text, length, out);

	if (code == -EAGAIN) {
		code = json_tree_extract(store->fields, text, length, out);
	}
	return code < 0 ? -EINVAL : 0;
}

static int store_upsert(struct store *store, enum source source, bool deleted, const char *text,
			size_t length, uint64_t *ret_version, struct json_object **ret_tree)
{
	CLEANUP_BUF struct buf plain = BUF_INIT(RESPONSE_MAX);
	struct store_update update = { .source = source, .bytes = BUF_INIT(RESPONSE_MAX) };
	struct store_head head;
	bool deleting = false;
	int code = store_head(&text, &length, &plain, &head);

	if (code < 0) {
		return code;
	}
	snprintf(update.key, sizeof(update.key), "%.*s/%.*s", (int)head.ns_length, head.ns,
		 (int)head.name_length, head.name);
	update.version = head.version;
	if (ret_version != NULL) {
		*ret_version = head.version;
	}
	if (!store_wants(store, &head)) {
		store_remove_filtered(store, &update);
		return 0;
	}
	if (deleted) {
		store_remove(store, &update);
		return 0;
	}
	do {
		buf_clear(&update.bytes);
		code = store_extract(store, text, length, &update.bytes);
		if (code == 0 && !store_settles_early(store, &update, &deleting)) {
			code = store_apply(store, &update, deleting);
		}
	} while (code == -EAGAIN);
	buf_finish(&update.bytes);
	if (ret_tree != NULL && code == 0 && !deleting) {
		*ret_tree = TAKE(update.tree);
	}
	json_object_put(update.tree);
	return code;
}

int store_event(struct store *store, enum store_event event, const char *text, size_t length,
		uint64_t *ret_version)
{
	return store_upsert(store, FROM_STREAM, event == STORE_DELETED, text, length, ret_version,
			    NULL);
}

int store_response(struct store *store, const char *text, size_t length, struct json_object **ret)
{
	if (ret != NULL) {
		*ret = NULL;
	}
	return store_upsert(store, FROM_RESPONSE, false, text, length, NULL, ret);
}

int store_replace_item(struct store *store, const char *text, size_t length)
{
	return store_upsert(store, FROM_LIST, false, text, length, NULL, NULL);
}

int store_replace_gone(struct store *store, const char *text, size_t length)
{
	return store_upsert(store, FROM_LIST, true, text, length, NULL, NULL);
}

void store_bookmark(struct store *store, uint64_t version)
{
	LOCKED(&store->lock);

	if (version > store->stream) {
		store->stream = version;
	}
}

void store_reset(struct store *store)
{
	LOCKED(&store->lock);
	struct record *record;
	size_t at = 0;

	while ((record = map_next(&store->records, &at, NULL)) != NULL) {
		record->version = 1; /* older than all, and no precondition that holds */
	}
	store->stream = 0;
	store->list_from = 0;
}

void store_replace_begin(struct store *store)
{
	LOCKED(&store->lock);

	store->generation++;
	store->list_from = store->stream;
}

/* Takes out all records that the list ended at version did not show; NULL ends the array, which is
 * the caller's. */
static struct record **store_take_unlisted(struct store *store, uint64_t version)
{
	LOCKED(&store->lock);
	struct record **unlisted = xnew_array(struct record *, store->records.count + 1), *record;
	size_t at = 0, count = 0;

	while ((record = map_next(&store->records, &at, NULL)) != NULL) {
		if (record->generation != store->generation && record->version <= version) {
			unlisted[count++] = record;
		}
	}
	for (size_t i = 0; i < count; i++) {
		map_remove(&store->records, unlisted[i]->text);
		store_detach(store, unlisted[i]);
	}
	if (version > store->stream) {
		store->stream = version;
	}
	store->synced = true;
	return unlisted;
}

void store_replace_end(struct store *store, uint64_t version)
{
	CLEANUP_FREE struct record **unlisted = store_take_unlisted(store, version);

	for (struct record **record = unlisted; *record != NULL; record++) {
		char key[STORE_KEY_MAX];

		snprintf(key, sizeof(key), "%s", (*record)->text);
		store_notify(store, key, *record, NULL);
	}
}

/* -EAGAIN: the object has changed meanwhile. */
static int store_mark_removed(struct store *store, const char *ns, const char *name,
			      const char *uid)
{
	struct store_update update = { .source = FROM_REMOVAL, .bytes = BUF_INIT(RESPONSE_MAX) };
	CLEANUP_JSON struct json_object *object = store_get(store, ns, name);
	CLEANUP_BUF struct buf full = BUF_INIT(RESPONSE_MAX);
	int result;

	if (object == NULL || asb_deleting(object) ||
	    (uid != NULL && !asb_streq(asb_uid(object), uid))) {
		return 0;
	}
	snprintf(update.key, sizeof(update.key), "%s/%s", ns, name);
	update.version =
		version_parse(asb_resource_version(object), strlen(asb_resource_version(object)));
	json_print(object, &full);
	json_tree_extract(store->fields, buf_str(&full), full.length, &update.bytes);
	result = store_apply(store, &update, true);
	buf_finish(&update.bytes);
	json_object_put(update.tree);
	return result;
}

void store_removed(struct store *store, const char *ns, const char *name, const char *uid)
{
	while (store_mark_removed(store, ns, name, uid) == -EAGAIN) {
		/* Somebody else has moved it on, so this ends. */
	}
}
