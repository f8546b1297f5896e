/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a pool up to its size: it adopts pods that have lost their controller, then creates new
 * ones. reconcile.c calls it after the deletions. The pods in the store are counted again before
 * every few writes, so a wrong sum cannot make one pod too many.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static int64_t pods_smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many pods may be made now. An expected pod counts as existing, and a pod that has ended
 * counts until it terminates. */
static int64_t pods_missing(struct pass *pass)
{
	int64_t expected = pass->memory->expected_count;
	int64_t ended = pass_count(pass, INDEX_ENDED, TAIL_ALL);
	int64_t existing = pass_count(pass, INDEX_LIVE, TAIL_ALL) + ended + expected;
	int64_t wanted = pass->replicas - rollout_current(pass, INDEX_LIVE) - expected;

	return pods_smaller(wanted, rollout_limit(pass) - existing);
}

/* How many of them the next write_all makes. */
static uint32_t pods_batch(struct pass *pass)
{
	int64_t count = pods_smaller(pods_missing(pass), pods_smaller(ASB_WRITE_MAX, pass->budget));

	if (pass->memory->refused[0] != '\0') {
		count = pods_smaller(count, 1);
	}
	/* Any of them may lose its response. */
	count = pods_smaller(count, expectation_room(pass));
	return count > 0 ? (uint32_t)count : 0;
}

/* ---- a pod ---- */

static struct json_object *pods_new(struct pass *pass, const char *name)
{
	struct pod_template_pool pool = {
		.name = pass->key->name,
		.template_name = pass->template_name,
		.hash = pass->hash,
	};
	struct json_object *pod = pod_template_pool_pod(
		asb_at(pass->template, "spec", "podTemplate"), pass->key->ns, name, &pool);

	dialect_set_owner(pod, pass->pool);
	return pod;
}

/*
 * A name for the next pod: the name of a lost POST, or that of the refused pod, else a new one. The
 * pool's name is cut as asb_random_name would cut it, but not after a dot: "a.-x" is not a valid
 * name.
 */
static void pods_choose_name(struct pass *pass, char ret[POD_NAME_SIZE])
{
	char prefix[58];
	size_t length;

	if (pass->retry_count > 0) {
		snprintf(ret, POD_NAME_SIZE, "%s", pass->retry[--pass->retry_count]);
		return;
	}
	if (pass->memory->refused[0] != '\0') {
		snprintf(ret, POD_NAME_SIZE, "%s", pass->memory->refused);
		return;
	}
	snprintf(prefix, sizeof(prefix), "%s", pass->key->name);
	for (length = strlen(prefix); length > 0 && strchr(".-", prefix[length - 1]) != NULL;) {
		prefix[--length] = '\0';
	}
	for (unsigned int tries = 0; tries < 4; tries++) {
		asb_random_name(pass->host->random(pass->call->instance), prefix, ret);
		if (asb_get(pass->call, WATCH_POD, pass->key->ns, ret) == NULL) {
			break;
		}
	}
}

/* ---- creating ---- */

/* Notes that the API server refuses a pod. An event reports the first one of a reconcile. */
static void pods_refused(struct pass *pass, const struct asb_write *write)
{
	if (!pass->refused) {
		pass->refused = true;
		snprintf(pass->memory->refused, POD_NAME_SIZE, "%s", write->name);
		pass->host->event(pass->call, pass->pool, "Warning", "FailedCreate", "%s",
				  write->message);
	}
}

/*
 * Handles the response to one POST. Returns false if no more pods may be created in this reconcile.
 * If somebody else's pod has the name, a pod is still missing and gets another name. A pod that the
 * store does not take (its watch is too narrow) becomes an expectation; otherwise the pool would
 * create pods without end.
 */
static bool pods_created(struct pass *pass, const struct asb_write *write)
{
	if (write->result == ASB_OK || write->result == ASB_ALREADY_EXISTS) {
		if (write->result == ASB_OK &&
		    asb_get(pass->call, WATCH_POD, write->ns, write->name) == NULL) {
			expectation_add(pass, write->name);
		}
		return true;
	}
	pass_failed(pass, write);
	if (write->result == ASB_FORBIDDEN || write->result == ASB_INVALID ||
	    write->http_status == 429) {
		pods_refused(pass, write);
	}
	/* Even after a 429: it is the response to the last try, and an earlier one may have been
	 * done. */
	if (write->result == ASB_UNREACHABLE) {
		expectation_add(pass, write->name);
	}
	return false;
}

static bool pods_create(struct pass *pass, uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	char names[ASB_WRITE_MAX][POD_NAME_SIZE];
	bool more = true;

	for (uint32_t i = 0; i < count; i++) {
		pods_choose_name(pass, names[i]);
		writes[i] = asb_create(WATCH_POD, ASB_PRIORITY_REFILL, pods_new(pass, names[i]));
		writes[i].ns = pass->key->ns;
		writes[i].name = names[i]; /* the one in the body is the host's from now on */
	}
	pass->memory->refused[0] = '\0';
	pass->budget -= count;
	(void)pass->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		more = pods_created(pass, &writes[i]) && more;
	}
	return more;
}

/* ---- adopting ---- */

/* From good to bad: after NOT_ALL no more pods are adopted, after UNKNOWN none is created
 * either. */
enum adopted { ADOPTED_ALL, ADOPTED_NOT_ALL, ADOPTED_UNKNOWN };

/* Makes the pool the controller of a pod, if the pod still has no controller. */
static struct asb_write pods_adoption(struct pass *pass, struct json_object *pod)
{
	struct json_object *patch = json_object_new_array();
	struct asb_write write;

	object_patch_owner(patch, pod, pass->pool);
	asb_patch(patch, "test", json_object_new_string(asb_label(pod, LABEL_POOL)), "metadata",
		  "labels", LABEL_POOL);
	write = asb_patch_of(WATCH_POD, pod, ASB_PATCH_JSON, patch);
	write.priority = ASB_PRIORITY_REFILL;
	return write;
}

/*
 * Handles the response to one adoption. A refused patch may be the second try after a first whose
 * response was lost, so the API server is asked whose the pod is.
 */
static enum adopted pods_adopted(struct pass *pass, const struct asb_write *write)
{
	struct json_object *pod = NULL;

	if (write->result == ASB_OK) {
		return ADOPTED_ALL;
	}
	if (write->result == ASB_UNREACHABLE || write->result == ASB_CANCELLED) {
		expectation_add(pass, write->name);
		pass_failed(pass, write);
		return ADOPTED_UNKNOWN;
	}
	pass->host->log(pass->call->instance, ASB_LOG_INFO, "cannot adopt Pod '%s': %s, going on",
			write->name, write->message);
	if (pass->host->get_live(pass->call, WATCH_POD, write->ns, write->name, &pod) == ASB_OK &&
	    asb_controlled_by(pod, &kind_pool, pass->uid)) {
		expectation_add(pass, write->name);
		pass_again(pass, LOOK_AGAIN_MS);
	}
	return ADOPTED_NOT_ALL;
}

static enum adopted pods_adopt_some(struct pass *pass, struct json_object *const *pods,
				    uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	enum adopted worst = ADOPTED_ALL;

	for (uint32_t i = 0; i < count; i++) {
		writes[i] = pods_adoption(pass, pods[i]);
	}
	pass->budget -= count;
	(void)pass->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		enum adopted one = pods_adopted(pass, &writes[i]);

		worst = one > worst ? one : worst;
	}
	return worst;
}

/* Returns false if no pod may be created in this reconcile. */
static bool pods_adopt(struct pass *pass)
{
	char value[256], hash[9];
	struct json_object *const *pods = NULL;
	uint32_t count;

	asb_name_hash(pass->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s/%s", pass->key->ns, hash, pass->hash);
	while ((count = pods_batch(pass)) > 0) {
		count = pass->host->list(pass->call, INDEX_ORPHANS, value, count,
					 ASB_LIST_UNRESERVED, &pods);
		if (count == 0) {
			break;
		}
		switch (pods_adopt_some(pass, pods, count)) {
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

void pods_fill(struct pass *pass)
{
	uint32_t count = pods_batch(pass);
	bool more = true;

	/* Names whose POST may still be on its way are used first: no other pod may take their
	 * room. */
	if (pass->retry_count > 0 && count > 0) {
		more = pods_create(pass, pass->retry_count < count ? pass->retry_count : count);
	}
	more = more && pods_adopt(pass);
	while (more && (count = pods_batch(pass)) > 0) {
		more = pods_create(pass, count);
	}
	if (more && pods_missing(pass) > 0) {
		pass_again(pass, pass->budget == 0 ? 0 : LOOK_AGAIN_MS);
	}
}
