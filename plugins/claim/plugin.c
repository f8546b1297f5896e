/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the claim plugin: what it watches, indexes, may do and measures. The host reads
 * them through asb_plugin_entry(), when the controller runs with --extensions; a reconcile begins
 * in reconcile.c.
 */
#include "config.h"

#include "plugins/claim/claim.h"

static const char *const spec_only[] = { "spec", NULL };
static const char *const sandbox_fields[] = { "spec.origin", "spec.podTemplate.metadata", "status",
					      NULL };
static const char *const spec_and_status[] = { "spec", "status", NULL };
static const char *const pod_health[] = { "status.phase", "status.conditions", NULL };
static const char *const pod_labels[] = { LABEL_POOL, LABEL_NAME_HASH, NULL };

static const struct asb_watch watches[] = {
	[WATCH_CLAIM] = {
		.kind = KIND_CLAIM,
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = spec_and_status,
	},
	/* A template that appears, or changes its network rules, enqueues the claims that name
	 * it. */
	[WATCH_TEMPLATE] = {
		.kind = KIND_TEMPLATE,
		.enqueue = ASB_ENQUEUE_INDEX | ASB_ENQUEUE_FUNCTION,
		.enqueue_index = "claims-by-template",
		.enqueue_function = index_enqueue_pool_claims,
		.fields = spec_only,
	},
	/* By its name too: when a foreign Sandbox is deleted, the claim can create its own. */
	[WATCH_SANDBOX] = {
		.kind = KIND_SANDBOX,
		.enqueue = ASB_ENQUEUE_OWNER | ASB_ENQUEUE_SELF,
		.fields = sandbox_fields,
	},
	/* Pods of pools enqueue no claim: a claim searches once, and starts cold if there is no free
	 * pod. Only orphaned pods enqueue a key. A pool enqueues the claims that name it. */
	[WATCH_POOL] = {
		.kind = KIND_POOL,
		.enqueue = ASB_ENQUEUE_INDEX,
		.enqueue_index = "claims-by-pool",
		.fields = spec_only,
	},
	[WATCH_POD] = {
		.kind = KIND_POD,
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = orphan_enqueue,
		.flags = ASB_WATCH_SELECTED,
		.selector_labels = pod_labels,
		.fields = pod_health,
	},
	[WATCH_POLICY] = {
		.kind = KIND_POLICY,
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = index_enqueue_policy_claim,
		.flags = ASB_WATCH_SELECTED,
		.fields = spec_only,
	},
	[WATCH_MAX] = { .kind = { 0 } },
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
	/* The lasting form of a reservation: a new process makes it again from the Sandboxes. */
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
	[INDEX_CLAIMS_BY_POOL] = {
		.name = "claims-by-pool",
		.watch = WATCH_CLAIM,
		.values = index_by_pool,
	},
	[INDEX_OWNED_SANDBOXES] = {
		.name = "owned-sandboxes",
		.watch = WATCH_SANDBOX,
		.values = index_owned_sandboxes,
	},
	[INDEX_MAX] = { 0 },
};

static const struct asb_rule rules[] = {
	{ .groups = GROUP_EXTENSIONS,
	  .resources = "sandboxclaims",
	  .verbs = "get,list,watch,patch,delete" },
	{ .groups = GROUP_EXTENSIONS, .resources = "sandboxclaims/status", .verbs = "patch" },
	/* For blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on. */
	{ .groups = GROUP_EXTENSIONS, .resources = "sandboxclaims/finalizers", .verbs = "update" },
	{ .groups = GROUP_EXTENSIONS,
	  .resources = "sandboxtemplates,sandboxwarmpools",
	  .verbs = "list,watch" },
	{ .groups = GROUP_AGENTS,
	  .resources = "sandboxes",
	  .verbs = "get,list,watch,create,patch,delete" },
	{ .groups = "", .resources = "pods", .verbs = "list,watch,delete" },
	{ .groups = GROUP_NETWORKING,
	  .resources = "networkpolicies",
	  .verbs = "get,list,watch,create,patch,delete" },
	{ 0 },
};

static const struct asb_option options[] = {
	[OPTION_LABEL_DOMAINS] = {
		.name = "allowed-label-domains",
		.fallback = "sandbox.users.io",
		.help = "the file with the domains that labels of a claim's additionalPodMetadata may have, separated by commas or lines",
		.file = "/etc/sandbox-config/allowed-label-domains",
	},
	[OPTION_QUIET] = {
		.name = "disable-events",
		.fallback = "false",
		.help = "true: no events about claims of v1beta1",
	},
	[OPTION_MAX] = { 0 },
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
	[METRIC_WEBHOOK_LATENCY] = {
		.name = "agent_sandbox_claim_startup_latency_ms",
		.help = "Milliseconds from when a webhook first saw a SandboxClaim until it was Ready.",
		.labels = "launch_type,sandbox_template",
		.type = ASB_HISTOGRAM,
		.buckets = measure_claim_buckets,
	},
	[METRIC_CONTROLLER_LATENCY] = {
		.name = "agent_sandbox_claim_controller_startup_latency_ms",
		.help = "Milliseconds from when the controller first saw a SandboxClaim until it was Ready.",
		.labels = "launch_type,sandbox_template",
		.type = ASB_HISTOGRAM,
		.buckets = measure_claim_buckets,
	},
	[METRIC_CLIENT_LATENCY] = {
		.name = "agent_sandbox_client_claim_startup_latency_ms",
		.help = "Milliseconds from when a client asked for a SandboxClaim until it was Ready.",
		.labels = "launch_type,sandbox_template",
		.type = ASB_HISTOGRAM,
		.buckets = measure_claim_buckets,
	},
	[METRIC_SANDBOX_LATENCY] = {
		.name = "agent_sandbox_creation_latency_ms",
		.help = "Milliseconds from the creation of the Sandbox of a claim until it was Ready.",
		.labels = "namespace,launch_type,sandbox_template",
		.type = ASB_HISTOGRAM,
		.buckets = measure_sandbox_buckets,
	},
	[METRIC_CREATIONS] = {
		.name = "agent_sandbox_claim_creation_total",
		.help = "Sandboxes that were made or taken for a SandboxClaim.",
		.labels = "namespace,sandbox_template,launch_type,warmpool_name,pod_condition,created_by",
		.type = ASB_COUNTER,
	},
	[METRIC_MAX] = { 0 },
};

static int32_t plugin_init(const struct asb_host *host, struct asb_instance *instance,
			   void **ret_state)
{
	const char *quiet = host->option(instance, OPTION_QUIET);
	struct claim_state *state;

	if (strcmp(quiet, "true") != 0 && strcmp(quiet, "false") != 0) {
		host->log(instance, ASB_LOG_ERROR,
			  "option disable-events takes true or false, not '%s'", quiet);
		return -1;
	}
	state = calloc(1, sizeof(*state));
	if (state == NULL) {
		host->log(instance, ASB_LOG_ERROR, "out of memory");
		return -1;
	}
	state->domains = host->option(instance, OPTION_LABEL_DOMAINS);
	state->quiet = strcmp(quiet, "true") == 0;
	*ret_state = state;
	return 0;
}

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "claim",
	.version = PACKAGE_VERSION,
	.description = "Gives each SandboxClaim a Sandbox made from its SandboxTemplate",
	.workers = 8,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = claim_crd,
	.init = plugin_init,
	.reconcile = claim_reconcile,
	.fini = free,
};

ASB_PLUGIN(plugin)
