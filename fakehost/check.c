/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses a plugin's description that the real host would refuse, with a message. asb_fake_create
 * calls it. */
#include "config.h"

#include <string.h>

#include "fakehost/fake.h"

#define NAME_SIZE 48u
#define WATCH_ENQUEUES \
	(ASB_ENQUEUE_SELF | ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX | ASB_ENQUEUE_FUNCTION)
#define WATCH_FLAGS \
	(ASB_WATCH_METADATA | ASB_WATCH_OPTIONAL | ASB_WATCH_UNWATCHED | ASB_WATCH_SELECTED)

static void check_head(const struct asb_plugin *plugin)
{
	if (plugin == NULL) {
		fake_fatal("there is no plugin: asb_plugin_entry() returned NULL");
	}
	if (plugin->magic != ASB_MAGIC) {
		fake_fatal(
			"the plugin's magic is 0x%08x, not 0x%08x: its description lacks ASB_PLUGIN_HEAD",
			plugin->magic, ASB_MAGIC);
	}
	if (plugin->abi_major != ASB_ABI_MAJOR || plugin->abi_minor > ASB_ABI_MINOR) {
		fake_fatal("the plugin is of ABI %u.%u, this host of %u.%u", plugin->abi_major,
			   plugin->abi_minor, ASB_ABI_MAJOR, ASB_ABI_MINOR);
	}
	/* There is only one version so far: another size is a mistake. */
	if (plugin->struct_size != sizeof(struct asb_plugin) ||
	    plugin->watch_size != sizeof(struct asb_watch) ||
	    plugin->index_size != sizeof(struct asb_index) ||
	    plugin->rule_size != sizeof(struct asb_rule) ||
	    plugin->option_size != sizeof(struct asb_option) ||
	    plugin->metric_size != sizeof(struct asb_metric) ||
	    plugin->write_size != sizeof(struct asb_write)) {
		fake_fatal(
			"the plugin's sizes are not those of ABI %u.%u: its description lacks ASB_PLUGIN_HEAD",
			plugin->abi_major, plugin->abi_minor);
	}
	if (plugin->json_soname == NULL || strcmp(plugin->json_soname, ASB_JSON_SONAME) != 0) {
		fake_fatal("the plugin uses '%s', this host '%s'",
			   plugin->json_soname != NULL ? plugin->json_soname : "", ASB_JSON_SONAME);
	}
}

static void check_names(const struct asb_plugin *plugin)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = plugin->name != NULL ? strspn(plugin->name, letters) : 0;

	if (length == 0 || length >= NAME_SIZE || plugin->name[length] != '\0') {
		fake_fatal(
			"the plugin's name '%s' is not of 1 to 47 lower case letters, digits and dashes",
			plugin->name != NULL ? plugin->name : "");
	}
	if (plugin->version == NULL) {
		fake_fatal("the plugin has no version");
	}
	if (plugin->reconcile == NULL) {
		fake_fatal("the plugin has no reconcile function");
	}
	if (plugin->watches == NULL || plugin->watches[0].kind.kind == NULL) {
		fake_fatal("the plugin has no watches: watches[0] is its own kind");
	}
	if ((plugin->watches[0].flags & (ASB_WATCH_UNWATCHED | ASB_WATCH_OPTIONAL)) != 0) {
		fake_fatal("the plugin's own kind, watches[0], must be watched");
	}
}

static void check_watch(const struct asb_plugin *plugin, uint32_t number)
{
	const struct asb_watch *watch = &plugin->watches[number];
	int64_t index =
		watch->enqueue_index != NULL ? index_number(plugin, watch->enqueue_index) : -1;

	if (watch->kind.group == NULL || watch->kind.version == NULL ||
	    watch->kind.plural == NULL) {
		fake_fatal("watches[%u], '%s', has no group, version or plural", number,
			   watch->kind.kind);
	}
	if ((watch->enqueue & ~WATCH_ENQUEUES) != 0 || (watch->flags & ~WATCH_FLAGS) != 0) {
		fake_fatal("watches[%u], '%s', has unknown bits in enqueue or flags", number,
			   watch->kind.kind);
	}
	if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0 && index < 0) {
		fake_fatal("watches[%u], '%s': there is no index '%s' over watches[0]", number,
			   watch->kind.kind,
			   watch->enqueue_index != NULL ? watch->enqueue_index : "");
	}
	if ((watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0 && watch->enqueue_function == NULL) {
		fake_fatal("watches[%u], '%s': ASB_ENQUEUE_FUNCTION needs enqueue_function", number,
			   watch->kind.kind);
	}
	if ((watch->flags & ASB_WATCH_UNWATCHED) != 0 && watch->enqueue != 0) {
		fake_fatal("watches[%u], '%s', is not watched, so it cannot enqueue", number,
			   watch->kind.kind);
	}
}

void check_plugin(const struct asb_plugin *plugin)
{
	uint32_t watches = 0;

	check_head(plugin);
	check_names(plugin);
	while (plugin->watches[watches].kind.kind != NULL) {
		watches++;
	}
	for (uint32_t i = 0; plugin->indexes != NULL && plugin->indexes[i].name != NULL; i++) {
		const struct asb_index *index = &plugin->indexes[i];

		if (index->watch >= watches || index->values == NULL) {
			fake_fatal("the index '%s' has no watch or no values function",
				   index->name);
		}
		if ((index->flags & ~ASB_INDEX_RESERVES) != 0 ||
		    ((index->flags & ASB_INDEX_RESERVES) != 0 && index->reserves >= watches)) {
			fake_fatal(
				"the index '%s' has unknown flags, or reserves objects of no watch",
				index->name);
		}
	}
	for (uint32_t i = 0; i < watches; i++) {
		check_watch(plugin, i);
	}
	for (uint32_t i = 0; plugin->metrics != NULL && plugin->metrics[i].name != NULL; i++) {
		if (plugin->metrics[i].type < ASB_COUNTER ||
		    plugin->metrics[i].type > ASB_GAUGE_COUNTED) {
			fake_fatal("the metric '%s' has no type", plugin->metrics[i].name);
		}
	}
}
