/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the API as a server needs them: every write with dry run, every object as text, the
 * subresources, namespaces, kinds in two shapes (events). apiserver/objects/objects.h is below it. All under the
 * API's one lock, which the caller holds; the states that come out may outlive it.
 *
 * Each returns an HTTP status; on failure *reterr has -status and the message, its reason is
 * objects_reason(). *ret, which may be NULL, is a reference to the object after the write, the last
 * state of what a deletion removed, or the response of a subresource (a Scale, a Status, a
 * TokenRequest): the caller's.
 */
#ifndef ASB_APISERVER_REQUESTS_REQUESTS_H
#define ASB_APISERVER_REQUESTS_REQUESTS_H

#include "apiserver/objects/objects.h"
#include "apiserver/objects/state.h"
#include "apiserver/requests/list.h"

struct request {
	const struct asb_kind *kind; /* as in the URL: group, version, plural of a kind served */
	const char *ns;              /* "" for a kind without namespaces */
	const char *name;            /* "" for a create of the main resource */
	const char *subresource;     /* "", "status", "scale", "binding", "eviction", "token" */
	bool dry_run;
	void *caller; /* goes to the admission (objects_admission.caller), or NULL */
};

int request_get(struct objects *objects, const struct request *request, struct objects_state **ret,
		struct error *reterr);
/* POST: an object, or to a subresource: a Binding, an Eviction, a TokenRequest. */
int request_create(struct objects *objects, const struct request *request, struct json_object *take,
		   struct objects_state **ret, struct error *reterr);
/* PUT. A kind that may be made by PUT (Lease, Event) is not: 404, as kubectl expects. */
int request_replace(struct objects *objects, const struct request *request,
		    struct json_object *take, struct objects_state **ret, struct error *reterr);

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC };
/* 415 for a strategic patch of what a CRD made. */
int request_patch(struct objects *objects, const struct request *request, enum patch_type type,
		  struct json_object *patch, struct objects_state **ret, struct error *reterr);

/* 200: *ret is the object; a server answers with it where it still exists (objects_exists), else
 * with a Status Success as the real one does for most kinds. */
int request_delete(struct objects *objects, const struct request *request,
		   const struct objects_delete_options *options, struct objects_state **ret,
		   struct error *reterr);
/* Deletes objects of a page from index *at on, as many as fit into one holding of the lock, each as
 * request_delete does. *at is then the index of the first that is left. */
int request_delete_listed(struct objects *objects, const struct request *request,
			  const struct list_page *page,
			  const struct objects_delete_options *options, size_t *at,
			  struct error *reterr);
/* Deletes the objects of a list, all at once. ret_page, which may be NULL, gets that list. */
int request_delete_collection(struct objects *objects, const struct request *request,
			      const struct list_options *list,
			      const struct objects_delete_options *options,
			      struct list_page *ret_page, struct error *reterr);

/*
 * The text of a state in the shape its request asked for: apiVersion of kind->version where a kind
 * is served in several, and events in the group of the URL. Appends to out. 0, or -ENOSPC.
 */
struct buf;
int request_text(const struct asb_kind *kind, const struct objects_state *state, struct buf *out);

/* Removes old events, compacts the history, runs the garbage collector and the end of
 * namespaces. Call it soon after a write, and at least every 10 s. Returns whether there is more
 * to do at once. */
bool request_tick(struct objects *objects);
/* Makes the namespaces default, kube-system, kube-public, kube-node-lease with what each holds; ca:
 * the PEM for kube-root-ca.crt. Idempotent. */
int request_bootstrap(struct objects *objects, const char *ca, struct error *reterr);

#endif
