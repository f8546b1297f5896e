/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What very many objects cost: the real core and plugins on a made-up cluster (scale-world.h), which has nothing to do for them.
 * Prints one line of JSON: the memory held, and the CPU of one event's way through frame, store, queue and reconcile. Run by run.py.
 *
 *	store-scale sandboxes|pool COUNT PLUGIN-FOLDER
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/number.h"
#include "bench/scale-world.h"
#include "core/controller/informer.h"
#include "core/controller/manager.h"
#include "core/observe/log.h"

#define TOUCHES 2000u
#define COUNT_MAX 1000000
#define PLUGINS 4
#define METRICS_MAX (4u << 20)
#define LOOK_US 300u /* between two looks whether all is at rest */
#define REST_LOOKS 200u
#define LIMIT_US 600000000u

struct scale {
	struct sched *sched;
	struct scale_world world;
	struct plugin plugins[PLUGINS];
	struct metrics *metrics;
	struct manager *manager;
};

/* ---- measuring ------------------------------------------------------------------------------------------------ */

static double seconds_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* CPU of all threads but this one, which only looks. */
static double others_seconds(void)
{
	return seconds_of(RUSAGE_SELF) - seconds_of(RUSAGE_THREAD);
}

static long memory_kb(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kb = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), ": %ld kB", &kb) == 1) {
			break;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return kb;
}

/* All reconciles so far, of all plugins. */
static unsigned long reconciles(struct scale *scale)
{
	static const char name[] = "controller_runtime_reconcile_time_seconds_count{";
	CLEANUP_BUF struct buf text = BUF_INIT(METRICS_MAX);
	unsigned long sum = 0, one;

	metrics_render(scale->metrics, &text);
	for (const char *at = buf_str(&text); (at = strstr(at, name)) != NULL;
	     at += sizeof(name) - 1) {
		const char *end = strchr(at, '}');

		if (end != NULL && sscanf(end + 1, "%lu", &one) == 1) {
			sum += one;
		}
	}
	return sum;
}

static void look_later(struct scale *scale)
{
	struct scale_world *world = &scale->world;

	LOCKED(&world->lock);
	sched_cond_wait(&world->changed, &world->lock, sched_now_us(scale->sched) + LOOK_US);
}

static bool wait_for(struct scale *scale, unsigned long wanted)
{
	uint64_t deadline = sched_now_us(scale->sched) + LIMIT_US;

	while (!scale_world_settled(&scale->world) || !manager_idle(scale->manager) ||
	       reconciles(scale) < wanted) {
		if (sched_now_us(scale->sched) > deadline) {
			return false;
		}
		look_later(scale);
	}
	return true;
}

/* What the first keys have caused is over too: nothing happens for a while. */
static bool wait_for_rest(struct scale *scale, unsigned long wanted)
{
	unsigned long seen = 0;

	for (unsigned int quiet = 0; quiet < REST_LOOKS;) {
		unsigned long now;

		if (!wait_for(scale, wanted)) {
			return false;
		}
		now = reconciles(scale);
		quiet = now == seen ? quiet + 1 : 0;
		seen = now;
		look_later(scale);
	}
	return true;
}

/* CPU of one event, in microseconds: all at once where each has a key of its own, else one by one. */
static double event_us(struct scale *scale)
{
	unsigned int touches = scale->world.pool ? TOUCHES / 4 : TOUCHES;
	unsigned long before = reconciles(scale);
	double seconds = others_seconds();

	/* Fewer keys than touches: they go round by round, or the queue would take several for one. */
	for (unsigned int done = 0; done < touches;) {
		unsigned int step = scale->world.pool              ? 1
				    : scale->world.count < touches ? scale->world.count
								   : touches;

		scale_world_touch(&scale->world, step);
		done += step;
		if (!wait_for(scale, before + done)) {
			return -1;
		}
	}
	return (others_seconds() - seconds) * 1e6 / (double)touches;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static bool load_plugins(struct scale *scale, const char *directory)
{
	static const char *const names[PLUGINS] = { "sandbox", "template", "claim", "warmpool" };

	for (size_t i = 0; i < PLUGINS; i++) {
		CLEANUP_FREE char *file = xprintf("%s/%s.so", directory, names[i]);
		struct error error = { 0 };

		if (plugin_load(file, &scale->plugins[i], &error) < 0) {
			fprintf(stderr, "store-scale: %s\n", error.text);
			return false;
		}
	}
	return true;
}

static bool start(struct scale *scale)
{
	struct manager_config config = {
		.sched = scale->sched,
		.transport = &scale->world.transport,
		.metrics = scale->metrics,
		.plugin_count = PLUGINS,
	};
	struct error error = { 0 };

	for (size_t i = 0; i < PLUGINS; i++) {
		config.plugins[i] = (struct manager_plugin){ .plugin = &scale->plugins[i] };
	}
	scale->manager = manager_create(&config, &error);
	if (scale->manager == NULL) {
		fprintf(stderr, "store-scale: %s\n", error.text);
		return false;
	}
	manager_start(scale->manager);
	return true;
}

static size_t held(struct scale *scale, const char *group, const char *plural, const char *kind)
{
	struct store *store = informers_store(
		manager_informers(scale->manager),
		&(struct asb_kind){ group, group[0] != '\0' ? "v1alpha1" : "v1", plural, kind });

	return store != NULL ? store_bytes(store) : 0;
}

static bool measure(struct scale *scale)
{
	unsigned int count = scale->world.count;
	uint64_t began = sched_now_us(scale->sched);
	double first_us, later_us;

	if (!start(scale) || !wait_for_rest(scale, scale->world.pool ? 1 : count)) {
		fputs("store-scale: it does not come to rest\n", stderr);
		return false;
	}
	first_us = others_seconds() * 1e6;
	printf("{\"what\":\"%s\",\"objects\":%u,\"sync_s\":%.3f,\"sync_cpu_us_per_object\":%.2f,",
	       scale->world.pool ? "pool" : "sandboxes", count,
	       (double)(sched_now_us(scale->sched) - began) / 1e6, first_us / (double)count);
	printf("\"rss_kb\":%ld,\"anon_kb\":%ld,\"peak_kb\":%ld,", memory_kb("VmRSS"),
	       memory_kb("RssAnon"), memory_kb("VmHWM"));
	printf("\"store_kb\":{\"sandboxes\":%zu,\"pods\":%zu,\"services\":%zu},",
	       held(scale, "agents.x-k8s.io", "sandboxes", "Sandbox") / 1024,
	       held(scale, "", "pods", "Pod") / 1024,
	       held(scale, "", "services", "Service") / 1024);
	later_us = event_us(scale);
	printf("\"event_cpu_us\":%.2f,\"writes\":%u}\n", later_us, scale->world.writes);
	return later_us >= 0;
}

int main(int argc, char **argv)
{
	struct scale scale = { 0 };
	int64_t count = 0;
	bool pool = argc == 4 && strcmp(argv[1], "pool") == 0, good;

	if (argc != 4 || (!pool && strcmp(argv[1], "sandboxes") != 0) ||
	    integer_parse(argv[2], 1, COUNT_MAX, &count) < 0) {
		fputs("usage: store-scale sandboxes|pool COUNT PLUGIN-FOLDER\n", stderr);
		return 2;
	}
	mallopt(M_ARENA_MAX, 2); /* as controller/main.c */
	log_set_level(LOG_ERROR);
	scale.sched = sched_create();
	scale.metrics = metrics_create(scale.sched);
	scale_world_init(&scale.world, scale.sched, (unsigned int)count, pool);
	good = load_plugins(&scale, argv[3]) && measure(&scale);
	if (scale.manager != NULL) {
		manager_stop(scale.manager, false);
		manager_destroy(scale.manager);
	}
	metrics_destroy(scale.metrics);
	scale_world_finish(&scale.world);
	for (size_t i = 0; i < PLUGINS; i++) {
		plugin_finish(&scale.plugins[i]);
	}
	sched_destroy(scale.sched);
	return good ? 0 : 1;
}
