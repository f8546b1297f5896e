/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's description, checked and copied: tables of whatever age become tables of today, so the
 * rest of core reads plain arrays. Strings and functions stay the plugin's, which is never
 * unloaded.
 */
#ifndef ASB_CORE_CONTROLLER_PLUGIN_H
#define ASB_CORE_CONTROLLER_PLUGIN_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define PLUGIN_WATCHES_MAX 32
#define PLUGIN_INDEXES_MAX 32
#define PLUGIN_TABLE_MAX 128

struct plugin {
	char *file;             /* where it came from, or "(built in)" */
	struct asb_plugin head; /* its table members are not used; see below */
	struct asb_watch *watches;
	uint32_t watch_count;
	struct asb_index *indexes;
	uint32_t index_count;
	struct asb_rule *rules;
	uint32_t rule_count;
	struct asb_option *options;
	uint32_t option_count;
	struct asb_metric *metrics;
	uint32_t metric_count;
};

/* Checks magic, versions, json-c and every table, and copies. file names the plugin in errors. */
int plugin_copy(const struct asb_plugin *description, const char *file, struct plugin *ret,
		struct error *reterr);
/* Opens a shared object: not writable by others, owned by root or by us; RTLD_NOW, RTLD_LOCAL,
 * never closed. */
int plugin_load(const char *file, struct plugin *ret, struct error *reterr);
void plugin_finish(struct plugin *plugin);
/* The tables as one JSON object with a line feed: --dump-plugin. */
int plugin_dump(const struct plugin *plugin, struct buf *out);
/* Two plugins for one kind, or of one name, are an error that names both files. */
int plugin_check_pair(const struct plugin *a, const struct plugin *b, struct error *reterr);

#endif
