/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a store like the API server: one thread that lists, watches, resumes and, when the server
 * has forgotten where we were (410), lists again.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 *
 * The first list is a streaming one (watch-list), which costs neither side a big response; a server
 * that does not do that is listed in pages. Both ask for resourceVersion "": the latest, never a
 * stale replica's. Watches last 5 to 10 minutes, resume from the last version (bookmarks move it),
 * and are taken for dead after 150 s without a byte. A kind that is not served yet (404) is asked
 * for again and again. Failures back off from 0.8 s doubling to 30 s, with jitter, until events
 * come again.
 */
#ifndef ASB_CORE_CACHE_REFLECTOR_H
#define ASB_CORE_CACHE_REFLECTOR_H

#include <stdbool.h>

#include "base/sched.h"
#include "core/cache/store.h"
#include "core/client/client.h"

#define FRAME_MAX (16u << 20)  /* bytes of one watch event: ten times what etcd can hold */
#define WATCH_IDLE_MS 150000u  /* bookmarks come each minute */
#define WATCH_SECONDS_MIN 300u /* plus up to as much again */
#define LIST_PAGE 500u

enum reflector_state {
	REFLECTOR_LISTING, /* not complete yet */
	REFLECTOR_SYNCED,
	REFLECTOR_ABSENT, /* the API server does not serve this kind */
};

struct reflector_config {
	struct sched *sched;
	struct client *client;
	struct store *store;
	bool metadata_only;
	const char *label_selector; /* or NULL */
	/* The state has changed; on the reflector's thread. */
	void (*changed)(void *arg);
	void *arg;
};

struct reflector;
struct reflector *reflector_create(const struct reflector_config *config);
void reflector_start(struct reflector *reflector);
/* After the transport was stopped: joins the thread. */
void reflector_stop(struct reflector *reflector);
void reflector_destroy(struct reflector *reflector);
enum reflector_state reflector_state(struct reflector *reflector);
/*
 * Lists the kind now, in the calling thread, so that the store holds everything written before this
 * call, even where the stream lags: for the full resync of a new leader, which must see the last
 * writes of the old one. 0 or a negative error.
 */
int reflector_resync(struct reflector *reflector, struct error *reterr);

#endif
