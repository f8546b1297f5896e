/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the warm pool plugin share: the numbers of its tables, its limits, and one
 * reconcile's view of a pool.
 */
#ifndef PLUGINS_WARMPOOL_WARMPOOL_H
#define PLUGINS_WARMPOOL_WARMPOOL_H

#include <agent-sandbox/helpers.h>

#define LABEL_POOL "agents.x-k8s.io/pool"
#define LABEL_TEMPLATE "agents.x-k8s.io/sandbox-template-ref-hash"
#define ANNOTATION_HASH "agents.x-k8s.io/pod-template-hash"

/* After so many writes a reconcile gives way: a pool of 10,000 must not keep others waiting. */
#define WRITES_PER_TURN 64u
/* Status is news for people. Else a filling pool would write it for each pod. */
#define STATUS_EVERY_MS 500
/* Nothing wakes us when a claim lets go of a pod, or when a pod never shows in the store. */
#define LOOK_AGAIN_MS 1000
/* All writes of a call may lose their responses, while those of the call before have yet to show. */
#define DOUBTS_MAX 8u
/* Ours are short, but those taken in may have any name. */
#define POD_NAME_SIZE 254u

enum { WATCH_POOL, WATCH_TEMPLATE, WATCH_POD };

enum {
	INDEX_POOLS_BY_TEMPLATE, /* pools, "<ns>/<template>" */
	INDEX_POOLS_BY_HASH,     /* pools, "<ns>/<hash of the pool's name>" */
	INDEX_LIVE,    /* pods that count, "<uid>/" ALL and "<uid>/<hash>"; oldest first */
	INDEX_READY,   /* those of them that are Ready, the same values */
	INDEX_HASHES,  /* those that tell their hash, "<uid>/" READY or UNREADY; by hash_rank */
	INDEX_ENDED,   /* Failed and Succeeded ones, "<uid>/" ALL */
	INDEX_ORPHANS, /* live pods without a controller, "<ns>/<pool label>/<hash>" */
};

/* The second half of an index value, where it is no hash: no hash looks like these. */
#define ALL "*"
#define READY "ready"
#define UNREADY "unready"

enum { METRIC_SIZE, METRIC_READY };

extern const struct asb_watch warmpool_watches[];
extern const char warmpool_crd[]; /* made from crd.yaml */

/* What is remembered of a pool between two reconciles: memory() of plugin.h, at most 4096 bytes. */
struct pool_memory {
	char uid[64]; /* whose memory this is: a pool made again under its name starts afresh */
	char no_template[9]; /* name hash of the template whose absence was told, "" for none */
	int64_t status_ms;   /* when status was last written */
	/* The pod whose creation was refused, "" for none. It alone is tried next, under the same
	 * name: the server's words are the same again then, and the events about it become one. */
	char refused[POD_NAME_SIZE];
	unsigned int doubts;
	/* Pods that may be ours: their write had no response, or the store has yet to show it. */
	char doubt[DOUBTS_MAX][POD_NAME_SIZE];
};

/* One pool during one reconcile. */
struct pool {
	struct asb_call *call;
	const struct asb_host *host;
	const struct asb_key *key;
	struct pool_memory *memory;
	struct json_object *object;
	struct json_object *template; /* NULL: there is none */
	const char *template_name;
	const char *uid;
	int64_t replicas; /* 0..INT32_MAX */
	char hash[65];    /* of the template's podTemplate, "" without one */

	/* Names whose POST has not arrived: those of the next pods to create. */
	char again[DOUBTS_MAX][POD_NAME_SIZE];
	unsigned int agains;

	unsigned int budget; /* writes left in this turn */
	uint64_t after_ms;   /* when to be called again at the latest; UINT64_MAX: no need */
	bool failed;
	bool refused; /* a pod was refused in this turn */
};

/* index.c: what the host asks of a changed object; pure functions of it. */
void pool_by_template(struct json_object *pool, struct asb_values *out);
void pool_by_hash(struct json_object *pool, struct asb_values *out);
void pod_live(struct json_object *pod, struct asb_values *out);
void pod_ready(struct json_object *pod, struct asb_values *out);
void pod_hashes(struct json_object *pod, struct asb_values *out);
void pod_ended(struct json_object *pod, struct asb_values *out);
void pod_orphans(struct json_object *pod, struct asb_values *out);
void pod_to_pools(void *state, struct asb_call *call, struct json_object *before,
		  struct json_object *after, struct asb_keys *out);
/* A place for each hash in INDEX_HASHES: pods of one hash stand together. */
int64_t hash_rank(const char *hash);

/* reconcile.c */
int32_t warmpool_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);
/* How many pods of this pool an index holds under its uid and tail. */
int64_t pool_count(struct pool *pool, uint32_t index, const char *tail);
/* Lists them likewise, at most limit. */
uint32_t pool_list(struct pool *pool, uint32_t index, const char *tail, uint32_t limit,
		   uint32_t flags, struct json_object *const **ret);
/* Asks to be called again after ms; the earliest wins. */
void pool_again(struct pool *pool, uint64_t ms);
/* Notes that a write failed, and why; what can still be done goes on. */
void pool_failed(struct pool *pool, const struct asb_write *write);

/* doubt.c: pods of which nobody knows yet whether they exist. */
/* Asks the API server about each; false if it does not answer: then nothing may be created. */
bool doubt_settle(struct pool *pool);
void doubt_add(struct pool *pool, const char *pod_name);
/* How many more fit. */
unsigned int doubt_room(const struct pool *pool);

/* rollout.c: from one podTemplate to the next. */
/* Live pods made from the current podTemplate, and all of them that are Ready. */
int64_t rollout_current(struct pool *pool, uint32_t index);
/* How many pods there may be, not terminating: replicas, and the surge while old ones are left. */
int64_t rollout_limit(struct pool *pool);
/* Deletes old pods for which there are new ones. */
void rollout_retire(struct pool *pool);

/* pods.c: makes what is missing, taking in pods without a controller first. */
void pods_fill(struct pool *pool);

/* surplus.c: every deletion of this plugin. */
struct removal {
	/* How many are to go, now. */
	int64_t (*wanted)(struct pool *pool);
	/* Picks up to limit (at most ASB_WRITE_MAX) that nobody has reserved; returns how many. */
	uint32_t (*pick)(struct pool *pool, uint32_t limit, struct json_object *ret[]);
};
/* Deletes pods until none is wanted or free to go, the turn is over or one cannot be deleted. */
void surplus_run(struct pool *pool, const struct removal *removal);
/* Deletes pods that have ended: they can neither be claimed nor run again. */
void surplus_ended(struct pool *pool);
/* Deletes what is above the limit, newest first. */
void surplus_trim(struct pool *pool);

/* status.c */
/* Writes status where it differs and is not too soon; sets the metrics. */
void status_report(struct pool *pool);
/* The metrics of a pool that is gone. */
void status_forget(struct asb_call *call, const struct asb_key *key);

#endif
