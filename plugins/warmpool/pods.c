/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a pool up to its size: takes in pods that have lost their controller, then creates new
 * ones. reconcile.c calls it once what must go is gone; the store is counted again before every few
 * writes, so one pod too many cannot come of a mistaken sum.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* They say whose a pod is and let somebody's traffic through: no template sets them. */
static const char *const system_labels[] = {
	"agents.x-k8s.io/sandbox-name-hash",
	"agents.x-k8s.io/sandbox-uid",
	"agents.x-k8s.io/claim-uid",
};

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many pods may be made now. What is in doubt is there, and what ended until it terminates. */
static int64_t missing(struct pool *pool)
{
	int64_t doubts = pool->memory->doubts;
	int64_t there = pool_count(pool, INDEX_LIVE, ALL) + pool_count(pool, INDEX_ENDED, ALL);
	int64_t wanted = pool->replicas - rollout_current(pool, INDEX_LIVE) - doubts;

	return smaller(wanted, rollout_limit(pool) - there - doubts);
}

/* How many of them in the next write_all. */
static uint32_t batch(struct pool *pool)
{
	int64_t count = smaller(missing(pool), smaller(ASB_WRITE_MAX, pool->budget));

	if (pool->memory->refused[0] != '\0') {
		count = smaller(count, 1);
	}
	count = smaller(count, doubt_room(pool)); /* any of them may lose its response */
	return count > 0 ? (uint32_t)count : 0;
}

/* ---- a pod ---- */

/* Puts a copy of the template's labels or annotations into the pod's. */
static void copy_map(struct json_object *pod, struct json_object *pod_template, const char *name)
{
	struct json_object *map = asb_at(pod_template, "metadata", name);

	if (json_object_is_type(map, json_type_object)) {
		json_object_object_add(asb_object_in(pod, "metadata"), name, asb_copy(map));
	}
}

static void set_labels(struct pool *pool, struct json_object *pod)
{
	struct json_object *labels = asb_object_in(asb_object_in(pod, "metadata"), "labels");
	char hash[9];

	for (size_t i = 0; i < sizeof(system_labels) / sizeof(system_labels[0]); i++) {
		json_object_object_del(labels, system_labels[i]);
	}
	asb_name_hash(pool->key->name, hash);
	asb_set_str(labels, LABEL_POOL, hash);
	asb_name_hash(pool->template_name, hash);
	asb_set_str(labels, LABEL_TEMPLATE, hash);
}

static struct json_object *new_pod(struct pool *pool, const char *name)
{
	struct json_object *pod_template = asb_at(pool->template, "spec", "podTemplate");
	struct json_object *spec = asb_copy(asb_at(pod_template, "spec"));
	struct json_object *pod = asb_new(&warmpool_watches[WATCH_POD].kind, pool->key->ns, name);
	char prefix[256];

	snprintf(prefix, sizeof(prefix), "%s-", pool->key->name);
	asb_set_str(asb_object_in(pod, "metadata"), "generateName", prefix);
	copy_map(pod, pod_template, "labels");
	copy_map(pod, pod_template, "annotations");
	set_labels(pool, pod);
	asb_set_annotation(pod, ANNOTATION_HASH, pool->hash);
	asb_set_owner(pod, pool->object);
	if (json_object_is_type(spec, json_type_object) &&
	    asb_at(spec, "automountServiceAccountToken") == NULL) {
		json_object_object_add(spec, "automountServiceAccountToken",
				       json_object_new_boolean(0));
	}
	json_object_object_add(pod, "spec", spec);
	return pod;
}

/*
 * A name for the next pod: one whose POST was lost, or the one that was refused, else a new one.
 * The pool's name is cut as asb_random_name would cut it, but not after a dot: "a.-x" is no name.
 */
static void choose_name(struct pool *pool, char ret[POD_NAME_SIZE])
{
	char prefix[58];
	size_t length;

	if (pool->agains > 0) {
		snprintf(ret, POD_NAME_SIZE, "%s", pool->again[--pool->agains]);
		return;
	}
	if (pool->memory->refused[0] != '\0') {
		snprintf(ret, POD_NAME_SIZE, "%s", pool->memory->refused);
		return;
	}
	snprintf(prefix, sizeof(prefix), "%s", pool->key->name);
	for (length = strlen(prefix); length > 0 && strchr(".-", prefix[length - 1]) != NULL;) {
		prefix[--length] = '\0';
	}
	for (unsigned int tries = 0; tries < 4; tries++) {
		asb_random_name(pool->host->random(pool->call->instance), prefix, ret);
		if (asb_get(pool->call, WATCH_POD, pool->key->ns, ret) == NULL) {
			break;
		}
	}
}

/* ---- creating ---- */

/* Notes that the API server will not have a pod; an event tells of the first of a turn. */
static void take_refused(struct pool *pool, const struct asb_write *write)
{
	if (!pool->refused) {
		pool->refused = true;
		snprintf(pool->memory->refused, POD_NAME_SIZE, "%s", write->name);
		pool->host->event(pool->call, pool->object, "Warning", "FailedCreate", "%s",
				  write->message);
	}
}

/*
 * Takes the response to one POST; false: no more POSTs in this turn. If somebody else's pod has the
 * name, a pod still is missing and gets another one. A pod that the store does not take (a watch
 * narrowed too far) is in doubt, or the pool would make pods without end.
 */
static bool take_created(struct pool *pool, const struct asb_write *write)
{
	if (write->result == ASB_OK || write->result == ASB_ALREADY_EXISTS) {
		if (write->result == ASB_OK &&
		    asb_get(pool->call, WATCH_POD, write->ns, write->name) == NULL) {
			doubt_add(pool, write->name);
		}
		return true;
	}
	pool_failed(pool, write);
	if (write->result == ASB_FORBIDDEN || write->result == ASB_INVALID ||
	    write->http_status == 429) {
		take_refused(pool, write);
	}
	/* Even with a 429: it is the response to the last try, and one before may have been done. */
	if (write->result == ASB_UNREACHABLE) {
		doubt_add(pool, write->name);
	}
	return false;
}

static bool create_some(struct pool *pool, uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	char names[ASB_WRITE_MAX][POD_NAME_SIZE];
	bool more = true;

	for (uint32_t i = 0; i < count; i++) {
		choose_name(pool, names[i]);
		writes[i] = asb_create(WATCH_POD, ASB_PRIORITY_REFILL, new_pod(pool, names[i]));
		writes[i].ns = pool->key->ns;
		writes[i].name = names[i]; /* the one in the body is the host's from now on */
	}
	pool->memory->refused[0] = '\0';
	pool->budget -= count;
	(void)pool->host->write_all(pool->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		more = take_created(pool, &writes[i]) && more;
	}
	return more;
}

/* ---- taking in ---- */

/* From good to bad: after NOT_ALL no more are taken in, after UNKNOWN nothing is made at all. */
enum adopted { ADOPTED_ALL, ADOPTED_NOT_ALL, ADOPTED_UNKNOWN };

/* Makes the pool the controller of a pod, if its owners are still those of the store: none. */
static struct asb_write adoption(struct pool *pool, struct json_object *pod)
{
	struct json_object *owners = asb_array(pod, "metadata", "ownerReferences");
	struct json_object *patch = json_object_new_array(), *reference, *added;
	struct asb_write write;

	asb_patch(patch, "test", asb_copy(owners), "metadata", "ownerReferences");
	asb_patch(patch, "test", NULL, "metadata", "deletionTimestamp");
	asb_patch(patch, "test", json_object_new_string(asb_label(pod, LABEL_POOL)), "metadata",
		  "labels", LABEL_POOL);
	reference = asb_owner_reference(pool->object);
	if (asb_length(owners) > 0) {
		asb_patch(patch, "add", reference, "metadata", "ownerReferences", "-");
	} else {
		added = json_object_new_array();
		json_object_array_add(added, reference);
		asb_patch(patch, "add", added, "metadata", "ownerReferences");
	}
	write = asb_patch_of(WATCH_POD, pod, ASB_PATCH_JSON, patch);
	write.priority = ASB_PRIORITY_REFILL;
	return write;
}

/*
 * Takes the response to one adoption. A refused one may be the second after a first whose response was
 * lost, so the API server is asked whose the pod is.
 */
static enum adopted take_adopted(struct pool *pool, const struct asb_write *write)
{
	struct json_object *pod = NULL;

	if (write->result == ASB_OK) {
		return ADOPTED_ALL;
	}
	if (write->result == ASB_UNREACHABLE || write->result == ASB_CANCELLED) {
		doubt_add(pool, write->name);
		pool_failed(pool, write);
		return ADOPTED_UNKNOWN;
	}
	pool->host->log(pool->call->instance, ASB_LOG_INFO, "Pod '%s' not taken in: %s, going on",
			write->name, write->message);
	if (pool->host->get_live(pool->call, WATCH_POD, write->ns, write->name, &pod) == ASB_OK &&
	    asb_controlled_by(pod, &warmpool_watches[WATCH_POOL].kind, pool->uid)) {
		doubt_add(pool, write->name);
		pool_again(pool, LOOK_AGAIN_MS);
	}
	return ADOPTED_NOT_ALL;
}

static enum adopted adopt_some(struct pool *pool, struct json_object *const *pods, uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	enum adopted worst = ADOPTED_ALL;

	for (uint32_t i = 0; i < count; i++) {
		writes[i] = adoption(pool, pods[i]);
	}
	pool->budget -= count;
	(void)pool->host->write_all(pool->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		enum adopted one = take_adopted(pool, &writes[i]);

		worst = one > worst ? one : worst;
	}
	return worst;
}

/* False: nothing more may be made in this turn. */
static bool adopt(struct pool *pool)
{
	char value[256], hash[9];
	struct json_object *const *pods = NULL;
	uint32_t count;

	asb_name_hash(pool->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s/%s", pool->key->ns, hash, pool->hash);
	while ((count = batch(pool)) > 0) {
		count = pool->host->list(pool->call, INDEX_ORPHANS, value, count,
					 ASB_LIST_UNRESERVED, &pods);
		if (count == 0) {
			break;
		}
		switch (adopt_some(pool, pods, count)) {
		case ADOPTED_ALL:
			continue;
		case ADOPTED_NOT_ALL:
			return true;
		case ADOPTED_UNKNOWN:
			return false;
		}
	}
	return true;
}

void pods_fill(struct pool *pool)
{
	uint32_t count = batch(pool);
	bool more = true;

	/* Names whose POST may still be on its way come before anything else that takes up room. */
	if (pool->agains > 0 && count > 0) {
		more = create_some(pool, pool->agains < count ? pool->agains : count);
	}
	more = more && adopt(pool);
	while (more && (count = batch(pool)) > 0) {
		more = create_some(pool, count);
	}
	if (more && missing(pool) > 0) {
		pool_again(pool, pool->budget == 0 ? 0 : LOOK_AGAIN_MS);
	}
}
