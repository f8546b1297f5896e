/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kinds ARE in local mode: the built-in ones and those that CustomResourceDefinitions add.
 * From here come names, verbs and subresources, and what happens between the body of a request and
 * the store: pruning, defaults, admission, validation. The store knows none of it and this knows
 * neither the store nor HTTP; other objects are seen through struct types_callbacks.
 *
 * Not locked: whoever owns the store calls it under the store's lock. A struct type is valid until
 * the next types_stored/types_removed of a CustomResourceDefinition; who waits in between (a watch)
 * keeps its names and finds it again.
 *
 * A WRITE, for the HTTP side:
 *	type = types_find(types, group, version, plural);
 *	type_check_body(...)                     400: kind, apiVersion, name of body and URL
 *	type_admit(type, TYPE_OP_CREATE, &request, object, NULL, &answer)
 *	    prunes, defaults, prepares, admits, validates: object is then what is to be stored, but
 *	    for what the store stamps: uid, resourceVersion, creationTimestamp, generation,
 *	    name from generateName, deletionTimestamp, managedFields
 *	... store ...
 *	types_stored(types, type, object)        registers CRDs, reserves addresses
 *
 * For an update or a patch the object is the whole new object; old is the stored one (neither is
 * pruned of metadata). A generateName must have been made a name before. Objects are kept in
 * storage in the version that the type's storage_version says; conversion is "None": only
 * apiVersion differs.
 */
#ifndef ASB_APISERVER_TYPES_TYPES_H
#define ASB_APISERVER_TYPES_TYPES_H

#include <agent-sandbox/plugin.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apiserver/schema/schema.h"
#include "apiserver/validation/validate.h"
#include "base/error.h"

struct jsonpath;
struct types;
struct type;

/* Verbs, in the order discovery prints them. */
#define TYPE_CREATE (1u << 0)
#define TYPE_DELETE (1u << 1)
#define TYPE_DELETE_COLLECTION (1u << 2)
#define TYPE_GET (1u << 3)
#define TYPE_LIST (1u << 4)
#define TYPE_PATCH (1u << 5)
#define TYPE_UPDATE (1u << 6)
#define TYPE_WATCH (1u << 7)
#define TYPE_VERBS_ALL 0xffu

/* A subresource: "status", "scale", "log", "exec", ... What kind its bodies are, and the verbs it
 * takes. */
struct type_subresource {
	const char *name;
	const char *group, *version, *kind; /* kind NULL: that of the resource itself */
	uint32_t verbs;
};

/* A column of Table answers; apiserver/types/table.c fills the built-in ones, path those of CRDs. */
struct type_column {
	const char *name, *type, *format, *description;
	int priority;                /* 0: always shown; 1: -o wide */
	const struct jsonpath *path; /* CRDs only */
};

enum type_operation { TYPE_OP_CREATE, TYPE_OP_UPDATE, TYPE_OP_STATUS };

struct type_request;

/* What a built-in kind does with its objects; each may be NULL. All get trees they may change. */
struct type_hooks {
	/* Fills in what was left out; for every write, idempotent. */
	void (*set_defaults)(struct json_object *object);
	/* What the server decides before validation: status of new objects, immutable parts that are
	 * silently kept, admission. May add causes, or set a refusal. */
	void (*prepare)(struct type_request *request, enum type_operation operation,
			struct json_object *object, struct json_object *old);
	/* old is NULL for a create. */
	void (*validate)(struct json_object *object, struct json_object *old,
			 enum type_operation operation, struct causes *causes);
	/* The cells of a Table row, one for each column; NULL: name and age. */
	void (*cells)(struct json_object *object, int64_t now_ms, struct json_object *row);
};

struct type {
	struct asb_kind kind;
	const char *singular, *list_kind;
	const char *const *short_names; /* ends in NULL; NULL: none */
	const char *const *categories;
	bool namespaced;
	bool graceful; /* a deletion waits for the node that runs the object: pods */
	bool custom;   /* of a CustomResourceDefinition */
	uint32_t verbs;
	const struct type_subresource *subresources; /* ends in a NULL name; NULL: none */
	const struct type_column *columns;           /* the same; NULL: name and age */
	struct type_hooks hooks;
	/* The group and version under which objects of this kind are stored: events are of "" and
	 * events.k8s.io both, a CRD may serve several versions. */
	const char *storage_group, *storage_version;
	/* CRDs only. */
	struct schema *schema;
	struct json_object *openapi;                 /* openAPIV3Schema */
	const char *spec_replicas, *status_replicas; /* dotted paths of the scale subresource */
	const char *label_selector;
	const char *crd;     /* name of the CustomResourceDefinition */
	const char *warning; /* of a deprecated version, or NULL */
};

/* What hooks need of the server. The object that get returns is borrowed until the next call of
 * it. */
struct types_callbacks {
	struct json_object *(*get)(void *arg, const struct type *type, const char *ns,
				   const char *name);
	int64_t (*now_ms)(void *arg);
	uint64_t (*random)(void *arg);
	void *arg;
};

struct types *types_create(const struct types_callbacks *callbacks);
void types_destroy(struct types *types);

/* NULL: not served. */
const struct type *types_find(const struct types *types, const char *group, const char *version,
			      const char *plural);
const struct type *types_find_kind(const struct types *types, const char *group,
				   const char *version, const char *kind);
/* All of them: the built-in ones in a fixed order, then by group, version, plural. NULL past the end. */
const struct type *types_nth(const struct types *types, size_t position);
/* Keeps a type beyond the next change of its CustomResourceDefinition, for reading without the lock:
 * the same, or NULL for NULL. type_release ends that. Both under the lock. */
const struct type *type_hold(const struct type *type);
void type_release(const struct type *type);
bool type_has_subresource(const struct type *type, const char *name);
const struct type_subresource *type_subresource(const struct type *type, const char *name);

/* fieldValidation= of a write. The default of the API server is Warn. */
enum type_validation { TYPE_VALIDATION_WARN, TYPE_VALIDATION_IGNORE, TYPE_VALIDATION_STRICT };

struct type_request {
	const struct types *types;
	const struct type *type;
	const char *ns, *name; /* of the URL; name NULL for a create */
	enum type_validation validation;
	bool dry_run;
	/* Filled by type_admit; init with NULL, type_request_finish frees them. */
	struct json_object *status;   /* the refusal */
	struct json_object *warnings; /* strings for Warning: 299 headers */
	struct causes causes;
};

void type_request_finish(struct type_request *request);

/* 400 where the body is no object of this type for this URL. Sets apiVersion, kind, namespace where
 * they are missing, and makes metadata an object. 0 or the HTTP status of request->status. */
int type_check_body(struct type_request *request, struct json_object *object);
/* See A WRITE above. 0 or the HTTP status of request->status, which is a whole Status object. The
 * object may have been changed in both cases. */
int type_admit(struct type_request *request, enum type_operation operation,
	       struct json_object *object, struct json_object *old);

/* What was committed: at start for every stored object (CRDs first), then after every create,
 * update and removal. */
void types_stored(struct types *types, const struct type *type, struct json_object *object);
void types_removed(struct types *types, const struct type *type, struct json_object *object);
/* For a CustomResourceDefinition that is being deleted: the types whose objects must go first. The
 * position-th, or NULL. */
const struct type *types_of_crd(const struct types *types, const char *crd, size_t position);

#endif
