/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the claim plugin share: the numbers of its tables, and struct pass, one
 * reconcile of one SandboxClaim. Functions run on the thread of the reconcile; what they return is
 * borrowed until it ends.
 */
#ifndef PLUGINS_CLAIM_CLAIM_H
#define PLUGINS_CLAIM_CLAIM_H

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/object.h"
#include "plugins/common/pod-template.h"
#include "plugins/common/policy-rules.h"
#include "plugins/common/requeue.h"

#include <agent-sandbox/helpers.h>

#define POLICY_SUFFIX "-network-policy"

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
	INDEX_CLAIMS_BY_POOL,
	INDEX_OWNED_SANDBOXES,
	INDEX_MAX
};

enum claim_metric {
	METRIC_STARTUP,
	METRIC_HITS,
	METRIC_MISSES,
	METRIC_WEBHOOK_LATENCY,
	METRIC_CONTROLLER_LATENCY,
	METRIC_CLIENT_LATENCY,
	METRIC_SANDBOX_LATENCY,
	METRIC_CREATIONS,
	METRIC_MAX
};

/* Room for every index value that names objects which can exist. */
#define VALUE_SIZE 512

enum claim_option {
	OPTION_LABEL_DOMAINS,
	OPTION_QUIET,
	OPTION_MAX,
};

/* One loaded plugin. */
struct claim_state {
	const char *domains; /* that labels of additionalPodMetadata may have */
	bool quiet;          /* no events about claims of v1beta1 */
};

/* How a claim was served, as far as this process knows. */
enum claim_launch { LAUNCH_UNKNOWN, LAUNCH_COLD, LAUNCH_WARM, LAUNCH_MAX };

/*
 * What is remembered of a claim between two reconciles: key_state() of plugin.h. It is small
 * because there may be 100,000 claims. Losing it costs an event, a sample or a second read, never
 * correctness.
 */
struct claim_memory {
	int64_t seen_ms;          /* when this process first saw it */
	int64_t error_ms;         /* when an error was last written to its status; 0: never */
	uint64_t policy;          /* hash of the NetworkPolicy as our last write left it; 0: none */
	uint32_t failures;        /* reconciles in a row that got no response */
	uint8_t started;          /* the other members are set */
	uint8_t launch;           /* enum claim_launch */
	uint8_t never_ready;      /* it has not been Ready before */
	uint8_t sandbox_expected; /* the Sandbox may exist although the store does not show it */
	char pod[64];             /* the warm pod reserved for that Sandbox; "": none */
};

/* One reconcile of one claim. Everything borrowed lives as long as the call. */
struct pass {
	struct asb_call *call;
	const struct asb_key *key;
	struct json_object *claim;
	struct json_object *sandbox; /* the claim's own Sandbox unless it is being deleted */
	struct claim_memory *memory;
	int64_t now_ms;
	uint64_t after_ms; /* when to be called again at the latest; REQUEUE_NEVER */
	enum dialect dialect;
	const char *domains; /* as in claim_state */
	bool quiet;
};

extern const char claim_crd[]; /* made from crd.yaml */

/* --- reconcile.c --- */

int32_t claim_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			uint64_t *ret_requeue_after_ms);

/* --- pass.c: what all steps do with a reconcile --- */

/* Asks to be called again after ms at the latest. */
void pass_again(struct pass *pass, uint64_t ms);
/* Whether object's controller is this claim. */
bool pass_owns(const struct pass *pass, struct json_object *object);

/* --- index.c: what the host asks of a changed object; pure functions of it --- */

/* "<ns>/<template>" for a claim and for a pool. */
void index_by_template(struct json_object *object, struct asb_values *out);
/* For a pod that may be handed out "<ns>/<pool uid>" and "<ns>/<pool uid>/<template hash or "">",
 * by index_warm_pod_rank. */
void index_warm_pods(struct json_object *pod, struct asb_values *out);
/* "<ns>/<pod>" for a Sandbox of a claim that names a pod. */
void index_named_pods(struct json_object *sandbox, struct asb_values *out);
/* "<ns>/<uid>" for a claim. */
void index_claims_by_uid(struct json_object *claim, struct asb_values *out);
/* "<ns>/<name hash>" for a pod without an owner, see orphan_is. */
void index_orphans(struct json_object *pod, struct asb_values *out);
/* "<ns>/<pool>" for a claim of v1beta1. */
void index_by_pool(struct json_object *claim, struct asb_values *out);
/* "<ns>/<claim uid>" for a Sandbox of a claim, by its age. */
void index_owned_sandboxes(struct json_object *sandbox, struct asb_values *out);
/* Enqueues the claims whose pools name a template. */
void index_enqueue_pool_claims(void *state, struct asb_call *call, struct json_object *before,
			       struct json_object *after, struct asb_keys *out);
/* Enqueues the claim that a NetworkPolicy's name belongs to, whoever owns the policy: when a
 * foreign one is deleted, the claim can create its own. */
void index_enqueue_policy_claim(void *state, struct asb_call *call, struct json_object *before,
				struct json_object *after, struct asb_keys *out);
/* The UID of the pool whose pod this is, if the pod may be handed out; else NULL. */
const char *index_warm_pod_pool(struct json_object *pod);
/* The pod of the lowest rank is handed out first: Ready pods come before others, the longest ready
 * first; then the oldest. */
int64_t index_warm_pod_rank(struct json_object *pod);

/* --- pick.c --- */

struct pick {
	bool pooled;   /* some pool names the template */
	char pod[254]; /* the pod reserved for this claim; "": there is none */
};
/* Chooses and reserves a warm pod. */
void pick_pod(struct pass *pass, struct json_object *claim_template, struct pick *ret);
/* Releases the reservation of a pod; pod may be "". */
void pick_release(struct pass *pass, const char *pod);
/* Keeps the reservation for the next reconcile, if the name fits into the memory. */
void pick_keep(struct pass *pass, const char *pod);
/* Releases what an earlier reconcile has kept. */
void pick_drop(struct pass *pass);

/* --- sandbox.c --- */

enum sandbox_state {
	SANDBOX_NONE,
	SANDBOX_OURS,     /* pass->sandbox is set */
	SANDBOX_DELETING, /* it is ours, and being deleted */
	SANDBOX_FOREIGN,
	SANDBOX_UNKNOWN, /* the API server does not respond; *ret_result is set */
	SANDBOX_MAX
};
enum sandbox_state sandbox_find(struct pass *pass, struct json_object **ret_found,
				int32_t *ret_result);
/* Creates it, around a warm pod if there is one. Returns ASB_DONE with pass->sandbox set, or an
 * error. */
int32_t sandbox_create(struct pass *pass, struct json_object *claim_template);

/* Sends a new Sandbox, around the pod of pick if that has one. Returns as sandbox_create(). */
int32_t sandbox_send(struct pass *pass, struct json_object *take_sandbox, const struct pick *pick);

/* --- beta.c --- */

/* The Sandbox in the store that a claim of v1beta1 owns, or NULL; it may be being deleted. */
struct json_object *beta_find_owned(struct pass *pass);
/* Provides the Sandbox of a claim of v1beta1 that has not expired, and writes its status. Returns
 * what reconcile returns. */
int32_t beta_reconcile(struct pass *pass);

/* --- orphan.c --- */

/* Whether a pod was taken out of its pool for a claim, has no owner and was never handed over. */
bool orphan_is(struct json_object *pod);
/* Enqueues such a pod under its own name, after a pause. */
void orphan_enqueue(void *state, struct asb_call *call, struct json_object *before,
		    struct json_object *after, struct asb_keys *out);
/* Deletes orphaned pods, with the name hash or the name of this key, that no Sandbox wants. Returns
 * ASB_DONE or an error. */
int32_t orphan_delete_all(struct pass *pass);

/* --- policy.c --- */

/* Creates, updates or deletes the NetworkPolicy as the template says. Returns whether the Sandbox
 * may get a pod; if not, *ret_result is what the reconcile returns. */
bool policy_sync(struct pass *pass, struct json_object *claim_template, int32_t *ret_result);

/* --- expiry.c --- */

enum expiry { EXPIRY_NONE, EXPIRY_LATER, EXPIRY_DUE, EXPIRY_INVALID, EXPIRY_MAX };
/* Whether the claim has expired. For EXPIRY_LATER it asks to be called again. */
enum expiry expiry_state(struct pass *pass);
/* Deletes the claim or its Sandbox, as the policy says. */
int32_t expiry_enforce(struct pass *pass);

/* --- measure.c --- */

/* Milliseconds, ended by 0. */
extern const double measure_claim_buckets[], measure_sandbox_buckets[];
/* A Sandbox was made for this claim (cold), or taken or made around a pod of a pool (warm). */
void measure_created(struct pass *pass, struct json_object *sandbox, bool warm);
/* The claim is Ready for the first time; pass->sandbox is its Sandbox. */
void measure_ready(struct pass *pass);

/* --- status.c: each function returns ASB_DONE or an error --- */

/* Copies the condition Ready of the Sandbox. */
int32_t status_copy(struct pass *pass);
/* Writes Ready=False with this reason. */
int32_t status_not_ready(struct pass *pass, const char *reason, const char *message);
/* Writes Ready=False, ReconcilerError. Returns result, with the text in the log. */
int32_t status_error(struct pass *pass, int32_t result, const char *format, ...) ASB_PRINTF(3, 4);
/* Reports an object that has the name of one of ours and another owner. */
int32_t status_foreign(struct pass *pass, int32_t result, struct json_object *object);
/* Reports a write that failed; what says which one: "create Sandbox". */
int32_t status_write_failed(struct pass *pass, const struct asb_write *write, const char *what);
/* Whether the stored condition Ready has this reason. */
bool status_reason_is(const struct pass *pass, const char *reason);

#endif
