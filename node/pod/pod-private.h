/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a pod's reconcile share: one pod, looked at once. */
#ifndef ASB_NODE_POD_POD_PRIVATE_H
#define ASB_NODE_POD_POD_PRIVATE_H

#include <agent-sandbox/helpers.h>

#include "node/node-private.h"
#include "node/pod/plan.h"

struct pod_call {
	struct node *node;
	struct asb_call *call;
	struct json_object *pod;
	struct pod_record *record;
	struct runtime_list list;
	struct pod_view view;
	bool has_volumes; /* volumes are made */
	struct volume_set volumes;
	int64_t requeue_after_ms; /* come again after this at the latest; 0: no need */
};

/* Comes again after ms at the latest. */
void pod_requeue_after(struct pod_call *pc, int64_t ms);
/* An event about the pod. */
void pod_event(struct pod_call *pc, const char *type, const char *reason, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* ---- pod-look.c ---- */

/* Fills list and view: what the runtime has, what the probes say, what is remembered. 0 or a
 * negative code. */
int pod_observe(struct pod_call *pc, struct error *reterr);
void pod_observation_finish(struct pod_call *pc);
/* The same view with what has been noted since. */
void pod_refresh_view(struct pod_call *pc);
/* Tells in events what tasks and probes have found, and what this node does not do. */
void pod_report(struct pod_call *pc);

/* ---- pod-run.c ---- */

/* Carries a plan out. True: something has changed, look again. */
bool pod_perform(struct pod_call *pc, const struct plan *plan);
/* Makes the volumes or brings them up to date; false: it did not work, and that is told. */
bool pod_make_volumes(struct pod_call *pc);
/* What a description of a pod points to, freed by pod_words_finish. */
struct pod_words {
	char *hostname;
	char **aliases; /* lines for /etc/hosts */
	char **sysctls; /* of the network */
	char **own;     /* of each container */
};
void pod_words_finish(struct pod_words *words);
/* What the runtime needs to know of the pod. False: its RuntimeClass cannot be had, or it asks for
 * what this node must not give, and that is told. */
bool pod_describe(struct pod_call *pc, struct runtime_pod *ret, struct pod_words *ret_words);

/* ---- pod-start.c ---- */

/* True: it was started. False: not now; the note says why. */
bool pod_start_container(struct pod_call *pc, size_t number);
/* Notes why a container is not there, and when to try again. */
void pod_set_waiting(struct pod_call *pc, size_t number, const char *reason, const char *message,
		     int64_t again_ms);

/* ---- pod-stop.c ---- */

/* Begins to end a container: preStop, SIGTERM, SIGKILL after the grace. */
void pod_stop_container(struct pod_call *pc, size_t number, bool unhealthy);
/* The same of a pod whose object is gone. False: it runs no more. */
bool pod_stop_orphan(struct node *node, const struct runtime_status *status, int64_t grace_s);
bool pod_is_stopping(struct node *node, const char *id);
/* Begins a container's postStart hook, if it has one. */
void pod_run_post_start(struct pod_call *pc, size_t number, const char *id);
bool pod_runs_post_start(struct node *node, const char *id);

/* ---- pod-message.c ---- */

/* The file that is mounted as a container's termination message: made, empty. The caller's; NULL
 * when it cannot be made. bounded: on a tmpfs, where one may be mounted, as anybody may write it. */
char *message_make(const char *root, const char *uid, const char *name, uint32_t attempt,
		   bool bounded);
/* What an ended container had to say; the caller's, "" for nothing. */
char *message_read(struct node *node, struct json_object *spec,
		   const struct runtime_status *status);
void message_remove(const char *root, const char *uid);

#endif
