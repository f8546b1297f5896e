/* SPDX-License-Identifier: Apache-2.0 */
/* Watches as the API makes and wakes them. Private to apiserver/api. */
#ifndef ASB_APISERVER_API_WATCH_PRIVATE_H
#define ASB_APISERVER_API_WATCH_PRIVATE_H

#include "apiserver/api/api-private.h"
#include "apiserver/api/watch.h"

struct watch_options {
	struct asb_kind kind; /* copied */
	const char *ns;       /* "": all */
	struct selector *take_selector;
	enum representation representation;
	const char *meta_version;  /* static */
	uint64_t after;            /* events after this version */
	struct list_page *initial; /* or NULL: sent first, each as ADDED; taken */
	bool bookmarks;
	bool initial_bookmark; /* after the initial events */
	uint64_t end_us;
	bool expired; /* `after` is compacted: nothing but a 410 */
};

/* The lock held. */
struct watch *watch_create(struct api *api, struct watch_options *options);
/* Wakes the watches that a change of that kind concerns. The lock is held. */
void watch_changed(struct api *api, const char *group, const char *plural,
		   const struct objects_state *state);
/* Wakes the watches whose end or bookmark is due now, and returns when the next one is due. The
 * lock is held. */
uint64_t watch_time(struct api *api, uint64_t now_us);
/* Ends the watches of a kind that is not served any more. */
void watch_kind_gone(struct api *api, const char *group, const char *plural);
/* Wakes all watches, to end them. */
void watch_stop_all(struct api *api);
void watch_lists_finish(struct api *api);

#endif
