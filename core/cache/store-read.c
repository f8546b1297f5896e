/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of a store: trees, counts and keys for the calls of plugins. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/cache/store-private.h"
#include "kube/kind.h"
#include "net/transport.h"

struct json_object *store_parse(const struct store *store, const char *bytes, size_t length,
				uint64_t version)
{
	struct json_object *object = json_parse(bytes, length, NULL);
	char text[160];

	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return NULL;
	}
	kind_api_version(store->kind, text);
	asb_set_str(object, "apiVersion", text);
	asb_set_str(object, "kind", store->kind->kind);
	if (version != 0) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
		asb_set_str(asb_object_in(object, "metadata"), "resourceVersion", text);
	}
	return object;
}

static struct record *store_find(const struct store *store, const char *ns, const char *name)
{
	char key[STORE_KEY_MAX];
	int length = snprintf(key, sizeof(key), "%s/%s", ns, name);

	return length > 0 && (size_t)length < sizeof(key) ? map_get(&store->records, key) : NULL;
}

/* The stored bytes of an object, to be freed by the caller; NULL when there is none. */
static char *store_copy_bytes(struct store *store, const char *ns, const char *name,
			      size_t *ret_length, uint64_t *ret_version)
{
	LOCKED(&store->lock);
	const struct record *record = store_find(store, ns, name);

	if (record == NULL) {
		return NULL;
	}
	*ret_length = record->length;
	*ret_version = record->version;
	return xstrndup(record->bytes, record->length);
}

struct json_object *store_get(struct store *store, const char *ns, const char *name)
{
	size_t length = 0;
	uint64_t version = 0;
	CLEANUP_FREE char *bytes = store_copy_bytes(store, ns, name, &length, &version);

	return bytes != NULL ? store_parse(store, bytes, length, version) : NULL;
}

bool store_has(struct store *store, const char *ns, const char *name)
{
	LOCKED(&store->lock);

	return store_find(store, ns, name) != NULL;
}

/* A member of metadata in stored bytes. */
static struct json_span store_metadata_member(const char *bytes, size_t length, const char *name)
{
	static const char *const top[] = { "metadata" };
	struct json_span metadata = { 0 }, member = { 0 };

	if (bytes == NULL || json_scan_members(bytes, length, top, 1, &metadata) < 0 ||
	    metadata.start == NULL ||
	    json_scan_members(metadata.start, metadata.length, &name, 1, &member) < 0) {
		return (struct json_span){ 0 };
	}
	return member;
}

bool store_uid(struct store *store, const char *ns, const char *name, char ret_uid[64])
{
	LOCKED(&store->lock);
	const struct record *record = store_find(store, ns, name);
	struct json_span span;
	const char *uid = "";
	size_t length = 0;

	if (record == NULL) {
		return false;
	}
	span = store_metadata_member(record->bytes, record->length, "uid");
	json_span_text(&span, &uid, &length);
	snprintf(ret_uid, 64, "%.*s", (int)length, uid);
	return true;
}

struct json_object *store_get_status(struct store *store, const char *ns, const char *name,
				     const char *uid)
{
	static const char *const names[] = { "status" };
	size_t length = 0, uid_length = 0;
	uint64_t version = 0;
	CLEANUP_FREE char *bytes = store_copy_bytes(store, ns, name, &length, &version);
	CLEANUP_JSON struct json_object *whole = NULL;
	struct json_span status = { 0 }, span = store_metadata_member(bytes, length, "uid");
	const char *text = NULL;

	if (json_span_text(&span, &text, &uid_length) &&
	    json_scan_members(bytes, length, names, 1, &status) == 0) {
		return status.start != NULL && uid_length == strlen(uid) &&
				       memcmp(text, uid, uid_length) == 0
			       ? json_parse(status.start, status.length, NULL)
			       : NULL;
	}
	whole = bytes != NULL ? store_parse(store, bytes, length, version) : NULL;
	return asb_streq(asb_uid(whole), uid) ? json_object_get(asb_at(whole, "status")) : NULL;
}

bool store_change_keeps_owners(const struct store_change *change)
{
	struct json_span before = store_metadata_member(change->before_bytes, change->before_length,
							"ownerReferences");
	struct json_span after =
		store_metadata_member(change->after_bytes, change->after_length, "ownerReferences");

	return before.start != NULL && after.start != NULL && before.length == after.length &&
	       memcmp(before.start, after.start, after.length) == 0;
}

struct json_object *store_transform(struct store *store, const char *text, size_t length)
{
	CLEANUP_BUF struct buf out = BUF_INIT(RESPONSE_MAX), plain = BUF_INIT(RESPONSE_MAX);
	struct store_head head;
	uint64_t version = store_head(&text, &length, &plain, &head) == 0 ? head.version : 0;

	if (json_scan_extract(store->fields, text, length, &out) < 0) {
		buf_clear(&out);
		if (json_tree_extract(store->fields, text, length, &out) < 0) {
			return NULL;
		}
	}
	return store_parse(store, buf_str(&out), out.length, version);
}

size_t store_count(struct store *store, uint32_t index, const char *value)
{
	LOCKED(&store->lock);
	const struct tree *tree = index_find(&store->indexes[index], value);

	return tree != NULL ? tree->count : 0;
}

size_t store_size(struct store *store)
{
	LOCKED(&store->lock);

	return store->records.count;
}

size_t store_bytes(struct store *store)
{
	LOCKED(&store->lock);

	return store->bytes;
}

/* A list may have thousands of keys: printf would be a large part of the cost. */
static void store_copy_key(char *to, const char *key)
{
	size_t length = strlen(key);

	length = length < STORE_KEY_MAX ? length : STORE_KEY_MAX - 1;
	memcpy(to, key, length);
	to[length] = '\0';
}

size_t store_keys(struct store *store, uint32_t index, const char *value, bool reverse,
		  struct store_cursor *cursor, char (*ret_keys)[STORE_KEY_MAX], size_t max)
{
	LOCKED(&store->lock);
	const struct tree *tree = index_find(&store->indexes[index], value);
	struct tree_node *node = NULL;
	size_t count = 0;

	if (tree == NULL) {
		return 0;
	}
	if (cursor->started) {
		node = index_beyond(tree, cursor->rank, cursor->key, reverse);
	} else {
		node = reverse ? tree_last(tree) : tree_first(tree);
	}
	for (; node != NULL && count < max;
	     node = reverse ? tree_previous(node) : tree_next(node)) {
		store_copy_key(ret_keys[count++], node->tie);
		cursor->started = true;
		cursor->rank = node->rank;
		store_copy_key(cursor->key, node->tie);
	}
	return count;
}

void store_each_key(struct store *store, void (*each)(void *arg, const char *ns, const char *name),
		    void *arg)
{
	LOCKED(&store->lock);
	const char *key;
	size_t at = 0;

	while (map_next(&store->records, &at, &key) != NULL) {
		const char *slash = strchr(key, '/');
		char ns[STORE_KEY_MAX];

		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - key), key);
		each(arg, ns, slash + 1);
	}
}

bool store_synced(struct store *store)
{
	LOCKED(&store->lock);

	return store->synced;
}

uint64_t store_version(struct store *store)
{
	LOCKED(&store->lock);

	return store->stream;
}

const struct asb_kind *store_kind(const struct store *store)
{
	return store->kind;
}
