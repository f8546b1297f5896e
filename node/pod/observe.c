/* SPDX-License-Identifier: Apache-2.0 */
/* Observes one pod (the runtime, the probes, what is remembered) and reports in events what it
 * finds. Called by node/pod/pod.c. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "node/pod/pod-private.h"

/* ---- probes ---- */

static bool observe_has_probes(struct json_object *spec)
{
	return asb_at(spec, "livenessProbe") != NULL || asb_at(spec, "readinessProbe") != NULL ||
	       asb_at(spec, "startupProbe") != NULL;
}

static void observe_end_probes(struct pod_call *pc, struct container_record *past)
{
	if (past->probed[0] != '\0') {
		prober_remove(pc->node->prober, past->probed);
		past->probed[0] = '\0';
		past->probe_failures = 0;
	}
}

static void observe_begin_probes(struct pod_call *pc, const struct container_view *container,
				 struct container_record *past)
{
	const char *ip = pc->view.sandbox != NULL ? pc->view.sandbox->ip : NULL;
	struct json_object *copy;

	if (strcmp(past->probed, container->now->id) == 0) {
		return;
	}
	observe_end_probes(pc, past);
	snprintf(past->probed, sizeof(past->probed), "%s", container->now->id);
	/* The prober gets a tree of its own, because it reads and frees it on other threads. */
	copy = asb_copy(container->spec);
	prober_add(pc->node->prober, asb_uid(pc->pod), past->probed,
		   ip != NULL && *ip != '\0' ? ip : pc->node->host_ip, container->now->started_ms,
		   copy);
	json_object_put(copy);
}

static void observe_report_failure(struct pod_call *pc, struct container_record *past,
				   const struct probe_state *state)
{
	if (state->failures != past->probe_failures && state->message[0] != '\0') {
		past->probe_failures = state->failures;
		pod_event(pc, "Warning", "Unhealthy", "%s", state->message);
	}
}

/* Until a new prober has seen a failure, the stored status holds, so that a restart of the node
 * makes no pod unready. */
static void observe_take_over(const struct container_view *container, struct probe_state *state)
{
	const char *full_id = asb_str(container->reported, "containerID");
	const char *id = full_id != NULL ? strstr(full_id, "://") : NULL;

	if (id == NULL || strcmp(id + 3, container->now->id) != 0 || state->failures > 0 ||
	    state->failed) {
		return;
	}
	state->started = state->started || asb_true(asb_at(container->reported, "started"));
	state->ready = state->ready || asb_true(asb_at(container->reported, "ready"));
}

static void observe_probes(struct pod_call *pc, struct container_view *container,
			   struct container_record *past)
{
	struct probe_state state = { .started = true, .ready = true };

	if (container->state != CONTAINER_RUNNING || pc->view.over) {
		if (pc->node->prober != NULL) {
			observe_end_probes(pc, past);
		}
		container->started = container->ready = container->state == CONTAINER_RUNNING;
		return;
	}
	if (pc->node->prober != NULL && observe_has_probes(container->spec)) {
		observe_begin_probes(pc, container, past);
		if (!prober_state(pc->node->prober, past->probed, &state)) {
			state = (struct probe_state){ 0 };
		}
		observe_take_over(container, &state);
		observe_report_failure(pc, past, &state);
	}
	container->started = state.started;
	container->ready = state.ready;
	container->failed = state.failed;
	if (pod_runs_post_start(pc->node, container->now->id)) {
		container->started = container->ready = false;
	}
}

/* ---- what is remembered ---- */

static const char *observe_ended_text(struct pod_call *pc, const struct container_view *container,
				      struct container_record *past,
				      const struct runtime_status *status)
{
	size_t which = status == container->now ? 0 : 1;

	if (status->phase != RUNTIME_EXITED) {
		return NULL;
	}
	if (strcmp(past->ended[which], status->id) != 0) {
		free(past->texts[which]);
		past->texts[which] = message_read(pc->node, container->spec, status);
		snprintf(past->ended[which], sizeof(past->ended[which]), "%s", status->id);
	}
	return past->texts[which];
}

static void observe_record(struct container_view *container, struct container_record *past)
{
	if (!past->backoff_known) {
		past->backoff_known = true;
		if (container->now != NULL && container->now->attempt > 0) {
			backoff_resume(&past->backoff, container->now->attempt,
				       container->now->started_ms);
		}
	}
	container->backoff = &past->backoff;
	container->retry_ms = past->retry_ms;
	container->waiting = past->reason[0] != '\0' ? past->reason : NULL;
	container->waiting_message = past->message;
}

void pod_refresh_view(struct pod_call *pc)
{
	struct pod_view *view = &pc->view;
	struct container_record *pasts = pod_record_containers(pc->record, view->count);

	for (size_t i = 0; i < view->count; i++) {
		observe_record(&view->containers[i], &pasts[i]);
	}
}

static void observe_container(struct pod_call *pc, struct container_view *container,
			      struct container_record *past)
{
	observe_record(container, past);
	if (container->now != NULL) {
		container->stopping = pod_is_stopping(pc->node, container->now->id);
		container->message = observe_ended_text(pc, container, past, container->now);
	}
	if (container->before != NULL) {
		container->before_message =
			observe_ended_text(pc, container, past, container->before);
	}
	observe_probes(pc, container, past);
}

static void observe_deadline(struct pod_call *pc)
{
	int64_t seconds = asb_int(asb_at(pc->pod, "spec", "activeDeadlineSeconds"), 0), began;

	if (seconds <= 0 || pc->view.over ||
	    !asb_time_parse(asb_str(pc->pod, "status", "startTime"), &began)) {
		return;
	}
	if (began + seconds * 1000 <= pc->view.now_ms) {
		pod_view_end(&pc->view, "DeadlineExceeded",
			     "Pod was active on the node longer than the specified deadline");
	} else {
		pod_requeue_after(pc, began + seconds * 1000 - pc->view.now_ms);
	}
}

void pod_observation_finish(struct pod_call *pc)
{
	pod_view_finish(&pc->view);
	runtime_list_finish(&pc->list);
}

int pod_observe(struct pod_call *pc, struct error *reterr)
{
	struct runtime *runtime = pc->node->runtime;
	struct container_record *pasts;
	int code;

	pod_observation_finish(pc);
	code = runtime->ops->list(runtime, asb_uid(pc->pod), &pc->list, reterr);
	if (code < 0) {
		return code;
	}
	code = pod_view_init(&pc->view, pc->pod, &pc->list, asb_now_ms(pc->call));
	if (code < 0) {
		return error_set(reterr, code, "the pod's spec cannot be read");
	}
	observe_deadline(pc);
	pasts = pod_record_containers(pc->record, pc->view.count);
	for (size_t i = 0; i < pc->view.count; i++) {
		observe_container(pc, &pc->view.containers[i], &pasts[i]);
	}
	return 0;
}

/* ---- what is not supported ---- */

static bool observe_any_container_has(struct json_object *pod, const char *list, const char *field)
{
	struct json_object *containers = asb_array(pod, "spec", list);

	for (size_t i = 0; i < asb_length(containers); i++) {
		if (asb_length(asb_at(json_object_array_get_idx(containers, i), field)) > 0) {
			return true;
		}
	}
	return false;
}

static bool observe_any_host_port(struct json_object *pod)
{
	struct json_object *containers = asb_array(pod, "spec", "containers");

	for (size_t i = 0; i < asb_length(containers); i++) {
		struct json_object *ports =
			asb_array(json_object_array_get_idx(containers, i), "ports");

		for (size_t j = 0; j < asb_length(ports); j++) {
			if (asb_int(asb_at(json_object_array_get_idx(ports, j), "hostPort"), 0) >
			    0) {
				return true;
			}
		}
	}
	return false;
}

static bool observe_asks_for(struct json_object *value)
{
	return asb_true(value) || asb_length(value) > 0 ||
	       (json_object_is_type(value, json_type_object) &&
		json_object_object_length(value) > 0);
}

static void observe_report_unsupported(struct pod_call *pc)
{
	static const char *const fields[] = {
		"ephemeralContainers", "hostPID",        "hostIPC",  "shareProcessNamespace",
		"imagePullSecrets",    "resourceClaims", "dnsConfig"
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (observe_asks_for(asb_at(pc->pod, "spec", fields[i]))) {
			pod_event(pc, "Warning", "NotSupported",
				  "this node does not support spec.%s", fields[i]);
		}
	}
	if (observe_any_container_has(pc->pod, "containers", "volumeDevices") ||
	    observe_any_container_has(pc->pod, "initContainers", "volumeDevices")) {
		pod_event(pc, "Warning", "NotSupported",
			  "this node does not support volumeDevices");
	}
	if (observe_any_host_port(pc->pod) && !asb_true(asb_at(pc->pod, "spec", "hostNetwork"))) {
		pod_event(pc, "Warning", "NotSupported", "this node does not support hostPort");
	}
}

void pod_report(struct pod_call *pc)
{
	CLEANUP_FREE char *reason = NULL, *message = NULL;

	if (!pc->record->limits_reported && !pc->view.over) {
		observe_report_unsupported(pc);
	}
	pc->record->limits_reported = true;
	while (pod_store_take_event(pc->node->pods, pc->record, &reason, &message)) {
		pod_event(pc, "Warning", reason, "%s", message);
		free(TAKE(reason));
		free(TAKE(message));
	}
}
