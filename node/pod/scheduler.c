/* SPDX-License-Identifier: Apache-2.0 */
/* Binds pods to this node while they fit. Called by node/pod/pod.c with --bind. */
#include "config.h"

#include "node/pod/scheduler.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "kube/quantity.h"
#include "node/node-private.h"
#include "node/pod/api.h"
#include "node/pod/room.h"
#include "node/registration/registration.h"

/* Pods that wait for capacity are enqueued when there is some; this is for all other reasons. */
#define AGAIN_MS 60000
#define COUNTS 3 /* attempts to count all pods while none leaves */
/* More than any machine has; sums of many such requests do not overflow. */
#define REQUEST_MOST (UINT64_C(1) << 50)
#define WHY_MAX 1024u

struct scheduler {
	struct node *node;
	struct room *room;
	struct sched_mutex lock;
	bool cordoned; /* lock: nothing more is bound (kubectl cordon) */
};

static void scheduler_enqueue(void *arg, const char *ns, const char *name)
{
	struct scheduler *scheduler = arg;

	manager_enqueue(scheduler->node->manager, 0, ns, name);
}

static void scheduler_cordon(struct node *node, bool cordoned)
{
	struct scheduler *scheduler = node->scheduler;

	sched_mutex_lock(&scheduler->lock);
	bool uncordoned = scheduler->cordoned && !cordoned;

	scheduler->cordoned = cordoned;
	sched_mutex_unlock(&scheduler->lock);
	if (uncordoned) {
		room_wake_all(scheduler->room);
	}
}

struct scheduler *scheduler_create(struct node *node, const struct node_capacity *capacity)
{
	struct scheduler *scheduler = xnew(struct scheduler);

	scheduler->node = node;
	scheduler->room = room_create(node->sched, capacity, scheduler_enqueue, scheduler);
	sched_mutex_init(&scheduler->lock, node->sched);
	node->cordon = scheduler_cordon;
	return scheduler;
}

void scheduler_destroy(struct scheduler *scheduler)
{
	if (scheduler == NULL) {
		return;
	}
	room_destroy(scheduler->room);
	sched_mutex_finish(&scheduler->lock);
	free(scheduler);
}

/* ---- pure ---- */

static uint64_t scheduler_clamp(uint64_t value)
{
	return value < REQUEST_MOST ? value : REQUEST_MOST;
}

static void scheduler_request_of(struct json_object *container, struct node_capacity *ret)
{
	struct json_object *requests = asb_at(container, "resources", "requests");

	*ret = (struct node_capacity){
		.cpu_milli = scheduler_clamp(quantity_milli_of(requests, "cpu")),
		.memory = scheduler_clamp(quantity_value_of(requests, "memory")),
	};
}

static void scheduler_add(struct node_capacity *sum, const struct node_capacity *more)
{
	sum->cpu_milli = scheduler_clamp(sum->cpu_milli + more->cpu_milli);
	sum->memory = scheduler_clamp(sum->memory + more->memory);
}

static void scheduler_raise(struct node_capacity *most, const struct node_capacity *to)
{
	most->cpu_milli = to->cpu_milli > most->cpu_milli ? to->cpu_milli : most->cpu_milli;
	most->memory = to->memory > most->memory ? to->memory : most->memory;
}

void scheduler_requests(struct json_object *pod, struct node_capacity *ret)
{
	struct json_object *containers = asb_array(pod, "spec", "containers");
	struct json_object *init = asb_array(pod, "spec", "initContainers");
	struct node_capacity sum = { 0 }, sidecars = { 0 }, most = { 0 }, one;

	for (size_t i = 0; i < asb_length(containers); i++) {
		scheduler_request_of(json_object_array_get_idx(containers, i), &one);
		scheduler_add(&sum, &one);
	}
	/* An init container runs together with the sidecars before it, and so do the
	 * containers with all sidecars. */
	for (size_t i = 0; i < asb_length(init); i++) {
		struct json_object *container = json_object_array_get_idx(init, i);

		scheduler_request_of(container, &one);
		if (asb_streq(asb_str(container, "restartPolicy"), "Always")) {
			scheduler_add(&sidecars, &one);
		} else {
			scheduler_add(&one, &sidecars);
			scheduler_raise(&most, &one);
		}
	}
	scheduler_add(&sum, &sidecars);
	scheduler_raise(&sum, &most);
	*ret = sum;
	ret->pods = 1;
}

bool scheduler_selects(struct json_object *pod, struct json_object *labels, struct buf *why)
{
	struct json_object *selector = asb_at(pod, "spec", "nodeSelector");

	if (!json_object_is_type(selector, json_type_object)) {
		return true;
	}
	json_object_object_foreach (selector, name, value) {
		if (!asb_streq(asb_str(labels, name), asb_as_str(value))) {
			buf_append_str(why, "1 node(s) didn't match Pod's node affinity/selector");
			return false;
		}
	}
	return true;
}

/* ---- room ---- */

void scheduler_observe(struct scheduler *scheduler, const struct asb_key *key,
		       struct json_object *pod)
{
	const char *on = asb_str(pod, "spec", "nodeName"), *phase = asb_str(pod, "status", "phase");
	struct node_capacity asked;

	if (pod != NULL && (on == NULL || *on == '\0') && asb_uid(pod) != NULL) {
		room_unbound(scheduler->room, key->ns, key->name, asb_uid(pod));
	} else if (pod == NULL || asb_uid(pod) == NULL || !asb_streq(on, scheduler->node->name) ||
		   asb_streq(phase, "Succeeded") || asb_streq(phase, "Failed")) {
		room_left(scheduler->room, key->ns, key->name);
	} else {
		scheduler_requests(pod, &asked);
		room_taken(scheduler->room, key->ns, key->name, asb_uid(pod), &asked);
	}
}

/* Counts all pods of this node, before each of them has been reconciled. */
static void scheduler_count(struct scheduler *scheduler, struct asb_call *call)
{
	for (int i = 0; i < COUNTS && !room_counted(scheduler->room); i++) {
		uint64_t departures = room_count_begin(scheduler->room);
		struct json_object *const *bound;
		uint32_t number =
			call->host->list(call, INDEX_NODE, scheduler->node->name, 0, 0, &bound);

		for (uint32_t j = 0; j < number; j++) {
			struct node_capacity asked;

			scheduler_requests(bound[j], &asked);
			room_taken(scheduler->room, asb_ns(bound[j]), asb_name(bound[j]),
				   asb_uid(bound[j]), &asked);
		}
		room_count_end(scheduler->room, departures);
	}
}

static bool scheduler_is_cordoned(struct scheduler *scheduler, struct buf *why)
{
	LOCKED(&scheduler->lock);

	if (scheduler->cordoned) {
		buf_append_str(why, "1 node(s) were unschedulable");
	}
	return scheduler->cordoned;
}

/* ---- binding ---- */

/* Reports, as a scheduler does, that the pod cannot be scheduled. */
static int32_t scheduler_refuse(struct asb_call *call, struct json_object *pod, const char *why)
{
	struct json_object *status = asb_copy(asb_at(pod, "status"));
	struct json_object *list = json_object_new_array();
	struct json_object *old = asb_array(pod, "status", "conditions"), *now;
	struct asb_write write;
	char message[512];

	snprintf(message, sizeof(message), "0/1 nodes are available: %.400s.", why);
	call->host->event(call, pod, "Warning", "FailedScheduling", "%s", message);
	for (size_t i = 0; i < asb_length(old); i++) {
		struct json_object *condition = json_object_array_get_idx(old, i);

		if (!asb_streq(asb_str(condition, "type"), "PodScheduled")) {
			json_object_array_add(list, json_object_get(condition));
		}
	}
	now = asb_new_condition(pod, "PodScheduled", "False", "Unschedulable", message,
				asb_generation(pod), asb_now_ms(call));
	json_object_object_add(now, "lastProbeTime", NULL);
	if (asb_generation(pod) == 0) {
		json_object_object_del(now, "observedGeneration");
	}
	json_object_array_add(list, now);
	json_object_object_add(status, "conditions", list);
	write = asb_set_status(WATCH_PODS, pod, status);
	asb_write(call, &write);
	return ASB_REQUEUE_AFTER;
}

static bool scheduler_is_responsible(struct json_object *pod)
{
	const char *scheduler = asb_str(pod, "spec", "schedulerName");

	return (scheduler == NULL || strcmp(scheduler, "default-scheduler") == 0) &&
	       asb_length(asb_at(pod, "spec", "schedulingGates")) == 0 && !asb_deleting(pod) &&
	       asb_uid(pod) != NULL;
}

static bool scheduler_is_selected(struct node *node, struct json_object *pod, struct buf *why)
{
	CLEANUP_JSON struct json_object *labels = registration_labels(node->name);

	return scheduler_selects(pod, labels, why);
}

int32_t scheduler_bind(struct node *node, struct asb_call *call, struct json_object *pod,
		       uint64_t *ret_requeue_after_ms)
{
	struct scheduler *scheduler = node->scheduler;
	const char *ns = asb_ns(pod), *name = asb_name(pod), *uid = asb_uid(pod);
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct node_capacity asked;
	struct error error = { 0 };
	int code;

	*ret_requeue_after_ms = AGAIN_MS;
	if (!scheduler_is_responsible(pod)) {
		return ASB_DONE;
	}
	scheduler_requests(pod, &asked);
	if (!scheduler_is_selected(node, pod, &why)) {
		return scheduler_refuse(call, pod, buf_str(&why));
	}
	if (scheduler_is_cordoned(scheduler, &why)) {
		room_wait(scheduler->room, ns, name, &asked);
		return scheduler_refuse(call, pod, buf_str(&why));
	}
	scheduler_count(scheduler, call);
	switch (room_ask(scheduler->room, ns, name, uid, &asked, &why)) {
	case ROOM_NONE:
		return scheduler_refuse(call, pod, buf_str(&why));
	case ROOM_HELD:
		return ASB_REQUEUE_AFTER; /* it is bound, and the watch will deliver it */
	case ROOM_PROMISED:
		break;
	}
	code = api_bind(node->client, pod, node->name, &error);
	if (code == ASB_OK) {
		call->host->event(call, pod, "Normal", "Scheduled",
				  "Successfully assigned %s/%s to %s", asb_ns(pod), asb_name(pod),
				  node->name);
		return ASB_DONE;
	}
	room_give_back(scheduler->room, ns, name, uid);
	if (code == ASB_NOT_FOUND || code == ASB_CONFLICT) {
		return ASB_DONE; /* the pod is gone or bound by another scheduler */
	}
	return call->host->fail(call, ASB_ERROR, "cannot bind the pod: %s", error.text);
}
