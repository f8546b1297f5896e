/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a pod's status together: phase, addresses, containers, conditions. Called by node/pod/pod.c;
 * pure. */
#include "config.h"

#include "node/pod/status.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "node/pod/status-private.h"

/* ---- phase ---- */

struct tally {
	size_t waiting, running, ended, succeeded;
};

static struct tally status_count_states(const struct pod_view *view)
{
	struct tally tally = { 0 };

	for (size_t i = view->init_count; i < view->count; i++) {
		const struct container_view *container = &view->containers[i];

		switch (container->state) {
		case CONTAINER_RUNNING:
			tally.running++;
			break;
		case CONTAINER_EXITED:
		case CONTAINER_LOST:
			tally.ended++;
			tally.succeeded += container->exit_code == 0;
			break;
		default:
			/* One that waits for its next attempt has ended before. */
			if (container->next > 0) {
				tally.ended++;
			} else {
				tally.waiting++;
			}
			break;
		}
	}
	return tally;
}

static bool status_any_failed(const struct pod_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct container_view *container = &view->containers[i];
		bool ended =
			container->state == CONTAINER_EXITED || container->state == CONTAINER_LOST;

		if ((ended && container->exit_code != 0 && !container->sidecar) ||
		    (!container->init && !ended)) {
			return true;
		}
	}
	return false;
}

static const char *status_phase_of(const struct pod_view *view)
{
	struct tally tally = status_count_states(view);
	size_t count = view->count - view->init_count;

	if (view->terminal) {
		return asb_str(view->pod, "status", "phase");
	}
	if (view->end_reason != NULL || pod_init_failed(view)) {
		return "Failed";
	}
	if (view->deleting && !pod_anything_runs(view)) {
		return status_any_failed(view) ? "Failed" : "Succeeded";
	}
	if (!pod_initialized(view) || tally.waiting > 0) {
		return "Pending";
	}
	if (tally.running > 0 || view->restart == POD_RESTART_ALWAYS) {
		return "Running";
	}
	if (tally.succeeded == count) {
		return "Succeeded";
	}
	return view->restart == POD_RESTART_NEVER ? "Failed" : "Running";
}

/* ---- the rest ---- */

static void status_set_address(struct json_object *status, const char *one, const char *all,
			       const char *address)
{
	struct json_object *list, *entry;

	if (address == NULL || *address == '\0') {
		return;
	}
	list = json_object_new_array();
	entry = json_object_new_object();
	asb_set_str(entry, "ip", address);
	json_object_array_add(list, entry);
	asb_set_str(status, one, address);
	json_object_object_add(status, all, list);
}

static void status_set_containers(const struct pod_view *view, const struct status_facts *facts,
				  struct json_object *status)
{
	struct json_object *init = json_object_new_array(), *main = json_object_new_array();

	for (size_t i = 0; i < view->count; i++) {
		json_object_array_add(i < view->init_count ? init : main,
				      status_container(view, &view->containers[i], facts));
	}
	if (view->init_count > 0) {
		json_object_object_add(status, "initContainerStatuses", init);
	} else {
		json_object_put(init);
	}
	json_object_object_add(status, "containerStatuses", main);
}

struct json_object *status_make(const struct pod_view *view, const struct status_facts *facts)
{
	struct json_object *status = asb_copy(asb_at(view->pod, "status"));
	const char *phase = status_phase_of(view);
	char now[21];

	if (!json_object_is_type(status, json_type_object)) {
		json_object_put(status);
		status = json_object_new_object();
	}
	asb_set_str(status, "phase", phase);
	if (view->end_reason != NULL) {
		asb_set_str(status, "reason", view->end_reason);
		asb_set_str(status, "message", view->end_message);
	}
	if (asb_str(status, "startTime") == NULL) {
		asb_time_format(view->now_ms, now);
		asb_set_str(status, "startTime", now);
	}
	if (asb_generation(view->pod) > 0) {
		json_object_object_add(status, "observedGeneration",
				       json_object_new_int64(asb_generation(view->pod)));
	}
	status_set_address(status, "hostIP", "hostIPs", facts->host_ip);
	if (asb_true(asb_at(view->pod, "spec", "hostNetwork"))) {
		status_set_address(status, "podIP", "podIPs", facts->host_ip);
	} else if (view->sandbox != NULL) {
		status_set_address(status, "podIP", "podIPs", view->sandbox->ip);
	}
	status_set_containers(view, facts, status);
	status_conditions(view, phase, status);
	return status;
}
