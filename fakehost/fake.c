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

static int64_t fake_clock_ms(void *arg)
{
	const struct asb_fake *fake = arg;

	return fake->now_ms;
}

static uint64_t fake_uid_random(void *arg)
{
	struct asb_fake *fake = arg;

	return fake_random(&fake->uid_random);
}

static void fake_count_tables(struct asb_fake *fake)
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

static void fake_set_option(struct asb_fake *fake, const char *name, const char *value)
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
	/* Every plugin has the option workers. Here everything runs in one thread. */
	if (strcmp(name, "workers") != 0) {
		fake_fatal("the plugin has no option '%s'", name);
	}
}

static void fake_read_options(struct asb_fake *fake, const char *const *options)
{
	fake->options = xnew_array(char *, fake->option_count);
	for (uint32_t i = 0; i < fake->option_count; i++) {
		const char *fallback = fake->plugin->options[i].fallback;

		fake->options[i] = fallback != NULL ? xstrdup(fallback) : NULL;
	}
	for (; options != NULL && options[0] != NULL; options += 2) {
		fake_set_option(fake, options[0], options[1]);
	}
}

static void fake_init_plugin(struct asb_fake *fake)
{
	fake->state = NULL;
	if (fake->plugin->init != NULL &&
	    fake->plugin->init(fake->host, &fake->instance, &fake->state) != 0) {
		fake_fatal("the plugin's init failed");
	}
}

static void fake_fini_plugin(struct asb_fake *fake)
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
	fake->host = host_table();
	fake->instance.fake = fake;
	fake->now_ms = (asb_days(2026, 1, 2) * 86400 + 3 * 3600 + 4 * 60 + 5) * 1000;
	fake->uid_random = 1;
	fake->plugin_random = 2;
	fake->failure = xstrdup("");
	fake_count_tables(fake);
	fake_read_options(fake, options);
	cache_init(fake);
	fake->objects = objects_create(&(struct objects_config){
		.now_ms = fake_clock_ms, .random = fake_uid_random, .arg = fake });
	for (size_t i = 0; i < fake->distinct_count; i++) {
		objects_install(fake->objects, fake->distinct[i].kind,
				fake_has_status(fake->distinct[i].kind));
	}
	fake_init_plugin(fake);
	return fake;
}

struct asb_fake *asb_fake_create(const struct asb_plugin *plugin)
{
	return asb_fake_create_with(plugin, NULL);
}

void asb_fake_restart(struct asb_fake *fake)
{
	fake_fini_plugin(fake);
	keys_clear(fake);
	reserve_clear(fake);
	fake_init_plugin(fake);
	update_refill(fake);
}

void asb_fake_destroy(struct asb_fake *fake)
{
	if (fake == NULL) {
		return;
	}
	fake_fini_plugin(fake);
	keys_clear(fake);
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
