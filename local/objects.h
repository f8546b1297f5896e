/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The semantics of the Kubernetes API over objects in memory, apart from HTTP and from storage on
 * disk: what create, patch, status, delete, list and watch mean. The simulation and the fake host
 * stand on it.
 *
 * One resourceVersion counts for all objects. Every change is kept in a history (until compacted)
 * from which watches read. Not locked: one thread at a time, the caller sees to it. Trees that go
 * in are copied or taken as said; trees that come out are borrowed until the next change.
 *
 * Known to it: uid, resourceVersion, generation (bumped when anything but metadata and status
 * changes), creationTimestamp, generateName, the status subresource (for kinds that have one),
 * optimistic concurrency by metadata.resourceVersion, immutable uid, delete preconditions,
 * deletionTimestamp with finalizers or a grace period (pods on a node, when asked for), owner
 * references (two controllers are refused), garbage collection by owner uid. Not known: schemas,
 * defaults, namespaces' existence.
 */
#ifndef ASB_LOCAL_OBJECTS_H
#define ASB_LOCAL_OBJECTS_H

#include "base/error.h"

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct objects;

/* Where time and uids come from; arg goes to each. */
struct objects_config {
	int64_t (*now_ms)(void *arg);
	uint64_t (*random)(void *arg);
	void *arg;
};

struct objects *objects_create(const struct objects_config *config);
void objects_destroy(struct objects *objects);

/* A kind that is served. status: it has the subresource (else a write to it is a 404, and main
 * writes may set .status). */
void objects_serve(struct objects *objects, const struct asb_kind *kind, bool status);

#define OBJECTS_STATUS 1u /* the write is to the status subresource */
#define OBJECTS_DRY_RUN 2u
/* create: keeps the object's own uid and creationTimestamp, if any, as tests and restores want */
#define OBJECTS_AS_GIVEN 4u

/*
 * Each returns an HTTP status as the API server would (200, 201, 404, 409, 410, 422...), fills
 * *reterr on failure: code is the negative status, text the message; the reason for Status objects
 * is objects_reason(). *ret, which may be NULL, is the object after the write (before it, for a
 * deletion that removed it); borrowed.
 */
int objects_create_object(struct objects *objects, const struct asb_kind *kind, const char *ns,
			  struct json_object *take, uint32_t flags, struct json_object **ret,
			  struct error *reterr);
int objects_replace(struct objects *objects, const struct asb_kind *kind, const char *ns,
		    const char *name, struct json_object *take, uint32_t flags,
		    struct json_object **ret, struct error *reterr);
/* json_patch: patch is an RFC 6902 array, else an RFC 7386 object. A patch that changes nothing
 * writes nothing. */
int objects_patch(struct objects *objects, const struct asb_kind *kind, const char *ns,
		  const char *name, bool json_patch, struct json_object *patch, uint32_t flags,
		  struct json_object **ret, struct error *reterr);
/* uid, resource_version: preconditions, or NULL. Removes at once, or marks when finalizers or grace
 * hold it. */
int objects_delete(struct objects *objects, const struct asb_kind *kind, const char *ns,
		   const char *name, const char *uid, const char *resource_version,
		   struct json_object **ret, struct error *reterr);
/* Whether deleting a kind only marks it until objects_finish_deletion, as a pod that a kubelet
 * runs. */
void objects_set_graceful(struct objects *objects, const struct asb_kind *kind, bool graceful);
void objects_finish_deletion(struct objects *objects, const struct asb_kind *kind, const char *ns,
			     const char *name);

/* The object, or NULL. */
struct json_object *objects_get(struct objects *objects, const struct asb_kind *kind,
				const char *ns, const char *name);
/* The position-th of a kind, in order of creation, or NULL past the last. */
struct json_object *objects_nth(struct objects *objects, const struct asb_kind *kind,
				size_t position);
size_t objects_count(struct objects *objects, const struct asb_kind *kind);

/* The latest version, and the oldest one a watch may still start from. */
uint64_t objects_version(const struct objects *objects);
uint64_t objects_compacted(const struct objects *objects);
void objects_compact(struct objects *objects, uint64_t version);

/* A change in the history. */
struct objects_change {
	uint64_t version;
	const struct asb_kind *kind;
	enum { OBJECTS_ADDED, OBJECTS_MODIFIED, OBJECTS_DELETED } type;
	struct json_object *object; /* its state, the last one for a deletion, with the deletion's
				       version; borrowed */
	const char *ns, *name;
};
/* The first change of a kind after a version. False when there is none yet. The version must not be
 * compacted. */
bool objects_next_change(struct objects *objects, const struct asb_kind *kind, uint64_t after,
			 struct objects_change *ret);
/* The first change of any kind after a version: for invariants. */
bool objects_next_any(struct objects *objects, uint64_t after, struct objects_change *ret);

/* One pass of the garbage collector: deletes objects of which no owner exists (by uid). Returns how
 * many; 0 is rest. */
size_t objects_collect(struct objects *objects);

/* The reason of a Status for a code this library returned. */
const char *objects_reason(int http_status, const char *message);

#endif
