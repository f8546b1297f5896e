/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Sandbox plugin share: the numbers of its tables, and struct pass, one
 * reconcile of one Sandbox. Functions run on the thread of the reconcile; what they return is
 * borrowed until it ends.
 */
#ifndef PLUGINS_SANDBOX_SANDBOX_H
#define PLUGINS_SANDBOX_SANDBOX_H

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/object.h"
#include "plugins/common/pod-template.h"
#include "plugins/common/requeue.h"

#include <agent-sandbox/helpers.h>

enum sandbox_watch {
	WATCH_SANDBOX,
	WATCH_POD,
	WATCH_SERVICE,
	WATCH_VOLUME, /* PersistentVolumeClaim */
	WATCH_CLAIM,
	WATCH_POOL,
	WATCH_MAX
};

enum sandbox_index { INDEX_POD_NAME, INDEX_OWNED_PODS, INDEX_MAX };

enum sandbox_metric { METRIC_PODS_LOST, METRIC_SANDBOXES, METRIC_MAX };

enum sandbox_option { OPTION_CLUSTER_DOMAIN, OPTION_MAX };

#define REASON_READY "DependenciesReady"
#define REASON_NOT_READY "DependenciesNotReady"
#define REASON_ERROR "ReconcilerError"
#define REASON_EXPIRED "SandboxExpired"
#define REASON_INVALID "InvalidConfiguration"
#define REASON_MANY "MultiplePods"

/* What status.c says about a missing pod. After a restart pod.c recognises a lost pod by it. */
#define TEXT_NO_POD "Pod does not exist"

extern const char sandbox_crd[]; /* made from crd.yaml */

/* One loaded plugin. */
struct sandbox_state {
	const char *cluster_domain;
};

/* What is remembered of a Sandbox between two reconciles: key_state() of plugin.h. */
struct sandbox_memory {
	int64_t lost_ms;  /* when its adopted pod was found missing; 0: it is not missing */
	int64_t error_ms; /* when a status with an error was last written */
	uint32_t mode;    /* enum sandbox_mode: what the last reconcile saw */
};

/* The operatingMode of a Sandbox, as sandbox_memory has it. */
enum sandbox_mode { MODE_NOT_SEEN, MODE_UNSET, MODE_RUNNING, MODE_SUSPENDED };

/* One of the objects that a Sandbox owns, its pod or its Service. */
struct child {
	struct json_object *object; /* as the store or the server showed it last; NULL: none */
	unsigned int reads; /* how often a write was outdated and the object was read live */
	bool failed;        /* an error is noted: this reconcile writes the object no more */
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
	char hash[9];           /* of the name */
	enum dialect dialect;
	enum dialect_service service_wish; /* for v1alpha1 always DIALECT_SERVICE_TRUE */
	uint32_t suspended;                /* DIALECT_SUSPENDED_* */
	bool wanted;                       /* it is not suspended: there is to be a pod */

	struct child pod, service;
	bool volumes_failed;

	char error[2048];         /* the first error, "" for none */
	const char *error_reason; /* of the condition that reports it */
	bool retry;               /* ask for another call, with backoff */
	bool stopped;      /* the state of the cluster is unknown: write nothing, try again */
	uint64_t after_ms; /* when to be called again at the latest; REQUEUE_NEVER */
};

/* What the result of a write means. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_CHANGED, /* the object is not what the store showed: read it live */
	OUTCOME_FAILED,  /* the error is noted in the pass */
};

/* --- reconcile.c --- */

int32_t sandbox_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			  uint64_t *ret_requeue_after_ms);

/* --- inventory.c --- */

/* Counts the Sandbox, as its status is stored, among all Sandboxes. */
void inventory_count(struct asb_call *call, struct json_object *sandbox);

/* --- pass.c: what all steps do with a reconcile --- */

void pass_init(struct pass *pass, const struct sandbox_state *state, struct asb_call *call,
	       struct json_object *sandbox);
/* Notes an error for the condition; the first one stays. */
void pass_error(struct pass *pass, const char *format, ...) ASB_PRINTF(2, 3);
/* Notes as an error that the object has the child's name and another owner, and asks to be called
 * again. */
void pass_foreign(struct pass *pass, struct child *child, const struct asb_kind *kind,
		  struct json_object *object);
/* Asks to be called again after ms at the latest. */
void pass_again(struct pass *pass, int64_t ms);
/* Whether an object that has the child's name and no owner was meant for a Sandbox, as its labels
 * say: only then does a Sandbox of v1beta1 adopt it. Else notes the error. */
bool pass_may_adopt(struct pass *pass, struct child *child, const struct asb_kind *kind,
		    struct json_object *object);
/* Ends the reconcile because the state of the cluster is unknown. The status stays as it is. */
void pass_stop(struct pass *pass, const char *why);
/* Says what the result of a write means, and notes errors. */
enum outcome pass_classify(struct pass *pass, struct child *child, const struct asb_write *write);
/* Reads an object live into child->object. */
void pass_read(struct pass *pass, struct child *child, uint32_t watch, const char *name);
/* The object that a write left: from the store, else from the response. */
struct json_object *pass_result(struct pass *pass, const struct asb_write *write, const char *name);
/* Handles the result of creating or patching the object of that name: child->object is what is
 * there now. */
void pass_done(struct pass *pass, struct child *child, const struct asb_write *write,
	       const char *name);
/* Whether object's controller is this Sandbox. */
bool pass_owns(const struct pass *pass, struct json_object *object);

/* --- pod.c: which pod is the Sandbox's, and its next write --- */

/* Finds the pod in the store: the pod that the annotation names, the pod of the Sandbox's name, or
 * any pod that the Sandbox owns. */
void pod_find(struct pass *pass);
/* The next write that the pod needs. Returns false if it needs none. */
bool pod_plan(struct pass *pass, struct asb_write *ret_write);
/* Handles the result of that write. */
void pod_done(struct pass *pass, const struct asb_write *write);
/* A patch that sets (NULL: removes) the pod-name annotation if nobody has changed it meanwhile. */
struct asb_write pod_name_patch(struct pass *pass, const char *pod_name);

/* --- propagate.c: labels and annotations of the pod of a Sandbox of v1beta1 --- */

/* Gives a new pod the labels and annotations that are due; system labels are not set yet. */
void propagate_new(struct pass *pass, struct json_object *pod);
/* Appends to a patch what the pod has to change. The patch makes metadata.labels if there are none. */
void propagate_patch(struct pass *pass, struct json_object *patch, struct json_object *pod);

/* --- ports.c --- */

/* The ports of the Service for a podTemplate: a new array, sorted by port and protocol. */
struct json_object *ports_of(struct json_object *pod_template);
/* Whether a Service has these ports; what the API server adds to a port does not count. */
bool ports_same(struct json_object *wanted, struct json_object *have);

/* --- mode.c --- */

/* Resumes a Sandbox whose operatingMode was set to Running while spec.replicas is 0: whoever sets
 * the mode wants it to run. */
void mode_follow(struct pass *pass);

/* --- adopt.c: which existing objects may be adopted, and the patches that do it --- */

/* The claim in the store that controls this Sandbox, or NULL. */
struct json_object *adopt_claim(struct pass *pass);
/* Whether this is a pool's pod that the Sandbox's claim may take. */
bool adopt_possible(struct pass *pass, struct json_object *pod);
/* Whether this is a pod that another controller took for the Sandbox's claim and never handed
 * over. */
bool adopt_unfinished(struct pass *pass, struct json_object *pod);
/* The patch that gives a pool's pod to the Sandbox. */
struct json_object *adopt_patch_from_pool(struct pass *pass, struct json_object *pod);
/* The patch that gives the Sandbox a pod that was never handed over. */
struct json_object *adopt_patch_unfinished(struct pass *pass, struct json_object *pod);
/* Appends to a patch the system labels that a pod lacks. */
void adopt_patch_labels(struct pass *pass, struct json_object *patch, struct json_object *pod);
/* Appends to a patch one label if it is missing or has another value. */
void adopt_patch_label(struct json_object *patch, struct json_object *object, const char *key,
		       const char *value);

/* --- service.c: like pod.c, for the Service --- */

void service_find(struct pass *pass);
bool service_plan(struct pass *pass, struct asb_write *ret_write);
void service_done(struct pass *pass, const struct asb_write *write);

/* --- volumes.c --- */

/* Creates the PersistentVolumeClaims that are missing. */
void volumes_ensure(struct pass *pass);
/* Mounts them into a new pod's spec. */
void volumes_mount(struct pass *pass, struct json_object *pod);

/* --- conditions.c: the conditions of a Sandbox of v1beta1; owned is its pod or NULL --- */

/* Whether it has more conditions than Ready: one of v1beta1, or one that uses operatingMode. */
bool conditions_are_beta(const struct pass *pass);
/* Ready, when there is no error. */
struct json_object *conditions_beta_ready(struct pass *pass, struct json_object *owned,
					  bool service);
/* Appends the others. */
void conditions_add_beta(struct pass *pass, struct json_object *list, struct json_object *owned);
/* Appends those of the stored status that stay after the Sandbox has expired. */
void conditions_keep(struct pass *pass, struct json_object *list);

/* --- status.c --- */

void status_write(struct pass *pass);
/* Writes the status of an expired Sandbox: no pod, and the reason. */
void status_write_expired(struct pass *pass);

/* --- expiry.c --- */

/* Whether shutdownTime has passed; if it has not, asks to be called when it does. */
bool expiry_passed(struct pass *pass);
/* Deletes what the Sandbox owns, and the Sandbox itself if its policy says so. */
void expiry_enforce(struct pass *pass);

#endif
