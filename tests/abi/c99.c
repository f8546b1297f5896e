/* SPDX-License-Identifier: Apache-2.0 */
/* The installed headers alone, in C99 with every warning: what third parties compile. */
#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <agent-sandbox/plugin.h>

static int32_t reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	struct json_object *object = asb_get(call, 0, key->ns, key->name);

	(void)state;
	*ret_requeue_after_ms = 0;
	return asb_streq(asb_str(object, "status", "phase"), "Done") ? ASB_DONE : ASB_REQUEUE_AFTER;
}

static const struct asb_watch watches[] = {
	{ .kind = { "example.com", "v1", "widgets", "Widget" }, .enqueue = ASB_ENQUEUE_SELF },
	{ .kind = { NULL, NULL, NULL, NULL } },
};

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "c99",
	.watches = watches,
	.reconcile = reconcile,
};
ASB_PLUGIN(plugin)

int main(void)
{
	return asb_plugin_entry()->magic == ASB_MAGIC && asb_days(1970, 1, 1) == 0 ? 0 : 1;
}
