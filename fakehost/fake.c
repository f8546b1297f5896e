/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a fake host: loading a description, options, restart, end. Tests of plugins call it.
 */
#include "config.h"

#include "fakehost/fake.h"

#include <agent-sandbox/helpers.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void fake_fatal(const char *format, ...)
{
	va_list args;

	fputs("fake host: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

static int64_t clock_ms(void *arg)
{
	const struct asb_fake *fake = arg;

	return fake->now_ms;
}

/* SplitMix64. */
uint64_t fake_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t uid_random(void *arg)
{
	struct asb_fake *fake = arg;

	return fake_random(&fake->uid_random);
}

static void count_tables(struct asb_fake *fake)
{
	const struct asb_plugin *plugin = fake->plugin;

	while (plugin->watches[fake->watch_count].kind.kind != NULL) {
		fake->watch_count++;
	}
	while (plugin->indexes != NULL && plugin->indexes[fake->index_count].name != NULL) {
		fake->index_count++;
	}
	while (plugin->options != NULL && plugin->options[fake->option_count].name != NULL) {
		fake->option_count++;
	}
	while (plugin->metrics != NULL && plugin->metrics[fake->metric_count].name != NULL) {
		fake->metric_count++;
	}
}

static void set_option(struct asb_fake *fake, const char *name, const char *value)
{
	if (value == NULL) {
		fake_fatal("the option '%s' has no value", name);
	}
	for (uint32_t i = 0; i < fake->option_count; i++) {
		if (strcmp(fake->plugin->options[i].name, name) == 0) {
			free(fake->options[i]);
			fake->options[i] = xstrdup(value);
			return;
		}
	}
	/* Every plugin has this one; here everything runs in one thread. */
	if (strcmp(name, "workers") != 0) {
		fake_fatal("the plugin has no option '%s'", name);
	}
}

static void read_options(struct asb_fake *fake, const char *const *options)
{
	fake->options = xnew_array(char *, fake->option_count);
	for (uint32_t i = 0; i < fake->option_count; i++) {
		const char *fallback = fake->plugin->options[i].fallback;

		fake->options[i] = fallback != NULL ? xstrdup(fallback) : NULL;
	}
	for (; options != NULL && options[0] != NULL; options += 2) {
		set_option(fake, options[0], options[1]);
	}
}

bool fake_has_status(const struct asb_kind *kind)
{
	static const char *const without[] = { "ConfigMap",    "Secret",    "ServiceAccount",
					       "Event",        "Lease",     "NetworkPolicy",
					       "RuntimeClass", "Endpoints", "EndpointSlice" };

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		if (strcmp(kind->kind, without[i]) == 0) {
			return false;
		}
	}
	return true;
}

static void init_plugin(struct asb_fake *fake)
{
	fake->state = NULL;
	if (fake->plugin->init != NULL &&
	    fake->plugin->init(host_table(), &fake->instance, &fake->state) != 0) {
		fake_fatal("the plugin's init failed");
	}
}

static void fini_plugin(struct asb_fake *fake)
{
	if (fake->plugin->fini != NULL) {
		fake->plugin->fini(fake->state);
	}
}

struct asb_fake *asb_fake_create_with(const struct asb_plugin *plugin, const char *const *options)
{
	struct asb_fake *fake;

	check_plugin(plugin);
	fake = xnew(struct asb_fake);
	fake->plugin = plugin;
	fake->instance.fake = fake;
	fake->now_ms = (asb_days(2026, 1, 2) * 86400 + 3 * 3600 + 4 * 60 + 5) * 1000;
	fake->uid_random = 1;
	fake->plugin_random = 2;
	fake->failure = xstrdup("");
	count_tables(fake);
	read_options(fake, options);
	cache_init(fake);
	fake->objects = objects_create(
		&(struct objects_config){ .now_ms = clock_ms, .random = uid_random, .arg = fake });
	for (size_t i = 0; i < fake->distinct_count; i++) {
		objects_install(fake->objects, fake->distinct[i].kind,
				fake_has_status(fake->distinct[i].kind));
	}
	init_plugin(fake);
	return fake;
}

struct asb_fake *asb_fake_create(const struct asb_plugin *plugin)
{
	return asb_fake_create_with(plugin, NULL);
}

void asb_fake_restart(struct asb_fake *fake)
{
	fini_plugin(fake);
	run_clear(fake);
	reserve_clear(fake);
	init_plugin(fake);
	cache_refill(fake);
}

void asb_fake_destroy(struct asb_fake *fake)
{
	if (fake == NULL) {
		return;
	}
	fini_plugin(fake);
	run_clear(fake);
	reserve_clear(fake);
	cache_finish(fake);
	objects_destroy(fake->objects);
	record_finish(fake);
	for (uint32_t i = 0; i < fake->option_count; i++) {
		free(fake->options[i]);
	}
	free(fake->options);
	free(fake);
}
