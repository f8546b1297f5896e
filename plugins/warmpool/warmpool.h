/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the warm pool plugin share: the numbers of its tables, its limits, and struct
 * pass, one reconcile of one SandboxWarmPool. Functions run on the thread of the reconcile; what
 * they return is borrowed until it ends.
 */
#ifndef PLUGINS_WARMPOOL_WARMPOOL_H
#define PLUGINS_WARMPOOL_WARMPOOL_H

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/object.h"
#include "plugins/common/pod-template.h"
#include "plugins/common/requeue.h"

#include <agent-sandbox/helpers.h>

/* After so many writes a reconcile ends and is enqueued again: a pool of 10,000 pods must not keep
 * other pools waiting. */
#define WRITES_PER_PASS 64u
/* The status is for people to read. Without this pause a filling pool would write it for each
 * pod. */
#define STATUS_EVERY_MS 500
/* No event enqueues the pool when a claim releases a pod, or when a pod never reaches the store. */
#define LOOK_AGAIN_MS 1000
/* All writes of one write_all may lose their responses while the pods of the write_all before are
 * not in the store yet. */
#define EXPECTATIONS_MAX 8u
/* The names that this plugin makes are short, but an adopted pod may have any name. */
#define POD_NAME_SIZE 254u

enum warmpool_watch { WATCH_POOL, WATCH_TEMPLATE, WATCH_POD, WATCH_MAX };

enum warmpool_index {
	INDEX_POOLS_BY_TEMPLATE, /* pools, "<ns>/<template>" */
	INDEX_POOLS_BY_HASH,     /* pools, "<ns>/<hash of the pool's name>" */
	INDEX_LIVE,    /* live pods, "<uid>/" TAIL_ALL and "<uid>/<hash>"; oldest first */
	INDEX_READY,   /* those of them that are Ready, under the same values */
	INDEX_HASHES,  /* live pods with a hash, "<uid>/" and TAIL_READY or TAIL_UNREADY */
	INDEX_ENDED,   /* Failed and Succeeded pods, "<uid>/" TAIL_ALL */
	INDEX_ORPHANS, /* live pods without a controller, "<ns>/<pool label>/<hash>" */
	INDEX_MAX
};

enum warmpool_metric { METRIC_SIZE, METRIC_READY, METRIC_MAX };

/* The second half of an index value where it is not a hash. No hash has one of these forms. */
#define TAIL_ALL "*"
#define TAIL_READY "ready"
#define TAIL_UNREADY "unready"

extern const char warmpool_crd[]; /* made from crd.yaml */

/* What is remembered of a pool between two reconciles: key_state() of plugin.h, at most 4096
 * bytes. */
struct warmpool_memory {
	char uid[64];        /* of the pool: a new pool of the same name has an empty memory */
	char no_template[9]; /* name hash of the template reported as not found, "" for none */
	int64_t status_ms;   /* when the status was last written */
	/* The pod whose creation was refused, "" for none. The next try creates this pod only,
	 * under the same name: the server's message stays the same, and its events become one. */
	char refused[POD_NAME_SIZE];
	unsigned int expected_count;
	/* The expectations: pods that may be this pool's, because their write had no response or
	 * the store does not show them yet. */
	char expected[EXPECTATIONS_MAX][POD_NAME_SIZE];
};

/* One reconcile of one pool. Everything borrowed lives as long as the call. */
struct pass {
	struct asb_call *call;
	const struct asb_host *host;
	const struct asb_key *key;
	struct warmpool_memory *memory;
	struct json_object *pool;
	struct json_object *template; /* NULL: there is none */
	const char *template_name;
	const char *uid;
	int64_t replicas; /* 0..INT32_MAX */
	char hash[65];    /* of the template's podTemplate, "" without one */

	/* Names whose POST has not reached the API server: the next pods are created under them. */
	char retry[EXPECTATIONS_MAX][POD_NAME_SIZE];
	unsigned int retry_count;

	unsigned int budget; /* writes left in this reconcile */
	uint64_t after_ms;   /* when to be called again at the latest; REQUEUE_NEVER */
	bool failed;
	bool refused; /* a pod was refused in this reconcile */
};

/* --- index.c: what the host asks of a changed object; pure functions of it --- */

void index_pools_by_template(struct json_object *pool, struct asb_values *out);
void index_pools_by_hash(struct json_object *pool, struct asb_values *out);
void index_live(struct json_object *pod, struct asb_values *out);
void index_ready(struct json_object *pod, struct asb_values *out);
void index_hashes(struct json_object *pod, struct asb_values *out);
void index_ended(struct json_object *pod, struct asb_values *out);
void index_orphans(struct json_object *pod, struct asb_values *out);
/* Enqueues the pools that may adopt a pod without a controller. */
void index_enqueue_pools(void *state, struct asb_call *call, struct json_object *before,
			 struct json_object *after, struct asb_keys *out);
/* The rank of a hash in INDEX_HASHES: pods of one hash are neighbours there. */
int64_t index_hash_rank(const char *hash);

/* --- reconcile.c --- */

int32_t warmpool_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);

/* --- pass.c: what all steps do with a reconcile --- */

/* How many pods of this pool an index holds under its UID and tail. */
int64_t pass_count(struct pass *pass, uint32_t index, const char *tail);
/* Lists the same pods, at most limit; flags are ASB_LIST_*. Returns how many *ret has. */
uint32_t pass_list(struct pass *pass, uint32_t index, const char *tail, uint32_t limit,
		   uint32_t flags, struct json_object *const **ret);
/* Asks to be called again after ms at the latest. */
void pass_again(struct pass *pass, uint64_t ms);
/* Notes that a write failed, and why; the steps that do not depend on it go on. */
void pass_failed(struct pass *pass, const struct asb_write *write);

/* --- expectation.c: pods of which nobody knows yet whether they exist --- */

/* Asks the API server about each. Returns false if it does not respond: then nothing may be
 * created. */
bool expectation_check(struct pass *pass);
void expectation_add(struct pass *pass, const char *pod_name);
/* How many more fit. */
unsigned int expectation_room(const struct pass *pass);

/* --- rollout.c: how many pods there may be, and from one podTemplate to the next --- */

/* How many pods an index holds that were made from the current podTemplate. */
int64_t rollout_current(struct pass *pass, uint32_t index);
/* How many pods there may be that are not terminating: replicas, and a surge while there are old
 * ones. */
int64_t rollout_limit(struct pass *pass);
/* Deletes old pods that new ones have replaced. */
void rollout_delete_old(struct pass *pass);
/* Deletes the pods above the limit, newest first. */
void rollout_scale_down(struct pass *pass);

/* --- pods.c --- */

/* Adopts pods without a controller, then creates the pods that are still missing. */
void pods_fill(struct pass *pass);

/* --- removal.c: every deletion of this plugin --- */

struct removal {
	/* How many pods are to be deleted, as the store is now. */
	int64_t (*wanted)(struct pass *pass);
	/* Picks up to limit (at most ASB_WRITE_MAX) pods that nobody has reserved; returns how
	 * many. */
	uint32_t (*pick)(struct pass *pass, uint32_t limit, struct json_object *ret[]);
};
/* Deletes pods until no more are to be deleted or none can be. */
void removal_run(struct pass *pass, const struct removal *removal);
/* A pick: the first unreserved pods of an index; flags are ASB_LIST_*. */
uint32_t removal_pick(struct pass *pass, uint32_t index, uint32_t flags, uint32_t limit,
		      struct json_object *ret[]);
/* Deletes pods that have ended: they can neither be claimed nor run again. */
void removal_ended(struct pass *pass);

/* --- status.c --- */

/* Writes the status if it differs and the pause is over; sets the metrics. */
void status_report(struct pass *pass);
/* Sets the metrics of a pool that is gone to 0. */
void status_forget(struct asb_call *call, const struct asb_key *key);

#endif
