/* SPDX-License-Identifier: Apache-2.0 */
/* The SandboxClaim reconciler as the host sees it: what it watches, how it indexes it, its rights
 * and metrics. The host reads these tables when it loads the plugin; the work begins in
 * claim_reconcile. */
#include "config.h"

#include "plugins/claim/claim.h"

#define EXTENSIONS "extensions.agents.x-k8s.io", "v1alpha1"

const struct asb_kind claim_kind = { EXTENSIONS, "sandboxclaims", "SandboxClaim" };
const struct asb_kind claim_pool_kind = { EXTENSIONS, "sandboxwarmpools", "SandboxWarmPool" };
const struct asb_kind claim_sandbox_kind = { "agents.x-k8s.io", "v1alpha1", "sandboxes",
					     "Sandbox" };
const struct asb_kind claim_policy_kind = { "networking.k8s.io", "v1", "networkpolicies",
					    "NetworkPolicy" };

static const char *const spec_only[] = { "spec", NULL };
static const char *const status_only[] = { "status", NULL };
static const char *const spec_and_status[] = { "spec", "status", NULL };
static const char *const pod_health[] = { "status.phase", "status.conditions", NULL };
static const char *const pod_labels[] = { LABEL_POOL, LABEL_NAME_HASH, NULL };

static const struct asb_watch watches[] = {
	[WATCH_CLAIM] = {
		.kind = { EXTENSIONS, "sandboxclaims", "SandboxClaim" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = spec_and_status,
	},
	/* A template that appears, or changes its network rules, wakes the claims that name it. */
	[WATCH_TEMPLATE] = {
		.kind = { EXTENSIONS, "sandboxtemplates", "SandboxTemplate" },
		.enqueue = ASB_ENQUEUE_INDEX,
		.enqueue_index = "claims-by-template",
		.fields = spec_only,
	},
	/* By its name too: a foreign Sandbox that goes away makes room for the claim's own. */
	[WATCH_SANDBOX] = {
		.kind = { "agents.x-k8s.io", "v1alpha1", "sandboxes", "Sandbox" },
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_SELF,
		.fields = status_only,
	},
	/* Pools and their pods wake nobody: a claim looks once, and starts cold if there is nothing
	 * to take. A pod that has lost its owner on the way to a claim is another matter. */
	[WATCH_POOL] = {
		.kind = { EXTENSIONS, "sandboxwarmpools", "SandboxWarmPool" },
		.fields = spec_only,
	},
	[WATCH_POD] = {
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = orphan_map,
		.flags = ASB_WATCH_SELECTED,
		.selector_labels = pod_labels,
		.fields = pod_health,
	},
	[WATCH_POLICY] = {
		.kind = { "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy" },
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = map_policy,
		.flags = ASB_WATCH_SELECTED,
		.fields = spec_only,
	},
	[WATCH_MAX] = { .fields = NULL },
};

static const struct asb_index indexes[] = {
	[INDEX_CLAIMS_BY_TEMPLATE] = {
		.name = "claims-by-template",
		.watch = WATCH_CLAIM,
		.values = index_by_template,
	},
	[INDEX_POOLS_BY_TEMPLATE] = {
		.name = "pools-by-template",
		.watch = WATCH_POOL,
		.values = index_by_template,
	},
	[INDEX_WARM_PODS] = {
		.name = "warm-pods",
		.watch = WATCH_POD,
		.values = index_warm_pods,
	},
	/* The durable form of a reservation: found again after a restart. */
	[INDEX_NAMED_PODS] = {
		.name = "named-pods",
		.watch = WATCH_SANDBOX,
		.flags = ASB_INDEX_RESERVES,
		.reserves = WATCH_POD,
		.values = index_named_pods,
	},
	[INDEX_CLAIMS_BY_UID] = {
		.name = "claims-by-uid",
		.watch = WATCH_CLAIM,
		.values = index_claims_by_uid,
	},
	[INDEX_ORPHANS] = {
		.name = "orphans",
		.watch = WATCH_POD,
		.values = index_orphans,
	},
	[INDEX_MAX] = { .name = NULL },
};

static const struct asb_rule rules[] = {
	{ "extensions.agents.x-k8s.io", "sandboxclaims", "get,list,watch,delete" },
	{ "extensions.agents.x-k8s.io", "sandboxclaims/status", "patch" },
	/* For blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on. */
	{ "extensions.agents.x-k8s.io", "sandboxclaims/finalizers", "update" },
	{ "extensions.agents.x-k8s.io", "sandboxtemplates,sandboxwarmpools", "list,watch" },
	{ "agents.x-k8s.io", "sandboxes", "get,list,watch,create,delete" },
	{ "", "pods", "list,watch,delete" },
	{ "networking.k8s.io", "networkpolicies", "get,list,watch,create,patch,delete" },
	{ NULL, NULL, NULL },
};

static const struct asb_metric metrics[] = {
	[METRIC_STARTUP] = {
		.name = "agent_sandbox_claim_startup_latency_seconds",
		.help = "Time from first seeing a SandboxClaim to writing that it is Ready.",
		.labels = "launch_type",
		.type = ASB_HISTOGRAM,
	},
	[METRIC_HITS] = {
		.name = "agent_sandbox_warm_pool_hits_total",
		.help = "Claims that were given a pod of a warm pool.",
		.type = ASB_COUNTER,
	},
	[METRIC_MISSES] = {
		.name = "agent_sandbox_warm_pool_misses_total",
		.help = "Claims that started cold although a warm pool names their template.",
		.type = ASB_COUNTER,
	},
	[METRIC_MAX] = { .name = NULL },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "claim",
	.version = PACKAGE_VERSION,
	.description = "Gives each SandboxClaim a Sandbox made from its SandboxTemplate",
	.workers = 8,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.metrics = metrics,
	.crd = claim_crd,
	.reconcile = claim_reconcile,
};

ASB_PLUGIN(plugin)
