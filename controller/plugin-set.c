/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and loads the plugins that the flags ask for. Called by controller/main.c. */
#include "config.h"

#include "controller/plugin-set.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* The plugins of this project; --extensions decides about all but the first. */
static const char *const builtin[] = { "sandbox.so", "template.so", "claim.so", "warmpool.so" };

static int plugin_set_add(struct plugin_set *set, const char *file, struct error *reterr)
{
	struct plugin *plugin = &set->items[set->count];
	int code;

	if (set->count == MANAGER_PLUGINS_MAX) {
		return error_set(reterr, -ENOSPC, "more than %d plugins", MANAGER_PLUGINS_MAX);
	}
	code = plugin_load(file, plugin, reterr);
	if (code < 0) {
		return code;
	}
	set->count++;
	for (size_t i = 0; i + 1 < set->count; i++) {
		code = plugin_check_pair(&set->items[i], plugin, reterr);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static int plugin_set_load_from(struct plugin_set *set, const char *directory, const char *name,
				struct error *reterr)
{
	CLEANUP_FREE char *file = xprintf("%s/%s", directory, name);

	return plugin_set_add(set, file, reterr);
}

static int plugin_set_is_foreign_plugin(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	if (length < 4 || strcmp(entry->d_name + length - 3, ".so") != 0 ||
	    strncmp(entry->d_name, "lib", 3) == 0 || entry->d_name[0] == '.') {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
		if (strcmp(entry->d_name, builtin[i]) == 0) {
			return 0;
		}
	}
	return 1;
}

static int plugin_set_load_foreign(struct plugin_set *set, const char *directory,
				   struct error *reterr)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, plugin_set_is_foreign_plugin, alphasort), code = 0;

	if (count < 0) {
		return error_set(reterr, -errno, "cannot read the plugin directory '%s': %s",
				 directory, strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		if (code == 0) {
			code = plugin_set_load_from(set, directory, entries[i]->d_name, reterr);
		}
		free(entries[i]);
	}
	free(entries);
	return code;
}

int plugin_set_load(struct plugin_set *set, const struct options *options, struct error *reterr)
{
	size_t builtin_count = options->extensions ? ARRAY_LEN(builtin) : 1;
	int code = 0;

	for (size_t i = 0; i < builtin_count && code == 0; i++) {
		code = plugin_set_load_from(set, options->plugin_dir, builtin[i], reterr);
	}
	if (code == 0) {
		code = plugin_set_load_foreign(set, options->plugin_dir, reterr);
	}
	for (size_t i = 0; i < options->plugin_count && code == 0; i++) {
		code = plugin_set_add(set, options->plugins[i], reterr);
	}
	return code;
}

void plugin_set_finish(struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		plugin_finish(&set->items[i]);
	}
	set->count = 0;
}
