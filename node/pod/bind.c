/* SPDX-License-Identifier: Apache-2.0 */
/* Binds pods to this node while they fit. Called by node/pod/pod.c with --bind. */
#include "config.h"

#include "node/pod/bind.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "kube/quantity.h"
#include "node/node-private.h"
#include "node/pod/api.h"
#include "node/pod/room.h"
#include "node/registration/register.h"

/* Whoever waits for room is woken when there is some; this is for what nobody tells of. */
#define AGAIN_MS 60000
#define COUNTS 3 /* of all pods, until nothing changes meanwhile */
/* More than any machine has; the sum of many such is still a number. */
#define REQUEST_MOST (UINT64_C(1) << 50)
#define WHY_MAX 1024u

struct binder {
	struct node *node;
	struct room *room;
	struct sched_mutex lock;
	bool closed; /* lock */
};

static void binder_wake(void *arg, const char *ns, const char *name)
{
	struct binder *binder = arg;

	manager_enqueue(binder->node->manager, 0, ns, name);
}

struct binder *binder_create(struct node *node, const struct bind_capacity *capacity)
{
	struct binder *binder = xnew(struct binder);

	binder->node = node;
	binder->room = room_create(node->sched, capacity, binder_wake, binder);
	sched_mutex_init(&binder->lock, node->sched);
	return binder;
}

void binder_destroy(struct binder *binder)
{
	if (binder == NULL) {
		return;
	}
	room_destroy(binder->room);
	sched_mutex_finish(&binder->lock);
	free(binder);
}

/* ---- pure ---- */

static uint64_t bind_clamp(uint64_t value)
{
	return value < REQUEST_MOST ? value : REQUEST_MOST;
}

static void bind_request_of(struct json_object *container, struct bind_capacity *ret)
{
	struct json_object *requests = asb_at(container, "resources", "requests");

	*ret = (struct bind_capacity){
		.cpu_milli = bind_clamp(quantity_milli_of(requests, "cpu")),
		.memory = bind_clamp(quantity_value_of(requests, "memory")),
	};
}

static void bind_add(struct bind_capacity *sum, const struct bind_capacity *more)
{
	sum->cpu_milli = bind_clamp(sum->cpu_milli + more->cpu_milli);
	sum->memory = bind_clamp(sum->memory + more->memory);
}

static void bind_raise(struct bind_capacity *most, const struct bind_capacity *to)
{
	most->cpu_milli = to->cpu_milli > most->cpu_milli ? to->cpu_milli : most->cpu_milli;
	most->memory = to->memory > most->memory ? to->memory : most->memory;
}

void bind_requests(struct json_object *pod, struct bind_capacity *ret)
{
	struct json_object *containers = asb_array(pod, "spec", "containers");
	struct json_object *init = asb_array(pod, "spec", "initContainers");
	struct bind_capacity sum = { 0 }, sidecars = { 0 }, most = { 0 }, one;

	for (size_t i = 0; i < asb_length(containers); i++) {
		bind_request_of(json_object_array_get_idx(containers, i), &one);
		bind_add(&sum, &one);
	}
	/* One runs beside the sidecars before it; sidecars run on beside the containers. */
	for (size_t i = 0; i < asb_length(init); i++) {
		struct json_object *container = json_object_array_get_idx(init, i);

		bind_request_of(container, &one);
		if (asb_streq(asb_str(container, "restartPolicy"), "Always")) {
			bind_add(&sidecars, &one);
		} else {
			bind_add(&one, &sidecars);
			bind_raise(&most, &one);
		}
	}
	bind_add(&sum, &sidecars);
	bind_raise(&sum, &most);
	*ret = sum;
	ret->pods = 1;
}

bool bind_selects(struct json_object *pod, struct json_object *labels, struct buf *why)
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

void binder_see(struct binder *binder, const struct asb_key *key, struct json_object *pod)
{
	const char *on = asb_str(pod, "spec", "nodeName"), *phase = asb_str(pod, "status", "phase");
	struct bind_capacity asked;

	if (pod != NULL && (on == NULL || *on == '\0') && asb_uid(pod) != NULL) {
		room_unbound(binder->room, key->ns, key->name, asb_uid(pod));
	} else if (pod == NULL || asb_uid(pod) == NULL || !asb_streq(on, binder->node->name) ||
		   asb_streq(phase, "Succeeded") || asb_streq(phase, "Failed")) {
		room_left(binder->room, key->ns, key->name);
	} else {
		bind_requests(pod, &asked);
		room_taken(binder->room, key->ns, key->name, asb_uid(pod), &asked);
	}
}

/* All that is on this node, where pods may not have been seen one by one yet. */
static void binder_count(struct binder *binder, struct asb_call *call)
{
	for (int i = 0; i < COUNTS && !room_counted(binder->room); i++) {
		uint64_t begun = room_count_begin(binder->room);
		struct json_object *const *bound;
		uint32_t number =
			call->host->list(call, INDEX_NODE, binder->node->name, 0, 0, &bound);

		for (uint32_t j = 0; j < number; j++) {
			struct bind_capacity asked;

			bind_requests(bound[j], &asked);
			room_taken(binder->room, asb_ns(bound[j]), asb_name(bound[j]),
				   asb_uid(bound[j]), &asked);
		}
		room_count_end(binder->room, begun);
	}
}

void binder_close(struct binder *binder, bool closed)
{
	sched_mutex_lock(&binder->lock);
	bool opened = binder->closed && !closed;

	binder->closed = closed;
	sched_mutex_unlock(&binder->lock);
	if (opened) {
		room_wake_all(binder->room);
	}
}

static bool is_closed(struct binder *binder, struct buf *why)
{
	LOCKED(&binder->lock);

	if (binder->closed) {
		buf_append_str(why, "1 node(s) were unschedulable");
	}
	return binder->closed;
}

/* ---- binding ---- */

/* What a scheduler says of a pod that it cannot place. */
static int32_t refuse(struct asb_call *call, struct json_object *pod, const char *why)
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

static bool is_for_us(struct json_object *pod)
{
	const char *scheduler = asb_str(pod, "spec", "schedulerName");

	return (scheduler == NULL || strcmp(scheduler, "default-scheduler") == 0) &&
	       asb_length(asb_at(pod, "spec", "schedulingGates")) == 0 && !asb_deleting(pod) &&
	       asb_uid(pod) != NULL;
}

static bool is_selected(struct node *node, struct json_object *pod, struct buf *why)
{
	CLEANUP_JSON struct json_object *labels = register_labels(node->name);

	return bind_selects(pod, labels, why);
}

int32_t bind_pod(struct node *node, struct asb_call *call, struct json_object *pod,
		 uint64_t *ret_requeue_after_ms)
{
	struct binder *binder = node->binder;
	const char *ns = asb_ns(pod), *name = asb_name(pod), *uid = asb_uid(pod);
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct bind_capacity asked;
	struct error error = { 0 };
	int code;

	*ret_requeue_after_ms = AGAIN_MS;
	if (!is_for_us(pod)) {
		return ASB_DONE;
	}
	bind_requests(pod, &asked);
	if (!is_selected(node, pod, &why)) {
		return refuse(call, pod, buf_str(&why));
	}
	if (is_closed(binder, &why)) {
		room_wait(binder->room, ns, name, &asked);
		return refuse(call, pod, buf_str(&why));
	}
	binder_count(binder, call);
	switch (room_ask(binder->room, ns, name, uid, &asked, &why)) {
	case ROOM_NONE:
		return refuse(call, pod, buf_str(&why));
	case ROOM_HELD:
		return ASB_REQUEUE_AFTER; /* it is bound, and the watch tells */
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
	room_give_back(binder->room, ns, name, uid);
	if (code == ASB_NOT_FOUND || code == ASB_CONFLICT) {
		return ASB_DONE; /* gone, or somebody else was first: the watch tells */
	}
	return call->host->fail(call, ASB_ERROR, "cannot bind the pod: %s", error.text);
}
