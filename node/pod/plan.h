/* SPDX-License-Identifier: Apache-2.0 */
/* Plans what a kubelet would do next for a pod, as a list of steps. Pure: no I/O, and the only
 * clock is the view's. */
#ifndef ASB_NODE_POD_PLAN_H
#define ASB_NODE_POD_PLAN_H

#include "node/pod/view.h"

enum step_kind {
	STEP_STOP,    /* end a container that runs */
	STEP_SANDBOX, /* the pod's network and hostname */
	STEP_START,   /* make and start a container */
	STEP_FORGET,  /* remove an attempt that is older than the one before */
};

struct step {
	enum step_kind kind;
	size_t container;   /* STOP, START: number in the view */
	bool unhealthy;     /* STOP: a probe has failed, the pod goes on */
	const char *forget; /* FORGET: the runtime's id, the list's */
};

#define PLAN_STEPS_MAX 64 /* the next plan has the rest */

struct plan {
	struct step steps[PLAN_STEPS_MAX];
	size_t count;
	int64_t recheck_ms; /* until the next step may be due without any event; 0: never */
};

/* Fills left_ms of the view's containers too. */
void plan_make(struct pod_view *view, struct plan *ret);

#endif
