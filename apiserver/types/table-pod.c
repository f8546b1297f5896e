/* SPDX-License-Identifier: Apache-2.0 */
/* The row of a pod: READY, STATUS, RESTARTS as kubectl shows them. Tables call it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/table-private.h"
#include "base/macros.h"
#include "base/map.h"

#define REASON_MAX 300

const struct type_column pod_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", "How many of its containers are ready, of how many."),
	COLUMN("Status", "What its containers are doing, in one word."),
	COLUMN("Restarts", "How often containers were started again, and when last."),
	COLUMN_AGE,
	COLUMN_WIDE("IP", "Its address."),
	COLUMN_WIDE("Node", "Where it runs."),
	COLUMN_WIDE("Nominated Node", "Where it would run once others made room."),
	COLUMN_WIDE("Readiness Gates", "How many of its readiness gates are open."),
	{ 0 },
};

/* What is found out on the way through the containers. */
struct summary {
	char reason[REASON_MAX];
	int64_t restarts, last_restart_ms;
	size_t ready;
	bool running; /* some container is, and is ready */
};

static bool pod_is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

static void pod_set_reason(struct summary *summary, const char *text)
{
	snprintf(summary->reason, sizeof(summary->reason), "%.200s", text);
}

static void pod_count_restarts(struct summary *summary, struct json_object *status)
{
	int64_t ms;

	summary->restarts += asb_int(asb_at(status, "restartCount"), 0);
	if (asb_time_parse(asb_str(status, "lastState", "terminated", "finishedAt"), &ms) &&
	    ms > summary->last_restart_ms) {
		summary->last_restart_ms = ms;
	}
}

/* "Signal:9", "ExitCode:1", or the reason it gives. */
static void pod_terminated_reason(struct json_object *terminated, const char *prefix,
				  struct summary *summary)
{
	const char *reason = asb_str(terminated, "reason");
	int64_t signal = asb_int(asb_at(terminated, "signal"), 0);

	if (pod_is_set(reason)) {
		snprintf(summary->reason, sizeof(summary->reason), "%s%.200s", prefix, reason);
	} else if (signal != 0) {
		snprintf(summary->reason, sizeof(summary->reason), "%sSignal:%" PRId64, prefix,
			 signal);
	} else {
		snprintf(summary->reason, sizeof(summary->reason), "%sExitCode:%" PRId64, prefix,
			 asb_int(asb_at(terminated, "exitCode"), 0));
	}
}

/* The sidecars of a pod by name: init containers that run as long as the pod. */
static void pod_sidecars(struct json_object *pod, struct map *ret)
{
	struct json_object *list = asb_array(pod, "spec", "initContainers");

	for (size_t i = asb_length(list); i-- > 0;) {
		struct json_object *container = json_object_array_get_idx(list, i);
		const char *name = asb_str(container, "name");

		if (name != NULL && asb_streq(asb_str(container, "restartPolicy"), "Always")) {
			map_put(ret, name, container);
		}
	}
}

/* Whether an init container still keeps the pod from starting; the summary's reason then says
 * how. */
static bool pod_init_holds(struct json_object *pod, const struct map *sidecars,
			   struct json_object *status, size_t place, struct summary *summary)
{
	struct json_object *terminated = asb_at(status, "state", "terminated");
	const char *waiting = asb_str(status, "state", "waiting", "reason");
	const char *name = asb_str(status, "name");
	bool sidecar = name != NULL && map_get(sidecars, name) != NULL;

	if (terminated != NULL && asb_int(asb_at(terminated, "exitCode"), 0) == 0) {
		return false;
	}
	if (sidecar && asb_true(asb_at(status, "started"))) {
		summary->ready += asb_true(asb_at(status, "ready")) ? 1 : 0;
		return false;
	}
	if (terminated != NULL) {
		pod_terminated_reason(terminated, "Init:", summary);
	} else if (pod_is_set(waiting) && strcmp(waiting, "PodInitializing") != 0) {
		snprintf(summary->reason, sizeof(summary->reason), "Init:%.200s", waiting);
	} else {
		snprintf(summary->reason, sizeof(summary->reason), "Init:%zu/%zu", place,
			 asb_length(asb_at(pod, "spec", "initContainers")));
	}
	return true;
}

static bool pod_initializing(struct json_object *pod, struct summary *summary)
{
	struct json_object *list = asb_array(pod, "status", "initContainerStatuses");
	struct map sidecars = MAP_INIT;
	bool holds = false;

	pod_sidecars(pod, &sidecars);
	for (size_t i = 0; i < asb_length(list) && !holds; i++) {
		struct json_object *status = json_object_array_get_idx(list, i);

		pod_count_restarts(summary, status);
		holds = pod_init_holds(pod, &sidecars, status, i, summary);
	}
	map_finish(&sidecars);
	return holds;
}

static void pod_read_containers(struct json_object *pod, struct summary *summary)
{
	struct json_object *list = asb_array(pod, "status", "containerStatuses");

	summary->restarts = 0;
	/* The reason of the first container counts, so it is visited last. */
	for (size_t i = asb_length(list); i-- > 0;) {
		struct json_object *status = json_object_array_get_idx(list, i),
				   *terminated = asb_at(status, "state", "terminated");
		const char *waiting = asb_str(status, "state", "waiting", "reason");

		pod_count_restarts(summary, status);
		if (pod_is_set(waiting)) {
			pod_set_reason(summary, waiting);
		} else if (terminated != NULL) {
			pod_terminated_reason(terminated, "", summary);
		} else if (asb_true(asb_at(status, "ready")) &&
			   asb_at(status, "state", "running") != NULL) {
			summary->running = true;
			summary->ready++;
		}
	}
	if (strcmp(summary->reason, "Completed") == 0 && summary->running) {
		pod_set_reason(summary,
			       asb_condition_is(pod, "Ready", "True") ? "Running" : "NotReady");
	}
}

static void pod_summarise(struct json_object *pod, struct summary *summary)
{
	const char *phase = asb_str(pod, "status", "phase"),
		   *reason = asb_str(pod, "status", "reason");

	pod_set_reason(summary, pod_is_set(reason) ? reason : phase != NULL ? phase : "Unknown");
	if (asb_streq(asb_str(asb_condition(pod, "PodScheduled"), "reason"), "SchedulingGated")) {
		pod_set_reason(summary, "SchedulingGated");
	}
	if (!pod_initializing(pod, summary) || asb_condition_is(pod, "Initialized", "True")) {
		pod_read_containers(pod, summary);
	}
	if (asb_deleting(pod) && asb_streq(reason, "NodeLost")) {
		pod_set_reason(summary, "Unknown");
	} else if (asb_deleting(pod) && !asb_streq(phase, "Failed") &&
		   !asb_streq(phase, "Succeeded")) {
		pod_set_reason(summary, "Terminating");
	}
}

static void pod_add_restarts(struct json_object *row, const struct summary *summary, int64_t now_ms)
{
	char text[96], age[32];

	if (summary->restarts > 0 && summary->last_restart_ms > 0) {
		duration_words(now_ms - summary->last_restart_ms, age);
		snprintf(text, sizeof(text), "%" PRId64 " (%s ago)", summary->restarts, age);
	} else {
		snprintf(text, sizeof(text), "%" PRId64, summary->restarts);
	}
	cell_add(row, text);
}

/* The conditions of a pod by type, the first of each. */
static void pod_conditions(struct json_object *pod, struct map *ret)
{
	struct json_object *list = asb_array(pod, "status", "conditions");

	for (size_t i = asb_length(list); i-- > 0;) {
		struct json_object *condition = json_object_array_get_idx(list, i);
		const char *type = asb_str(condition, "type");

		if (type != NULL) {
			map_put(ret, type, condition);
		}
	}
}

static void pod_add_gates(struct json_object *row, struct json_object *pod)
{
	struct json_object *gates = asb_array(pod, "spec", "readinessGates");
	struct map conditions = MAP_INIT;
	size_t open = 0;
	char text[64];

	if (asb_length(gates) == 0) {
		cell_add(row, "<none>");
		return;
	}
	pod_conditions(pod, &conditions);
	for (size_t i = 0; i < asb_length(gates); i++) {
		const char *type = asb_str(json_object_array_get_idx(gates, i), "conditionType");

		open += type != NULL &&
			asb_streq(asb_str(map_get(&conditions, type), "status"), "True");
	}
	map_finish(&conditions);
	snprintf(text, sizeof(text), "%zu/%zu", open, asb_length(gates));
	cell_add(row, text);
}

/* Containers, and init containers that go on running. */
static size_t pod_container_count(struct json_object *pod)
{
	struct json_object *list = asb_array(pod, "spec", "initContainers");
	size_t count = asb_length(asb_at(pod, "spec", "containers"));

	for (size_t i = 0; i < asb_length(list); i++) {
		count += asb_streq(asb_str(json_object_array_get_idx(list, i), "restartPolicy"),
				   "Always")
				 ? 1
				 : 0;
	}
	return count;
}

void pod_cells(struct json_object *pod, int64_t now_ms, struct json_object *row)
{
	struct summary summary = { .reason = "" };
	char ready[64];

	pod_summarise(pod, &summary);
	snprintf(ready, sizeof(ready), "%zu/%zu", summary.ready, pod_container_count(pod));
	cell_add(row, asb_name(pod));
	cell_add(row, ready);
	cell_add(row, summary.reason);
	pod_add_restarts(row, &summary, now_ms);
	cell_add_age(row, pod, now_ms);
	cell_add_or_none(row, asb_str(pod, "status", "podIP"));
	cell_add_or_none(row, asb_str(pod, "spec", "nodeName"));
	cell_add_or_none(row, asb_str(pod, "status", "nominatedNodeName"));
	pod_add_gates(row, pod);
}
