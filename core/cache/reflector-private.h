/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a reflector share: its life (reflector.c), the stream (reflector-watch.c),
 * paged lists (reflector-list.c). */
#ifndef ASB_CORE_CACHE_REFLECTOR_PRIVATE_H
#define ASB_CORE_CACHE_REFLECTOR_PRIVATE_H

#include <stdio.h>

#include "core/cache/reflector.h"

struct reflector {
	struct reflector_config config;
	const struct asb_kind *kind;
	struct sched_thread *thread;
	bool relist;   /* thread only: the next round must list */
	bool progress; /* thread only: this round has brought events */
	bool paged;    /* thread only: this server does not do watch-lists */

	struct sched_mutex lock;
	struct sched_cond changed;
	enum reflector_state state; /* lock */
	bool listing;               /* lock: a list is running */
	bool stop;                  /* lock */
};

void reflector_set_state(struct reflector *reflector, enum reflector_state state);
void reflector_begin_list(struct reflector *reflector);
void reflector_end_list(struct reflector *reflector);

/* Streams from the store's version, or first lists by stream. 0: ended as it should; -ESTALE: list
 * again; -ENOENT: the kind is not served; -ENOTSUP: no watch-lists here; else a failure. */
int reflector_watch(struct reflector *reflector, bool list_first, struct error *reterr);
/* Lists all pages into the store, between begin and end. *ret_version: of the list. */
int reflector_list_pages(struct reflector *reflector, uint64_t *ret_version, struct error *reterr);
/* Appends "/apis/...?" and the selector, for more query parameters to follow. */
void reflector_path(const struct reflector *reflector, struct buf *out);
/* Makes a response that is none of ours to use into an error. */
int reflector_failure(const struct reflector *reflector, const struct http_response *response,
		      struct error *reterr);

#endif
