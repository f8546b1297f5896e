/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a world: its processes start, die and are started again, until it rests. Called by tests/sim/sim.c. */
#include "config.h"

#include "tests/sim/world.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define REST_US 90000000u   /* this long without a write: it rests; a watch backs off up to 60 s */
#define LIFE_US 4000000000u /* it must rest within this time: the longest backoff is 1000 s */
#define WALL_START_US 1767323045000000 /* 2026-01-02T03:04:05Z */

const struct asb_kind world_kinds[KINDS] = {
	[POD] = { "", "v1", "pods", "Pod" },
	[SERVICE] = { "", "v1", "services", "Service" },
	[NETWORK_POLICY] = { "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy" },
	[PVC] = { "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim" },
	[EVENT] = { "", "v1", "events", "Event" },
	[LEASE] = { "coordination.k8s.io", "v1", "leases", "Lease" },
	[SANDBOX] = { "agents.x-k8s.io", "v1beta1", "sandboxes", "Sandbox" },
	[TEMPLATE] = { "extensions.agents.x-k8s.io", "v1beta1", "sandboxtemplates",
		       "SandboxTemplate" },
	[CLAIM] = { "extensions.agents.x-k8s.io", "v1beta1", "sandboxclaims", "SandboxClaim" },
	[POOL] = { "extensions.agents.x-k8s.io", "v1beta1", "sandboxwarmpools",
		   "SandboxWarmPool" },
};

void world_fail(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->failure[0] != '\0') {
		return;
	}
	va_start(args, format);
	vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
}

bool world_chance(struct world *world, uint32_t thousandths)
{
	return thousandths > 0 && sched_random(world->sched) % 1000 < thousandths;
}

void world_sleep(struct world *world, uint64_t delay_us)
{
	uint64_t deadline = sched_now_us(world->sched) + delay_us;
	struct sched_mutex mutex;
	struct sched_cond cond;

	sched_mutex_init(&mutex, world->sched);
	sched_cond_init(&cond, world->sched);
	sched_mutex_lock(&mutex);
	while (sched_now_us(world->sched) < deadline) {
		sched_cond_wait(&cond, &mutex, deadline);
	}
	sched_mutex_unlock(&mutex);
	sched_cond_finish(&cond);
	sched_mutex_finish(&mutex);
}

void world_trouble(struct world *world, const char *plural, const char *ns, const char *name)
{
	CLEANUP_FREE char *key = xprintf("%s/%s/%s", plural, ns, name);

	if (map_get(&world->troubled, key) == NULL) {
		char *kept = TAKE(key);

		map_put(&world->troubled, kept, kept);
	}
}

void world_changed(struct world *world)
{
	check_changes(world);
	sched_note(world->sched, objects_version(world->objects));
	sched_cond_broadcast(&world->changed);
}

/* The manager says that the process must end. */
static void on_lost(void *arg)
{
	struct process *process = arg;

	LOCKED(&process->world->lock);
	process->dead = true;
	sched_cond_broadcast(&process->world->changed);
}

/* ---- processes ---- */

static struct process *start_process(struct world *world, bool restarted)
{
	struct process *process = &world->processes[world->process_count];
	struct manager_config config = { .sched = world->sched,
					 .transport = &process->transport,
					 .on_lost = on_lost,
					 .arg = process };
	char identity[16];
	struct error error = { 0 };

	*process = (struct process){ .transport = { &wire_ops },
				     .world = world,
				     .number = world->process_count++ };
	if (!restarted) {
		process->crash_write = process->number == 0 ? world->config.crash_write : 0;
		process->crash_after = world->config.crash_after;
		process->pause_adoption = world->config.pause_adoption;
	}
	for (size_t i = 0; i < WORLD_PLUGINS; i++) {
		config.plugins[config.plugin_count++] =
			(struct manager_plugin){ .plugin = &world->plugins[i], .workers = 2 };
	}
	if (world->config.controllers > 1) {
		config.lease_ns = "default";
		config.lease_names[0] = "lease";
		config.lease_names[1] = "second-lease";
		snprintf(identity, sizeof(identity), "process-%u", process->number);
		config.identity = identity;
	}
	process->manager = manager_create(&config, &error);
	if (process->manager == NULL) {
		world_fail(world, "a manager does not start: %s", error.text);
		return NULL;
	}
	manager_start(process->manager);
	sched_mutex_lock(&world->lock);
	world->last_write_us =
		sched_now_us(world->sched); /* it deserves the time to show what it does */
	sched_mutex_unlock(&world->lock);
	return process;
}

static void end_process(struct process *process, bool abrupt)
{
	manager_stop(process->manager, abrupt);
	manager_destroy(TAKE(process->manager));
}

/* A process that died is followed by a new one, which knows nothing. */
static void replace_dead(struct world *world)
{
	for (unsigned int i = 0; i < world->process_count; i++) {
		struct process *process = &world->processes[i];
		bool dead;

		sched_mutex_lock(&world->lock);
		dead = process->dead && process->manager != NULL;
		sched_mutex_unlock(&world->lock);
		if (dead) {
			end_process(process, true);
			start_process(world, true);
		}
	}
}

/* ---- life ---- */

static bool any_dead(struct world *world)
{
	for (unsigned int i = 0; i < world->process_count; i++) {
		if (world->processes[i].dead && world->processes[i].manager != NULL) {
			return true;
		}
	}
	return false;
}

/* Waits until something needs doing. Returns true when the world rests, or has lived too long. */
static bool wait_for_rest(struct world *world)
{
	LOCKED(&world->lock);
	uint64_t now = sched_now_us(world->sched), rest = world->last_write_us + REST_US;

	if (now > LIFE_US) {
		world_fail(world, "it does not come to rest");
	}
	if (world->failure[0] != '\0' || (now >= rest && !any_dead(world))) {
		return true;
	}
	sched_cond_wait(&world->changed, &world->lock, rest);
	return false;
}

static void make_objects(struct world *world);

static void live(void *arg)
{
	struct world *world = arg;
	struct sched_thread *kubelet, *collector, *users, *foreign = NULL;

	sched_mutex_init(&world->lock, world->sched);
	sched_cond_init(&world->changed, world->sched);
	make_objects(world);
	kubelet = sched_start(world->sched, "kubelet", actor_kubelet, world);
	collector = sched_start(world->sched, "collector", actor_collector, world);
	users = sched_start(world->sched, "users", actor_users, world);
	if (world->config.foreign_writes > 0) {
		sched_join(sched_start(world->sched, "foreign", actor_foreign, world));
	}
	if (world->config.foreign_late) {
		foreign = sched_start(world->sched, "late", actor_foreign_late, world);
	}
	for (unsigned int i = 0; i < world->config.controllers; i++) {
		start_process(world, false);
	}
	sched_join(users);
	if (foreign != NULL) {
		sched_join(foreign);
	}
	while (!wait_for_rest(world)) {
		replace_dead(world);
	}
	sched_mutex_lock(&world->lock);
	if (world->failure[0] == '\0') {
		check_rest(world);
	}
	world->over = true;
	sched_cond_broadcast(&world->changed);
	sched_mutex_unlock(&world->lock);
	sched_join(kubelet);
	sched_join(collector);
	for (unsigned int i = 0; i < world->process_count; i++) {
		if (world->processes[i].manager != NULL) {
			end_process(&world->processes[i], false);
		}
	}
}

static int64_t now_ms(void *arg)
{
	return sched_wall_us(arg) / 1000;
}

static uint64_t random_number(void *arg)
{
	return sched_random(arg);
}

static void make_objects(struct world *world)
{
	struct objects_config config = { .now_ms = now_ms,
					 .random = random_number,
					 .arg = world->sched };

	world->objects = objects_create(&config);
	for (size_t i = 0; i < KINDS; i++) {
		objects_install(world->objects, &world_kinds[i], i == POD || i >= SANDBOX);
	}
	objects_set_graceful(world->objects, &world_kinds[POD], true);
}

/* Frees a map whose values hold their own keys. */
static void free_map(struct map *map)
{
	void *value;
	size_t at = 0;

	while ((value = map_next(map, &at, NULL)) != NULL) {
		free(value);
	}
	map_finish(map);
}

bool world_run(const struct world_config *config, const struct plugin *plugins, uint64_t *ret_trace,
	       struct world *ret_world)
{
	struct world world = { .config = *config,
			       .plugins = plugins,
			       .replicas_most = config->replicas };

	world.sched = sched_create_simulation(config->seed, WALL_START_US);
	sched_run(world.sched, live, &world);
	*ret_trace = sched_trace(world.sched);
	objects_destroy(world.objects);
	free_map(&world.troubled);
	free_map(&world.adopted);
	free_map(&world.promised);
	free_map(&world.asked);
	sched_cond_finish(&world.changed);
	sched_mutex_finish(&world.lock);
	sched_destroy(world.sched);
	*ret_world = world;
	return world.failure[0] == '\0';
}
