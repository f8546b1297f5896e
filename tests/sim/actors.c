/* SPDX-License-Identifier: Apache-2.0 */
/* Those in a world who are not controllers: a kubelet, the garbage collector, users. Each is a thread. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "tests/sim/world.h"

#define NS "default"
#define TROUBLE_US \
	100000000u /* pods flap and vanish only this long, so that a world can come to rest */

static bool is_over(struct world *world)
{
	LOCKED(&world->lock);

	return world->over;
}

static void apply(struct world *world, int kind, const char *name, bool status, const char *text)
{
	CLEANUP_JSON struct json_object *patch = yaml_parse(text, strlen(text), NULL);
	uint64_t before;

	LOCKED(&world->lock);
	before = objects_version(world->objects);
	objects_patch(world->objects, &world_kinds[kind], NS, name, false, patch,
		      status ? OBJECTS_STATUS : 0, NULL, NULL);
	if (objects_version(world->objects) != before) {
		world_changed(world);
	}
}

static void create(struct world *world, int kind, const char *text)
{
	LOCKED(&world->lock);
	struct error error = { 0 };

	if (objects_create_object(world->objects, &world_kinds[kind], NS,
				  yaml_parse(text, strlen(text), NULL), 0, NULL, &error) >= 300) {
		world_fail(world, "a user cannot create: %s", error.text);
	}
	world_changed(world);
}

static void delete_object(struct world *world, int kind, const char *name)
{
	LOCKED(&world->lock);

	objects_delete(world->objects, &world_kinds[kind], NS, name, NULL, NULL, NULL, NULL);
	world_changed(world);
}

/* ---- kubelet ---- */

enum chore {
	CHORE_NONE,
	CHORE_START,
	CHORE_RECOVER,
	CHORE_FLAP,
	CHORE_BREAK,
	CHORE_KILL,
	CHORE_FINISH
};

/* Whether a Sandbox names a pod that still is its pool's: between the first write of a claim and the second. */
static bool is_being_claimed(struct world *world, struct json_object *pod)
{
	struct json_object *sandbox;

	for (size_t i = 0;
	     (sandbox = objects_nth(world->objects, &world_kinds[SANDBOX], i)) != NULL; i++) {
		if (asb_streq(asb_annotation(sandbox, "agents.x-k8s.io/pod-name"), asb_name(pod))) {
			return asb_owner_is(asb_controller(pod, NULL), &world_kinds[POOL]);
		}
	}
	return false;
}

static enum chore chore_for(struct world *world, struct json_object *pod)
{
	bool claimed = asb_owner_is(asb_controller(pod, NULL), &world_kinds[SANDBOX]);

	if (asb_deleting(pod)) {
		return CHORE_FINISH;
	}
	if (asb_condition(pod, "Ready") == NULL) {
		return CHORE_START;
	}
	if (asb_streq(asb_name(pod), world->broken)) {
		return CHORE_NONE;
	}
	if (!asb_condition_is(pod, "Ready", "True")) {
		return CHORE_RECOVER;
	}
	if (world->config.breaks > 0 && world->broken[0] == '\0' && is_being_claimed(world, pod) &&
	    world_chance(world, world->config.breaks)) {
		snprintf(world->broken, sizeof(world->broken), "%s", asb_name(pod));
		return CHORE_BREAK;
	}
	if (sched_now_us(world->sched) > TROUBLE_US) {
		return CHORE_NONE;
	}
	if (sched_random(world->sched) % 8 == 0 && world_chance(world, world->config.flap)) {
		return CHORE_FLAP;
	}
	if (claimed && world->config.kill > 0 && sched_random(world->sched) % 32 == 0 &&
	    world_chance(world, world->config.kill)) {
		return CHORE_KILL;
	}
	return CHORE_NONE;
}

/* Picks a pod with something to do, at random. With the lock held. */
static enum chore choose(struct world *world, char ret_name[260])
{
	size_t count = objects_count(world->objects, &world_kinds[POD]);
	size_t first = count > 0 ? sched_random(world->sched) % count : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *pod =
			objects_nth(world->objects, &world_kinds[POD], (first + i) % count);
		enum chore chore = chore_for(world, pod);

		if (chore != CHORE_NONE) {
			snprintf(ret_name, 260, "%s", asb_name(pod));
			return chore;
		}
	}
	return CHORE_NONE;
}

static void write_ready(struct world *world, const char *name, bool ready)
{
	char now[21];
	CLEANUP_FREE char *text = NULL;

	asb_time_format(sched_wall_us(world->sched) / 1000, now);
	text = xprintf(
		"{status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}], conditions: [{type: Ready, status: \"%s\", lastTransitionTime: \"%s\"}]}}",
		ready ? "True" : "False", now);
	apply(world, POD, name, true, text);
}

static void finish_pod(struct world *world, const char *name)
{
	LOCKED(&world->lock);

	objects_finish_deletion(world->objects, &world_kinds[POD], NS, name);
	world_changed(world);
}

static void take_away(struct world *world, const char *name)
{
	sched_mutex_lock(&world->lock);
	world->killed++;
	sched_mutex_unlock(&world->lock);
	delete_object(world, POD, name);
	finish_pod(world, name);
}

void actor_kubelet(void *arg)
{
	struct world *world = arg;
	char name[260];

	while (!is_over(world)) {
		enum chore chore;

		sched_mutex_lock(&world->lock);
		chore = choose(world, name);
		if (chore == CHORE_NONE) {
			sched_cond_wait(&world->changed, &world->lock,
					sched_now_us(world->sched) + 10000000u);
		}
		sched_mutex_unlock(&world->lock);
		world_sleep(world,
			    chore == CHORE_BREAK ? 0 : 1000 + sched_random(world->sched) % 50000);
		if (chore == CHORE_START || chore == CHORE_RECOVER) {
			write_ready(world, name, true);
		} else if (chore == CHORE_FLAP || chore == CHORE_BREAK) {
			write_ready(world, name, false);
		} else if (chore == CHORE_KILL) {
			take_away(world, name);
		} else if (chore == CHORE_FINISH) {
			finish_pod(world, name);
		}
	}
}

void actor_collector(void *arg)
{
	struct world *world = arg;

	while (!is_over(world)) {
		sched_mutex_lock(&world->lock);
		if (objects_collect(world->objects) > 0) {
			world_changed(world);
		} else {
			sched_cond_wait(&world->changed, &world->lock,
					sched_now_us(world->sched) + 10000000u);
		}
		sched_mutex_unlock(&world->lock);
		world_sleep(world, sched_random(world->sched) % 20000);
	}
}

/* ---- users ---- */

static void create_claim(struct world *world, unsigned int number)
{
	CLEANUP_FREE char *text = xprintf(
		"{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: {name: claim-%u, namespace: " NS
		"}, spec: {sandboxTemplateRef: {name: t}}}",
		number);

	create(world, CLAIM, text);
}

/* A pod with labels of ours, and an owner that is not its controller. */
static void create_bystander(struct world *world)
{
	CLEANUP_FREE char *text = NULL;

	sched_mutex_lock(&world->lock);
	text = xprintf(
		"{apiVersion: v1, kind: Pod, metadata: {name: " WORLD_BYSTANDER ", namespace: " NS
		", labels: {agents.x-k8s.io/claim-uid: mine, agents.x-k8s.io/sandbox-name-hash: mine}, ownerReferences: [{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxTemplate, name: t, uid: %s}]}, spec: {}}",
		asb_uid(objects_get(world->objects, &world_kinds[TEMPLATE], NS, "t")));
	sched_mutex_unlock(&world->lock);
	create(world, POD, text);
}

static void delete_claim(struct world *world, unsigned int number)
{
	CLEANUP_FREE char *name = xprintf("claim-%u", number);

	delete_object(world, CLAIM, name);
}

/* Deletes a claim; now and then another one takes its name at once. */
static void replace_claim(struct world *world, unsigned int number)
{
	delete_claim(world, number);
	if (sched_random(world->sched) % 2 == 0) {
		create_claim(world, number);
	}
}

/* Gives the template of the pool of Sandboxes another blueprint, or the pool another size, or turns it
 * into a pool of Pods and back. */
static void change_sandboxes(struct world *world)
{
	CLEANUP_FREE char *text = NULL;
	unsigned int number =
		(unsigned int)(sched_random(world->sched) % (world->config.sandboxes + 1));

	switch (sched_random(world->sched) % 4) {
	case 0:
		text = xprintf("{spec: {replicas: %u}}", number);
		apply(world, POOL, WORLD_SANDBOXES, false, text);
		break;
	case 1:
		text = xprintf("{spec: {members: %s}}", number % 2 == 0 ? "Pods" : "Sandboxes");
		apply(world, POOL, WORLD_SANDBOXES, false, text);
		break;
	default:
		text = xprintf(
			"{spec: {podTemplate: {spec: {containers: [{name: c, image: i%u}]}}}}",
			number);
		apply(world, TEMPLATE, "u", false, text);
	}
}

static void change_something(struct world *world, unsigned int claims_made)
{
	CLEANUP_FREE char *text = NULL;

	switch (sched_random(world->sched) % 3) {
	case 0:
		replace_claim(world,
			      (unsigned int)(sched_random(world->sched) % (claims_made + 1)));
		break;
	case 1: {
		unsigned int replicas =
			(unsigned int)(sched_random(world->sched) % (world->config.replicas + 2));

		sched_mutex_lock(&world->lock);
		world->replicas_most =
			replicas > world->replicas_most ? replicas : world->replicas_most;
		sched_mutex_unlock(&world->lock);
		text = xprintf("{spec: {replicas: %u}}", replicas);
		apply(world, POOL, "pool", false, text);
		break;
	}
	default:
		sched_mutex_lock(&world->lock);
		world->template_changed = true;
		sched_mutex_unlock(&world->lock);
		text = xprintf("{spec: {podTemplate: {metadata: {labels: {revision: r%u}}}}}",
			       (unsigned int)(sched_random(world->sched) % 100));
		apply(world, TEMPLATE, "t", false, text);
	}
}

static void think(struct world *world)
{
	uint64_t most = world->config.slow ? 20000000 : 300000;

	world_sleep(world,
		    sched_random(world->sched) % 2 == 0 ? 0 : sched_random(world->sched) % most);
}

static void create_sandboxes(struct world *world)
{
	CLEANUP_FREE char *pool = xprintf(
		"{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, metadata: {name: " WORLD_SANDBOXES
		", namespace: " NS
		"}, spec: {replicas: %u, sandboxTemplateRef: {name: u}, updateStrategy: {type: %s}}}",
		world->config.sandboxes, world->config.recreate ? "Recreate" : "OnReplenish");

	create(world, TEMPLATE,
	       "{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxTemplate, metadata: {name: u, namespace: " NS
	       "}, spec: {podTemplate: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: i}]}}}}");
	create(world, POOL, pool);
}

void actor_users(void *arg)
{
	struct world *world = arg;
	const struct world_config *config = &world->config;
	CLEANUP_FREE char *pool = xprintf(
		"{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, metadata: {name: pool, namespace: " NS
		"}, spec: {replicas: %u, members: Pods, sandboxTemplateRef: {name: t}}}",
		config->replicas);

	create(world, TEMPLATE,
	       "{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxTemplate, metadata: {name: t, namespace: " NS
	       "}, spec: {networkPolicyManagement: PerClaim, podTemplate: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: i}]}}}}");
	if (config->replicas > 0) {
		create(world, POOL, pool);
		world_sleep(world, config->hasty ? 0 : 2000000);
	}
	if (config->sandboxes > 0) {
		create_sandboxes(world);
	}
	if (config->foreign_writes > 0) {
		create_bystander(world);
	}
	for (unsigned int i = 0; i < config->claims; i++) {
		create_claim(world, i);
		if (!config->together) {
			think(world);
		}
		if (config->slow && sched_random(world->sched) % 2 == 0) {
			delete_claim(world, i); /* its adoption may be the one that hangs */
			think(world);
		}
		if (config->users && sched_random(world->sched) % 3 == 0) {
			change_something(world, i);
		}
		if (config->sandboxes > 0) {
			change_sandboxes(world);
		}
	}
}
