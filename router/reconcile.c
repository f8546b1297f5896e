/* SPDX-License-Identifier: Apache-2.0 */
/* Updates the table from Sandboxes and pods. Run by core/controller/manager in the router's
 * process. */
#include "config.h"

#include "router/reconcile.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>

#include "router/route.h"
#include "router/table.h"

enum { WATCH_SANDBOX, WATCH_POD };

/* Time after which an address that two pods seem to have is checked again. */
#define RETRY_MS 500
#define KEY_SIZE 512 /* a name and a namespace have at most 253 characters each */

static const char *const sandbox_fields[] = { "spec.replicas", NULL };
static const char *const pod_fields[] = { "spec.hostNetwork", "status.podIP",      "status.hostIP",
					  "status.startTime", "status.conditions", NULL };

/* In the order of the enum above. */
static const struct asb_watch watches[] = {
	{
		.kind = { "agents.x-k8s.io", "v1beta1", "sandboxes", "Sandbox" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = sandbox_fields,
	},
	{
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_OWNER,
		.flags = ASB_WATCH_SELECTED,
		.fields = pod_fields,
	},
	{ .fields = NULL },
};

static const struct asb_rule rules[] = {
	{ "agents.x-k8s.io", "sandboxes", "get,list,watch" },
	{ "", "pods", "get,list,watch" },
	{ 0 },
};

static int32_t router_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
				uint64_t *ret_requeue_after_ms)
{
	struct table *table = state;
	struct json_object *sandbox = asb_get(call, WATCH_SANDBOX, key->ns, key->name);
	struct json_object *pod = NULL;
	char entry[KEY_SIZE], address[46];

	if (sandbox != NULL) {
		pod = asb_get(call, WATCH_POD, key->ns, route_pod_name(sandbox));
	}
	snprintf(entry, sizeof(entry), "%s/%s", key->name, key->ns);
	if (route_find(sandbox, pod, address) != NULL) {
		table_set(table, entry, NULL, NULL);
	} else if (table_set(table, entry, address, route_since(pod)) < 0) {
		*ret_requeue_after_ms = RETRY_MS;
		return ASB_REQUEUE_AFTER;
	}
	return ASB_DONE;
}

const struct asb_plugin router_plugin = {
	ASB_PLUGIN_HEAD,
	.name = "router",
	.version = PACKAGE_VERSION,
	.description = "Keeps the router's map of Sandboxes and their pods' addresses.",
	.workers = 2,
	.watches = watches,
	.rules = rules,
	.reconcile = router_reconcile,
};
