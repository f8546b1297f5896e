/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the warm pool plugin share: the numbers of its tables, its limits, and struct
 * pass, one reconcile of one SandboxWarmPool. Functions run on the thread of the reconcile; what
 * they return is borrowed until it ends.
 *
 * The members of a pool are Pods (v1alpha1) or Sandboxes (v1beta1): struct member_kind has what
 * differs between them.
 */
#ifndef PLUGINS_WARMPOOL_WARMPOOL_H
#define PLUGINS_WARMPOOL_WARMPOOL_H

#include "plugins/common/blueprint.h"
#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/object.h"
#include "plugins/common/pod-template.h"
#include "plugins/common/requeue.h"

#include <agent-sandbox/helpers.h>

/* After so many writes a reconcile ends and is enqueued again: a pool of 10,000 members must not
 * keep other pools waiting. */
#define WRITES_PER_PASS 64u
/* The status is for people to read. Without this pause a filling pool would write it for each
 * member. */
#define STATUS_EVERY_MS 500
/* No event enqueues the pool when a claim releases a member, or when a member never reaches the
 * store. */
#define LOOK_AGAIN_MS 1000
/* All writes of one write_all may lose their responses while the members of the write_all before
 * are not in the store yet. */
#define EXPECTATIONS_MAX 8u
/* The names that this plugin makes are short, but an adopted member may have any name. */
#define MEMBER_NAME_SIZE 254u

enum warmpool_watch { WATCH_POOL, WATCH_TEMPLATE, WATCH_POD, WATCH_SANDBOX, WATCH_MAX };

enum warmpool_index {
	INDEX_POOLS_BY_TEMPLATE, /* pools, "<ns>/<template>" */
	INDEX_POOLS_BY_HASH,     /* pools, "<ns>/<hash of the pool's name>" */
	INDEX_LIVE,              /* live pods, "<uid>/" TAIL_ALL and "<uid>/<hash>"; oldest first */
	INDEX_READY,             /* those of them that are Ready, under the same values */
	INDEX_HASHES,          /* live pods with a hash, "<uid>/" and TAIL_READY or TAIL_UNREADY */
	INDEX_ENDED,           /* Failed and Succeeded pods, "<uid>/" TAIL_ALL */
	INDEX_ORPHANS,         /* live pods without a controller, "<ns>/<pool label>/<hash>" */
	INDEX_SANDBOXES,       /* Sandboxes of a pool, "<uid>/" and one of TAIL_* */
	INDEX_SANDBOX_ORPHANS, /* Sandboxes without a controller, "<ns>/<pool label>" */
	INDEX_MAX
};

enum warmpool_option {
	OPTION_MAX_BATCH_SIZE,
	OPTION_REPLENISH_DELAY,
	OPTION_MAX_REFILL_RATE,
	OPTION_READINESS_GRACE,
	OPTION_UNSCHEDULABLE_RECHECK,
	OPTION_EVICTION,
	OPTION_MAX
};

enum warmpool_metric { METRIC_SIZE, METRIC_READY, METRIC_MAX };

/* The second half of an index value where it is not a hash. No hash has one of these forms. */
#define TAIL_ALL "*"
#define TAIL_READY "ready"
#define TAIL_UNREADY "unready"
/* The same in INDEX_SANDBOXES, which has TAIL_ALL (terminating ones too), TAIL_READY and
 * TAIL_UNREADY besides; oldest first if nothing else is said. All but TAIL_ALL have members only
 * that are not terminating. */
#define TAIL_LIVE "live"       /* not ended */
#define TAIL_ENDED "ended"     /* the pod has ended */
#define TAIL_LATE "late"       /* not Ready: the one that has waited longest first */
#define TAIL_HELD "held"       /* the same, of those whose pod is Unschedulable */
#define TAIL_BY_HASH "by-hash" /* not ended, by the rank of the blueprint's hash */
/* "#" and a label value of at most 63 characters. */
#define SANDBOX_HASH_TAIL_SIZE 65u

extern const char warmpool_crd[]; /* made from crd.yaml */

/* What is remembered of a pool between two reconciles: key_state() of plugin.h, at most 4096
 * bytes. */
struct warmpool_memory {
	char uid[64];        /* of the pool: a new pool of the same name has an empty memory */
	char no_template[9]; /* name hash of the template reported as not found, "" for none */
	int64_t status_ms;   /* when the status was last written */
	int64_t existing;    /* members at the last reconcile */
	int64_t dropped_ms;  /* when there were fewer members than before; 0: never */
	int64_t tokens;      /* thousandths of members that the rate allows to create */
	int64_t tokens_ms;   /* when they were last counted; 0: never */
	/* This many members with another hash were compared with the blueprint of this hash, and
	 * none was stale. */
	int64_t compared_count;
	char compared[BLUEPRINT_HASH_SIZE];
	bool holds;        /* WarmPoolNotProgressing was reported */
	bool expects_pods; /* the expectations are pods, not Sandboxes */
	/* The member whose creation was refused, "" for none. The next try creates this member
	 * only, under the same name: the server's message stays the same, and its events become one. */
	char refused[MEMBER_NAME_SIZE];
	unsigned int expected_count;
	/* The expectations: members that may be this pool's, because their write had no response or
	 * the store does not show them yet. */
	char expected[EXPECTATIONS_MAX][MEMBER_NAME_SIZE];
};

/* The options of the plugin. */
struct warmpool_settings {
	uint32_t max_batch;   /* members that one reconcile creates at most; at least 1 */
	int64_t replenish_ms; /* creation waits so long after the pool has lost a member */
	int64_t refill_rate;  /* members a second and pool, in thousandths; 0: no limit */
	int64_t grace_ms;     /* how long a member may be not Ready */
	int64_t recheck_ms;   /* how often a pool looks at members that it holds */
	bool eviction;        /* pods of members may be evicted by the cluster autoscaler */
};

/* One reconcile of one pool. Everything borrowed lives as long as the call. */
struct pass {
	struct asb_call *call;
	const struct asb_host *host;
	const struct asb_key *key;
	const struct warmpool_settings *settings;
	struct warmpool_memory *memory;
	const struct member_kind *members; /* what the pool consists of */
	const struct member_kind *others;  /* the other kind: members of before a change of it */
	struct json_object *pool;
	struct json_object *template; /* NULL: there is none */
	const char *template_name;
	const char *uid;
	int64_t replicas; /* 0..INT32_MAX */
	char hash[65];    /* of the template's podTemplate, "" without one */
	/* For Sandboxes: the spec of a new member and its hash; NULL and "" without a template. */
	struct json_object *blueprint;
	char blueprint_hash[BLUEPRINT_HASH_SIZE];

	/* Names whose POST has not reached the API server: the next members are created under
	 * them. */
	char retry[EXPECTATIONS_MAX][MEMBER_NAME_SIZE];
	unsigned int retry_count;

	unsigned int budget;    /* writes left in this reconcile */
	unsigned int creations; /* creations left in this reconcile */
	unsigned int batch;     /* how many members the next step may create */
	uint64_t after_ms;      /* when to be called again at the latest; REQUEUE_NEVER */
	bool failed;
	bool refused; /* a member was refused in this reconcile */
};

/* The members of a pool that an index holds under "<uid>/<tail>". */
struct member_set {
	uint32_t index;
	const char *tail;
};

/* What differs between pools of Pods and pools of Sandboxes. */
struct member_kind {
	const struct asb_kind *kind;
	uint32_t watch;
	const char *label; /* of a member: the hash of the pool's name */
	/* How many members the first step of a reconcile creates; each step that succeeds doubles
	 * it. */
	unsigned int first_batch;
	struct member_set live, ready, ended;
	/* Whether a terminating member takes up room until it is gone. */
	bool counts_terminating;
	/* A new member with this name, owned by the caller. */
	struct json_object *(*make)(struct pass *pass, const char *name);
	/* How many members may be created now; below 0 for none. */
	int64_t (*missing)(struct pass *pass);
	/* Picks up to limit members without a controller that the pool can adopt; returns how
	 * many. */
	uint32_t (*orphans)(struct pass *pass, uint32_t limit, struct json_object *ret[]);
	/* Deletes members that are not wanted any more. */
	void (*trim)(struct pass *pass);
	/* Sets what the status says beside the numbers, in a new or an old status. */
	void (*status)(struct pass *pass, struct json_object *status);
};
extern const struct member_kind member_pods, member_sandboxes;

/* --- index.c: what the host asks of a changed object; pure functions of it --- */

void index_pools_by_template(struct json_object *pool, struct asb_values *out);
void index_pools_by_hash(struct json_object *pool, struct asb_values *out);
void index_live(struct json_object *pod, struct asb_values *out);
void index_ready(struct json_object *pod, struct asb_values *out);
void index_hashes(struct json_object *pod, struct asb_values *out);
void index_ended(struct json_object *pod, struct asb_values *out);
void index_orphans(struct json_object *pod, struct asb_values *out);
/* Enqueue the pools that may adopt a pod, or a Sandbox, without a controller. */
void index_enqueue_pools(void *state, struct asb_call *call, struct json_object *before,
			 struct json_object *after, struct asb_keys *out);
void index_enqueue_sandbox_pools(void *state, struct asb_call *call, struct json_object *before,
				 struct json_object *after, struct asb_keys *out);
/* The rank of a hash in INDEX_HASHES and under TAIL_BY_HASH: members of one hash are neighbours
 * there. */
int64_t index_hash_rank(const char *hash);
/* Adds "<uid>/<tail>" with a rank; nothing if that is too long. */
void index_add(struct asb_values *out, const char *uid, const char *tail, int64_t rank);

/* --- sandbox-index.c: the same for Sandboxes --- */

void sandbox_index_members(struct json_object *sandbox, struct asb_values *out);
void sandbox_index_orphans(struct json_object *sandbox, struct asb_values *out);
/* Since when a Sandbox has not been Ready, in milliseconds since 1970. */
int64_t sandbox_index_unready_since(struct json_object *sandbox);
/* The tail under which the members of one blueprint hash are. No other tail has this form. */
void sandbox_index_hash_tail(const char *hash, char ret[SANDBOX_HASH_TAIL_SIZE]);

/* --- settings.c --- */

/* Reads the options. Returns 0, or -1 after it has logged which one is wrong. */
int32_t settings_init(const struct asb_host *host, struct asb_instance *instance, void **ret_state);
void settings_fini(void *state);

/* --- reconcile.c --- */

int32_t warmpool_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);

/* --- pass.c: what all steps do with a reconcile --- */

/* How many members of this pool an index holds under its UID and tail. */
int64_t pass_count(struct pass *pass, uint32_t index, const char *tail);
/* Lists the same members, at most limit; flags are ASB_LIST_*. Returns how many *ret has. */
uint32_t pass_list(struct pass *pass, uint32_t index, const char *tail, uint32_t limit,
		   uint32_t flags, struct json_object *const **ret);
/* How many members a set has. */
int64_t pass_size(struct pass *pass, const struct member_set *set);
/* Asks to be called again after ms at the latest. */
void pass_again(struct pass *pass, uint64_t ms);
/* Notes that a write failed, and why; the steps that do not depend on it go on. */
void pass_failed(struct pass *pass, const struct asb_write *write);

/* --- expectation.c: members of which nobody knows yet whether they exist --- */

/* Asks the API server about each. Returns false if it does not respond: then nothing may be
 * created. */
bool expectation_check(struct pass *pass);
void expectation_add(struct pass *pass, const char *name);
/* How many more fit. */
unsigned int expectation_room(const struct pass *pass);

/* --- rollout.c, for pools of Pods: how many there may be, from one podTemplate to the next --- */

/* How many pods an index holds that were made from the current podTemplate. */
int64_t rollout_current(struct pass *pass, uint32_t index);
/* How many pods there may be that are not terminating: replicas, and a surge while there are old
 * ones. */
int64_t rollout_limit(struct pass *pass);
/* Deletes old pods that new ones have replaced. */
void rollout_delete_old(struct pass *pass);
/* Deletes the pods above the limit, newest first. */
void rollout_scale_down(struct pass *pass);

/* --- fill.c --- */

/* Adopts members without a controller, then creates the members that are still missing. */
void fill_run(struct pass *pass);

/* --- refill.c: when a pool of Sandboxes may create --- */

/* How many of so many missing members may be created now, by the delay and the rate of the
 * settings. Asks to be called again when there may be more. */
int64_t refill_allow(struct pass *pass, int64_t missing);
/* Notes how many members there are, before and after anything is written. */
void refill_note(struct pass *pass, int64_t existing);
/* Counts creations against the rate. */
void refill_count(struct pass *pass, uint32_t count);

/* --- sandbox-removal.c: which Sandboxes of a pool are deleted --- */

/* Deletes free members that were made from another blueprint, if the pool says Recreate. */
void sandbox_removal_stale(struct pass *pass);
/* Deletes the members above replicas: those that are not Ready first, then the newest. */
void sandbox_removal_surplus(struct pass *pass);
/* Deletes Sandboxes without a controller that have the pool's label and cannot be adopted. */
void sandbox_removal_orphans(struct pass *pass);
/* Whether a Sandbox without a controller fits the pool's blueprint. */
bool sandbox_removal_fits(struct pass *pass, struct json_object *sandbox);

/* --- progress.c --- */

/* Replaces members that are not Ready for too long; holds those whose pod is Unschedulable. */
void progress_check(struct pass *pass);

/* --- drain.c --- */

/* Deletes members of the other kind once as many members of the pool's kind are Ready. */
void drain_others(struct pass *pass);

/* --- removal.c: every deletion of this plugin --- */

struct removal {
	uint32_t watch; /* of what is deleted */
	/* How many are to be deleted, as the store is now. */
	int64_t (*wanted)(struct pass *pass);
	/* Picks up to limit (at most ASB_WRITE_MAX) that nobody has reserved; returns how many. */
	uint32_t (*pick)(struct pass *pass, uint32_t limit, struct json_object *ret[]);
};
/* Deletes members until no more are to be deleted or none can be. */
void removal_run(struct pass *pass, const struct removal *removal);
/* A pick: the first unreserved members of a set; flags are ASB_LIST_*. */
uint32_t removal_pick(struct pass *pass, const struct member_set *set, uint32_t flags,
		      uint32_t limit, struct json_object *ret[]);
/* Deletes members that have ended: they can neither be claimed nor run again. */
void removal_ended(struct pass *pass);

/* --- status.c --- */

/* Writes the status if it differs and the pause is over; sets the metrics. */
void status_report(struct pass *pass);
/* Sets the metrics of a pool that is gone to 0. */
void status_forget(struct asb_call *call, const struct asb_key *key);

#endif
