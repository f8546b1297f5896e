/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the template plugin: what it watches and may do. The host reads them through
 * asb_plugin_entry(), when the controller runs with --extensions.
 */
#include "config.h"

#include "plugins/template/template.h"

static const char *const template_fields[] = { "spec", NULL };

static const struct asb_watch watches[] = {
	[WATCH_TEMPLATE] = {
		.kind = KIND_TEMPLATE,
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = template_fields,
	},
	/* Pods and policies are only created, and only in dry runs. */
	[WATCH_POD] = { .kind = KIND_POD, .flags = ASB_WATCH_UNWATCHED },
	[WATCH_POLICY] = { .kind = KIND_POLICY, .flags = ASB_WATCH_UNWATCHED },
	[WATCH_MAX] = { .kind = { 0 } },
};

static const struct asb_rule rules[] = {
	{ .groups = GROUP_EXTENSIONS, .resources = "sandboxtemplates", .verbs = "get,list,watch" },
	{ .groups = "", .resources = "pods", .verbs = "create" },
	{ .groups = GROUP_NETWORKING, .resources = "networkpolicies", .verbs = "create" },
	{ 0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "template",
	.version = PACKAGE_VERSION,
	.description = "Reports what the API server would refuse in a SandboxTemplate",
	.workers = 1,
	.watches = watches,
	.rules = rules,
	.crd = template_crd,
	.reconcile = template_reconcile,
};

ASB_PLUGIN(plugin)
