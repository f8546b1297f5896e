/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the Sandbox plugin: what it watches, indexes, may do, measures, and its options.
 * The host reads them through asb_plugin_entry(); a reconcile begins in reconcile.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

static const char *const sandbox_fields[] = { "spec", "status", NULL };
static const char *const pod_fields[] = { "spec.nodeName", "status.phase", "status.conditions",
					  "status.podIPs", NULL };
static const char *const service_fields[] = { "spec.selector", "spec.clusterIP", "spec.ports",
					      NULL };
static const char *const template_ref[] = { "spec.sandboxTemplateRef", NULL };
static const char *const pod_labels[] = { LABEL_NAME_HASH, LABEL_POOL, NULL };
static const char *const service_labels[] = { LABEL_NAME_HASH, NULL };

static const struct asb_watch watches[] = {
	[WATCH_SANDBOX] = {
		.kind = KIND_SANDBOX,
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = sandbox_fields,
	},
	[WATCH_POD] = {
		.kind = KIND_POD,
		.enqueue = ASB_ENQUEUE_SELF | ASB_ENQUEUE_OWNER | ASB_ENQUEUE_INDEX,
		.flags = ASB_WATCH_SELECTED,
		.fields = pod_fields,
		.selector_labels = pod_labels,
		.enqueue_index = "pod-name",
	},
	[WATCH_SERVICE] = {
		.kind = KIND_SERVICE,
		.enqueue = ASB_ENQUEUE_SELF | ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED,
		.fields = service_fields,
		.selector_labels = service_labels,
	},
	[WATCH_VOLUME] = {
		.kind = KIND_VOLUME_CLAIM,
		.enqueue = ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED | ASB_WATCH_METADATA,
	},
	/* A Sandbox has the name of its claim. */
	[WATCH_CLAIM] = {
		.kind = KIND_CLAIM,
		.enqueue = ASB_ENQUEUE_SELF,
		.flags = ASB_WATCH_OPTIONAL,
		.fields = template_ref,
	},
	[WATCH_POOL] = {
		.kind = KIND_POOL,
		.flags = ASB_WATCH_OPTIONAL,
		.fields = template_ref,
	},
	[WATCH_MAX] = { .kind = { 0 } },
};

/* A Sandbox under "<namespace>/<pod>" of its annotation, so that a change of the pod finds it. */
static void plugin_pod_name(struct json_object *sandbox, struct asb_values *out)
{
	const char *pod = asb_annotation(sandbox, ANNOTATION_POD_NAME);
	char value[320];

	if (pod != NULL && strlen(pod) < 254) {
		snprintf(value, sizeof(value), "%.63s/%.253s", asb_ns(sandbox), pod);
		out->add(out, value, 0);
	}
}

/* A pod under the UID of the Sandbox that controls it. */
static void plugin_owned_pods(struct json_object *pod, struct asb_values *out)
{
	const char *uid = object_controller_uid(pod, &kind_sandbox);

	if (uid != NULL) {
		out->add(out, uid, 0);
	}
}

static const struct asb_index indexes[] = {
	[INDEX_POD_NAME] = {
		.name = "pod-name",
		.watch = WATCH_SANDBOX,
		.values = plugin_pod_name,
	},
	[INDEX_OWNED_PODS] = {
		.name = "owned-pods",
		.watch = WATCH_POD,
		.values = plugin_owned_pods,
	},
	[INDEX_MAX] = { 0 },
};

/* Claims and pools are watched only if their own plugins are loaded, and those have the rights. */
static const struct asb_rule rules[] = {
	{
		.groups = GROUP_AGENTS,
		.resources = "sandboxes",
		.verbs = "get,list,watch,patch,delete",
	},
	{ .groups = GROUP_AGENTS, .resources = "sandboxes/status", .verbs = "patch" },
	/* For blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on. */
	{ .groups = GROUP_AGENTS, .resources = "sandboxes/finalizers", .verbs = "update" },
	{
		.groups = "",
		.resources = "pods,services",
		.verbs = "get,list,watch,create,patch,delete",
	},
	{
		.groups = "",
		.resources = "persistentvolumeclaims",
		.verbs = "get,list,watch,create",
	},
	{ 0 },
};

static const struct asb_option options[] = {
	[OPTION_CLUSTER_DOMAIN] = {
		.name = "cluster-domain",
		.fallback = "cluster.local",
		.help = "the domain of the cluster's DNS, for status.serviceFQDN",
	},
	[OPTION_MAX] = { 0 },
};

static const struct asb_metric metrics[] = {
	[METRIC_PODS_LOST] = {
		.name = "agent_sandbox_pods_lost_total",
		.help = "Adopted pods that vanished while their Sandbox needed them.",
		.type = ASB_COUNTER,
	},
	[METRIC_SANDBOXES] = {
		.name = "agent_sandboxes",
		.help = "Sandboxes that are there.",
		.labels = "namespace,ready_condition,expired,launch_type,sandbox_template,owned_by,created_by",
		.type = ASB_GAUGE_COUNTED,
	},
	[METRIC_MAX] = { 0 },
};

static int32_t plugin_init(const struct asb_host *host, struct asb_instance *instance,
			   void **ret_state)
{
	struct sandbox_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		host->log(instance, ASB_LOG_ERROR, "out of memory");
		return -1;
	}
	state->cluster_domain = host->option(instance, OPTION_CLUSTER_DOMAIN);
	*ret_state = state;
	return 0;
}

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "sandbox",
	.version = PACKAGE_VERSION,
	.description = "one pod, Service and set of volumes for each Sandbox",
	.workers = 8,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = sandbox_crd,
	.init = plugin_init,
	.reconcile = sandbox_reconcile,
	.fini = free,
};

ASB_PLUGIN(plugin)
