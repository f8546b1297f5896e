/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the template plugin: what it watches and may do. The host reads them through
 * asb_plugin_entry(), when the controller runs with --extensions.
 */
#include "config.h"

#include "plugins/template/template.h"

static const char *const template_fields[] = { "spec", NULL };
static const char *const policy_fields[] = { "spec", NULL };

static const struct asb_watch watches[] = {
	[WATCH_TEMPLATE] = {
		.kind = KIND_TEMPLATE,
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = template_fields,
	},
	/* Pods are only created, and only in dry runs. */
	[WATCH_POD] = { .kind = KIND_POD, .flags = ASB_WATCH_UNWATCHED },
	[WATCH_POLICY] = {
		.kind = KIND_POLICY,
		.enqueue = ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED,
		.fields = policy_fields,
	},
	[WATCH_MAX] = { .kind = { 0 } },
};

static const struct asb_rule rules[] = {
	{
		.groups = GROUP_EXTENSIONS,
		.resources = "sandboxtemplates",
		.verbs = "get,list,watch,patch",
	},
	/* For blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on. */
	{
		.groups = GROUP_EXTENSIONS,
		.resources = "sandboxtemplates/finalizers",
		.verbs = "update",
	},
	{ .groups = "", .resources = "pods", .verbs = "create" },
	{
		.groups = GROUP_NETWORKING,
		.resources = "networkpolicies",
		.verbs = "get,list,watch,create,patch,delete",
	},
	{ 0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "template",
	.version = PACKAGE_VERSION,
	.description =
		"one NetworkPolicy for each SandboxTemplate, and a report of what the API server would refuse in it",
	.workers = 1,
	.watches = watches,
	.rules = rules,
	.crd = template_crd,
	.reconcile = template_reconcile,
};

ASB_PLUGIN(plugin)
