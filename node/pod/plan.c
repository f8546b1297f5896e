/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what comes next for a pod. Called by node/pod/pod.c; pure. */
#include "config.h"

#include "node/pod/plan.h"

#include <string.h>

static void plan_add(struct plan *plan, struct step step)
{
	if (plan->count < PLAN_STEPS_MAX) {
		plan->steps[plan->count++] = step;
	} else {
		plan->recheck_ms = 1;
	}
}

/* The shortest of all waits counts. */
static void plan_wait_for(struct plan *plan, int64_t ms)
{
	if (ms > 0 && (plan->recheck_ms == 0 || ms < plan->recheck_ms)) {
		plan->recheck_ms = ms;
	}
}

static void plan_stop(struct plan *plan, const struct pod_view *view, size_t i, bool unhealthy)
{
	if (view->containers[i].state == CONTAINER_RUNNING && !view->containers[i].stopping) {
		plan_add(plan, (struct step){
				       .kind = STEP_STOP, .container = i, .unhealthy = unhealthy });
	}
}

/* Stops containers first, then the sidecars that they depend on. */
static void plan_stop_all(struct plan *plan, const struct pod_view *view)
{
	bool main_runs = false;

	for (size_t i = 0; i < view->count; i++) {
		if (!view->containers[i].sidecar) {
			main_runs = main_runs || view->containers[i].state == CONTAINER_RUNNING ||
				    view->containers[i].stopping;
			plan_stop(plan, view, i, false);
		}
	}
	for (size_t i = view->init_count; i-- > 0 && !main_runs;) {
		plan_stop(plan, view, i, false);
	}
}

/* Starts a container now, or has the pod planned again when its wait is over. */
static void plan_start(struct plan *plan, const struct pod_view *view, size_t i)
{
	struct container_view *container = &view->containers[i];
	int64_t left = 0;

	if (container->backoff != NULL &&
	    (container->state == CONTAINER_EXITED || container->state == CONTAINER_LOST)) {
		left = backoff_wait_ms(container->backoff, container->ended_ms, view->now_ms);
		container->left_ms = left;
	}
	if (container->retry_ms - view->now_ms > left) {
		left = container->retry_ms - view->now_ms;
	}
	if (left > 0) {
		plan_wait_for(plan, left);
		return;
	}
	plan_add(plan, (struct step){ .kind = STEP_START, .container = i });
}

/* Keeps one container running. */
static void plan_keep_running(struct plan *plan, const struct pod_view *view, size_t i)
{
	const struct container_view *container = &view->containers[i];

	if (container->state == CONTAINER_RUNNING) {
		if (container->failed) {
			plan_stop(plan, view, i, true);
		}
		return;
	}
	if (container->state == CONTAINER_NONE || container->state == CONTAINER_CREATED ||
	    container_wants_restart(view, container)) {
		plan_start(plan, view, i);
	}
}

/* Runs init containers in order, each when the one before is done. True: all are done. */
static bool plan_initialize(struct plan *plan, const struct pod_view *view)
{
	bool done = pod_initialized(view);

	for (size_t i = 0; i < view->init_count; i++) {
		const struct container_view *container = &view->containers[i];

		if (container->sidecar) {
			plan_keep_running(plan, view, i);
		} else if (!done && !container_init_done(container)) {
			plan_keep_running(plan, view, i);
		}
		if (!done && !container_init_done(container)) {
			return false;
		}
	}
	return true;
}

/* Removes attempts before the last two: Kubernetes shows neither their logs nor their messages. */
static void plan_forget_old(struct plan *plan, const struct pod_view *view)
{
	for (size_t i = 0; i < view->list->count; i++) {
		const struct runtime_status *status = &view->list->items[i];

		for (size_t j = 0; status->name != NULL && j < view->count; j++) {
			const struct container_view *container = &view->containers[j];

			if (strcmp(container->name, status->name) == 0 &&
			    container->before != NULL &&
			    status->attempt < container->before->attempt) {
				plan_add(plan, (struct step){ .kind = STEP_FORGET,
							      .forget = status->id });
			}
		}
	}
}

void plan_make(struct pod_view *view, struct plan *ret)
{
	*ret = (struct plan){ 0 };
	if (view->over || pod_finished(view)) {
		plan_stop_all(ret, view);
		return;
	}
	if (view->sandbox == NULL) {
		/* Containers that still run use a network that is gone. */
		plan_stop_all(ret, view);
		if (!pod_anything_runs(view)) {
			plan_add(ret, (struct step){ .kind = STEP_SANDBOX });
		}
		return;
	}
	if (plan_initialize(ret, view)) {
		for (size_t i = view->init_count; i < view->count; i++) {
			plan_keep_running(ret, view, i);
		}
	}
	plan_forget_old(ret, view);
}
