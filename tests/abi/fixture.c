/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that test-plugin loads, built once for each way in which a plugin can be good or bad:
 * FIXTURE_* says which. It reconciles nothing.
 */
#include <agent-sandbox/plugin.h>

/* What ASB_PLUGIN_HEAD says, and then what this build says instead. */
#ifndef FIXTURE_NAME
#define FIXTURE_NAME "fixture"
#endif
#ifndef FIXTURE_KIND
#define FIXTURE_KIND "Widget"
#endif
#ifndef FIXTURE_MAGIC
#define FIXTURE_MAGIC ASB_MAGIC
#endif
#ifndef FIXTURE_MAJOR
#define FIXTURE_MAJOR ASB_ABI_MAJOR
#endif
#ifndef FIXTURE_MINOR
#define FIXTURE_MINOR ASB_ABI_MINOR
#endif
#ifndef FIXTURE_SONAME
#define FIXTURE_SONAME ASB_JSON_SONAME
#endif

#ifdef FIXTURE_MISSING_SYMBOL
extern int fixture_nobody_has_this(void);
#endif

static int32_t reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	(void)state;
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
#ifdef FIXTURE_MISSING_SYMBOL
	return fixture_nobody_has_this();
#else
	return ASB_DONE;
#endif
}

static void values(struct json_object *object, struct asb_values *out)
{
	(void)object;
	(void)out;
}

static const char *const fields[] = { "spec.size", "status", (const char *)0 };
static const char *const labels[] = { "example.com/ours", (const char *)0 };

static const struct asb_watch watches[] = {
	{
		.kind = { "example.com", "v1", "widgets", FIXTURE_KIND },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = fields,
	},
	{
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX,
		.flags = ASB_WATCH_SELECTED | ASB_WATCH_METADATA,
		.selector_labels = labels,
		.enqueue_index = "by-pod",
	},
	{ .kind = { "", "v1", "secrets", "Secret" },
	  .flags = ASB_WATCH_UNWATCHED | ASB_WATCH_OPTIONAL },
	{ .kind = { (const char *)0 } },
};

static const struct asb_index indexes[] = {
	{ .name = "by-pod",
	  .watch = 0,
	  .flags = ASB_INDEX_RESERVES,
	  .reserves = 1,
	  .values = values },
	{ .name = (const char *)0 },
};

static const struct asb_rule rules[] = {
	{ "example.com", "widgets,widgets/status", "get,list,watch" },
	{ "", "pods", "create" },
	{ (const char *)0, (const char *)0, (const char *)0 },
};

static const struct asb_option options[] = {
	{ .name = "colour", .fallback = "red", .help = "what it looks like" },
	{ .name = "size" },
	{ .name = "shapes", .fallback = "round", .file = "/nowhere/shapes" },
	{ .name = (const char *)0 },
};

static const struct asb_metric metrics[] = {
	{ .name = "widgets_made_total",
	  .help = "Widgets made.",
	  .labels = "colour,size",
	  .type = ASB_COUNTER },
	{ .name = "widget_seconds", .help = "How long it took.", .type = ASB_HISTOGRAM },
	{ .name = "widgets", .help = "Widgets.", .labels = "size", .type = ASB_GAUGE_COUNTED },
	{ .name = (const char *)0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = FIXTURE_NAME,
	.version = "1.2.3",
	.description = "a plugin for tests",
	.workers = 3,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = "kind: CustomResourceDefinition\n",
	.reconcile = reconcile,
};

#if defined(FIXTURE_NO_ENTRY)
ASB_EXPORT const struct asb_plugin *asb_plugin_entrance(void);
const struct asb_plugin *asb_plugin_entrance(void)
{
	return &plugin;
}
#else
ASB_EXPORT const struct asb_plugin *asb_plugin_entry(void);
const struct asb_plugin *asb_plugin_entry(void)
{
#ifdef FIXTURE_NO_DESCRIPTION
	return (const struct asb_plugin *)0;
#else
	static struct asb_plugin copy;

	copy = plugin;
	copy.magic = FIXTURE_MAGIC;
	copy.abi_major = FIXTURE_MAJOR;
	copy.abi_minor = FIXTURE_MINOR;
	copy.json_soname = FIXTURE_SONAME;
	return &copy;
#endif
}
#endif
