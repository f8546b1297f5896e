/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at one pod: the runtime, the probes, what is remembered; and tells what it sees. Called by
 * node/pod/pod.c. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "node/pod/pod-private.h"

/* ---- probes ---- */

static bool has_probes(struct json_object *spec)
{
	return asb_at(spec, "livenessProbe") != NULL || asb_at(spec, "readinessProbe") != NULL ||
	       asb_at(spec, "startupProbe") != NULL;
}

static void end_probes(struct pod_call *pc, struct container_note *note)
{
	if (note->probed[0] != '\0') {
		prober_remove(pc->node->prober, note->probed);
		note->probed[0] = '\0';
		note->probe_failures = 0;
	}
}

static void begin_probes(struct pod_call *pc, const struct container_view *container,
			 struct container_note *note)
{
	const char *ip = pc->view.sandbox != NULL ? pc->view.sandbox->ip : NULL;
	struct json_object *copy;

	if (strcmp(note->probed, container->now->id) == 0) {
		return;
	}
	end_probes(pc, note);
	snprintf(note->probed, sizeof(note->probed), "%s", container->now->id);
	/* A tree of its own: it will be read, and let go, on other threads. */
	copy = asb_copy(container->spec);
	prober_add(pc->node->prober, asb_uid(pc->pod), note->probed,
		   ip != NULL && *ip != '\0' ? ip : pc->node->host_ip, container->now->started_ms,
		   copy);
	json_object_put(copy);
}

static void tell_failure(struct pod_call *pc, struct container_note *note,
			 const struct probe_state *state)
{
	if (state->failures != note->probe_failures && state->message[0] != '\0') {
		note->probe_failures = state->failures;
		pod_event(pc, "Warning", "Unhealthy", "%s", state->message);
	}
}

/* Until a new prober has seen something bad, what was told before it holds: a restart of the node
 * makes no pod unready. */
static void take_over(const struct container_view *container, struct probe_state *state)
{
	const char *told = asb_str(container->told, "containerID");
	const char *id = told != NULL ? strstr(told, "://") : NULL;

	if (id == NULL || strcmp(id + 3, container->now->id) != 0 || state->failures > 0 ||
	    state->failed) {
		return;
	}
	state->started = state->started || asb_true(asb_at(container->told, "started"));
	state->ready = state->ready || asb_true(asb_at(container->told, "ready"));
}

static void look_at_probes(struct pod_call *pc, struct container_view *container,
			   struct container_note *note)
{
	struct probe_state state = { .started = true, .ready = true };

	if (container->state != CONTAINER_RUNNING || pc->view.over) {
		if (pc->node->prober != NULL) {
			end_probes(pc, note);
		}
		container->started = container->ready = container->state == CONTAINER_RUNNING;
		return;
	}
	if (pc->node->prober != NULL && has_probes(container->spec)) {
		begin_probes(pc, container, note);
		if (!prober_state(pc->node->prober, note->probed, &state)) {
			state = (struct probe_state){ 0 };
		}
		take_over(container, &state);
		tell_failure(pc, note, &state);
	}
	container->started = state.started;
	container->ready = state.ready;
	container->failed = state.failed;
	if (pod_is_post_starting(pc->node, container->now->id)) {
		container->started = container->ready = false;
	}
}

/* ---- notes ---- */

static const char *ended_text(struct pod_call *pc, const struct container_view *container,
			      struct container_note *note, const struct runtime_status *status)
{
	size_t which = status == container->now ? 0 : 1;

	if (status->phase != RUNTIME_EXITED) {
		return NULL;
	}
	if (strcmp(note->ended[which], status->id) != 0) {
		free(note->texts[which]);
		note->texts[which] = message_read(pc->node, container->spec, status);
		snprintf(note->ended[which], sizeof(note->ended[which]), "%s", status->id);
	}
	return note->texts[which];
}

static void look_at_note(struct container_view *container, struct container_note *note)
{
	if (!note->backoff_known) {
		note->backoff_known = true;
		if (container->now != NULL && container->now->attempt > 0) {
			backoff_resume(&note->backoff, container->now->attempt,
				       container->now->started_ms);
		}
	}
	container->backoff = &note->backoff;
	container->retry_ms = note->retry_ms;
	container->waiting = note->reason[0] != '\0' ? note->reason : NULL;
	container->waiting_message = note->message;
}

void pod_look_at_notes(struct pod_call *pc)
{
	struct pod_view *view = &pc->view;
	struct container_note *notes = record_notes(pc->record, view->count);

	for (size_t i = 0; i < view->count; i++) {
		look_at_note(&view->containers[i], &notes[i]);
	}
}

static void look_at_container(struct pod_call *pc, struct container_view *container,
			      struct container_note *note)
{
	look_at_note(container, note);
	if (container->now != NULL) {
		container->stopping = pod_is_stopping(pc->node, container->now->id);
		container->message = ended_text(pc, container, note, container->now);
	}
	if (container->before != NULL) {
		container->before_message = ended_text(pc, container, note, container->before);
	}
	look_at_probes(pc, container, note);
}

static void look_at_deadline(struct pod_call *pc)
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
		pod_wait(pc, began + seconds * 1000 - pc->view.now_ms);
	}
}

void pod_forget_look(struct pod_call *pc)
{
	pod_view_finish(&pc->view);
	runtime_list_finish(&pc->list);
}

int pod_look(struct pod_call *pc, struct error *reterr)
{
	struct runtime *runtime = pc->node->runtime;
	struct container_note *notes;
	int error;

	pod_forget_look(pc);
	error = runtime->ops->list(runtime, asb_uid(pc->pod), &pc->list, reterr);
	if (error < 0) {
		return error;
	}
	error = pod_view_init(&pc->view, pc->pod, &pc->list, asb_now_ms(pc->call));
	if (error < 0) {
		return error_set(reterr, error, "the pod's spec cannot be read");
	}
	look_at_deadline(pc);
	notes = record_notes(pc->record, pc->view.count);
	for (size_t i = 0; i < pc->view.count; i++) {
		look_at_container(pc, &pc->view.containers[i], &notes[i]);
	}
	return 0;
}

/* ---- what is not done ---- */

static bool any_container_has(struct json_object *pod, const char *list, const char *field)
{
	struct json_object *containers = asb_array(pod, "spec", list);

	for (size_t i = 0; i < asb_length(containers); i++) {
		if (asb_length(asb_at(json_object_array_get_idx(containers, i), field)) > 0) {
			return true;
		}
	}
	return false;
}

static bool any_host_port(struct json_object *pod)
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

static bool asks_for(struct json_object *value)
{
	return asb_true(value) || asb_length(value) > 0 ||
	       (json_object_is_type(value, json_type_object) &&
		json_object_object_length(value) > 0);
}

static void tell_limits(struct pod_call *pc)
{
	static const char *const fields[] = {
		"ephemeralContainers", "hostPID",        "hostIPC",  "shareProcessNamespace",
		"imagePullSecrets",    "resourceClaims", "dnsConfig"
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (asks_for(asb_at(pc->pod, "spec", fields[i]))) {
			pod_event(pc, "Warning", "NotSupported",
				  "this node does nothing with spec.%s", fields[i]);
		}
	}
	if (any_container_has(pc->pod, "containers", "volumeDevices") ||
	    any_container_has(pc->pod, "initContainers", "volumeDevices")) {
		pod_event(pc, "Warning", "NotSupported",
			  "this node does nothing with volumeDevices");
	}
	if (any_host_port(pc->pod) && !asb_true(asb_at(pc->pod, "spec", "hostNetwork"))) {
		pod_event(pc, "Warning", "NotSupported", "this node does nothing with hostPort");
	}
}

void pod_tell(struct pod_call *pc)
{
	CLEANUP_FREE char *reason = NULL, *message = NULL;

	if (!pc->record->limits_told && !pc->view.over) {
		tell_limits(pc);
	}
	pc->record->limits_told = true;
	while (book_take_post(pc->node->book, pc->record, &reason, &message)) {
		pod_event(pc, "Warning", reason, "%s", message);
		free(TAKE(reason));
		free(TAKE(message));
	}
}
