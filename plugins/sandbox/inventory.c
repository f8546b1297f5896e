/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the Sandbox of a reconcile in the gauge of all Sandboxes. The names and values of its
 * labels are those of the Go controller. Called once in each reconcile. */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

static const char *inventory_bool(bool value)
{
	return value ? "true" : "false";
}

static const char *inventory_or_unknown(const char *text)
{
	return text != NULL && *text != '\0' ? text : "unknown";
}

static const char *inventory_owner(struct json_object *sandbox)
{
	struct json_object *owner = asb_controller(sandbox, NULL);

	if (owner != NULL && asb_owner_is(owner, &kind_claim)) {
		return kind_claim.kind;
	}
	return owner != NULL && asb_owner_is(owner, &kind_pool) ? kind_pool.kind : "None";
}

/* Warm is what a pool made: its own Sandboxes, and those of claims that took one of them or a pod. */
static const char *inventory_launch(struct json_object *sandbox, const char *owner)
{
	const char *pod = asb_annotation(sandbox, ANNOTATION_POD_NAME);
	bool warm = asb_streq(asb_label(sandbox, LABEL_LAUNCH_TYPE), "warm") ||
		    asb_streq(owner, kind_pool.kind) ||
		    (asb_streq(owner, kind_claim.kind) && pod != NULL && *pod != '\0');

	return warm ? "warm" : "cold";
}

/* A label that anybody may set: only known values become series of their own. */
static const char *inventory_creator(struct json_object *sandbox)
{
	static const char *const known[] = { "go-client", "python-client", "controller" };
	const char *creator = asb_label(sandbox, LABEL_CREATED_BY);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (asb_streq(creator, known[i])) {
			return known[i];
		}
	}
	return "unknown";
}

void inventory_count(struct asb_call *call, struct json_object *sandbox)
{
	struct json_object *ready = asb_condition(sandbox, "Ready");
	const char *owner = inventory_owner(sandbox);
	const char *const labels[] = {
		asb_ns(sandbox),
		inventory_bool(asb_condition_is(sandbox, "Ready", "True")),
		inventory_bool(asb_streq(asb_str(ready, "reason"), REASON_EXPIRED)),
		inventory_launch(sandbox, owner),
		inventory_or_unknown(asb_annotation(sandbox, ANNOTATION_TEMPLATE)),
		owner,
		inventory_creator(sandbox),
	};

	call->host->count_key(call, METRIC_SANDBOXES, labels);
}
