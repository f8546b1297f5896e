/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions that a kubelet keeps on a pod. Called by node/pod/status.c; pure. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/buf.h"
#include "node/pod/status-private.h"

#define LIST_MAX (16u << 10) /* 256 names of 63 characters */

struct result {
	const char *type;
	bool good;
	const char *reason, *message; /* or NULL */
};

static void conditions_set(const struct pod_view *view, struct json_object *conditions,
			   struct result result)
{
	const char *status = result.good ? "True" : "False";
	struct json_object *condition = asb_condition_in(conditions, result.type);
	bool same = asb_streq(asb_str(condition, "status"), status);
	char now[21];

	if (condition == NULL) {
		condition = json_object_new_object();
		asb_set_str(condition, "type", result.type);
		json_object_array_add(conditions, condition);
	}
	if (!same) {
		asb_time_format(view->now_ms, now);
		asb_set_str(condition, "status", status);
		asb_set_str(condition, "lastTransitionTime", now);
	}
	/* The API server always has this member, and without it nothing would ever be equal. */
	json_object_object_add(condition, "lastProbeTime", NULL);
	asb_set_str(condition, "reason", result.reason);
	asb_set_str(condition, "message", result.message);
	if (asb_generation(view->pod) > 0) {
		json_object_object_add(condition, "observedGeneration",
				       json_object_new_int64(asb_generation(view->pod)));
	}
}

/* "containers with unready status: [a b]"; empty when there are none. */
static void conditions_list_unready(const struct pod_view *view, struct buf *out)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct container_view *container = &view->containers[i];

		if ((!container->init || container->sidecar) &&
		    !status_container_ready(container)) {
			buf_append_str(out, out->length == 0 ? "containers with unready status: ["
							     : " ");
			buf_append_str(out, container->name);
		}
	}
	if (out->length > 0) {
		buf_append_char(out, ']');
	}
}

static void conditions_list_uninitialized(const struct pod_view *view, struct buf *out)
{
	for (size_t i = 0; i < view->init_count && !pod_initialized(view); i++) {
		if (!container_init_done(&view->containers[i])) {
			buf_append_str(out, out->length == 0
						    ? "containers with incomplete status: ["
						    : " ");
			buf_append_str(out, view->containers[i].name);
		}
	}
	if (out->length > 0) {
		buf_append_char(out, ']');
	}
}

/* The first readiness gate that is not fulfilled, as a sentence. */
static void conditions_find_gate(const struct pod_view *view, struct buf *out)
{
	struct json_object *gates = asb_array(view->pod, "spec", "readinessGates");

	for (size_t i = 0; i < asb_length(gates); i++) {
		const char *type = asb_str(json_object_array_get_idx(gates, i), "conditionType");

		if (type == NULL || asb_condition_is(view->pod, type, "True")) {
			continue;
		}
		if (asb_condition(view->pod, type) == NULL) {
			buf_printf(
				out,
				"corresponding condition of pod readiness gate \"%s\" does not exist.",
				type);
		} else {
			buf_printf(
				out,
				"the status of pod readiness gate \"%s\" is not \"True\", but %s",
				type, asb_str(asb_condition(view->pod, type), "status"));
		}
		return;
	}
}

void status_conditions(const struct pod_view *view, const char *phase, struct json_object *status)
{
	CLEANUP_BUF struct buf unready = BUF_INIT(LIST_MAX), gate = BUF_INIT(LIST_MAX),
			       incomplete = BUF_INIT(LIST_MAX);
	struct json_object *conditions = asb_array(status, "conditions");
	bool succeeded = strcmp(phase, "Succeeded") == 0, failed = strcmp(phase, "Failed") == 0;
	const char *reason = succeeded ? "PodCompleted" : failed ? "PodFailed" : NULL;
	struct result ready = { .type = "ContainersReady" };

	if (conditions == NULL) {
		conditions = json_object_new_array();
		json_object_object_add(status, "conditions", conditions);
	}
	conditions_list_unready(view, &unready);
	conditions_list_uninitialized(view, &incomplete);
	conditions_find_gate(view, &gate);
	conditions_set(view, conditions,
		       (struct result){ .type = "PodReadyToStartContainers",
					.good = view->sandbox != NULL && !(succeeded || failed) });
	conditions_set(view, conditions,
		       (struct result){
			       .type = "Initialized",
			       .good = succeeded || incomplete.length == 0,
			       .reason = succeeded               ? "PodCompleted"
					 : incomplete.length > 0 ? "ContainersNotInitialized"
								 : NULL,
			       .message = !succeeded && incomplete.length > 0 ? buf_str(&incomplete)
									      : NULL });
	ready.good = reason == NULL && unready.length == 0;
	if (!ready.good) {
		ready.reason = reason != NULL ? reason : "ContainersNotReady";
		ready.message = reason == NULL ? buf_str(&unready) : NULL;
	}
	if (ready.good && gate.length > 0) {
		conditions_set(view, conditions,
			       (struct result){ .type = "Ready",
						.reason = "ReadinessGatesNotReady",
						.message = buf_str(&gate) });
	} else {
		struct result same = ready;

		same.type = "Ready";
		conditions_set(view, conditions, same);
	}
	conditions_set(view, conditions, ready);
}
