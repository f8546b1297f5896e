/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold at every version of a world, and what must hold once it rests. Called with the world's lock held. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kube/kind.h"
#include "kube/version.h"
#include "tests/sim/world.h"

static struct json_object *each(struct world *world, int kind, size_t *at)
{
	return objects_nth(world->objects, &world_kinds[kind], (*at)++);
}

/* How many pods a controller owns that are not terminating nor at their end; *ret_one is one of them. */
static unsigned int live_pods(struct world *world, const struct asb_kind *kind, const char *uid,
			      struct json_object **ret_one)
{
	unsigned int count = 0;
	struct json_object *pod;
	size_t at = 0;

	while ((pod = each(world, POD, &at)) != NULL) {
		const char *phase = asb_str(pod, "status", "phase");

		if (asb_controlled_by(pod, kind, uid) && !asb_deleting(pod) &&
		    !asb_streq(phase, "Failed") && !asb_streq(phase, "Succeeded")) {
			count++;
			if (ret_one != NULL) {
				*ret_one = pod;
			}
		}
	}
	return count;
}

/* A Sandbox's pod stays its own: nobody takes it from there. */
static void check_adopted(struct world *world, const struct objects_change *change)
{
	struct json_object *owner = asb_controller(change->object, NULL);
	struct adoption *adoption = map_get(&world->adopted, asb_uid(change->object));
	const char *owner_uid = asb_str(owner, "uid");

	if (adoption != NULL && !asb_streq(adoption->sandbox, owner_uid)) {
		world_fail(world, "v%llu: pod %s goes from one Sandbox to another",
			   (unsigned long long)change->version, change->name);
	}
	if (adoption == NULL && asb_owner_is(owner, &world_kinds[SANDBOX]) && owner_uid != NULL) {
		adoption = xnew(struct adoption);
		snprintf(adoption->pod, sizeof(adoption->pod), "%s", asb_uid(change->object));
		snprintf(adoption->sandbox, sizeof(adoption->sandbox), "%s", owner_uid);
		map_put(&world->adopted, adoption->pod, adoption);
	}
}

/* The labels of a pod on its way from a pool to a claim. */
static bool is_on_its_way(struct json_object *pod)
{
	return asb_label(pod, "agents.x-k8s.io/claim-uid") != NULL &&
	       asb_label(pod, "agents.x-k8s.io/sandbox-name-hash") != NULL;
}

/* A pod is owned by one controller from its first version to its last, but for what the Go
 * controller leaves. */
static void check_pod(struct world *world, const struct objects_change *change)
{
	size_t owners = asb_length(asb_array(change->object, "metadata", "ownerReferences"));

	if (owners != 1 &&
	    !(owners == 0 && world->config.foreign_writes > 0 && is_on_its_way(change->object))) {
		world_fail(world, "v%llu: pod %s has %zu owners",
			   (unsigned long long)change->version, change->name, owners);
	}
	check_adopted(world, change);
}

static void check_pool_size(struct world *world, const struct objects_change *change)
{
	struct json_object *owner = asb_controller(change->object, NULL);
	bool beta = asb_streq(asb_str(owner, "name"), WORLD_SANDBOXES);
	unsigned int most = beta ? world->config.sandboxes : world->replicas_most, count;

	if (change->type != OBJECTS_ADDED || !asb_owner_is(owner, &world_kinds[POOL])) {
		return;
	}
	if (world->template_changed || beta) {
		most += most / 10 > 1 ? most / 10 : 1;
	}
	count = live_pods(world, &world_kinds[POOL], asb_str(owner, "uid"), NULL);
	if (count > most) {
		world_fail(world, "v%llu: the pool has %u pods, at most %u are allowed",
			   (unsigned long long)change->version, count, most);
	}
}

/* How many Sandboxes a pool has, terminating ones too. */
static unsigned int members(struct world *world, const char *uid)
{
	struct json_object *sandbox;
	unsigned int count = 0;
	size_t at = 0;

	while ((sandbox = each(world, SANDBOX, &at)) != NULL) {
		count += asb_controlled_by(sandbox, &world_kinds[POOL], uid);
	}
	return count;
}

/* A pool of Sandboxes never has more members than replicas, whatever the processes know. */
static void check_members(struct world *world, const struct objects_change *change)
{
	struct json_object *owner = asb_controller(change->object, NULL);
	unsigned int count;

	if (change->type != OBJECTS_ADDED || !asb_owner_is(owner, &world_kinds[POOL])) {
		return;
	}
	count = members(world, asb_str(owner, "uid"));
	if (count > world->config.sandboxes) {
		world_fail(world, "v%llu: the pool has %u Sandboxes, at most %u are allowed",
			   (unsigned long long)change->version, count, world->config.sandboxes);
	}
}

/* A claim that says Ready has a Sandbox of its own, with exactly one pod, and a Service. */
static void check_ready(struct world *world, const char *ns, const char *name,
			struct json_object *claim, const char *when)
{
	struct json_object *sandbox = objects_get(world->objects, &world_kinds[SANDBOX], ns, name);
	struct json_object *service = objects_get(world->objects, &world_kinds[SERVICE], ns, name);
	unsigned int pods;

	if (!asb_controlled_by(sandbox, &world_kinds[CLAIM], asb_uid(claim))) {
		world_fail(world, "%s: claim %s is Ready without a Sandbox of its own", when, name);
		return;
	}
	pods = live_pods(world, &world_kinds[SANDBOX], asb_uid(sandbox), NULL);
	if (pods != 1 && !(pods == 0 && world->killed > 0)) {
		world_fail(world, "%s: claim %s is Ready with %u pods", when, name, pods);
	}
	if (!asb_controlled_by(service, &world_kinds[SANDBOX], asb_uid(sandbox))) {
		world_fail(world, "%s: claim %s is Ready without a Service", when, name);
	}
}

static void check_claim(struct world *world, const struct objects_change *change)
{
	char when[32];

	if (change->type != OBJECTS_DELETED && asb_condition_is(change->object, "Ready", "True") &&
	    !asb_deleting(change->object) && objects_version(world->objects) == change->version) {
		snprintf(when, sizeof(when), "v%llu", (unsigned long long)change->version);
		check_ready(world, change->ns, change->name, change->object, when);
	}
}

void check_changes(struct world *world)
{
	struct objects_change change;

	while (objects_next_any(world->objects, world->checked, &change)) {
		world->checked = change.version;
		if (!kind_same(change.kind,
			       &world_kinds[LEASE])) { /* a lease is renewed for ever */
			world->last_write_us = sched_now_us(world->sched);
		}
		if (kind_same(change.kind, &world_kinds[POD])) {
			check_pod(world, &change);
			check_pool_size(world, &change);
		} else if (kind_same(change.kind, &world_kinds[CLAIM])) {
			check_claim(world, &change);
		} else if (kind_same(change.kind, &world_kinds[SANDBOX])) {
			check_members(world, &change);
		}
	}
}

/* No controller deletes a pod that a Sandbox has been made for, as long as that is there. */
static void check_delete_promised(struct world *world, const struct process *process,
				  struct json_object *pod)
{
	struct adoption *promise = map_get(&world->promised, asb_uid(pod));
	struct json_object *sandbox;
	size_t at = 0;

	while (promise != NULL && (sandbox = each(world, SANDBOX, &at)) != NULL) {
		if (asb_streq(asb_uid(sandbox), promise->sandbox) && !asb_deleting(sandbox)) {
			world_fail(world,
				   "process %u deletes pod %s, which Sandbox %s was made for",
				   process->number, asb_name(pod), asb_name(sandbox));
		}
	}
}

void check_asked(struct world *world, const struct process *process, const struct asb_kind *kind,
		 const char *name)
{
	struct question *question = NULL;
	char key[sizeof(question->key)];

	if (!kind_same(kind, &world_kinds[SANDBOX])) {
		return;
	}
	snprintf(key, sizeof(key), "%u/%s", process->number, name);
	question = map_get(&world->asked, key);
	if (question == NULL) {
		question = xnew(struct question);
		snprintf(question->key, sizeof(question->key), "%s", key);
		map_put(&world->asked, question->key, question);
	}
	question->version = objects_version(world->objects);
}

/* No controller deletes a pod without an owner by what its store lacks: it has asked for the Sandbox
 * of the pod's claim since the pod became as it is. */
static void check_delete_asked(struct world *world, const struct process *process,
			       struct json_object *pod, const char *expected)
{
	const char *text = asb_resource_version(pod), *uid;
	uint64_t version = text != NULL ? version_parse(text, strlen(text)) : 0;
	struct json_object *claim;
	struct question *question;
	char key[sizeof(question->key)];
	size_t at = 0;

	if (expected != NULL && !asb_streq(expected, text)) {
		return; /* it will be refused */
	}
	uid = asb_label(pod, "agents.x-k8s.io/claim-uid");
	while (asb_controller(pod, NULL) == NULL && (claim = each(world, CLAIM, &at)) != NULL) {
		if (!asb_streq(uid, asb_uid(claim))) {
			continue;
		}
		snprintf(key, sizeof(key), "%u/%s", process->number, asb_name(claim));
		question = map_get(&world->asked, key);
		if (question == NULL || question->version < version) {
			world_fail(world,
				   "process %u deletes pod %s and has not asked for Sandbox %s",
				   process->number, asb_name(pod), asb_name(claim));
		}
	}
}

/* No controller deletes a pod whose Sandbox still wants it. Expiry and replicas 0 do not happen in these worlds. */
void check_delete(struct world *world, const struct process *process, struct json_object *object,
		  const char *expected)
{
	struct json_object *owner = asb_controller(object, NULL), *sandbox;
	const char *name = asb_str(owner, "name");

	if (asb_streq(asb_str(object, "kind"), "Pod")) {
		check_delete_promised(world, process, object);
		check_delete_asked(world, process, object, expected);
	}
	if (!asb_streq(asb_str(object, "kind"), "Pod") ||
	    !asb_owner_is(owner, &world_kinds[SANDBOX]) || name == NULL) {
		return;
	}
	sandbox = objects_get(world->objects, &world_kinds[SANDBOX], asb_ns(object), name);
	if (sandbox != NULL && asb_streq(asb_uid(sandbox), asb_str(owner, "uid")) &&
	    !asb_deleting(sandbox)) {
		world_fail(world, "process %u deletes pod %s, which Sandbox %s wants",
			   process->number, asb_name(object), name);
	}
}

/* Whether a claim has the one pod that is not Ready for ever. */
static bool has_broken_pod(struct world *world, struct json_object *claim)
{
	struct json_object *pod =
		objects_get(world->objects, &world_kinds[POD], asb_ns(claim), world->broken);

	return asb_streq(asb_label(pod, "agents.x-k8s.io/claim-uid"), asb_uid(claim));
}

static void check_claims_at_rest(struct world *world)
{
	struct json_object *claim;
	size_t at = 0;

	while ((claim = each(world, CLAIM, &at)) != NULL) {
		if (has_broken_pod(world, claim)) {
			continue; /* check_truth_at_rest has it */
		}
		if (!asb_condition_is(claim, "Ready", "True")) {
			world_fail(world, "at rest: claim %s is not Ready: %s", asb_name(claim),
				   asb_str(asb_condition(claim, "Ready"), "message") != NULL
					   ? asb_str(asb_condition(claim, "Ready"), "message")
					   : "it has no condition");
			continue;
		}
		check_ready(world, asb_ns(claim), asb_name(claim), claim, "at rest");
	}
}

/* What a claim says is what its pod says: the truth of the kubelet was not lost on the way. */
static void check_truth_at_rest(struct world *world)
{
	struct json_object *sandbox, *pod = NULL;
	size_t at = 0;

	while ((sandbox = each(world, SANDBOX, &at)) != NULL) {
		if (live_pods(world, &world_kinds[SANDBOX], asb_uid(sandbox), &pod) == 1 &&
		    asb_condition_is(pod, "Ready", "True") !=
			    asb_condition_is(sandbox, "Ready", "True")) {
			world_fail(world,
				   "at rest: Sandbox %s says Ready %s, its pod says otherwise",
				   asb_name(sandbox),
				   asb_str(asb_condition(sandbox, "Ready"), "status"));
		}
	}
}

static bool is_stale(struct world *world, struct json_object *sandbox)
{
	struct json_object *template =
		objects_get(world->objects, &world_kinds[TEMPLATE], asb_ns(sandbox), "u");

	return !json_object_equal(asb_at(template, "spec", "podTemplate", "spec", "containers"),
				  asb_at(sandbox, "spec", "podTemplate", "spec", "containers"));
}

/* The pool of Sandboxes has as many members as it says, of the kind that it says and no others, and
 * all are Ready. If it recreates, none is stale. */
static void check_members_at_rest(struct world *world, struct json_object *pool)
{
	unsigned int wanted = (unsigned int)asb_int(asb_at(pool, "spec", "replicas"), 0);
	unsigned int sandboxes = members(world, asb_uid(pool));
	unsigned int pods = live_pods(world, &world_kinds[POOL], asb_uid(pool), NULL);
	bool of_pods = asb_streq(asb_str(pool, "spec", "members"), "Pods");
	struct json_object *sandbox;
	size_t at = 0;

	if (sandboxes != (of_pods ? 0 : wanted) || pods != (of_pods ? wanted : 0)) {
		world_fail(world, "at rest: the pool has %u Sandboxes and %u pods, it wants %u %s",
			   sandboxes, pods, wanted, of_pods ? "pods" : "Sandboxes");
	}
	if (wanted != (unsigned int)asb_int(asb_at(pool, "status", "readyReplicas"), -1)) {
		world_fail(world, "at rest: the pool's status says %lld members are Ready of %u",
			   (long long)asb_int(asb_at(pool, "status", "readyReplicas"), -1), wanted);
	}
	while (world->config.recreate && (sandbox = each(world, SANDBOX, &at)) != NULL) {
		if (asb_controlled_by(sandbox, &world_kinds[POOL], asb_uid(pool)) &&
		    is_stale(world, sandbox)) {
			world_fail(world, "at rest: Sandbox %s of the pool is stale",
				   asb_name(sandbox));
		}
	}
}

static void check_pool_at_rest(struct world *world)
{
	struct json_object *pool;
	size_t at = 0;

	while ((pool = each(world, POOL, &at)) != NULL) {
		if (asb_streq(asb_name(pool), WORLD_SANDBOXES)) {
			check_members_at_rest(world, pool);
			continue;
		}
		unsigned int count = live_pods(world, &world_kinds[POOL], asb_uid(pool), NULL);

		if (count != (unsigned int)asb_int(asb_at(pool, "spec", "replicas"), 0)) {
			world_fail(world, "at rest: the pool has %u pods of %lld", count,
				   (long long)asb_int(asb_at(pool, "spec", "replicas"), 0));
		}
		if (world->broken[0] == '\0' &&
		    count != (unsigned int)asb_int(asb_at(pool, "status", "readyReplicas"), -1)) {
			world_fail(world, "at rest: the pool's status says %lld ready of %u",
				   (long long)asb_int(asb_at(pool, "status", "readyReplicas"), -1),
				   count);
		}
	}
}

/* Nobody's pods are gone, but for the user's own. */
static void check_orphans_at_rest(struct world *world)
{
	struct json_object *pod;
	bool bystander = false;
	size_t at = 0;

	while ((pod = each(world, POD, &at)) != NULL) {
		if (asb_streq(asb_name(pod), WORLD_BYSTANDER)) {
			bystander = !asb_deleting(pod);
		} else if (asb_controller(pod, NULL) == NULL) {
			world_fail(world, "at rest: pod %s has no owner", asb_name(pod));
		}
	}
	if (world->config.foreign_writes > 0 && !bystander) {
		world_fail(world, "at rest: a user's own pod with labels of ours is gone");
	}
}

/* Every object as it is, for --trace. */
static void print_all(struct world *world)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct json_object *object;
		size_t at = 0;

		while ((object = each(world, kind, &at)) != NULL) {
			printf("%s\n",
			       json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
		}
	}
}

void check_rest(struct world *world)
{
	check_claims_at_rest(world);
	check_truth_at_rest(world);
	check_pool_at_rest(world);
	check_orphans_at_rest(world);
	if (world->config.trace) {
		print_all(world);
	}
}
