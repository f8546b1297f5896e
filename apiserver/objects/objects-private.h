/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the in-memory API share: states, records, resources, the history. Private to
 * the in-memory API and the requests; all others include apiserver/objects/objects.h. */
#ifndef ASB_APISERVER_OBJECTS_OBJECTS_PRIVATE_H
#define ASB_APISERVER_OBJECTS_OBJECTS_PRIVATE_H

#include <stdatomic.h>

#include "apiserver/objects/objects.h"
#include "apiserver/objects/state.h"
#include "base/map.h"
#include "base/tree.h"

#define KEY_MAX 640 /* namespace 63, name 253, with room for what only looks like one */

/* An installed resource: a kind and its objects. */
struct resource {
	struct asb_kind kind; /* its strings are ours */
	char *id;             /* "group/kind" */
	struct objects_resource options;
	char **fields;           /* options.fields points to it */
	struct map by_key;       /* "ns/name" -> struct record */
	struct tree by_name;     /* the same in order of the key */
	struct record **records; /* in order of creation */
	size_t count, size;
	uint64_t *versions; /* those of the history that are of this kind, ascending */
	size_t version_count, version_size;
};

/* See apiserver/objects/state.h. Strings stand behind one another in data: text, ns, name, then the labels as
 * pairs, then the fields as pairs of path and value. */
struct objects_state {
	_Atomic uint32_t refs;
	uint32_t labels, fields; /* how many pairs */
	uint64_t version;
	int64_t at_ms; /* server: when it was made */
	struct json_object
		*tree;         /* in memory alone: always. Server: while cached; the API's lock */
	const char *ns, *name; /* server */
	const char *pairs;     /* server: where the labels begin */
	size_t length;         /* of the text */
	char data[];
};

/* An owner that a record names: see apiserver/objects/owner.h. */
struct owner {
	char *uid, *group, *version, *kind, *name;
	bool blocks; /* its foreground deletion waits for the record */
	bool gone;   /* it was there, and was removed */
	/* In the list of all that name its uid: see apiserver/objects/dependents.h. */
	struct dependents *list;
	struct owner *previous, *next;
	struct record *record; /* the one that names it */
};

/* An object. Its state is never changed: a write makes a new one, whose tree may share parts. */
struct record {
	struct resource *resource;
	char *key, *uid;
	struct objects_state *state;
	struct owner *owners;
	size_t owner_count;
	uint64_t order;        /* of creation */
	struct tree_node node; /* in by_name */
	bool namespaced;       /* is in a namespace */
	bool deleting;         /* marked for deletion */
	bool grace;            /* marked for deletion and held until objects_finish_deletion */
	bool candidate;        /* of the garbage collector */
	bool unsure;           /* an owner's presence was unknown in the last pass */
	bool waiting;          /* its deletion waits for dependents */
	bool orphaning;        /* and these are orphaned, not deleted */
	struct record *candidate_previous, *candidate_next;
};

/* How an object is written. */
struct write_options {
	uint32_t flags; /* OBJECTS_* */
	void *caller;   /* goes to the admission; NULL: no request */
};

struct change {
	struct resource *resource;
	int type;
	struct objects_state *state, *before;
	int64_t at_ms;
};

/* What differs between a server (local mode) and the API in memory alone (the simulation and the fake
 * host). */
struct policy {
	/* States are kept as text and trees are parsed when asked for; else states are trees. */
	bool states_as_text;
	/* Objects need a namespace that exists, and a namespace ends after its content. */
	bool namespaces;
	/* There is no server-side apply: metadata.managedFields is not stored. */
	bool drops_managed_fields;
	/* The events of both groups are stored as one kind. */
	bool one_event_kind;
	/* A second deletion may shorten the grace period of the first. */
	bool shortens_grace;
	/* Owners count in their stored version alone, and only cluster-scoped or in the same namespace;
	 * those that prove nothing get an event, and references to absent ones are taken out. */
	bool strict_owners;
	/* Whether something besides metadata.finalizers keeps an object that is marked for deletion. */
	bool (*held)(const struct record *record, struct json_object *object);
	/* Whether a deletion leaves the object to end by itself, and for how many seconds. asked: what
	 * the request says, or -1. */
	bool (*grace)(const struct record *record, struct json_object *object, int64_t asked,
		      int64_t *ret_seconds);
};

extern const struct policy policy_memory, policy_server;

/* The trees parsed last: a patch often meets what a patch just made. */
#define TREES_MAX 8

struct objects {
	struct objects_config config;
	const struct policy *policy;
	struct objects_storage storage; /* put is NULL: none */
	struct objects_hooks hooks;
	struct map kinds; /* "group/kind" -> struct resource */
	struct resource **resources;
	size_t resource_count;
	struct map by_uid; /* uid -> struct record */
	uint64_t version, compacted, orders;
	struct change *changes; /* changes[i] has version compacted + 1 + i */
	size_t change_size, change_bytes;
	struct map dependents; /* uid of an owner -> struct dependents */
	struct record *candidate_first, *candidate_last;
	bool kinds_changed; /* since the last pass of the garbage collector: owners may be found now */
	char **waiting;     /* uids of those whose deletion waits for dependents */
	size_t waiting_count, waiting_at; /* the collector goes on at waiting_at */
	uint64_t work; /* steps of all that was done so far: see objects_worked */
	struct objects_state *trees[TREES_MAX]; /* server: those whose tree is there; references */
	size_t next_tree;
	bool trees_suspect;            /* one of them was parsed while there was no memory */
	struct objects_state *scratch; /* handed out, but not stored (any more) */
	struct objects_state
		*response;     /* of the last write; borrowed, it is in a record or scratch */
	uint64_t tick_version; /* at the last tick */
	int64_t old_events_ms; /* when old events are looked for next */
};

/* What takes long is counted in steps, so that nobody holds the API's lock for long: a look at an
 * owner is one, a write is STEPS_OF_WRITE and one for each STEP_BYTES of its text. */
#define STEPS_OF_WRITE 1000
#define STEP_BYTES 16
#define STEPS_AT_ONCE 150000 /* some 30 ms */

/* Whether objects->work has come to a number: then others have to be let in. */
static inline bool objects_worked(const struct objects *objects, uint64_t until)
{
	return objects->work >= until;
}

/* ---- resources ---- */

struct resource *resource_find(const struct objects *objects, const struct asb_kind *kind);
/* Makes one and installs it; it is not there yet. */
struct resource *resource_new(struct objects *objects, const struct asb_kind *kind);
/* Its options are a copy of these from now on. */
void resource_set_options(struct resource *resource, const struct objects_resource *options);
/* Its records are freed already. */
void resource_free(struct resource *resource);
struct record *record_find(const struct objects *objects, const struct resource *resource,
			   const char *ns, const char *name);

/* ---- states ---- */

/* 0, or 503 when an allocation failed since the last call: trees made in between may lack parts. */
int state_check_memory(struct objects *objects, struct error *reterr);
/* Of a complete tree; server: 413 when it is too large. */
int state_create(struct objects *objects, const struct resource *resource,
		 struct json_object *take_tree, struct objects_state **ret, struct error *reterr);
/* The text of what is not stored; no name, no labels. */
struct objects_state *state_of_text(struct json_object *take_tree);
/* Its tree, borrowed: in memory alone as long as the state, in a server until TREES_MAX others were
 * asked for. */
struct json_object *state_tree(struct objects *objects, struct objects_state *state);
/* The same as a new reference, the caller's. */
struct json_object *state_hold(struct objects *objects, struct objects_state *state);
/* Frees all cached trees. */
void state_trees_finish(struct objects *objects);
size_t state_size(const struct objects_state *state);
/* Keeps a state until the next call that hands one out; its tree. */
struct json_object *objects_keep(struct objects *objects, struct objects_state *take_state);

/* ---- records: each returns 0, or the HTTP status of a refusal with nothing changed ---- */

/* Enters a new object; its metadata is complete but for the resourceVersion. */
int record_add(struct objects *objects, struct resource *resource, struct json_object *take_object,
	       struct record **ret, struct error *reterr);
/* Enters one that was stored. */
int record_load(struct objects *objects, struct resource *resource, uint64_t order,
		uint64_t version, struct json_object *take_object, struct error *reterr);
/* Replaces its tree. */
int record_update(struct objects *objects, struct record *record, struct json_object *take_object,
		  struct error *reterr);
/* Takes it out; its last state is that tree. Frees the record. */
int record_remove(struct objects *objects, struct record *record, struct json_object *take_object,
		  struct error *reterr);
/* Frees the records of a resource, without a change in the history. */
void records_finish(struct resource *resource);
struct json_object *record_tree(struct objects *objects, struct record *record);

/* ---- deletion ---- */

/* Marks or removes a record, as a request whose preconditions hold. */
int record_delete(struct objects *objects, struct record *record,
		  const struct objects_delete_options *options, struct error *reterr);
/* Whether nothing holds an object any more that is marked for deletion. */
bool record_released(const struct objects *objects, const struct record *record,
		     struct json_object *object);
struct json_object *time_now(struct objects *objects, int64_t plus_seconds);

/* A copy of an object whose top and metadata may be changed; all below is shared. */
struct json_object *object_derive(struct json_object *object);
void metadata_set(struct json_object *object, const char *name, struct json_object *take_value);

/* ---- history ---- */

/* The state, whose version is the next one, goes into it. before is a reference or NULL. */
void history_add(struct objects *objects, struct resource *resource, int type,
		 struct objects_state *state, struct objects_state *before);
void history_finish(struct objects *objects);
/* Compacts to the bounds of a server. */
void history_bound(struct objects *objects);
/* The place in resource->versions of the first one after that version. */
size_t history_first_after(const struct resource *resource, uint64_t after);
const struct change *history_change(const struct objects *objects, uint64_t version);

/* ---- owners ---- */

/* Whether a tree names other owners than the record has. */
bool owners_differ(const struct record *record, struct json_object *object);
void owners_set(struct objects *objects, struct record *record, struct json_object *object);
void owners_unset(struct objects *objects, struct record *record);
/* A record is gone, which may have owned others. */
void owners_gone(struct objects *objects, const struct record *owner);
/* Whether a dependent holds up the foreground deletion of a record. */
bool owners_blocked(const struct objects *objects, const struct record *owner);
/* Its deletion waits for its dependents from now on. */
void owners_wait(struct objects *objects, struct record *owner);
void owners_finish(struct objects *objects);

#define FOREGROUND_FINALIZER "foregroundDeletion"
#define ORPHAN_FINALIZER "orphan"

#endif
