/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public Go controller v0.1.1 as the API server sees it: it fills the pool, serves claims in its
 * own order of writes, several side by side, and is killed between any two of them. tests/sim/world.c
 * runs it before the first process of ours starts.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "tests/sim/world.h"

#define NS "default"
#define CLAIM_UID "agents.x-k8s.io/claim-uid"
#define NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define POOL_LABEL "agents.x-k8s.io/pool"
#define TEMPLATE_LABEL "agents.x-k8s.io/sandbox-template-ref-hash"
#define POD_NAME "agents.x-k8s.io/pod-name"
#define IDLE_US 20000000u /* with nothing to do for so long it is killed all the same */
#define LATE_US 1500000u  /* a request may be on its way for so long after its sender is dead */

/* A write that has been decided and not arrived yet. */
struct foreign_write {
	int kind;
	bool create, status;
	struct json_object *body; /* NULL: there is none */
};

static struct json_object *get(struct world *world, int kind, const char *name)
{
	return name != NULL ? objects_get(world->objects, &world_kinds[kind], NS, name) : NULL;
}

static struct json_object *parse(char *take_text)
{
	struct json_object *object = yaml_parse(take_text, strlen(take_text), NULL);

	free(take_text);
	return object;
}

static void hash_of(struct json_object *object, char ret_hex[9])
{
	const char *name = asb_name(object);

	asb_name_hash(name != NULL ? name : "", ret_hex);
}

/* ---- what it writes, in its order ---- */

static struct foreign_write write_of(int kind, bool create, bool status, struct json_object *body)
{
	return (struct foreign_write){
		.kind = kind, .create = create, .status = status, .body = body
	};
}

static struct foreign_write fill_pool(struct world *world, struct json_object *pool)
{
	char hash[9], name[32];
	struct json_object *pod;

	snprintf(name, sizeof(name), "pool-g%u", world->foreign_pods++);
	pod = asb_new(&world_kinds[POD], NS, name);
	hash_of(pool, hash);
	asb_set_label(pod, POOL_LABEL, hash);
	asb_name_hash("t", hash);
	asb_set_label(pod, TEMPLATE_LABEL, hash);
	asb_set_owner(pod, pool);
	json_object_object_add(pod, "spec", json_object_new_object());
	return write_of(POD, true, false, pod);
}

/* The pod that was taken for a claim and that no Sandbox may name yet, or NULL. */
static struct json_object *taken_pod(struct world *world, struct json_object *claim)
{
	struct json_object *pod;

	for (size_t i = 0; (pod = objects_nth(world->objects, &world_kinds[POD], i)) != NULL; i++) {
		if (asb_streq(asb_label(pod, CLAIM_UID), asb_uid(claim)) &&
		    asb_label(pod, NAME_HASH) != NULL) {
			return pod;
		}
	}
	return NULL;
}

/* A pod that is still in the pool: the chosen one is known by the label of its template. */
static struct json_object *pooled_pod(struct world *world)
{
	struct json_object *pod;

	for (size_t i = 0; (pod = objects_nth(world->objects, &world_kinds[POD], i)) != NULL; i++) {
		if (asb_label(pod, TEMPLATE_LABEL) != NULL && !asb_deleting(pod)) {
			return pod;
		}
	}
	return NULL;
}

/* The first write of a warm claim: nobody owns the pod from here to the third. */
static struct foreign_write take_pod(struct json_object *claim, struct json_object *pooled)
{
	struct json_object *pod = asb_copy(pooled);
	char hash[9];

	hash_of(claim, hash);
	asb_set_label(pod, POOL_LABEL, NULL);
	asb_set_label(pod, TEMPLATE_LABEL, NULL);
	json_object_object_del(asb_at(pod, "metadata"), "ownerReferences");
	asb_set_label(pod, NAME_HASH, hash);
	asb_set_label(pod, CLAIM_UID, asb_uid(claim));
	return write_of(POD, false, false, pod);
}

/* The second write: the Sandbox names the pod, if there was one. */
static struct foreign_write make_sandbox(struct json_object *claim, struct json_object *pod)
{
	struct json_object *sandbox = parse(xprintf(
		"{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: {name: %s, namespace: " NS
		"}, spec: {origin: v1alpha1, service: true, replicas: 1, podTemplate: {metadata: {labels: {app: x, " CLAIM_UID
		": %s}}, spec: {automountServiceAccountToken: false, containers: [{name: c, image: i}]}}}}",
		asb_name(claim), asb_uid(claim)));

	asb_set_owner(sandbox, claim);
	if (pod != NULL) {
		asb_set_annotation(sandbox, POD_NAME, asb_name(pod));
	}
	return write_of(SANDBOX, true, false, sandbox);
}

/* The third write: the Sandbox becomes the owner of the pod it names, or makes its own. */
static struct foreign_write own_pod(struct world *world, struct json_object *sandbox)
{
	struct json_object *named = get(world, POD, asb_annotation(sandbox, POD_NAME)), *pod;
	char hash[9];

	pod = named != NULL ? asb_copy(named) : asb_new(&world_kinds[POD], NS, asb_name(sandbox));
	hash_of(sandbox, hash);
	asb_set_label(pod, NAME_HASH, hash);
	asb_set_label(pod, CLAIM_UID, asb_str(asb_controller(sandbox, NULL), "uid"));
	asb_set_owner(pod, sandbox);
	if (named == NULL) {
		json_object_object_add(pod, "spec", json_object_new_object());
	}
	return write_of(POD, named == NULL, false, pod);
}

static struct foreign_write make_service(struct json_object *sandbox)
{
	struct json_object *service;
	char hash[9];

	hash_of(sandbox, hash);
	service =
		parse(xprintf("{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: " NS
			      ", labels: {" NAME_HASH
			      ": '%s'}}, spec: {clusterIP: None, selector: {" NAME_HASH ": '%s'}}}",
			      asb_name(sandbox), hash, hash));
	asb_set_owner(service, sandbox);
	return write_of(SERVICE, true, false, service);
}

/* Ready=True as the status of a Sandbox or of its claim. */
static struct foreign_write say_ready(struct world *world, int kind, struct json_object *object)
{
	struct json_object *copy = asb_copy(object);
	char now[21];

	asb_time_format(sched_wall_us(world->sched) / 1000, now);
	json_object_object_add(
		copy, "status",
		parse(xprintf(
			"{%s, conditions: [{type: Ready, status: 'True', reason: DependenciesReady, message: Pod is Ready; Service Exists, observedGeneration: 1, lastTransitionTime: '%s'}]}",
			kind == SANDBOX ? "replicas: 1" : "sandbox: {}", now)));
	if (kind == CLAIM) {
		asb_set_str(asb_object_in(asb_object_in(copy, "status"), "sandbox"), "Name",
			    asb_name(object));
	}
	return write_of(kind, false, true, copy);
}

/* What a claim needs next; a body of NULL: nothing, or it has to wait. */
static struct foreign_write next_for_claim(struct world *world, struct json_object *claim)
{
	struct json_object *sandbox = get(world, SANDBOX, asb_name(claim));
	struct json_object *pod = taken_pod(world, claim);

	if (asb_deleting(claim)) {
		return write_of(CLAIM, false, false, NULL);
	}
	if (sandbox == NULL) {
		struct json_object *pooled = pooled_pod(world);

		return pod == NULL && pooled != NULL ? take_pod(claim, pooled)
						     : make_sandbox(claim, pod);
	}
	if (!asb_controlled_by(sandbox, &world_kinds[CLAIM], asb_uid(claim))) {
		return write_of(CLAIM, false, false, NULL); /* an earlier claim's, not gone yet */
	}
	if (pod == NULL || asb_controller(pod, NULL) == NULL) {
		return own_pod(world, sandbox);
	}
	if (get(world, SERVICE, asb_name(sandbox)) == NULL) {
		return make_service(sandbox);
	}
	if (!asb_condition_is(pod, "Ready", "True")) {
		return write_of(CLAIM, false, false, NULL);
	}
	if (!asb_condition_is(sandbox, "Ready", "True")) {
		return say_ready(world, SANDBOX, sandbox);
	}
	return asb_condition_is(claim, "Ready", "True") ? write_of(CLAIM, false, false, NULL)
							: say_ready(world, CLAIM, claim);
}

/* The next write for any claim, at random: its workers run side by side. With the lock held. */
static struct foreign_write next_write(struct world *world)
{
	size_t count = objects_count(world->objects, &world_kinds[CLAIM]);
	size_t first = count > 0 ? sched_random(world->sched) % count : 0;
	struct foreign_write write = { .body = NULL };

	for (size_t i = 0; i < count && write.body == NULL; i++) {
		write = next_for_claim(world, objects_nth(world->objects, &world_kinds[CLAIM],
							  (first + i) % count));
	}
	return write;
}

/* ---- its life ---- */

/* The Sandbox now names a pod that nobody owns: that pod is its from here on. */
static void note_promise(struct world *world, struct json_object *sandbox)
{
	struct json_object *pod = get(world, POD, asb_annotation(sandbox, POD_NAME));

	if (pod != NULL && map_get(&world->promised, asb_uid(pod)) == NULL) {
		struct adoption *promise = xnew(struct adoption);

		snprintf(promise->pod, sizeof(promise->pod), "%s", asb_uid(pod));
		snprintf(promise->sandbox, sizeof(promise->sandbox), "%s", asb_uid(sandbox));
		map_put(&world->promised, promise->pod, promise);
	}
}

/* A write arrives; it may be refused, as any other. With the lock held. */
static void arrive(struct world *world, struct foreign_write *write, bool late)
{
	const struct asb_kind *kind = &world_kinds[write->kind];
	struct json_object *stored = NULL, *body = TAKE(write->body);
	CLEANUP_FREE char *name = xstrdup(asb_name(body));
	int status =
		write->create
			? objects_create_object(world->objects, kind, NS, body, 0, &stored, NULL)
			: objects_replace(world->objects, kind, NS, name, body,
					  write->status ? OBJECTS_STATUS : 0, &stored, NULL);

	if (world->config.trace) {
		printf("%10.3f v%llu foreign %s%s %s/%s%s: %d\n",
		       (double)sched_now_us(world->sched) / 1e6,
		       (unsigned long long)objects_version(world->objects), late ? "(late) " : "",
		       write->create ? "POST" : "PUT", kind->plural, name,
		       write->status ? "/status" : "", status);
	}
	if (status < 300 && write->kind == SANDBOX && write->create && !late) {
		note_promise(world, stored);
	}
	if (late) {
		world_trouble(world, kind->plural, NS, name);
	}
	world_changed(world);
}

/* Makes the pool full; that is before the burst. With the lock held. */
static void fill(struct world *world)
{
	struct json_object *pool = get(world, POOL, "pool");

	while (pool != NULL && world->foreign_pods < world->config.replicas) {
		struct foreign_write write = fill_pool(world, pool);

		arrive(world, &write, false);
	}
}

void actor_foreign(void *arg)
{
	struct world *world = arg;
	uint64_t idle_since = sched_now_us(world->sched);
	unsigned int writes = 0;

	while (writes < world->config.foreign_writes &&
	       sched_now_us(world->sched) < idle_since + IDLE_US) {
		sched_mutex_lock(&world->lock);
		fill(world);

		struct foreign_write write = next_write(world);

		if (write.body != NULL) {
			arrive(world, &write, false);
			writes++;
			idle_since = sched_now_us(world->sched);
		}
		sched_mutex_unlock(&world->lock);
		world_sleep(world, 1000 + sched_random(world->sched) % 10000);
	}
	sched_mutex_lock(&world->lock);
	fill(world);
	sched_mutex_unlock(&world->lock);
}

void actor_foreign_late(void *arg)
{
	struct world *world = arg;
	struct foreign_write write;

	sched_mutex_lock(&world->lock);
	write = next_write(world);
	sched_mutex_unlock(&world->lock);
	world_sleep(world, sched_random(world->sched) % LATE_US);
	sched_mutex_lock(&world->lock);
	if (write.body != NULL) {
		arrive(world, &write, true);
	}
	sched_mutex_unlock(&world->lock);
}
