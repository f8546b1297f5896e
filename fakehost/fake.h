/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the fake host share. Private to fakehost/. */
#ifndef FAKEHOST_FAKE_H
#define FAKEHOST_FAKE_H

#include <agent-sandbox/fake-host.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apiserver/objects/objects.h"
#include "base/heap.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/tree.h"

#define FAKE_KEY_MAX 640 /* "namespace/name" */

/* Trees and blocks that are freed at the end of a call. */
struct arena {
	struct json_object **trees;
	void **blocks;
	size_t tree_count, block_count;
};

/* A call into the plugin. */
struct fake_call {
	struct asb_call call;
	struct asb_fake *fake;
	struct fake_key *key; /* of the reconcile; NULL in an enqueue function */
	struct arena arena;
};

/* A kind, as all watches for it together see it. */
struct fake_kind {
	const struct asb_kind *kind;
	bool watched, metadata_only, ours; /* ours: the store keeps selected objects only */
	struct map stored;                 /* "ns/name" -> struct stored */
};

/* What the plugin's store holds of an object: the declared fields. */
struct stored {
	char *key;
	struct json_object *object;
	struct fake_entry *entries; /* those of all indexes over the kind */
};

struct fake_bucket {
	char *value;
	struct tree tree; /* of struct fake_entry, by rank, then by the object's key */
};

struct fake_entry {
	struct tree_node node;
	struct fake_index *index;
	struct fake_bucket *bucket;
	struct fake_entry *next; /* of the same object */
};

struct fake_index {
	const struct asb_index *index;
	struct map buckets;
};

/* A key of the plugin's own kind. */
struct fake_key {
	char *key, *ns;
	const char *name;
	bool queued, running;
	struct fake_key *next;  /* in the queue */
	struct heap_node delay; /* when: milliseconds since 1970 */
	uint32_t failures;
	void *state;    /* of key_state() */
	char **counted; /* of each metric: the series that the key is counted in, or NULL */
	size_t state_size;
};

struct fault {
	uint32_t verb;
	char *kind, *message; /* kind NULL: any */
	int32_t result;
	bool done;
	struct fault *next;
};

/* A list of lines. */
struct lines {
	char **items;
	size_t count;
};

struct asb_instance {
	struct asb_fake *fake;
};

struct asb_fake {
	const struct asb_plugin *plugin;
	const struct asb_host *host;
	struct asb_instance instance;
	void *state;
	struct objects *objects;
	uint64_t seen; /* the version up to which the store knows the objects */
	bool collector_paused;
	int64_t now_ms;
	uint64_t uid_random, plugin_random;
	uint32_t watch_count, index_count, option_count, metric_count;
	struct fake_kind **kinds; /* of each watch */
	struct fake_kind *distinct;
	size_t distinct_count;
	struct fake_index *indexes;
	char **options;
	struct map reservations; /* "group/kind/ns/name" -> struct reservation */
	struct map keys;         /* "ns/name" -> struct fake_key */
	struct fake_key *queue_first, *queue_last;
	size_t queued;
	struct heap delayed;
	struct fake_call *current; /* the reconcile that runs */
	struct fault *faults;
	void (*hook)(struct asb_fake *, void *arg);
	void *hook_arg;
	struct lines writes, events;
	char *failure;
	struct map series; /* of metrics */
};

/* --- util.c --- */

/* Ends the process, because of a mistake in the test or the plugin. */
_Noreturn void fake_fatal(const char *format, ...) PRINTF_LIKE(1, 2);
/* Whether a kind has the status subresource; all but a few have. */
bool fake_has_status(const struct asb_kind *kind);
/* The next number of a random sequence. */
uint64_t fake_random(uint64_t *state);
void call_init(struct fake_call *call, struct asb_fake *fake, struct fake_key *key);
struct fake_call *call_of(struct asb_call *call);
/* The watch with this number; ends the process if there is none. */
const struct asb_watch *call_watch(const struct fake_call *call, uint32_t watch);

/* --- arena.c: trees and blocks are given to it --- */

struct json_object *arena_tree(struct arena *arena, struct json_object *take);
void *arena_block(struct arena *arena, void *take);
void arena_finish(struct arena *arena);

/* --- check.c --- */

/* Ends the process for a description that a host would refuse. */
void check_plugin(const struct asb_plugin *plugin);

/* --- host.c --- */

const struct asb_host *host_table(void);

/* --- cache.c: the plugin's store --- */

void cache_init(struct asb_fake *fake);
void cache_clear(struct asb_fake *fake);
void cache_finish(struct asb_fake *fake);
/* The kind of that name among the watches, NULL for none. */
struct fake_kind *cache_kind(const struct asb_fake *fake, const char *name);
struct fake_kind *cache_same_kind(const struct asb_fake *fake, const struct asb_kind *kind);
struct stored *cache_find(const struct fake_kind *kind, const char *ns, const char *name);
/* The declared fields of an object; the caller's. */
struct json_object *cache_trim(const struct asb_fake *fake, const struct fake_kind *kind,
			       struct json_object *object);
/* Whether the store keeps an object. */
bool cache_keeps(const struct asb_fake *fake, const struct fake_kind *kind,
		 struct json_object *object);
/* Stores an object that has the declared fields only, in place of the one before. */
void cache_put(struct asb_fake *fake, struct fake_kind *kind, const char *key,
	       struct json_object *take_object);
void cache_remove(struct fake_kind *kind, struct stored *stored);

/* --- index.c --- */

void index_enter(struct asb_fake *fake, const struct fake_kind *kind, struct stored *stored);
void index_leave(struct stored *stored);
/* The ordered set under a value, NULL for an empty one. */
const struct tree *index_under(const struct fake_index *index, const char *value);
/* The number of the index over watches[0] of that name; -1 for none. */
int64_t index_number(const struct asb_plugin *plugin, const char *name);

/* --- reserve.c --- */

int32_t reserve_add(struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
		    const char *name, const char *holder);
void reserve_remove(struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
		    const char *name, const char *holder);
/* Borrowed until the next change. */
const char *reserve_holder(const struct asb_fake *fake, const struct asb_kind *kind, const char *ns,
			   const char *name);
void reserve_clear(struct asb_fake *fake);

/* --- enqueue.c: before and after are stored trees, NULL where there is none --- */

void enqueue_changed(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		     const char *name, struct json_object *before, struct json_object *after);
/* An object that the store does not keep was created or deleted. */
void enqueue_filtered(struct asb_fake *fake, const struct fake_kind *kind, const char *ns,
		      const char *name);

/* --- update.c --- */

/* Stores what has changed, and enqueues the keys that it concerns. */
void update_cache(struct asb_fake *fake);
/* Empties the store and fills it again, with every object as a new one. */
void update_refill(struct asb_fake *fake);
/* Deletes objects whose owners are gone, and updates the store. */
void update_collect(struct asb_fake *fake);

/* --- keys.c --- */

/* The key of that place, made if it is new. */
struct fake_key *keys_get(struct asb_fake *fake, const char *ns, const char *name);
void keys_enqueue(struct asb_fake *fake, const char *ns, const char *name, uint64_t delay_ms);
/* Takes a key out of the queue and of the delays, if it is in either. */
void keys_take(struct asb_fake *fake, struct fake_key *key);
/* Moves the keys that are due now from the delays to the queue. */
void keys_queue_due(struct asb_fake *fake);
/* Frees the state of a key; it is not counted any more. */
void keys_forget_state(struct asb_fake *fake, struct fake_key *key);
/* The object of a key is gone, and its state is freed. */
void keys_forget(struct asb_fake *fake, const char *ns, const char *name);
void keys_clear(struct asb_fake *fake);

/* --- write.c --- */

int32_t write_all(struct asb_call *call, struct asb_write *writes, uint32_t count);
int32_t write_read(struct asb_call *call, uint32_t watch, const char *ns, const char *name,
		   struct json_object **ret);

/* --- record.c --- */

void lines_add(struct lines *lines, char *take_line);
void lines_clear(struct lines *lines);
void record_metric(struct asb_fake *fake, uint32_t index, double value,
		   const char *const *label_values);
/* Counts a key in the series of these values instead of the one before; NULL: in none. */
void record_count_key(struct asb_fake *fake, struct fake_key *key, uint32_t index,
		      const char *const *label_values);
/* The key is counted nowhere any more. */
void record_uncount(struct asb_fake *fake, struct fake_key *key);
void record_finish(struct asb_fake *fake);
/* The first fault for a write, taken out; the caller's. NULL for none. */
struct fault *record_fault(struct asb_fake *fake, uint32_t verb, const char *kind);
void fault_free(struct fault *fault);

#endif
