/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in pages, in order of namespace and name, and watches through a selector. All pages of one
 * list show one version, told by the continue token; it is put together from the history, so a
 * token older than the history is a 410. Under the API's lock.
 */
#ifndef ASB_APISERVER_REQUESTS_LIST_H
#define ASB_APISERVER_REQUESTS_LIST_H

#include "apiserver/objects/objects.h"
#include "apiserver/objects/state.h"
#include "apiserver/requests/selector.h"

#define LIST_TOKEN_MAX 1200 /* bytes of a continue token */

struct list_options {
	const char *ns; /* "": all namespaces */
	const struct selector *selector;
	size_t limit;      /* 0: none */
	const char *token; /* continue; NULL or "" for the first page */
	uint64_t at_least; /* resourceVersion with NotOlderThan: 504 when it is yet to come */
	uint64_t exact;    /* with resourceVersionMatch=Exact; 0 for none */
};

struct list_page {
	struct objects_state **states; /* each is a reference */
	size_t count;
	uint64_t version;           /* metadata.resourceVersion */
	char token[LIST_TOKEN_MAX]; /* metadata.continue, "" at the end */
	int64_t remaining;          /* metadata.remainingItemCount, -1: not told */
};

/* 200, 400 (a token that is none), 404 (no such kind), 410, 504. */
int list_read(struct objects *objects, const struct asb_kind *kind,
	      const struct list_options *options, struct list_page *ret, struct error *reterr);
void list_page_finish(struct list_page *page);

/* What a watch sends. The state is a reference, the receiver's. */
struct watch_event {
	uint64_t version; /* to go on after */
	int type;         /* OBJECTS_ADDED, _MODIFIED, _DELETED: as the selection sees it */
	struct objects_state *state;
};

/*
 * The next event after a version that concerns a namespace ("": all) and a selector: what enters the
 * selection is ADDED, what leaves it DELETED (with its last selected state at the new version). Looks
 * at no more than WATCH_STEP changes. 1: *ret is filled; 0: none up to *ret->version, from where the
 * next call goes on (equal to objects_version: wait for the next change); 410 when the version is
 * compacted.
 */
#define WATCH_STEP 1000
int watch_next(struct objects *objects, const struct asb_kind *kind, const char *ns,
	       const struct selector *selector, uint64_t after, struct watch_event *ret,
	       struct error *reterr);

#endif
