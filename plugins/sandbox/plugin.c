/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the Sandbox plugin: what it watches, indexes, may do and can be told. The host
 * reads them through asb_plugin_entry(); the work itself begins in reconcile.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

#define AGENTS "agents.x-k8s.io"
#define EXTENSIONS "extensions.agents.x-k8s.io"

static const char *const sandbox_fields[] = { "spec", "status", NULL };
static const char *const pod_fields[] = { "status.phase", "status.conditions", NULL };
static const char *const service_fields[] = { "spec.selector", "spec.clusterIP", NULL };
static const char *const claim_fields[] = { "spec.sandboxTemplateRef", NULL };
static const char *const pool_fields[] = { "spec.sandboxTemplateRef", NULL };
static const char *const pod_labels[] = { LABEL_NAME_HASH, LABEL_POOL, NULL };
static const char *const service_labels[] = { LABEL_NAME_HASH, NULL };

/* In the order of WATCH_*. */
const struct asb_watch sandbox_watches[] = {
	{
		.kind = { AGENTS, "v1alpha1", "sandboxes", "Sandbox" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = sandbox_fields,
	},
	{
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_SELF | ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX,
		.flags = ASB_WATCH_SELECTED,
		.fields = pod_fields,
		.selector_labels = pod_labels,
		.enqueue_index = "pod-name",
	},
	{
		.kind = { "", "v1", "services", "Service" },
		.enqueue = ASB_ENQUEUE_SELF | ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED,
		.fields = service_fields,
		.selector_labels = service_labels,
	},
	{
		.kind = { "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim" },
		.enqueue = ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED | ASB_WATCH_METADATA,
	},
	{
		/* A Sandbox has the name of its claim. */
		.kind = { EXTENSIONS, "v1alpha1", "sandboxclaims", "SandboxClaim" },
		.enqueue = ASB_ENQUEUE_SELF,
		.flags = ASB_WATCH_OPTIONAL,
		.fields = claim_fields,
	},
	{
		.kind = { EXTENSIONS, "v1alpha1", "sandboxwarmpools", "SandboxWarmPool" },
		.flags = ASB_WATCH_OPTIONAL,
		.fields = pool_fields,
	},
	{ .enqueue = 0 },
};

/* A Sandbox under "<namespace>/<pod>" of its annotation, so that a change of the pod finds it. */
static void pod_name_values(struct json_object *sandbox, struct asb_values *out)
{
	const char *pod = asb_annotation(sandbox, ANNOTATION_POD_NAME);
	char value[320];

	if (pod != NULL && strlen(pod) < 254) {
		snprintf(value, sizeof(value), "%.63s/%.253s", asb_ns(sandbox), pod);
		out->add(out, value, 0);
	}
}

/* A pod under the UID of the Sandbox that controls it. */
static void owned_pods_values(struct json_object *pod, struct asb_values *out)
{
	struct json_object *owner = asb_controller(pod, NULL);
	const char *uid = asb_str(owner, "uid");

	if (uid != NULL && asb_owner_is(owner, &sandbox_watches[WATCH_SANDBOX].kind)) {
		out->add(out, uid, 0);
	}
}

/* In the order of INDEX_*. */
static const struct asb_index indexes[] = {
	{ .name = "pod-name", .watch = WATCH_SANDBOX, .values = pod_name_values },
	{ .name = "owned-pods", .watch = WATCH_POD, .values = owned_pods_values },
	{ 0 },
};

/* Claims and pools are watched only where their own plugins are loaded, which bring the rights. */
static const struct asb_rule rules[] = {
	{ AGENTS, "sandboxes", "get,list,watch,patch,delete" },
	{ AGENTS, "sandboxes/status", "patch" },
	/* To set blockOwnerDeletion, where the API server checks that. */
	{ AGENTS, "sandboxes/finalizers", "update" },
	{ "", "pods,services", "get,list,watch,create,patch,delete" },
	{ "", "persistentvolumeclaims", "get,list,watch,create" },
	{ 0 },
};

static const struct asb_option options[] = {
	{ "cluster-domain", "cluster.local",
	  "the domain of the cluster's DNS, for status.serviceFQDN" },
	{ 0 },
};

/* In the order of METRIC_*. */
static const struct asb_metric metrics[] = {
	{
		.name = "agent_sandbox_pods_lost_total",
		.help = "Adopted pods that vanished while their Sandbox needed them.",
		.type = ASB_COUNTER,
	},
	{ 0 },
};

static int32_t sandbox_init(const struct asb_host *host, struct asb_instance *instance,
			    void **ret_state)
{
	struct sandbox_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		host->log(instance, ASB_LOG_ERROR, "out of memory");
		return -1;
	}
	state->cluster_domain = host->option(instance, 0);
	*ret_state = state;
	return 0;
}

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "sandbox",
	.version = PACKAGE_VERSION,
	.description = "one pod, Service and set of volumes for each Sandbox",
	.workers = 8,
	.watches = sandbox_watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = sandbox_crd,
	.init = sandbox_init,
	.reconcile = sandbox_reconcile,
	.fini = free,
};

ASB_PLUGIN(plugin)
