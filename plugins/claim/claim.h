/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the claim plugin share: the numbers of its tables, one pass over a claim. */
#ifndef ASB_PLUGINS_CLAIM_CLAIM_H
#define ASB_PLUGINS_CLAIM_CLAIM_H

#include <agent-sandbox/helpers.h>
#include <agent-sandbox/plugin.h>

#define LABEL_CLAIM_UID "agents.x-k8s.io/claim-uid"
#define LABEL_NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define LABEL_SANDBOX_UID "agents.x-k8s.io/sandbox-uid"
#define LABEL_POOL "agents.x-k8s.io/pool"
#define ANNOTATION_POD_NAME "agents.x-k8s.io/pod-name"
#define ANNOTATION_POD_TEMPLATE_HASH "agents.x-k8s.io/pod-template-hash"
#define ANNOTATION_POLICY_HASH "agents.x-k8s.io/network-policy-hash"
#define ANNOTATION_TRACE_CONTEXT "opentelemetry.io/trace-context"
#define POLICY_SUFFIX "-network-policy"

/* Places in the tables of plugin.c. */
enum claim_watch {
	WATCH_CLAIM,
	WATCH_TEMPLATE,
	WATCH_SANDBOX,
	WATCH_POOL,
	WATCH_POD,
	WATCH_POLICY,
	WATCH_MAX
};
enum claim_index {
	INDEX_CLAIMS_BY_TEMPLATE,
	INDEX_POOLS_BY_TEMPLATE,
	INDEX_WARM_PODS,
	INDEX_NAMED_PODS,
	INDEX_CLAIMS_BY_UID,
	INDEX_ORPHANS,
	INDEX_MAX
};
enum claim_metric { METRIC_STARTUP, METRIC_HITS, METRIC_MISSES, METRIC_MAX };

/* Holds any value of an index that names things which can exist. */
#define VALUE_SIZE 512

/* How a claim was served, as far as this process knows. */
enum claim_launch { LAUNCH_UNKNOWN, LAUNCH_COLD, LAUNCH_WARM, LAUNCH_MAX };

/*
 * What is kept about a claim between two passes, small because there may be 100,000. Losing it
 * costs an event, a sample or a second look, never correctness.
 */
struct claim_memory {
	int64_t seen_ms;     /* when this process first saw it */
	int64_t error_ms;    /* when an error was last written to its status; 0: never */
	uint64_t policy;     /* hash of the NetworkPolicy as our last write left it; 0: none */
	uint32_t failures;   /* passes in a row that got no response */
	uint8_t begun;       /* the rest means something */
	uint8_t launch;      /* enum claim_launch */
	uint8_t never_ready; /* it has not been Ready before */
	uint8_t unsure;      /* the Sandbox may exist without the store showing it */
	char pod[64];        /* the warm pod reserved for that Sandbox; "": none */
};

#define PASS_NEVER UINT64_MAX

/* One reconcile. The trees are the call's. */
struct pass {
	struct asb_call *call;
	const struct asb_key *key;
	struct json_object *claim;
	struct json_object *sandbox; /* the claim's own and living Sandbox, or NULL */
	struct claim_memory *memory;
	int64_t now_ms;
	uint64_t after_ms; /* when to look again at the latest; PASS_NEVER */
};

extern const struct asb_kind claim_kind, claim_pool_kind, claim_sandbox_kind, claim_policy_kind;
extern const char claim_crd[];

/* --- reconcile.c --- */
int32_t claim_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			uint64_t *ret_requeue_after_ms);
/* Asks for another pass after ms at the latest. */
void pass_again_after(struct pass *pass, uint64_t ms);

/* --- index.c: pure functions of one object --- */
/* "<ns>/<template>" for a claim and for a pool. */
void index_by_template(struct json_object *object, struct asb_values *out);
/* For a pod that may be handed out "<ns>/<pool uid>" and "<ns>/<pool uid>/<template hash or "">",
 * by warm_pod_rank. */
void index_warm_pods(struct json_object *pod, struct asb_values *out);
/* "<ns>/<pod>" for a Sandbox of a claim that names a pod. */
void index_named_pods(struct json_object *sandbox, struct asb_values *out);
/* "<ns>/<uid>" for a claim. */
void index_claims_by_uid(struct json_object *claim, struct asb_values *out);
/* "<ns>/<name hash>" for a pod without an owner, see orphan_is. */
void index_orphans(struct json_object *pod, struct asb_values *out);
/* Maps a NetworkPolicy to the claim its name speaks of, whoever owns it: a foreign one that goes
 * away makes room. */
void map_policy(void *state, struct asb_call *call, struct json_object *before,
		struct json_object *after, struct asb_keys *out);
/* The UID of the pool whose pod this is, if it may be handed out; else NULL. */
const char *warm_pod_pool(struct json_object *pod);
/* Lower goes first: Ready ones, the longest ready first, then the others, the oldest first. */
int64_t warm_pod_rank(struct json_object *pod);

/* --- pick.c --- */
struct pick {
	bool pooled;   /* some pool names the template */
	char pod[254]; /* reserved for this claim; "": none to be had */
};
void pick_pod(struct pass *pass, struct json_object *claim_template, struct pick *ret);
void pick_release(struct pass *pass, const char *pod);
/* Keeps the reservation for the next pass, if its name fits. */
void pick_keep(struct pass *pass, const char *pod);
/* Gives up what an earlier pass kept. */
void pick_forget(struct pass *pass);

/* --- sandbox.c --- */
enum sandbox_state {
	SANDBOX_NONE,
	SANDBOX_OURS,    /* pass->sandbox is set */
	SANDBOX_LEAVING, /* ours, and being deleted */
	SANDBOX_FOREIGN,
	SANDBOX_UNKNOWN, /* the API server does not say; *ret_verdict is set */
	SANDBOX_STATE_MAX
};
enum sandbox_state sandbox_find(struct pass *pass, struct json_object **ret_found,
				int32_t *ret_result);
/* Creates it, from a warm pod if there is one. ASB_DONE with pass->sandbox set, or why not. */
int32_t sandbox_make(struct pass *pass, struct json_object *claim_template);

/* --- orphan.c --- */
/* Whether a pod was taken out of its pool for a claim, has no owner and was never handed over. */
bool orphan_is(struct json_object *pod);
/* Has such a pod judged a little later, under its own name. */
void orphan_map(void *state, struct asb_call *call, struct json_object *before,
		struct json_object *after, struct asb_keys *out);
/* Deletes those with the name hash or the name of this pass that no Sandbox wants. ASB_DONE, or why
 * another pass is needed. */
int32_t orphans_settle(struct pass *pass);

/* --- netpol.c --- */
/* Brings the NetworkPolicy in line with the template. Whether the pod may be taken; if not,
 * *ret_verdict says why. */
bool policy_sync(struct pass *pass, struct json_object *claim_template, int32_t *ret_result);

/* --- expiry.c --- */
enum expiry { EXPIRY_NONE, EXPIRY_LATER, EXPIRY_DUE, EXPIRY_UNREADABLE, EXPIRY_MAX };
/* Where the claim's end stands; for EXPIRY_LATER the pass is told to come again. */
enum expiry expiry_look(struct pass *pass);
int32_t expiry_enforce(struct pass *pass);

/* --- status.c: each returns a result --- */
/* Ready as the Sandbox says it. */
int32_t status_pass_on(struct pass *pass);
/* Ready=False for a reason of our own. ASB_DONE if it stands. */
int32_t status_say(struct pass *pass, const char *reason, const char *message);
/* Ready=False, ReconcilerError. Returns result, with the text in the log. */
int32_t status_error(struct pass *pass, int32_t result, const char *format, ...) ASB_PRINTF(3, 4);
/* An object that has our name and is not ours. */
int32_t status_foreign(struct pass *pass, int32_t result, struct json_object *object);
/* A write that failed; what says which: "create Sandbox". */
int32_t status_write_failed(struct pass *pass, const struct asb_write *write, const char *what);
/* Whether the stored condition Ready has this reason. */
bool status_reason_is(const struct pass *pass, const char *reason);

#endif
