/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warm pool plugin as the host sees it: what it watches, how it counts, which rights it needs.
 * Loaded by the controller with --extensions.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

#define EXTENSIONS "extensions.agents.x-k8s.io"

static const char *const pool_fields[] = { "spec", "status", NULL };
static const char *const template_fields[] = { "spec", NULL };
static const char *const pod_fields[] = { "status.phase", "status.conditions", NULL };
static const char *const pod_labels[] = { LABEL_POOL, NULL };

const struct asb_watch warmpool_watches[] = {
	[WATCH_POOL] = {
		.kind = { EXTENSIONS, "v1alpha1", "sandboxwarmpools", "SandboxWarmPool" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = pool_fields,
	},
	[WATCH_TEMPLATE] = {
		.kind = { EXTENSIONS, "v1alpha1", "sandboxtemplates", "SandboxTemplate" },
		.enqueue = ASB_ENQUEUE_INDEX,
		.fields = template_fields,
		.enqueue_index = "pools-by-template",
	},
	[WATCH_POD] = {
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_FUNCTION,
		.flags = ASB_WATCH_SELECTED,
		.fields = pod_fields,
		.selector_labels = pod_labels,
		.enqueue_function = pod_to_pools,
	},
	{ .enqueue = 0 },
};

/* A reconcile counts and takes a few from an end: it costs the same for 10 pods and for 10,000. */
static const struct asb_index indexes[] = {
	[INDEX_POOLS_BY_TEMPLATE] = {
		.name = "pools-by-template", .watch = WATCH_POOL, .values = pool_by_template,
	},
	[INDEX_POOLS_BY_HASH] = {
		.name = "pools-by-hash", .watch = WATCH_POOL, .values = pool_by_hash,
	},
	[INDEX_LIVE] = { .name = "live", .watch = WATCH_POD, .values = pod_live },
	[INDEX_READY] = { .name = "ready", .watch = WATCH_POD, .values = pod_ready },
	[INDEX_HASHES] = { .name = "hashes", .watch = WATCH_POD, .values = pod_hashes },
	[INDEX_ENDED] = { .name = "ended", .watch = WATCH_POD, .values = pod_ended },
	[INDEX_ORPHANS] = { .name = "orphans", .watch = WATCH_POD, .values = pod_orphans },
	{ 0 },
};

static const struct asb_rule rules[] = {
	{ EXTENSIONS, "sandboxwarmpools,sandboxtemplates", "get,list,watch" },
	{ EXTENSIONS, "sandboxwarmpools/status", "patch" },
	/* blockOwnerDeletion needs it where OwnerReferencesPermissionEnforcement is on. */
	{ EXTENSIONS, "sandboxwarmpools/finalizers", "update" },
	{ "", "pods", "get,list,watch,create,patch,delete" },
	{ 0 },
};

static const struct asb_metric metrics[] = {
	[METRIC_SIZE] = {
		.name = "agent_sandbox_warm_pool_size",
		.help = "Pods of a warm pool that are neither ended nor terminating.",
		.labels = "namespace,name",
		.type = ASB_GAUGE,
	},
	[METRIC_READY] = {
		.name = "agent_sandbox_warm_pool_ready",
		.help = "Pods of a warm pool that are Ready.",
		.labels = "namespace,name",
		.type = ASB_GAUGE,
	},
	{ 0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "warmpool",
	.version = PACKAGE_VERSION,
	.description = "Keeps pods of a SandboxTemplate running ahead of the claims for them",
	.workers = 4,
	.watches = warmpool_watches,
	.indexes = indexes,
	.rules = rules,
	.metrics = metrics,
	.crd = warmpool_crd,
	.reconcile = warmpool_reconcile,
};

ASB_PLUGIN(plugin)
