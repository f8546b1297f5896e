/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the steps of a plan, in order. Called by node/pod/pod.c. */
#include "config.h"

#include "node/pod/pod-private.h"

static bool run_forget(struct pod_call *pc, const char *id)
{
	struct runtime *runtime = pc->node->runtime;
	struct error error = { 0 };

	if (runtime->ops->remove_container(runtime, id, &error) < 0) {
		pc->call->host->log(pc->call->instance, ASB_LOG_WARNING,
				    "cannot remove an old container of pod '%s/%s', going on: %s",
				    asb_ns(pc->pod), asb_name(pc->pod), error.text);
		return false;
	}
	return true;
}

bool pod_perform(struct pod_call *pc, const struct plan *plan)
{
	bool changed = false;

	pod_requeue_after(pc, plan->recheck_ms);
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		switch (step->kind) {
		case STEP_STOP:
			pod_stop_container(pc, step->container, step->unhealthy);
			break;
		case STEP_SANDBOX:
			changed = pod_start_sandbox(pc) || changed;
			break;
		case STEP_START:
			changed = pod_start_container(pc, step->container) || changed;
			break;
		case STEP_FORGET:
			changed = run_forget(pc, step->forget) || changed;
			break;
		}
	}
	return changed;
}
