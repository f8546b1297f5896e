/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the warm pool plugin: what it watches, indexes, may do and measures. The host reads
 * them through asb_plugin_entry(), when the controller runs with --extensions.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static const char *const pool_fields[] = { "spec", "status", NULL };
static const char *const template_fields[] = { "spec", NULL };
static const char *const pod_fields[] = { "status.phase", "status.conditions", NULL };
static const char *const pod_labels[] = { LABEL_POOL, NULL };

static const char *const sandbox_fields[] = {
	"spec.podTemplate.spec", "spec.volumeClaimTemplates", "spec.service",
	"spec.origin",           "status.conditions",         NULL,
};

static const struct asb_watch watches[] = {
	[WATCH_POOL] = {
		.kind = KIND_POOL,
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = pool_fields,
	},
	[WATCH_TEMPLATE] = {
		.kind = KIND_TEMPLATE,
		.enqueue = ASB_ENQUEUE_INDEX,
		.fields = template_fields,
		.enqueue_index = "pools-by-template",
	},
	[WATCH_POD] = {
		.kind = KIND_POD,
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_FUNCTION,
		.flags = ASB_WATCH_SELECTED,
		.fields = pod_fields,
		.selector_labels = pod_labels,
		.enqueue_function = index_enqueue_pools,
	},
	[WATCH_SANDBOX] = {
		.kind = KIND_SANDBOX,
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_FUNCTION,
		.fields = sandbox_fields,
		.enqueue_function = index_enqueue_sandbox_pools,
	},
	[WATCH_MAX] = { .kind = { 0 } },
};

/* A reconcile counts, and takes a few members from an end of an index: it costs the same for 10
 * members and for 10,000. */
static const struct asb_index indexes[] = {
	[INDEX_POOLS_BY_TEMPLATE] = {
		.name = "pools-by-template",
		.watch = WATCH_POOL,
		.values = index_pools_by_template,
	},
	[INDEX_POOLS_BY_HASH] = {
		.name = "pools-by-hash",
		.watch = WATCH_POOL,
		.values = index_pools_by_hash,
	},
	[INDEX_LIVE] = { .name = "live", .watch = WATCH_POD, .values = index_live },
	[INDEX_READY] = { .name = "ready", .watch = WATCH_POD, .values = index_ready },
	[INDEX_HASHES] = { .name = "hashes", .watch = WATCH_POD, .values = index_hashes },
	[INDEX_ENDED] = { .name = "ended", .watch = WATCH_POD, .values = index_ended },
	[INDEX_ORPHANS] = { .name = "orphans", .watch = WATCH_POD, .values = index_orphans },
	[INDEX_SANDBOXES] = {
		.name = "sandboxes",
		.watch = WATCH_SANDBOX,
		.values = sandbox_index_members,
	},
	[INDEX_SANDBOX_ORPHANS] = {
		.name = "sandbox-orphans",
		.watch = WATCH_SANDBOX,
		.values = sandbox_index_orphans,
	},
	[INDEX_MAX] = { 0 },
};

static const struct asb_rule rules[] = {
	{
		.groups = GROUP_EXTENSIONS,
		.resources = "sandboxwarmpools,sandboxtemplates",
		.verbs = "get,list,watch",
	},
	{ .groups = GROUP_EXTENSIONS, .resources = "sandboxwarmpools/status", .verbs = "patch" },
	/* For blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on. */
	{
		.groups = GROUP_EXTENSIONS,
		.resources = "sandboxwarmpools/finalizers",
		.verbs = "update",
	},
	{ .groups = "", .resources = "pods", .verbs = "get,list,watch,create,patch,delete" },
	{
		.groups = GROUP_AGENTS,
		.resources = "sandboxes",
		.verbs = "get,list,watch,create,patch,delete",
	},
	{ 0 },
};

static const struct asb_option options[] = {
	[OPTION_MAX_BATCH_SIZE] = {
		.name = "max-batch-size",
		.fallback = "300",
		.help = "Sandboxes that one reconcile of a pool creates at most",
	},
	[OPTION_REPLENISH_DELAY] = {
		.name = "replenish-delay-ms",
		.fallback = "0",
		.help = "milliseconds that a pool waits after it has lost a Sandbox before it creates one",
	},
	[OPTION_MAX_REFILL_RATE] = {
		.name = "max-refill-rate",
		.fallback = "0",
		.help = "Sandboxes that a pool creates in a second at most; 0: no limit",
	},
	[OPTION_READINESS_GRACE] = {
		.name = "readiness-grace-ms",
		.fallback = "300000",
		.help = "milliseconds that a Sandbox of a pool may be not Ready before it is replaced",
	},
	[OPTION_UNSCHEDULABLE_RECHECK] = {
		.name = "unschedulable-recheck-ms",
		.fallback = "60000",
		.help = "milliseconds after which a pool looks again at Sandboxes whose pods are Unschedulable",
	},
	[OPTION_EVICTION] = {
		.name = "eviction",
		.fallback = "true",
		.help = "true: the cluster autoscaler may evict the pods of free Sandboxes; false: it may not",
	},
	[OPTION_MAX] = { 0 },
};

static const struct asb_metric metrics[] = {
	[METRIC_SIZE] = {
		.name = "agent_sandbox_warm_pool_size",
		.help = "Members of a warm pool that are neither ended nor terminating.",
		.labels = "namespace,name",
		.type = ASB_GAUGE,
	},
	[METRIC_READY] = {
		.name = "agent_sandbox_warm_pool_ready",
		.help = "Members of a warm pool that are Ready.",
		.labels = "namespace,name",
		.type = ASB_GAUGE,
	},
	[METRIC_MAX] = { 0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "warmpool",
	.version = PACKAGE_VERSION,
	.description =
		"Keeps pods or Sandboxes of a SandboxTemplate running ahead of the claims for them",
	.workers = 4,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = warmpool_crd,
	.init = settings_init,
	.reconcile = warmpool_reconcile,
	.fini = settings_fini,
};

ASB_PLUGIN(plugin)
