/* SPDX-License-Identifier: Apache-2.0 */
/* Binds pods to this node while they fit. Called by node/pod.c with --bind. */
#include "config.h"

#include "node/bind.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "node/api.h"
#include "node/node-private.h"
#include "node/quantity.h"
#include "node/register.h"

#define AGAIN_MS 5000 /* another pod may have gone */
/* The pods of the node are counted that often while all fit, and as often as the second when one
 * does not: to count them for each would cost the square of their number. Who went since is counted
 * still, who was given to the node by others is not yet. */
#define COUNT_US 10000000u
#define COUNT_FULL_US 1000000u
/* By then the watch has told of a pod that was bound; what it has not told of is gone again. */
#define PROMISE_US 30000000u
#define WHY_MAX 1024u

/* A pod that was bound a moment ago and is not in the store with its node yet. */
struct promise {
	char *uid;
	struct bind_capacity asked;
	uint64_t since_us;
};

struct binder {
	struct sched *sched;
	struct bind_capacity capacity;
	struct sched_mutex lock;
	bool closed;               /* lock */
	struct map promises;       /* lock: by uid */
	struct bind_capacity used; /* lock: at counted_us, and promised since */
	uint64_t counted_us;       /* lock; 0: never */
};

struct binder *binder_create(struct sched *sched, const struct bind_capacity *capacity)
{
	struct binder *binder = xnew(struct binder);

	binder->sched = sched;
	binder->capacity = *capacity;
	sched_mutex_init(&binder->lock, sched);
	return binder;
}

static void free_promise(struct promise *promise)
{
	if (promise != NULL) {
		free(promise->uid);
		free(promise);
	}
}

void binder_destroy(struct binder *binder)
{
	struct promise *promise;
	size_t at = 0;

	if (binder == NULL) {
		return;
	}
	while ((promise = map_next(&binder->promises, &at, NULL)) != NULL) {
		free_promise(promise);
	}
	map_finish(&binder->promises);
	sched_mutex_finish(&binder->lock);
	free(binder);
}

/* ---- pure ---- */

void bind_requests(struct json_object *pod, struct bind_capacity *ret)
{
	struct json_object *containers = asb_array(pod, "spec", "containers");
	struct json_object *init = asb_array(pod, "spec", "initContainers");

	*ret = (struct bind_capacity){ .pods = 1 };
	for (size_t i = 0; i < asb_length(containers); i++) {
		struct json_object *requests =
			asb_at(json_object_array_get_idx(containers, i), "resources", "requests");

		ret->cpu_milli += quantity_milli_of(requests, "cpu");
		ret->memory += quantity_value_of(requests, "memory");
	}
	for (size_t i = 0; i < asb_length(init); i++) {
		struct json_object *requests =
			asb_at(json_object_array_get_idx(init, i), "resources", "requests");
		uint64_t cpu = quantity_milli_of(requests, "cpu");
		uint64_t memory = quantity_value_of(requests, "memory");

		ret->cpu_milli = cpu > ret->cpu_milli ? cpu : ret->cpu_milli;
		ret->memory = memory > ret->memory ? memory : ret->memory;
	}
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

static void add(struct bind_capacity *sum, const struct bind_capacity *more)
{
	sum->cpu_milli += more->cpu_milli;
	sum->memory += more->memory;
	sum->pods += more->pods;
}

static bool fits(const struct bind_capacity *capacity, const struct bind_capacity *used,
		 struct buf *why)
{
	size_t before = why->length;

	if (used->pods > capacity->pods) {
		buf_append_str(why, "1 Too many pods");
	}
	if (used->cpu_milli > capacity->cpu_milli) {
		buf_append_str(why, why->length > before ? ", 1 Insufficient cpu"
							 : "1 Insufficient cpu");
	}
	if (used->memory > capacity->memory) {
		buf_append_str(why, why->length > before ? ", 1 Insufficient memory"
							 : "1 Insufficient memory");
	}
	return why->length == before;
}

/* ---- room; the lock is held ---- */

static void drop_promise(struct binder *binder, const char *uid)
{
	free_promise(map_remove(&binder->promises, uid));
}

static void promise_room(struct binder *binder, const char *uid, const struct bind_capacity *asked)
{
	struct promise *promise = xnew(struct promise);

	*promise = (struct promise){ .uid = xstrdup(uid),
				     .asked = *asked,
				     .since_us = sched_now_us(binder->sched) };
	map_put(&binder->promises, promise->uid, promise);
	add(&binder->used, asked);
}

/* Adds up what is promised, but for promises of long ago. */
static void count_promises(struct binder *binder, uint64_t now_us)
{
	struct map kept = MAP_INIT;
	struct promise *promise;
	size_t at = 0;

	while ((promise = map_next(&binder->promises, &at, NULL)) != NULL) {
		if (now_us - promise->since_us > PROMISE_US) {
			free_promise(promise);
		} else {
			map_put(&kept, promise->uid, promise);
			add(&binder->used, &promise->asked);
		}
	}
	map_finish(&binder->promises);
	binder->promises = kept;
}

/* All that is bound, and what is promised to those that are not seen with their node yet. */
static void count(struct binder *binder, struct json_object *const *bound, uint32_t number)
{
	struct bind_capacity one;

	binder->used = (struct bind_capacity){ 0 };
	for (uint32_t i = 0; i < number; i++) {
		drop_promise(binder, asb_uid(bound[i]));
		bind_requests(bound[i], &one);
		add(&binder->used, &one);
	}
	binder->counted_us = sched_now_us(binder->sched);
	count_promises(binder, binder->counted_us);
}

/* Promises room by the last count: 1, or 0 and why when there is none. -1: count anew. */
static int take_known_room(struct binder *binder, const char *uid,
			   const struct bind_capacity *asked, struct buf *why)
{
	uint64_t now_us = sched_now_us(binder->sched);
	struct bind_capacity used;
	uint64_t age_us;

	LOCKED(&binder->lock);
	used = binder->used;
	age_us = now_us > binder->counted_us ? now_us - binder->counted_us : 0;
	add(&used, asked);
	if (binder->counted_us == 0 || map_get(&binder->promises, uid) != NULL) {
		return -1;
	}
	if (age_us > COUNT_US) {
		binder->counted_us = now_us; /* one counts; the others go on with what is known */
		return -1;
	}
	if (fits(&binder->capacity, &used, why)) {
		promise_room(binder, uid, asked);
		return 1;
	}
	if (age_us > COUNT_FULL_US) {
		buf_finish(why);
		why->ceiling = WHY_MAX;
		return -1;
	}
	return 0;
}

/* Promises room for a pod; false and why when there is none. */
static bool take_room(struct node *node, struct asb_call *call, struct json_object *pod,
		      struct buf *why)
{
	struct binder *binder = node->binder;
	struct json_object *const *bound;
	struct bind_capacity used, one;
	uint32_t number;
	int known;

	bind_requests(pod, &one);
	known = take_known_room(binder, asb_uid(pod), &one, why);
	if (known >= 0) {
		return known > 0;
	}
	number = call->host->list(call, INDEX_NODE, node->name, 0, 0, &bound);

	LOCKED(&binder->lock);
	drop_promise(binder, asb_uid(pod));
	count(binder, bound, number);
	used = binder->used;
	add(&used, &one);
	if (!fits(&binder->capacity, &used, why)) {
		return false;
	}
	promise_room(binder, asb_uid(pod), &one);
	return true;
}

static void give_back(struct binder *binder, struct json_object *pod)
{
	LOCKED(&binder->lock);

	drop_promise(binder, asb_uid(pod));
}

void binder_close(struct binder *binder, bool closed)
{
	LOCKED(&binder->lock);

	binder->closed = closed;
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
	return ASB_AGAIN;
}

static bool is_for_us(struct json_object *pod)
{
	const char *scheduler = asb_str(pod, "spec", "schedulerName");

	return (scheduler == NULL || strcmp(scheduler, "default-scheduler") == 0) &&
	       asb_length(asb_at(pod, "spec", "schedulingGates")) == 0 && !asb_deleting(pod) &&
	       asb_uid(pod) != NULL;
}

int32_t bind_pod(struct node *node, struct asb_call *call, struct json_object *pod,
		 uint64_t *ret_after_ms)
{
	struct json_object *labels = register_labels(node->name);
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct error error = { 0 };
	bool selected;
	int code;

	*ret_after_ms = AGAIN_MS;
	selected = bind_selects(pod, labels, &why);
	json_object_put(labels);
	if (!is_for_us(pod)) {
		return ASB_DONE;
	}
	if (!selected || is_closed(node->binder, &why) || !take_room(node, call, pod, &why)) {
		return refuse(call, pod, buf_str(&why));
	}
	code = api_bind(node->client, pod, node->name, &error);
	if (code == ASB_OK) {
		call->host->event(call, pod, "Normal", "Scheduled",
				  "Successfully assigned %s/%s to %s", asb_ns(pod), asb_name(pod),
				  node->name);
		return ASB_DONE;
	}
	give_back(node->binder, pod);
	if (code == ASB_NOT_FOUND || code == ASB_CONFLICT) {
		return ASB_DONE; /* gone, or somebody else was first: the watch tells */
	}
	return call->host->fail(call, ASB_RETRY, "cannot bind the pod: %s", error.text);
}
