/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and copies plugin descriptions, from files or linked in. Called by controller/main.c and
 * by tests. */
#include "config.h"

#include "core/controller/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "kube/kind.h"

/* ---- checking ---- */

static int plugin_check_head(const struct asb_plugin *description, const char *file,
			     struct error *reterr)
{
	if (description == NULL) {
		return error_set(reterr, -EINVAL, "'%s' is not a plugin: it has no description",
				 file);
	}
	if (description->magic != ASB_MAGIC) {
		return error_set(
			reterr, -EINVAL,
			"'%s' is not a plugin: its magic is 0x%08x, not 0x%08x; was it built with ASB_PLUGIN_HEAD?",
			file, description->magic, ASB_MAGIC);
	}
	if (description->abi_major != ASB_ABI_MAJOR) {
		return error_set(
			reterr, -EINVAL,
			"'%s' was built for plugin ABI %u.%u, this host speaks %u.%u: rebuild it against this version",
			file, description->abi_major, description->abi_minor, ASB_ABI_MAJOR,
			ASB_ABI_MINOR);
	}
	if (description->abi_minor > ASB_ABI_MINOR) {
		return error_set(
			reterr, -EINVAL,
			"'%s' needs plugin ABI %u.%u, this host speaks %u.%u: use a newer host",
			file, description->abi_major, description->abi_minor, ASB_ABI_MAJOR,
			ASB_ABI_MINOR);
	}
	if (description->json_soname == NULL ||
	    strcmp(description->json_soname, ASB_JSON_SONAME) != 0) {
		return error_set(
			reterr, -EINVAL,
			"'%s' was built with '%s', this host with '%s': both must use the same json-c",
			file,
			description->json_soname != NULL ? description->json_soname : "no json-c",
			ASB_JSON_SONAME);
	}
	return 0;
}

static bool plugin_is_plain_name(const char *name)
{
	size_t length = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	return length > 0 && length < 48 && name[length] == '\0';
}

static bool plugin_has_index(const struct plugin *plugin, const char *name, uint32_t watch)
{
	for (uint32_t i = 0; i < plugin->index_count; i++) {
		if (plugin->indexes[i].watch == watch &&
		    strcmp(plugin->indexes[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static int plugin_check_watch(const struct plugin *plugin, const struct asb_watch *watch,
			      struct error *reterr)
{
	const struct asb_kind *kind = &watch->kind;

	if (kind->group == NULL || kind->version == NULL || kind->plural == NULL ||
	    kind->kind == NULL || *kind->version == '\0' || *kind->plural == '\0' ||
	    *kind->kind == '\0' || strlen(kind->group) + strlen(kind->version) > 150) {
		return error_set(reterr, -EINVAL,
				 "'%s': a watch without group, version, plural or kind",
				 plugin->file);
	}
	if ((watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0 && watch->enqueue_function == NULL) {
		return error_set(reterr, -EINVAL,
				 "'%s': watch of '%s' enqueues by a function but has none",
				 plugin->file, kind->plural);
	}
	if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0 &&
	    (watch->enqueue_index == NULL || !plugin_has_index(plugin, watch->enqueue_index, 0))) {
		return error_set(
			reterr, -EINVAL,
			"'%s': watch of '%s' enqueues by index '%s', which is not an index of watches[0]",
			plugin->file, kind->plural,
			watch->enqueue_index != NULL ? watch->enqueue_index : "");
	}
	return 0;
}

static int plugin_check_lengths(const struct plugin *plugin, struct error *reterr)
{
	const struct {
		const char *name;
		uint32_t count, most;
	} tables[] = {
		{ "watches", plugin->watch_count, PLUGIN_WATCHES_MAX },
		{ "indexes", plugin->index_count, PLUGIN_INDEXES_MAX },
		{ "rules", plugin->rule_count, PLUGIN_TABLE_MAX },
		{ "options", plugin->option_count, PLUGIN_TABLE_MAX },
		{ "metrics", plugin->metric_count, PLUGIN_TABLE_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (tables[i].count > tables[i].most) {
			return error_set(reterr, -EINVAL, "'%s' has more than %u %s", plugin->file,
					 tables[i].most, tables[i].name);
		}
	}
	return 0;
}

static int plugin_check_tables(const struct plugin *plugin, struct error *reterr)
{
	if (plugin_check_lengths(plugin, reterr) < 0) {
		return -EINVAL;
	}
	if (!plugin_is_plain_name(plugin->head.name)) {
		return error_set(reterr, -EINVAL,
				 "'%s': a plugin's name is 1 to 47 letters a-z, digits and dashes",
				 plugin->file);
	}
	if (plugin->head.reconcile == NULL || plugin->watch_count == 0) {
		return error_set(reterr, -EINVAL, "'%s': a plugin needs watches[0] and reconcile",
				 plugin->file);
	}
	if ((plugin->watches[0].flags & ASB_WATCH_UNWATCHED) != 0) {
		return error_set(reterr, -EINVAL,
				 "'%s': watches[0], the plugin's own kind, must be watched",
				 plugin->file);
	}
	for (uint32_t i = 0; i < plugin->index_count; i++) {
		const struct asb_index *index = &plugin->indexes[i];

		if (index->values == NULL || index->watch >= plugin->watch_count ||
		    ((index->flags & ASB_INDEX_RESERVES) != 0 &&
		     index->reserves >= plugin->watch_count)) {
			return error_set(
				reterr, -EINVAL,
				"'%s': index '%s' has no function or names a watch that is not there",
				plugin->file, index->name);
		}
	}
	for (uint32_t i = 0; i < plugin->watch_count; i++) {
		int code = plugin_check_watch(plugin, &plugin->watches[i], reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

/* ---- copying ---- */

/*
 * Copies a table whose entries may be smaller or larger than ours; it ends in an entry whose first
 * pointer is NULL. One entry more than most says that it is too long.
 */
static void *plugin_copy_table(const void *table, uint32_t stride, size_t size, uint32_t most,
			       uint32_t *ret_count)
{
	const char *entry = table;
	uint32_t count = 0;
	char *copy;

	*ret_count = 0;
	if (table == NULL || stride < sizeof(void *)) {
		return NULL;
	}
	while (count <= most &&
	       *(const void *const *)(const void *)(entry + (size_t)count * stride) != NULL) {
		count++;
	}
	copy = xalloc_array(size, (size_t)count + 1);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(copy + i * size, entry + (size_t)i * stride, stride < size ? stride : size);
	}
	*ret_count = count;
	return copy;
}

int plugin_copy(const struct asb_plugin *description, const char *file, struct plugin *ret,
		struct error *reterr)
{
	struct plugin plugin = { .file = xstrdup(file) };
	const struct asb_plugin *head = &plugin.head;
	int code = plugin_check_head(description, file, reterr);

	if (code == 0) {
		size_t size = description->struct_size < sizeof(plugin.head)
				      ? description->struct_size
				      : sizeof(plugin.head);

		memcpy(&plugin.head, description, size);
		plugin.watches =
			plugin_copy_table(head->watches, head->watch_size, sizeof(*plugin.watches),
					  PLUGIN_WATCHES_MAX, &plugin.watch_count);
		plugin.indexes =
			plugin_copy_table(head->indexes, head->index_size, sizeof(*plugin.indexes),
					  PLUGIN_INDEXES_MAX, &plugin.index_count);
		plugin.rules =
			plugin_copy_table(head->rules, head->rule_size, sizeof(*plugin.rules),
					  PLUGIN_TABLE_MAX, &plugin.rule_count);
		plugin.options =
			plugin_copy_table(head->options, head->option_size, sizeof(*plugin.options),
					  PLUGIN_TABLE_MAX, &plugin.option_count);
		plugin.metrics =
			plugin_copy_table(head->metrics, head->metric_size, sizeof(*plugin.metrics),
					  PLUGIN_TABLE_MAX, &plugin.metric_count);
		code = plugin_check_tables(&plugin, reterr);
	}
	if (code < 0) {
		plugin_finish(&plugin);
		return code;
	}
	*ret = plugin;
	return 0;
}

void plugin_finish(struct plugin *plugin)
{
	free(plugin->file);
	free(plugin->watches);
	free(plugin->indexes);
	free(plugin->rules);
	free(plugin->options);
	free(plugin->metrics);
	*plugin = (struct plugin){ 0 };
}

/* ---- files ---- */

/* Refuses a file that others may write: its code runs with the rights of this process. */
static int plugin_check_file(const char *file, struct error *reterr)
{
	struct stat status;

	if (stat(file, &status) < 0) {
		return error_set(reterr, -errno, "cannot read the file of plugin '%s': %s", file,
				 strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return error_set(reterr, -EINVAL, "plugin '%s' is not a regular file", file);
	}
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return error_set(
			reterr, -EPERM,
			"plugin '%s' is writable by others (mode %04o): run chmod go-w on it if you trust it",
			file, (unsigned int)status.st_mode & 07777u);
	}
	if (status.st_uid != 0 && status.st_uid != geteuid()) {
		return error_set(
			reterr, -EPERM,
			"plugin '%s' belongs to user %u, which is neither root nor the user of this process (%u)",
			file, (unsigned int)status.st_uid, (unsigned int)geteuid());
	}
	return 0;
}

int plugin_load(const char *file, struct plugin *ret, struct error *reterr)
{
	CLEANUP_FREE char *path =
		realpath(file, NULL); /* a name without a slash would be searched for */
	const struct asb_plugin *(*entry)(void);
	void *handle;
	int code;

	if (path == NULL) {
		return error_set(reterr, -errno, "cannot find plugin '%s': %s", file,
				 strerror(errno));
	}
	code = plugin_check_file(path, reterr);
	if (code < 0) {
		return code;
	}
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (handle == NULL) {
		return error_set(reterr, -EINVAL, "cannot load plugin '%s': %s", path, dlerror());
	}
	*(void **)&entry = dlsym(handle, "asb_plugin_entry");
	if (entry == NULL) {
		return error_set(reterr, -EINVAL,
				 "'%s' is not a plugin: it has no function asb_plugin_entry", path);
	}
	return plugin_copy(entry(), path, ret, reterr);
}

int plugin_check_pair(const struct plugin *a, const struct plugin *b, struct error *reterr)
{
	if (strcmp(a->head.name, b->head.name) == 0) {
		return error_set(reterr, -EEXIST, "two plugins are named '%s': '%s' and '%s'",
				 a->head.name, a->file, b->file);
	}
	if (kind_same(&a->watches[0].kind, &b->watches[0].kind)) {
		return error_set(reterr, -EEXIST, "two plugins reconcile '%s.%s': '%s' and '%s'",
				 a->watches[0].kind.plural, a->watches[0].kind.group, a->file,
				 b->file);
	}
	return 0;
}
