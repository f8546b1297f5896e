/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process knows of one kind: bytes, not trees. Per object: its key, uid, resourceVersion,
 * index entries, and the JSON of the cached fields: those that plugins declare, which
 * base/json-scan extracts. A get parses its own small tree.
 *
 * Two sources write into it: the watch stream and the responses to our own writes ("read your
 * writes"). The rules that keep them apart, S being the version up to which the stream is known:
 *  - a response at version r counts only if r > S (else the stream has shown it, or what came after
 *    it) and r > the stored version;
 *  - an event counts only if its version is > S, and it changes the object only if it is newer than
 *    the stored version;
 *  - an event that changes no cached field enqueues no reconcile, so the event that repeats a
 *    response is silent;
 *  - a relist at L drops what it does not list, unless that was stored at a version > L;
 *  - a list that the stream has overtaken does not bring back what that has taken away;
 *  - an object that we have removed stays, marked as being deleted, until the stream says that it
 *    is gone.
 *
 * Thread-safe. Listeners and index functions run on the calling thread with no lock held.
 */
#ifndef ASB_CORE_CACHE_STORE_H
#define ASB_CORE_CACHE_STORE_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sched.h"

#define STORE_KEY_MAX 640 /* "ns/name" */

struct store;

/* The change of one object, as a listener sees it. Trees are parsed when first asked for and belong
 * to the change. */
struct store_change {
	struct store *store;
	const char *ns, *name;
	bool initial; /* part of a list, not news */
	/* private */
	const char *before_bytes, *after_bytes; /* NULL: was not, or is not, there */
	size_t before_length, after_length;
	uint64_t before_version, after_version;
	struct json_object *before, *after;
};
/* Whether before and after have the same owner references: then nobody needs to look at before for
 * them. */
bool store_change_keeps_owners(const struct store_change *change);
struct json_object *store_change_before(struct store_change *change);
struct json_object *store_change_after(struct store_change *change);

typedef void (*store_listener)(void *arg, struct store_change *change);
/* An object that the cache selector does not match has changed. */
typedef void (*store_filtered)(void *arg, const char *ns, const char *name);

/* kind is borrowed. */
struct store *store_create(struct sched *sched, const struct asb_kind *kind);
void store_destroy(struct store *store);
const struct asb_kind *store_kind(const struct store *store);

/* --- before the first object --- */

/* More fields to keep; paths with dots, NULL-terminated or NULL. */
void store_add_fields(struct store *store, const char *const *paths);
/* Returns the number of the index. name is borrowed. */
uint32_t store_add_index(struct store *store, const char *name,
			 void (*values)(struct json_object *object, struct asb_values *out));
/* The cache selector: the store keeps only objects with one of the labels of store_select_label, or
 * with a controller of one of the kinds of store_select_controlled. After store_select_all it keeps
 * everything. */
void store_select_label(struct store *store, const char *label);
void store_select_controlled(struct store *store, const struct asb_kind *kind);
void store_select_all(struct store *store);
void store_listen(struct store *store, store_listener listener, store_filtered filtered, void *arg);
/* Ends this part. */
void store_seal(struct store *store);

/* --- the stream: one thread at a time --- */

enum store_event { STORE_ADDED, STORE_MODIFIED, STORE_DELETED };

/* An object of the stream, as JSON text. 0, or -EINVAL for text that is no object with a name and
 * version. *ret_version gets its version. */
int store_event(struct store *store, enum store_event event, const char *text, size_t length,
		uint64_t *ret_version);
/* The stream is known up to this version (a bookmark). */
void store_bookmark(struct store *store, uint64_t version);
/* The server has gone back in time (a backup was restored): no version known here means anything,
 * the next list decides. */
void store_reset(struct store *store);

/* A list: begin, every object, then end with the version of the list. An abandoned one costs
 * nothing: begin again. */
void store_replace_begin(struct store *store);
int store_replace_item(struct store *store, const char *text, size_t length);
/* A streamed list may go on with real events before it ends: this object is gone. */
int store_replace_gone(struct store *store, const char *text, size_t length);
void store_replace_end(struct store *store, uint64_t version);
/* Whether a list has ended once. */
bool store_synced(struct store *store);
uint64_t store_version(struct store *store);

/* --- our own writes: any thread --- */

/* The response to a write. *ret (which may be NULL) is what store_transform would make of the text,
 * the caller's, when it was made on the way; else NULL. */
int store_response(struct store *store, const char *text, size_t length, struct json_object **ret);
/* A deletion was accepted, and the object is gone or as good as gone. uid NULL: whatever is there.
 */
void store_removed(struct store *store, const char *ns, const char *name, const char *uid);

/* --- reading: any thread --- */

/* A tree of its own, owned by the caller, or NULL. */
struct json_object *store_get(struct store *store, const char *ns, const char *name);
bool store_has(struct store *store, const char *ns, const char *name);
/* Copies the uid, without making a tree; false when there is no such object. */
bool store_uid(struct store *store, const char *ns, const char *name, char ret_uid[64]);
/* The status alone of the object that has this uid: as store_get has it, at a third of the price.
 * NULL for none. */
struct json_object *store_get_status(struct store *store, const char *ns, const char *name,
				     const char *uid);
/* The text of a full object (a response, a live GET) as store_get would give it: only cached
 * fields. */
struct json_object *store_transform(struct store *store, const char *text, size_t length);
size_t store_count(struct store *store, uint32_t index, const char *value);
size_t store_size(struct store *store);
/* Approximate bytes held. */
size_t store_bytes(struct store *store);

/*
 * Keys under a value of an index, in order of rank, then key. A cursor starts zeroed and continues
 * after the last key given; changes in between never make a key that stands come twice or be left
 * out. Returns how many keys were copied.
 */
struct store_cursor {
	bool started;
	int64_t rank;
	char key[STORE_KEY_MAX];
};
size_t store_keys(struct store *store, uint32_t index, const char *value, bool reverse,
		  struct store_cursor *cursor, char (*ret_keys)[STORE_KEY_MAX], size_t max);
/* All keys, in no order, to a function that must not call the store. */
void store_each_key(struct store *store, void (*each)(void *arg, const char *ns, const char *name),
		    void *arg);

#endif
