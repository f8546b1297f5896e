/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a pod's reconcile share: the context of one reconcile of one pod, and the steps
 * that take it. */
#ifndef ASB_NODE_POD_POD_PRIVATE_H
#define ASB_NODE_POD_POD_PRIVATE_H

#include <agent-sandbox/helpers.h>

#include "node/node-private.h"
#include "node/pod/plan.h"

/* The context of one reconcile. */
struct pod_call {
	struct node *node;
	struct asb_call *call;
	struct json_object *pod;
	struct pod_record *record;
	struct runtime_list list;
	struct pod_view view;
	bool has_volumes; /* this reconcile has made the volumes */
	struct volume_set volumes;
	int64_t requeue_after_ms; /* reconcile again after this at the latest; 0: no need */
};

/* ---- context.c ---- */

/* Has the pod reconciled again after ms at the latest; the earliest of all calls counts. */
void pod_requeue_after(struct pod_call *pc, int64_t ms);
/* Records an event about the pod. */
void pod_event(struct pod_call *pc, const char *type, const char *reason, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* ---- observe.c ---- */

/* Fills list and view: what the runtime has, what the probes say, what is remembered. 0 or a
 * negative code. */
int pod_observe(struct pod_call *pc, struct error *reterr);
/* Frees list and view. */
void pod_observation_finish(struct pod_call *pc);
/* Brings the view up to date with what has been recorded since. */
void pod_refresh_view(struct pod_call *pc);
/* Reports in events what jobs and probes have found, and what this node does not support. */
void pod_report(struct pod_call *pc);

/* ---- run.c ---- */

/* Carries a plan out. True: something has changed, observe again. */
bool pod_perform(struct pod_call *pc, const struct plan *plan);

/* ---- sandbox.c ---- */

/* Makes the volumes or brings them up to date; false: that failed, and an event says why. */
bool pod_make_volumes(struct pod_call *pc);
/* Starts the pod's sandbox. False: it was not started; an event says why, unless it only has to
 * wait. */
bool pod_start_sandbox(struct pod_call *pc);
/* The strings that a struct runtime_pod points to, freed by pod_strings_finish. */
struct pod_strings {
	char *hostname;
	char **aliases;           /* lines for /etc/hosts */
	char **network_sysctls;   /* of the pod's network */
	char **container_sysctls; /* of each container */
};
void pod_strings_finish(struct pod_strings *strings);
/* What the runtime needs to know of the pod. False: its RuntimeClass cannot be used, or it asks for
 * a sysctl that this node must not set; an event says which. */
bool pod_describe(struct pod_call *pc, struct runtime_pod *ret, struct pod_strings *ret_strings);

/* ---- start.c ---- */

/* True: the container was started. False: not now; its record says why. */
bool pod_start_container(struct pod_call *pc, size_t number);

/* ---- stop.c ---- */

/* Starts a job that ends a container: preStop, SIGTERM, SIGKILL after the grace period. */
void pod_stop_container(struct pod_call *pc, size_t number, bool unhealthy);
/* The same for a container of a pod whose object is gone. False: it does not run. */
bool pod_stop_orphan(struct node *node, const struct runtime_status *status, int64_t grace_s);
bool pod_is_stopping(struct node *node, const char *id);
/* Starts a job for a container's postStart hook, if it has one. */
void pod_run_post_start(struct pod_call *pc, size_t number, const char *id);
bool pod_runs_post_start(struct node *node, const char *id);

/* ---- message.c ---- */

/* Makes an empty file that is mounted as a container's termination message. The path is the
 * caller's; NULL when the file cannot be made. bounded: on a small tmpfs, where one may be mounted,
 * because anybody in the container may write to it. */
char *message_make(const char *root, const char *uid, const char *name, uint32_t attempt,
		   bool bounded);
/* The termination message of a container that has ended; the caller's, "" for none. */
char *message_read(struct node *node, struct json_object *spec,
		   const struct runtime_status *status);
/* Removes all termination messages of a pod. */
void message_remove(const char *root, const char *uid);

#endif
