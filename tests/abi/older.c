/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin whose structs are shorter than today's, as one of an older minor version is in a newer
 * host: it has written its own declarations down and knows nothing of plugin.h. test-plugin loads
 * it.
 */
#include <stddef.h>
#include <stdint.h>

struct older_kind {
	const char *group, *version, *plural, *kind;
};

struct older_watch { /* no enqueue_index, no enqueue_function */
	struct older_kind kind;
	uint32_t enqueue, flags;
	const char *const *fields;
	const char *const *selector_labels;
};

struct older_option { /* no help */
	const char *name, *fallback;
};

struct older_metric { /* no labels, no type */
	const char *name, *help;
};

struct older_plugin { /* no fini */
	uint32_t magic, abi_major, abi_minor, struct_size;
	uint32_t watch_size, index_size, rule_size, option_size, metric_size, write_size;
	const char *json_soname, *name, *version, *description;
	uint32_t workers, reserved0;
	const struct older_watch *watches;
	const void *indexes, *rules;
	const struct older_option *options;
	const struct older_metric *metrics;
	const char *crd;
	void *init;
	int32_t (*reconcile)(void *state, void *call, const void *key, uint64_t *ret_requeue_after_ms);
};

static int32_t reconcile(void *state, void *call, const void *key, uint64_t *ret_requeue_after_ms)
{
	(void)state;
	(void)call;
	(void)key;
	*ret_requeue_after_ms = 42;
	return 1;
}

static const struct older_watch watches[] = {
	{ { "example.com", "v1", "antiques", "Antique" }, 1, 0, NULL, NULL },
	{ { "", "v1", "pods", "Pod" }, 2, 0, NULL, NULL },
	{ { NULL, NULL, NULL, NULL }, 0, 0, NULL, NULL },
};
static const struct older_option options[] = {
	{ "a", "1" }, { "b", "2" }, { "c", "3" }, { NULL, NULL }
};
static const struct older_metric metrics[] = { { "a_total", "A." },
					       { "b_total", "B." },
					       { NULL, NULL } };

/* What follows the description in memory is not the host's to read. */
static const struct {
	struct older_plugin plugin;
	uint64_t poison[8];
} description = {
	{
		0x31425341u,
		2,
		0,
		sizeof(struct older_plugin),
		sizeof(struct older_watch),
		0,
		0,
		sizeof(struct older_option),
		sizeof(struct older_metric),
		0,
		"libjson-c.so.5",
		"older",
		"0.9",
		"older than the host",
		0,
		0,
		watches,
		NULL,
		NULL,
		options,
		metrics,
		NULL,
		NULL,
		reconcile,
	},
	{ 0x6b6b6b6b6b6b6b6b, 0x6b6b6b6b6b6b6b6b, 0x6b6b6b6b6b6b6b6b, 0x6b6b6b6b6b6b6b6b },
};

const struct older_plugin *asb_plugin_entry(void);
__attribute__((__visibility__("default"))) const struct older_plugin *asb_plugin_entry(void)
{
	return &description.plugin;
}
