/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation: core and the four plugins over an API in memory, one history per seed.
 *
 *	sim                     clean claims, every crash point of a warm and a cold claim, every point at which we can
 *	                        take over from the public Go controller, 1000 seeds, one seed twice
 *	sim --seeds N           the same with N seeds; so does $SIM_SEEDS where there is no argument (make check)
 *	sim --seed N [--trace]  one seed, each write printed
 *	sim --crashes           the crash points alone
 *
 * $top_builddir tells where the plugins are. Ends with "N passed, M failed"; a failing seed is printed and replays.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "core/observe/log.h"
#include "tests/sim/world.h"

#define CLEAN_SEEDS 20u
#define BURST_CLAIMS 60u
#define WRITES_OF_A_CLAIM 6u /* by the public Go controller */

static unsigned int passed, failed;

static void result(bool ok, const char *what, const struct world *world)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	printf("not ok %s: %s\n", what, world->failure);
	fflush(stdout);
}

/* $SIM_SEEDS, for a slower build that has less time. False when it is no number. */
static bool seeds_from_environment(int64_t *seeds)
{
	const char *text = getenv("SIM_SEEDS");

	return text == NULL || integer_parse(text, 0, INT64_MAX, seeds) == 0;
}

/* A world without faults, to be varied. */
static struct world_config calm(unsigned int claims, unsigned int replicas)
{
	return (struct world_config){ .seed = 1,
				      .claims = claims,
				      .replicas = replicas,
				      .controllers = 1,
				      .delay_us = 5000 };
}

/* The world of a seed: everything about it is drawn from the seed. */
static struct world_config draw(uint64_t seed)
{
	struct world_config config =
		calm((unsigned int)(1 + seed % 6), (unsigned int)(seed / 6 % 4));

	config.seed = seed;
	config.delay_us = seed % 5 == 0 ? 0 : seed % 3 == 0 ? 200000 : 8000;
	config.controllers = seed % 7 == 0 ? 2 : 1;
	if (seed % 4 != 0) {
		config.refuse = 30;
		config.lose = 30;
		config.cut = 60;
		config.compact = 20;
		config.flap = 100;
	}
	config.hasty = seed % 5 == 1;
	config.breaks = seed % 3 == 0 ? 500 : 0;
	config.kill = seed % 9 == 0 ? 100 : 0;
	config.users = seed % 2 == 0 && config.replicas > 0;
	config.crash_write = seed % 11 == 0 ? (unsigned int)(1 + seed / 11 % 20) : 0;
	config.crash_after = seed % 22 == 0;
	if (config.controllers > 1 && config.replicas > 0) {
		config.pause_adoption = (unsigned int)(1 + seed / 7 % 3);
		config.users = config.slow = true;
		config.claims = 8;
		config.replicas =
			1; /* so that the pod of a hanging adoption is the one that the next claim gets */
	}
	config.together = seed % 13 == 0;
	config.sandboxes = seed % 3 == 1 ? (unsigned int)(1 + seed / 3 % 6) : 0;
	config.recreate = seed % 4 < 2;
	if (seed % 8 == 3 && config.controllers == 1) {
		config.claims = (unsigned int)(2 + seed / 8 % 11);
		config.replicas = (unsigned int)(1 + seed / 8 % 8);
		config.foreign_writes = (unsigned int)(1 + seed / 8 % (config.claims * 4));
		config.foreign_late = seed / 8 % 2 == 0;
		config.users = seed % 16 == 3;
		config.together = !config.users;
	}
	return config;
}

static bool run(const struct world_config *config, const struct plugin *plugins, const char *what,
		uint64_t *ret_trace, struct world *ret_world)
{
	bool ok = world_run(config, plugins, ret_trace, ret_world);

	result(ok, what, ret_world);
	return ok;
}

/* Without faults a warm claim costs exactly six writes and its Event, also when all come at once. */
static void clean_claims(const struct plugin *plugins, uint64_t seed)
{
	struct world_config config = calm(4, 4); /* a claim more would find the pool empty */
	const unsigned int n = config.claims, all = config.claims + config.replicas;
	CLEANUP_FREE char *name = xprintf("four warm claims, seed %llu", (unsigned long long)seed);
	struct world world;
	uint64_t trace;

	config.seed = seed;
	config.together = seed % 2 == 0;
	if (!run(&config, plugins, name, &trace, &world)) {
		return;
	}
	struct {
		const char *what;
		unsigned int seen, wanted;
	} rows[] = {
		{ "POST Sandbox", world.counts[SANDBOX][ASB_CREATE], n },
		{ "PATCH Pod", world.counts[POD][ASB_PATCH_JSON], n },
		{ "POST Service", world.counts[SERVICE][ASB_CREATE], n },
		{ "PATCH Sandbox status", world.counts[SANDBOX][ASB_SET_STATUS], n },
		{ "PATCH claim status", world.counts[CLAIM][ASB_SET_STATUS], n },
		{ "POST Pod, the pool's own included", world.counts[POD][ASB_CREATE], all },
		{ "POST Event", world.counts[EVENT][ASB_CREATE], n },
		{ "PATCH Sandbox", world.counts[SANDBOX][ASB_PATCH_JSON], 0 },
		{ "DELETE Pod", world.counts[POD][ASB_DELETE], 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP_FREE char *what = xprintf("%s: %s", name, rows[i].what);

		snprintf(world.failure, sizeof(world.failure), "%u, wanted %u", rows[i].seen,
			 rows[i].wanted);
		result(rows[i].seen == rows[i].wanted, what, &world);
	}
}

/* Dies before and after every write of one claim, its pool included. */
static void crash_points(const struct plugin *plugins, unsigned int replicas, const char *name)
{
	struct world_config config = calm(2, replicas);
	struct world world;
	uint64_t trace;
	unsigned int points;

	if (!run(&config, plugins, name, &trace, &world)) {
		return;
	}
	points = world.processes[0].writes;
	for (unsigned int i = 0; i < points * 2; i++) {
		CLEANUP_FREE char *what =
			xprintf("%s, crash %s write %u of %u", name,
				i % 2 == 0 ? "before" : "after", i / 2 + 1, points);

		config.crash_write = i / 2 + 1;
		config.crash_after = i % 2 == 1;
		run(&config, plugins, what, &trace, &world);
	}
	printf("%s: %u crash points\n", name, points * 2);
}

/* Takes over from the public Go controller after each of its writes. */
static void takeovers(const struct plugin *plugins, unsigned int replicas, const char *name)
{
	struct world_config config = calm(3, replicas);
	struct world world;
	uint64_t trace;

	config.together = true;
	for (unsigned int i = 0; i < config.claims * WRITES_OF_A_CLAIM * 2; i++) {
		CLEANUP_FREE char *what = xprintf("%s after write %u%s", name, i / 2 + 1,
						  i % 2 == 1 ? ", one more late" : "");

		config.seed = i + 1;
		config.foreign_writes = i / 2 + 1;
		config.foreign_late = i % 2 == 1;
		run(&config, plugins, what, &trace, &world);
	}
}

/* The same in the middle of a burst. */
static void burst_takeovers(const struct plugin *plugins)
{
	struct world_config config = calm(BURST_CLAIMS, BURST_CLAIMS);
	struct world world;
	uint64_t trace;

	config.together = true;
	for (unsigned int tenth = 1; tenth <= 6; tenth++) {
		CLEANUP_FREE char *what = NULL;

		config.seed = tenth;
		config.foreign_writes = BURST_CLAIMS * WRITES_OF_A_CLAIM * tenth / 10;
		config.foreign_late = tenth % 2 == 0;
		what = xprintf("takeover from a burst of %u after %u writes", BURST_CLAIMS,
			       config.foreign_writes);
		run(&config, plugins, what, &trace, &world);
	}
}

static void one_seed(const struct plugin *plugins, uint64_t seed, bool trace_writes,
		     uint64_t *ret_trace)
{
	CLEANUP_FREE char *what = xprintf("seed %llu (sim --seed %llu --trace)",
					  (unsigned long long)seed, (unsigned long long)seed);
	struct world_config config = draw(seed);
	struct world world;

	config.trace = trace_writes;
	run(&config, plugins, what, ret_trace, &world);
}

static void twice(const struct plugin *plugins)
{
	struct world world = { .failure = "the second run took another way" };
	uint64_t first, second;

	one_seed(plugins, 7, false, &first);
	one_seed(plugins, 7, false, &second);
	result(first == second, "one seed, twice the same trace", &world);
}

static int load(struct plugin *plugins)
{
	static const char *const files[WORLD_PLUGINS] = { "sandbox.so", "template.so", "claim.so",
							  "warmpool.so" };
	const char *top = getenv("top_builddir");

	for (size_t i = 0; i < WORLD_PLUGINS; i++) {
		CLEANUP_FREE char *file = xprintf("%s/.libs/%s", top != NULL ? top : ".", files[i]);
		struct error error = { 0 };

		if (plugin_load(file, &plugins[i], &error) < 0) {
			fprintf(stderr, "%s\n", error.text);
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct plugin plugins[WORLD_PLUGINS];
	bool crashes = argc == 2 && strcmp(argv[1], "--crashes") == 0;
	bool one = argc >= 3 && strcmp(argv[1], "--seed") == 0;
	int64_t number = 1000;
	uint64_t trace = 0;

	if (argc > 1 && !crashes &&
	    ((!one && strcmp(argv[1], "--seeds") != 0) || argc < 3 ||
	     integer_parse(argv[2], 0, INT64_MAX, &number) < 0)) {
		fputs("usage: sim [--seeds N | --seed N [--trace] | --crashes]\n", stderr);
		return 2;
	}
	if (argc == 1 && !seeds_from_environment(&number)) {
		fputs("sim: SIM_SEEDS is not a number\n", stderr);
		return 2;
	}
	log_set_level(getenv("SIM_LOG") != NULL ? LOG_DEBUG : (enum log_level)0);
	if (load(plugins) < 0) {
		return 1;
	}
	if (one) {
		one_seed(plugins, (uint64_t)number, argc > 3, &trace);
		printf("trace %016llx\n", (unsigned long long)trace);
	} else {
		for (uint64_t seed = 1; seed <= CLEAN_SEEDS; seed++) {
			clean_claims(plugins, seed);
		}
		crash_points(plugins, 2, "warm claims");
		crash_points(plugins, 0, "cold claims");
		takeovers(plugins, 3, "takeover with a full pool");
		takeovers(plugins, 2, "takeover with a pool too small");
		takeovers(plugins, 0, "takeover without a pool");
		burst_takeovers(plugins);
		for (int64_t seed = 1; !crashes && seed <= number; seed++) {
			one_seed(plugins, (uint64_t)seed, false, &trace);
		}
		if (!crashes) {
			twice(plugins);
		}
	}
	for (size_t i = 0; i < WORLD_PLUGINS; i++) {
		plugin_finish(&plugins[i]);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
