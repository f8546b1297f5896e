/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the API server share. Private to apiserver/api. */
#ifndef ASB_APISERVER_API_API_PRIVATE_H
#define ASB_APISERVER_API_API_PRIVATE_H

#include "apiserver/api/api.h"
#include "apiserver/api/query.h"
#include "apiserver/api/route.h"
#include "apiserver/requests/list.h"
#include "apiserver/requests/requests.h"
#include "apiserver/requests/selector.h"
#include "apiserver/types/types.h"
#include "base/map.h"
#include "base/sched.h"

struct storage;
struct watch_list;

/* A kind with copies of its strings, since those of a type go with the type. */
struct kind_copy {
	struct asb_kind kind;
	char *strings[4];
};

void kind_copy_init(struct kind_copy *copy, const struct asb_kind *kind);
void kind_copy_finish(struct kind_copy *copy);

/* A resource that is installed in the objects, to find out which of them are gone. */
struct api_resource {
	char *key; /* ours */
	struct kind_copy copy;
	bool seen; /* while the installed resources are compared with the types */
};

struct api {
	struct sched *sched;
	struct api_config config;
	char *address, *secret, *node_socket;
	int audit;            /* -1: none */
	struct budget unread; /* of all responses and watches */

	/* The one lock of objects, types, storage and watches. */
	struct sched_mutex lock;
	struct objects *objects; /* lock */
	struct types *types;     /* lock */
	struct storage *storage; /* lock; NULL: none */
	bool types_changed;      /* lock; a CRD came, changed or went */
	struct map resources;    /* lock; "group/plural" -> struct api_resource */

	/* Watches. */
	struct map watch_lists;     /* lock; key -> struct watch_list */
	struct watch *first, *last; /* lock; all of them */
	size_t watch_count;         /* lock */
	uint64_t written_bytes;     /* lock; of objects, while there were watches */
	uint64_t outdated_bytes;    /* lock; the same when outdated objects were looked for last */
	uint64_t boundary_us;       /* lock; when a watch ends or wants a bookmark next */
	bool stopping;              /* lock */

	/* The thread of time. */
	struct sched_cond clock; /* lock; written, stopping, boundary_us came nearer */
	bool written;            /* lock; since it last looked */
	struct sched_thread *time_thread;
};

/* The representation of a response: the objects, a Table of them, or their metadata alone. */
enum representation { REPRESENTATION_OBJECT, REPRESENTATION_TABLE, REPRESENTATION_METADATA };

/* One request while it is answered. */
struct api_call {
	struct api *api;
	const struct api_request *request;
	struct api_response *response;
	struct route route;
	struct query query;
	enum representation representation;
	bool pretty;
	bool yaml;                /* the response's media type is YAML; every JSON text is YAML */
	const char *meta_version; /* "v1" or "v1beta1", static */

	/* Copies of what the type says: it may go while we do not hold the lock. */
	struct kind_copy copy;
	struct asb_kind kind; /* the same */
	char *list_kind;
	bool namespaced, custom;

	struct json_object *body; /* ours */
	char body_name[254];      /* of a new object, for the audit log */
	enum type_validation validation;
	bool dry_run;
	struct json_object *refusal;  /* ours; the Status an admission gave */
	struct json_object *warnings; /* ours; strings */
};

/* ---- indent.c ---- */
/* Appends compact JSON, as json_print makes it, with a line for each value. */
void indent_json(const char *text, size_t length, struct buf *out);

/* ---- call.c ---- */
/* A value of the query, or NULL; borrowed from the call. */
const char *call_query(const struct api_call *call, const char *name);
/* An integer of the query; without it *value stays as it is. False: the call has failed. */
bool call_query_integer(struct api_call *call, const char *name, int64_t *value);
/* Whether it changes nothing. */
bool call_is_read(const struct api_call *call);
/* Counts what is printed for the response so far. False: there is no room for it, and the call has
 * failed. What a write did is told in any case. */
bool call_hold(struct api_call *call, size_t bytes);
/* Counts the body until it is sent, or makes a refusal of it. */
void call_hold_body(struct api_call *call);
/* Responds with a Status. */
void call_fail(struct api_call *call, int status, const char *reason, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* Responds with the Status of an error that the objects gave. */
void call_fail_with(struct api_call *call, int status, const struct error *error);
/* Responds with the 404 by which clients know that nothing is served at a path. */
void call_fail_path(struct api_call *call);
/* Responds with a tree, which is taken. */
void call_response_tree(struct api_call *call, int status, struct json_object *take);
/* Finds the type under the lock and copies what is needed of it; false: the call has failed. */
bool call_find_type(struct api_call *call);
const struct type *call_type(const struct api_call *call);
/* What is stored under the route's name, the caller's to release; NULL: the call has failed. */
struct objects_state *call_state(struct api_call *call, const char *subresource);

/* ---- options.c: each false means that the call has failed ---- */
/* Reads the parameters of writes and deletions: dryRun, fieldValidation, fieldManager, force. */
bool options_read(struct api_call *call);
/* Reads the parameters of a list or of a deletion of a collection, but not the selector. */
bool options_list(struct api_call *call, struct list_options *ret);
/* Reads resourceVersion; without it *ret is 0. */
bool options_version(struct api_call *call, uint64_t *ret);

/* ---- negotiate.c ---- */
/* Reads the representation from the Accept header. False: this server makes none of those named. */
bool negotiate(struct api_call *call);
/* Whether an element of the Accept header has this media type and parameter ("g=apidiscovery"...). */
bool accepts(const char *accept, const char *type, const char *parameter);
/* Whether a Content-Type is this media type, whatever its parameters: "application/json; charset=utf-8" is
 * "application/json". */
bool media_type_is(const char *content_type, const char *type);

/* ---- body.c ---- */
/* Parses the body into call->body; false: the call has failed. */
bool body_parse(struct api_call *call);

/* ---- print.c ---- */
/* Responds with one object in the representation that the client asked for. */
void print_object(struct api_call *call, int status, const struct objects_state *state);
void print_list(struct api_call *call, const struct list_page *page);
/* Appends the object of one watch event. first: a Table gets its columns. */
int print_event(struct api *api, const struct asb_kind *kind, enum representation representation,
		const char *meta_version, bool first, const struct objects_state *state,
		struct buf *out);

/* ---- read.c, write.c, delete.c, discover.c, pod.c ---- */
void read_handle(struct api_call *call);
void write_handle(struct api_call *call);
void delete_handle(struct api_call *call);
void discover_handle(struct api_call *call);
void podlog_handle(struct api_call *call);
/* The pod of the route, the caller's; NULL: the call has failed. */
struct json_object *call_pod(struct api_call *call);
/* The name of the container that the client asked for, or of the only one; NULL: the call has
 * failed. */
const char *call_container(struct api_call *call, struct json_object *pod, const char *asked);

/* ---- remote.c ---- */
/* Whether the call is for a subresource that takes the connection over (exec, attach,
 * portforward). */
bool remote_is(const struct api_call *call);
void remote_handle(struct api_call *call);

/* Reads labelSelector and fieldSelector of the query. The lock is held. False: the call has
 * failed. */
bool read_selector(struct api_call *call, struct selector **ret);
void read_watch(struct api_call *call);

/* ---- registry.c ---- */
/* Makes types and objects, loads the storage. */
int registry_init(struct api *api, struct error *reterr);
void registry_finish(struct api *api);
/* Installs and uninstalls resources after a change of a CRD. The lock held. */
void registry_sync(struct api *api);
/* Ends a write: installs the resources of new CRDs and wakes the thread of time. The lock held. */
void registry_written(struct api *api);

/* ---- audit.c ---- */
int audit_open(struct api *api, struct error *reterr);
void audit_close(struct api *api);
/* Writes the line of a request whose response is complete. */
void audit_write(const struct api_call *call, int64_t received_us);

/* ---- time.c ---- */
void time_start(struct api *api);
void time_stop(struct api *api);

#endif
