/* SPDX-License-Identifier: Apache-2.0 */
/* One container's entry in the status: its state, the one before, restarts. Called by
 * node/pod/status.c; pure. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "node/pod/status-private.h"

#define MESSAGE_MAX 512

bool status_container_ready(const struct container_view *container)
{
	if (container->init && !container->sidecar) {
		return container_init_done(container);
	}
	return container->state == CONTAINER_RUNNING && container->ready;
}

bool status_container_waits(const struct pod_view *view, const struct container_view *container)
{
	return !view->over && container_wants_restart(view, container) &&
	       (container->left_ms > 0 || container->waiting != NULL);
}

static void status_set_time(struct json_object *object, const char *name, int64_t ms)
{
	char text[21];

	if (ms <= 0) {
		json_object_object_add(object, name, NULL);
		return;
	}
	asb_time_format(ms, text);
	asb_set_str(object, name, text);
}

static void status_set_id(struct json_object *object, const struct runtime_status *status,
			  const struct status_facts *facts)
{
	char id[160];

	snprintf(id, sizeof(id), "%s://%s", facts->runtime, status->id);
	asb_set_str(object, "containerID", id);
}

/* ---- states ---- */

/* {"terminated": ...} of an attempt that the runtime has. */
static struct json_object *status_terminated(const struct runtime_status *status,
					     const char *message, const struct status_facts *facts)
{
	struct json_object *state = json_object_new_object();
	struct json_object *inner = asb_object_in(state, "terminated");

	json_object_object_add(inner, "exitCode", json_object_new_int(status->exit_code));
	asb_set_str(inner, "reason",
		    status->oom_killed       ? "OOMKilled"
		    : status->exit_code == 0 ? "Completed"
					     : "Error");
	if (message != NULL && *message != '\0') {
		asb_set_str(inner, "message", message);
	}
	status_set_time(inner, "startedAt", status->started_ms);
	status_set_time(inner, "finishedAt", status->finished_ms);
	status_set_id(inner, status, facts);
	return state;
}

/* Of one that was running when it was last seen. */
static struct json_object *status_lost(const struct container_view *container)
{
	struct json_object *state = json_object_new_object();
	struct json_object *inner = asb_object_in(state, "terminated");

	json_object_object_add(inner, "exitCode", json_object_new_int(container->exit_code));
	asb_set_str(inner, "reason", "ContainerStatusUnknown");
	asb_set_str(
		inner, "message",
		"The container could not be located when the pod was looked at.  The container used to be Running");
	json_object_object_add(inner, "startedAt", NULL);
	json_object_object_add(inner, "finishedAt", NULL);
	return state;
}

static struct json_object *status_running(const struct runtime_status *status)
{
	struct json_object *state = json_object_new_object();

	status_set_time(asb_object_in(state, "running"), "startedAt", status->started_ms);
	return state;
}

/* Its end, if it has ended: from the runtime, or from the stored status. */
static struct json_object *status_ended(const struct container_view *container,
					const struct status_facts *facts)
{
	if (container->state == CONTAINER_LOST) {
		return status_lost(container);
	}
	if (container->now != NULL && container->now->phase == RUNTIME_EXITED) {
		return status_terminated(container->now, container->message, facts);
	}
	return asb_copy(asb_at(container->reported, "state"));
}

static struct json_object *status_waiting(const struct pod_view *view,
					  const struct container_view *container)
{
	struct json_object *state = json_object_new_object();
	struct json_object *inner = asb_object_in(state, "waiting");
	char message[MESSAGE_MAX];

	if (container->waiting != NULL) {
		asb_set_str(inner, "reason", container->waiting);
		asb_set_str(inner, "message", container->waiting_message);
	} else if (container->left_ms > 0) {
		int64_t seconds = container->backoff->delay_ms / 1000;
		char delay[32];

		snprintf(delay, sizeof(delay), seconds >= 60 ? "%lldm%llds" : "%.0lld%llds",
			 (long long)(seconds / 60), (long long)(seconds % 60));
		snprintf(message, sizeof(message),
			 "back-off %s restarting failed container=%s pod=%s_%s(%s)", delay,
			 container->name, asb_name(view->pod), asb_ns(view->pod),
			 asb_uid(view->pod));
		asb_set_str(inner, "reason", "CrashLoopBackOff");
		asb_set_str(inner, "message", message);
	} else {
		asb_set_str(inner, "reason",
			    view->init_count > 0 && (container->init || !pod_initialized(view))
				    ? "PodInitializing"
				    : "ContainerCreating");
	}
	return state;
}

static struct json_object *status_state_of(const struct pod_view *view,
					   const struct container_view *container,
					   const struct status_facts *facts)
{
	if (container->state == CONTAINER_RUNNING) {
		return status_running(container->now);
	}
	if ((container->state == CONTAINER_EXITED || container->state == CONTAINER_LOST) &&
	    !status_container_waits(view, container)) {
		return status_ended(container, facts);
	}
	return status_waiting(view, container);
}

static struct json_object *status_last_state_of(const struct pod_view *view,
						const struct container_view *container,
						const struct status_facts *facts)
{
	struct json_object *last = asb_at(container->reported, "lastState");
	bool waits = status_container_waits(view, container);
	bool stale = container->state == CONTAINER_NONE && container->now != NULL;

	if (waits || (stale && container->now->phase == RUNTIME_EXITED)) {
		return container->now != NULL || container->state == CONTAINER_LOST ||
				       asb_at(container->reported, "state", "terminated") != NULL
			       ? status_ended(container, facts)
			       : asb_copy(last);
	}
	if (container->before != NULL && container->before->phase == RUNTIME_EXITED) {
		return status_terminated(container->before, container->before_message, facts);
	}
	if (container->now != NULL && container->now->attempt > 0 &&
	    asb_int(asb_at(container->reported, "restartCount"), 0) == container->now->attempt &&
	    asb_at(last, "terminated") != NULL) {
		return asb_copy(last);
	}
	if (container->now != NULL && container->now->attempt > 0 && container->reported != NULL &&
	    asb_at(container->reported, "state", "terminated") != NULL) {
		return asb_copy(asb_at(container->reported, "state"));
	}
	if (container->now == NULL && last != NULL) {
		return asb_copy(last);
	}
	return json_object_new_object();
}

/* ---- the entry ---- */

static void status_set_image(struct json_object *entry, const struct container_view *container)
{
	const char *image = asb_str(container->spec, "image"), *id = NULL;

	if (container->now != NULL) {
		image = container->now->image != NULL ? container->now->image : image;
		id = container->now->image_id;
	} else if (asb_str(container->reported, "imageID") != NULL) {
		image = asb_str(container->reported, "image");
		id = asb_str(container->reported, "imageID");
	}
	asb_set_str(entry, "image", image != NULL ? image : "");
	asb_set_str(entry, "imageID", id != NULL ? id : "");
}

struct json_object *status_container(const struct pod_view *view,
				     const struct container_view *container,
				     const struct status_facts *facts)
{
	struct json_object *entry = json_object_new_object();
	bool runs = container->state == CONTAINER_RUNNING;

	asb_set_str(entry, "name", container->name);
	json_object_object_add(entry, "state", status_state_of(view, container, facts));
	json_object_object_add(entry, "lastState", status_last_state_of(view, container, facts));
	json_object_object_add(entry, "ready",
			       json_object_new_boolean(status_container_ready(container)));
	json_object_object_add(entry, "restartCount", json_object_new_int64(container->attempt));
	status_set_image(entry, container);
	if (container->now != NULL) {
		status_set_id(entry, container->now, facts);
	} else if (asb_str(container->reported, "containerID") != NULL) {
		asb_set_str(entry, "containerID", asb_str(container->reported, "containerID"));
	}
	json_object_object_add(entry, "started",
			       json_object_new_boolean(runs && container->started));
	return entry;
}
