/* SPDX-License-Identifier: Apache-2.0 */
/* Matches a pod's containers with what the runtime has of them. Called by node/pod/pod.c; pure. */
#include "config.h"

#include "node/pod/view.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define LOST_EXIT_CODE 137 /* as a kubelet: it must have been killed */

/* ---- matching ---- */

static void view_match(struct container_view *container, const struct runtime_list *list,
		       const char *uid)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct runtime_status *status = &list->items[i];

		if (status->name == NULL || strcmp(status->name, container->name) != 0 ||
		    strcmp(status->pod_uid, uid) != 0) {
			continue;
		}
		if (container->now == NULL || status->attempt > container->now->attempt) {
			container->before = container->now;
			container->now = status;
		} else if (container->before == NULL ||
			   status->attempt > container->before->attempt) {
			container->before = status;
		}
	}
}

static const struct runtime_status *view_find_sandbox(const struct runtime_list *list,
						      const char *uid)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct runtime_status *status = &list->items[i];

		if (status->name == NULL && strcmp(status->pod_uid, uid) == 0 &&
		    status->phase == RUNTIME_RUNNING) {
			return status;
		}
	}
	return NULL;
}

static struct json_object *view_find_reported(struct json_object *pod, const char *list,
					      const char *name)
{
	struct json_object *array = asb_array(pod, "status", list);

	for (size_t i = 0; i < asb_length(array); i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);

		if (asb_streq(asb_str(entry, "name"), name)) {
			return entry;
		}
	}
	return NULL;
}

/* ---- states ---- */

static int64_t view_reported_time(struct json_object *terminated)
{
	int64_t ms = 0;

	asb_time_parse(asb_str(terminated, "finishedAt"), &ms);
	return ms;
}

/* The runtime has no such container: takes the state from the stored status. */
static void view_set_state_from_reported(struct container_view *container)
{
	struct json_object *terminated = asb_at(container->reported, "state", "terminated");
	struct json_object *last = asb_at(container->reported, "lastState", "terminated");
	int64_t restarts = asb_int(asb_at(container->reported, "restartCount"), 0);

	container->attempt = restarts > 0 && restarts < UINT32_MAX ? (uint32_t)restarts : 0;
	container->next = container->attempt;
	if (terminated != NULL) {
		container->state = CONTAINER_EXITED;
		container->exit_code = (int)asb_int(asb_at(terminated, "exitCode"), 0);
		container->ended_ms = view_reported_time(terminated);
	} else if (asb_at(container->reported, "state", "running") != NULL) {
		container->state = CONTAINER_LOST;
		container->exit_code = LOST_EXIT_CODE;
	} else if (last == NULL) {
		return;
	}
	container->next = container->attempt + 1;
}

static void view_set_state(const struct pod_view *view, struct container_view *container)
{
	const struct runtime_status *now = container->now;

	if (now == NULL) {
		view_set_state_from_reported(container);
		return;
	}
	container->attempt = now->attempt;
	container->next = now->attempt + 1;
	if (container->init && now->phase != RUNTIME_RUNNING && view->sandbox != NULL &&
	    now->created_ms < view->sandbox->started_ms && !view->terminal) {
		/* It ran in a sandbox that is gone: a new sandbox is initialised again. */
		container->state = CONTAINER_NONE;
	} else if (now->phase == RUNTIME_RUNNING) {
		container->state = CONTAINER_RUNNING;
	} else if (now->phase == RUNTIME_CREATED) {
		container->state = CONTAINER_CREATED;
		container->next = now->attempt;
	} else {
		container->state = CONTAINER_EXITED;
		container->exit_code = now->exit_code;
		container->ended_ms = now->finished_ms;
	}
}

static enum pod_restart view_restart_policy(struct json_object *pod)
{
	const char *policy = asb_str(pod, "spec", "restartPolicy");

	if (asb_streq(policy, "Never")) {
		return POD_RESTART_NEVER;
	}
	return asb_streq(policy, "OnFailure") ? POD_RESTART_ON_FAILURE : POD_RESTART_ALWAYS;
}

static int view_add_containers(struct pod_view *view, struct json_object *specs, bool init)
{
	const char *list = init ? "initContainerStatuses" : "containerStatuses";

	for (size_t i = 0; i < asb_length(specs); i++) {
		struct container_view *container = &view->containers[view->count];

		container->spec = json_object_array_get_idx(specs, i);
		container->name = asb_str(container->spec, "name");
		container->init = init;
		container->sidecar =
			init && asb_streq(asb_str(container->spec, "restartPolicy"), "Always");
		if (container->name == NULL) {
			return -EINVAL;
		}
		container->reported = view_find_reported(view->pod, list, container->name);
		view_match(container, view->list, asb_uid(view->pod));
		view_set_state(view, container);
		view->count++;
	}
	return 0;
}

int pod_view_init(struct pod_view *view, struct json_object *pod, const struct runtime_list *list,
		  int64_t now_ms)
{
	struct json_object *init = asb_array(pod, "spec", "initContainers");
	struct json_object *containers = asb_array(pod, "spec", "containers");
	const char *phase = asb_str(pod, "status", "phase");
	int code;

	*view = (struct pod_view){ .pod = pod, .list = list, .now_ms = now_ms };
	if (asb_uid(pod) == NULL || asb_length(containers) == 0 ||
	    asb_length(init) + asb_length(containers) > POD_CONTAINERS_MAX) {
		return -EINVAL;
	}
	view->restart = view_restart_policy(pod);
	view->deleting = asb_deleting(pod);
	view->terminal = asb_streq(phase, "Succeeded") || asb_streq(phase, "Failed");
	view->over = view->deleting || view->terminal;
	view->sandbox = view_find_sandbox(list, asb_uid(pod));
	view->init_count = asb_length(init);
	view->containers =
		xnew_array(struct container_view, asb_length(init) + asb_length(containers));
	code = view_add_containers(view, init, true);
	return code < 0 ? code : view_add_containers(view, containers, false);
}

void pod_view_finish(struct pod_view *view)
{
	free(view->containers);
	view->containers = NULL;
	view->count = 0;
}

void pod_view_end(struct pod_view *view, const char *reason, const char *message)
{
	view->end_reason = reason;
	view->end_message = message;
	view->over = true;
}

/* ---- questions ---- */

bool container_wants_restart(const struct pod_view *view, const struct container_view *container)
{
	bool failed = container->exit_code != 0;

	if (view->over ||
	    (container->state != CONTAINER_EXITED && container->state != CONTAINER_LOST)) {
		return false;
	}
	if (container->sidecar) {
		return true;
	}
	if (container->init) {
		return failed && view->restart != POD_RESTART_NEVER;
	}
	return view->restart == POD_RESTART_ALWAYS ||
	       (view->restart == POD_RESTART_ON_FAILURE && failed);
}

bool container_init_done(const struct container_view *container)
{
	if (container->sidecar) {
		return container->state == CONTAINER_RUNNING && container->started;
	}
	return container->state == CONTAINER_EXITED && container->exit_code == 0;
}

/* Once a main container was made in this sandbox, a restart of a sidecar does not stop it again. */
static bool view_main_began(const struct pod_view *view)
{
	for (size_t i = view->init_count; i < view->count; i++) {
		const struct container_view *container = &view->containers[i];

		if (container->now != NULL &&
		    (view->sandbox == NULL ||
		     container->now->created_ms >= view->sandbox->started_ms)) {
			return true;
		}
	}
	return false;
}

bool pod_initialized(const struct pod_view *view)
{
	if (view_main_began(view)) {
		return true;
	}
	for (size_t i = 0; i < view->init_count; i++) {
		if (!container_init_done(&view->containers[i])) {
			return false;
		}
	}
	return true;
}

bool pod_init_failed(const struct pod_view *view)
{
	for (size_t i = 0; i < view->init_count; i++) {
		const struct container_view *container = &view->containers[i];

		if (!container->sidecar && view->restart == POD_RESTART_NEVER &&
		    (container->state == CONTAINER_EXITED || container->state == CONTAINER_LOST) &&
		    container->exit_code != 0) {
			return true;
		}
	}
	return false;
}

bool pod_finished(const struct pod_view *view)
{
	if (pod_init_failed(view)) {
		return true;
	}
	for (size_t i = view->init_count; i < view->count; i++) {
		const struct container_view *container = &view->containers[i];

		if ((container->state != CONTAINER_EXITED && container->state != CONTAINER_LOST) ||
		    container_wants_restart(view, container)) {
			return false;
		}
	}
	return true;
}

bool pod_anything_runs(const struct pod_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->containers[i].state == CONTAINER_RUNNING ||
		    view->containers[i].stopping) {
			return true;
		}
	}
	return false;
}
