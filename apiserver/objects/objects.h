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
 * references (two controllers are refused), garbage collection of what has no owner left, foreground
 * and orphan deletions. Not known: schemas and defaults (hooks of a server), namespaces' existence
 * (a server knows).
 */
#ifndef ASB_APISERVER_OBJECTS_OBJECTS_H
#define ASB_APISERVER_OBJECTS_OBJECTS_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct objects;
struct objects_state;

/* Where time and uids come from; arg goes to each. */
struct objects_config {
	int64_t (*now_ms)(void *arg);
	uint64_t (*random)(void *arg);
	void *arg;
	/* A server (local mode): states are kept as text (apiserver/objects/state.h) and trees parsed when asked
	 * for, so a tree that comes out is borrowed until the next call of any kind; namespaces must
	 * exist, pods end as the API server ends them. false: the simulation and the fake host. */
	bool server;
};

struct objects *objects_create(const struct objects_config *config);
void objects_destroy(struct objects *objects);

/* Installs a resource. status: it has the status subresource (else a write to that is a 404, and
 * main writes may set .status). */
void objects_install(struct objects *objects, const struct asb_kind *kind, bool status);

/* The options of a resource. */
struct objects_resource {
	bool status;               /* it has the subresource */
	bool namespaced;           /* creates need a namespace that exists */
	bool custom;               /* made by a CRD: no strategic patches */
	bool graceful;             /* as objects_set_graceful */
	const char *const *fields; /* paths a field selector may name beside the known ones
				      ("spec.color"); ends in NULL, or is NULL; copied */
	/* The scale subresource, or NULL: paths as a CRD has them (".spec.replicas"); the last
	 * may be NULL. Copied. */
	const char *scale_spec, *scale_status, *scale_selector;
	bool no_generation; /* metadata.generation is not kept (ConfigMap, Secret, ...) */
};

/* Installs a resource or changes its options; with storage attached its objects are loaded. 0 or
 * a negative code: the storage failed. */
int objects_install_with(struct objects *objects, const struct asb_kind *kind,
			 const struct objects_resource *options, struct error *reterr);
/* Uninstalls a resource (its CRD is gone) and removes the objects that are left. */
void objects_uninstall(struct objects *objects, const struct asb_kind *kind);

/*
 * What lies under the objects. Each write is told BEFORE it is seen: a failure (a negative errno)
 * refuses the request, a 500 whose message has *reterr, and changes nothing. One request may change
 * several objects; each of them is a transaction of its own.
 */
struct objects_storage {
	void *arg;
	/* order: of creation, the object's place; the same for each of its states. */
	int (*put)(void *arg, const char *kind_id, uint64_t order, uint64_t version, const char *ns,
		   const char *name, const char *text, size_t length, struct error *reterr);
	int (*remove)(void *arg, uint64_t order, uint64_t version, struct error *reterr);
	/* Calls take for each stored object of a kind, in order of creation. */
	int (*load)(void *arg, const char *kind_id,
		    int (*take)(void *to, uint64_t order, uint64_t version, const char *text,
				size_t length, struct error *reterr),
		    void *to, struct error *reterr);
	/* Where counting goes on: the latest version and order that were ever used. */
	uint64_t version, order;
};
/* Call it before any resource is installed. The history starts compacted at the storage's
 * version. */
void objects_attach(struct objects *objects, const struct objects_storage *storage);

/* What an admission sees. object may be changed (defaults) in metadata and what its request is about:
 * all but status for the main resource, status alone for "status". */
struct objects_admission {
	const struct asb_kind *kind;
	const char *ns, *name;
	const char *subresource; /* "" or "status" */
	struct json_object *old; /* NULL for a create; not to be changed */
	struct json_object *object;
	bool dry_run;
	void *caller; /* of the request that writes it; NULL: the server itself does */
};

struct objects_hooks {
	void *arg;
	/* Defaults and validates what is about to be stored, before generation is counted: 0, or an
	 * HTTP status (422...) with *reterr filled as objects_fail does. */
	int (*admit)(void *arg, const struct objects_admission *admission, struct error *reterr);
	/* Called after each change, with the lock held; it must not write. state is borrowed. */
	void (*changed)(void *arg, const struct asb_kind *kind, int type,
			const struct objects_state *state);
	/* Whether a kind is served in a version: where owners are looked for. NULL: in the version
	 * that is stored (a server), or in any (in memory alone). */
	bool (*serves)(void *arg, const char *group, const char *version, const char *kind);
	/* base/allocation.h: what was made while an allocation failed may lack parts, and is not
	 * stored, a 503. NULL: nobody knows. */
	bool (*allocation_failed)(bool forget);
};
void objects_set_hooks(struct objects *objects, const struct objects_hooks *hooks);

/* The code of the error of a 409 whose reason is AlreadyExists; every other code is the negative HTTP
 * status. */
#define OBJECTS_ALREADY_EXISTS (-1409)

/* Fills *reterr (code: the negative status) and returns the status. Hooks call it too. */
int objects_fail(struct error *reterr, int http_status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Largest object: etcd's limit on a request. More is a 413. */
#define OBJECTS_SIZE_MAX 1572864

#define OBJECTS_STATUS 1u /* the write is to the status subresource */
#define OBJECTS_DRY_RUN 2u
/* create: keeps the object's own uid and creationTimestamp, if any, as tests and restores want */
#define OBJECTS_AS_GIVEN 4u

/*
 * Each returns an HTTP status as the API server would (200, 201, 404, 409, 410, 422...), fills
 * *reterr on failure: code is the negative status or OBJECTS_ALREADY_EXISTS, text the message; the
 * reason for Status objects is objects_reason(). *ret, which may be NULL, is the object after the write (before it, for a
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
enum objects_propagation {
	OBJECTS_BACKGROUND, /* the default: dependents go later */
	OBJECTS_FOREGROUND, /* dependents with blockOwnerDeletion go first */
	OBJECTS_ORPHAN      /* dependents stay */
};

struct objects_delete_options {
	const char *uid, *resource_version; /* preconditions, or NULL */
	int64_t grace;                      /* seconds; -1: the object's own */
	enum objects_propagation propagation;
	bool dry_run;
};
int objects_delete_with(struct objects *objects, const struct asb_kind *kind, const char *ns,
			const char *name, const struct objects_delete_options *options,
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

/* Server: the history keeps at most so many changes, bytes and seconds; what is older is compacted by
 * request_tick. The defaults fit a small machine. */
#define OBJECTS_HISTORY_CHANGES 20000
#define OBJECTS_HISTORY_BYTES 8388608
#define OBJECTS_HISTORY_MS 300000

/* Server: the state of an object, or NULL. Borrowed until the next write. */
struct objects_state *objects_state_of(struct objects *objects, const struct asb_kind *kind,
				       const char *ns, const char *name);

/* A change in the history. */
struct objects_change {
	uint64_t version;
	const struct asb_kind *kind;
	enum { OBJECTS_ADDED, OBJECTS_MODIFIED, OBJECTS_DELETED } type;
	struct json_object *object; /* its state, the last one for a deletion, with the deletion's
				       version; borrowed */
	const char *ns, *name;
	/* Server: the same as text, and the state before it (NULL when it was added); borrowed. */
	struct objects_state *state, *before;
};
/* The first change of a kind after a version. False when there is none yet. The version must not be
 * compacted. */
bool objects_next_change(struct objects *objects, const struct asb_kind *kind, uint64_t after,
			 struct objects_change *ret);
/* The first change of any kind after a version: for invariants. */
bool objects_next_any(struct objects *objects, uint64_t after, struct objects_change *ret);

/*
 * One pass of the garbage collector. It deletes objects of which each owner is proven absent: its
 * group, version and kind are served, and there is none of that name in the object's namespace (or in
 * none, for kinds without) with that uid; or it was removed while the object named it. An owner that
 * cannot be looked for proves nothing: the object stays, and a server writes an event. Where some owners are absent and another
 * is there, a server takes the references to the absent ones away. Returns how many objects it
 * changed; 0 is rest.
 */
size_t objects_collect(struct objects *objects);
/* Server: as much of a pass as may be done in one holding of the lock. Whether there is more to do. */
bool objects_collect_some(struct objects *objects);

/* The reason of a Status, for a status this library returned and the code of its error: clients decide
 * by it. "" for a status that needs none. Static. */
const char *objects_reason(int http_status, int code);

#endif
