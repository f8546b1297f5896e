/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the in-memory API share: records, kinds, the history. Private to
 * local/objects*.c, local/history.c and local/collect.c. */
#ifndef ASB_LOCAL_OBJECTS_PRIVATE_H
#define ASB_LOCAL_OBJECTS_PRIVATE_H

#include "base/map.h"
#include "local/objects.h"

/* A kind that is served. */
struct served {
	struct asb_kind kind; /* its strings are ours */
	char *id;             /* "group/kind" */
	bool status, graceful;
	struct map by_key;       /* "ns/name" -> struct record */
	struct record **records; /* in order of creation */
	size_t count, size;
	uint64_t *versions; /* those of the history that are of this kind, ascending */
	size_t version_count, version_size;
};

/* An object. Its tree is never changed: a write makes a new one, which may share parts with it. */
struct record {
	struct served *served;
	char *key, *uid;
	struct json_object *object;
	uint64_t order; /* of creation */
	bool grace;     /* marked for deletion and held until objects_finish_deletion */
	bool candidate; /* for collection */
	struct record *candidate_previous, *candidate_next;
};

struct change {
	struct served *served;
	int type;
	struct json_object *object;
};

struct objects {
	struct objects_config config;
	struct map kinds; /* "group/kind" -> struct served */
	struct served **served;
	size_t served_count;
	struct map by_uid; /* uid -> struct record */
	uint64_t version, compacted, orders;
	struct change *changes; /* changes[i] has version compacted + 1 + i */
	size_t change_size;
	struct map dependents; /* uid of an owner -> struct dependents */
	struct record *candidate_first, *candidate_last;
	struct json_object *scratch; /* handed out, but not stored (any more) */
};

struct served *served_find(const struct objects *objects, const struct asb_kind *kind);
struct record *record_find(const struct objects *objects, const struct served *served,
			   const char *ns, const char *name);

/* Enters a new object; its metadata is complete but for the resourceVersion. */
void record_add(struct objects *objects, struct served *served, struct json_object *take_object);
/* Replaces its tree. */
void record_update(struct objects *objects, struct record *record, struct json_object *take_object);
/* Takes it out; its last state is that tree. Frees the record. */
void record_remove(struct objects *objects, struct record *record, struct json_object *take_object);
/* Deletes as a request would, preconditions checked: marks or removes. */
void record_delete(struct objects *objects, struct record *record);
/* Keeps a tree until the next call that hands one out. */
struct json_object *objects_keep(struct objects *objects, struct json_object *take_object);
/* A copy of an object whose top and metadata may be changed; all below is shared. */
struct json_object *object_derive(struct json_object *object);
void metadata_set(struct json_object *object, const char *name, struct json_object *take_value);

/* The next version, which the object gets, goes into the history. */
void history_add(struct objects *objects, struct served *served, int type,
		 struct json_object *object);
void history_finish(struct objects *objects);

/* The owners of a record are, or are no longer, those of its tree. */
void owners_link(struct objects *objects, struct record *record);
void owners_unlink(struct objects *objects, struct record *record);
/* An owner is gone. */
void owners_gone(struct objects *objects, const char *uid);
void owners_finish(struct objects *objects);

#endif
