/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this plugin share: the numbers of its tables, and struct pass, one reconcile of
 * one Sandbox.
 */
#ifndef PLUGINS_SANDBOX_SANDBOX_H
#define PLUGINS_SANDBOX_SANDBOX_H

#include <agent-sandbox/helpers.h>

/* Numbers in sandbox_watches. */
enum {
	WATCH_SANDBOX,
	WATCH_POD,
	WATCH_SERVICE,
	WATCH_VOLUME, /* PersistentVolumeClaim */
	WATCH_CLAIM,
	WATCH_POOL,
};

/* Numbers in the table of indexes. */
enum {
	INDEX_POD_NAME,
	INDEX_OWNED_PODS,
};

enum {
	METRIC_PODS_LOST,
};

#define LABEL_NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define LABEL_SANDBOX_UID "agents.x-k8s.io/sandbox-uid"
#define LABEL_CLAIM_UID "agents.x-k8s.io/claim-uid"
#define LABEL_POOL "agents.x-k8s.io/pool"
#define LABEL_TEMPLATE_HASH "agents.x-k8s.io/sandbox-template-ref-hash"
#define ANNOTATION_POD_NAME "agents.x-k8s.io/pod-name"

#define REASON_READY "DependenciesReady"
#define REASON_NOT_READY "DependenciesNotReady"
#define REASON_ERROR "ReconcilerError"
#define REASON_EXPIRED "SandboxExpired"

/* What status.c says of a pod that is not there; pod.c recognises a lost pod by it after a restart.
 */
#define TEXT_NO_POD "Pod does not exist"

extern const struct asb_watch sandbox_watches[];
extern const char sandbox_crd[];

/* One loaded plugin. */
struct sandbox_state {
	const char *cluster_domain;
};

/* What is remembered between two passes over one Sandbox, as long as the process lives. */
struct sandbox_memory {
	int64_t lost_ms;  /* when its adopted pod was seen to have vanished; 0: it has not */
	int64_t error_ms; /* when a status with an error was last written */
};

/* One of the two objects that are settled side by side. */
struct side {
	struct json_object *object; /* as the store or the server showed it last; NULL: none */
	unsigned int looks; /* how often a write met another world than the one it was for */
	bool failed;        /* the error is noted: no more writes in this pass */
};

/* One reconcile of one Sandbox. Everything borrowed lives as long as the call. */
struct pass {
	struct asb_call *call;
	const struct sandbox_state *state;
	struct sandbox_memory *memory;
	struct json_object *sandbox;
	const char *ns, *name, *uid;
	const char *claim_uid;  /* of the SandboxClaim that controls it, NULL: a plain Sandbox */
	const char *annotation; /* the pod-name annotation, NULL: none */
	char hash[9];
	bool wanted; /* replicas is 1 */

	struct side pod, service;
	bool volumes_failed;

	char error[2048]; /* the first one, "" for none */
	bool retry;       /* ask for a call with backoff */
	bool stopped;     /* nothing is known for certain any more: write nothing, try again */
	int64_t again_ms; /* look again after this, -1: no need */
};

/* What a write came to. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_LOOK,   /* the world is not what the store showed: look at it live */
	OUTCOME_FAILED, /* noted in the pass */
};

/* --- reconcile.c --- */

int32_t sandbox_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			  uint64_t *ret_requeue_after_ms);

/* --- pass.c: what all steps do with a pass --- */

void pass_init(struct pass *p, const struct sandbox_state *state, struct asb_call *call,
	       struct json_object *sandbox);
/* Notes an error for the condition; the first one stays. */
void pass_error(struct pass *p, const char *format, ...) ASB_PRINTF(2, 3);
/* The error that an object of this name is somebody else's; asks to be called again. */
void pass_foreign(struct pass *p, struct side *side, uint32_t watch, struct json_object *object);
/* Asks to be called again after ms at the latest. */
void pass_again(struct pass *p, int64_t ms);
/* Ends the pass for an unknown world: the status stays as it is. */
void pass_stop(struct pass *p, const char *why);
enum outcome pass_judge(struct pass *p, struct side *side, const struct asb_write *write);
/* A live GET into side->object. */
void pass_read(struct pass *p, struct side *side, uint32_t watch, const char *name);
/* What the write left in the store, else its response. */
struct json_object *pass_result(struct pass *p, const struct asb_write *write, const char *name);
/* After a creation or a patch of the object of that name: side->object is what is there now. */
void pass_done(struct pass *p, struct side *side, const struct asb_write *write, const char *name);
/* Whether object's controller is this Sandbox. */
bool pass_owns(const struct pass *p, struct json_object *object);

/* --- pod.c: which pod is the Sandbox's, and its next write --- */

/* Finds the pod in the store: the annotation's, that of the Sandbox's name, or any the Sandbox
 * owns. */
void pod_look(struct pass *p);
bool pod_plan(struct pass *p, struct asb_write *ret_write);
void pod_done(struct pass *p, const struct asb_write *write);
/* A patch that sets (NULL: drops) the pod-name annotation if nobody has changed it meanwhile. */
struct asb_write pod_name_patch(struct pass *p, const char *pod_name);

/* --- template.c: the pod and volumes as the Sandbox describes them --- */

/* A new pod made from podTemplate, owned by the caller. */
struct json_object *template_pod(struct pass *p);
/* Copies the labels and annotations of a template. */
void template_metadata(struct json_object *object, struct json_object *template);

/* --- adopt.c: taking over what exists --- */

/* The claim in the store that controls this Sandbox, or NULL. */
struct json_object *adopt_claim(struct pass *p);
/* Whether this is a pool's pod that the Sandbox's claim may take. */
bool adopt_possible(struct pass *p, struct json_object *pod);
/* Whether this is a pod that another controller took for the Sandbox's claim and never handed
 * over. */
bool adopt_unfinished(struct pass *p, struct json_object *pod);
/* W2: from the pool to the Sandbox. */
struct json_object *adopt_patch_from_pool(struct pass *p, struct json_object *pod);
/* The same for an unfinished one. */
struct json_object *adopt_patch_unfinished(struct pass *p, struct json_object *pod);
/* Appends: from nobody to the Sandbox. */
void adopt_patch_unowned(struct pass *p, struct json_object *patch, struct json_object *object);
/* Appends what the system's labels of a pod lack. */
void adopt_patch_labels(struct pass *p, struct json_object *patch, struct json_object *pod);
/* Appends one label if it is missing or another. */
void adopt_patch_label(struct json_object *patch, struct json_object *object, const char *key,
		       const char *value);

/* --- service.c --- */

void service_look(struct pass *p);
bool service_plan(struct pass *p, struct asb_write *ret_write);
void service_done(struct pass *p, const struct asb_write *write);

/* --- volumes.c --- */

/* Creates the PersistentVolumeClaims that are missing. */
void volumes_ensure(struct pass *p);
/* Mounts them into a new pod's spec. */
void volumes_mount(struct pass *p, struct json_object *pod);

/* --- status.c --- */

void status_write(struct pass *p);
/* All that is left of the status after an expiry. */
void status_write_expired(struct pass *p);

/* --- expiry.c --- */

/* Whether shutdownTime has passed; if it has not, asks to be called when it does. */
bool expiry_passed(struct pass *p);
void expiry_run(struct pass *p);

#endif
