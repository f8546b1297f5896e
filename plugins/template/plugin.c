/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template plugin as the host sees it: what it watches and which rights it needs. Loaded by the
 * controller with
 * --extensions.
 */
#include "config.h"

#include "plugins/template/template.h"

#define EXTENSIONS "extensions.agents.x-k8s.io"

static const char *const template_fields[] = { "spec", NULL };

const struct asb_watch template_watches[] = {
	[WATCH_TEMPLATE] = {
		.kind = { EXTENSIONS, "v1alpha1", "sandboxtemplates", "SandboxTemplate" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = template_fields,
	},
	/* Only ever created with a dry run. */
	[WATCH_POD] = {
		.kind = { "", "v1", "pods", "Pod" },
		.flags = ASB_WATCH_UNWATCHED,
	},
	[WATCH_POLICY] = {
		.kind = { "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy" },
		.flags = ASB_WATCH_UNWATCHED,
	},
	{ .enqueue = 0 },
};

static const struct asb_rule rules[] = {
	{ EXTENSIONS, "sandboxtemplates", "get,list,watch" },
	{ "", "pods", "create" },
	{ "networking.k8s.io", "networkpolicies", "create" },
	{ 0 },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "template",
	.version = PACKAGE_VERSION,
	.description = "Tells when the API server would refuse what a SandboxTemplate says",
	.workers = 1,
	.watches = template_watches,
	.rules = rules,
	.crd = template_crd,
	.reconcile = template_reconcile,
};

ASB_PLUGIN(plugin)
