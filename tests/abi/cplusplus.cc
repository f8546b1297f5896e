/* SPDX-License-Identifier: Apache-2.0 */
/* The installed headers alone, in C++: what third parties compile. */
#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <agent-sandbox/plugin.h>

static int32_t reconcile(void *, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	struct json_object *object = asb_get(call, 0, key->ns, key->name);
	struct asb_write write = asb_remove(0, object, true);

	*ret_requeue_after_ms = 0;
	return asb_write(call, &write) == ASB_OK ? ASB_DONE : ASB_ERROR;
}

static const struct asb_watch watches[] = {
	{ { "example.com", "v1", "widgets", "Widget" },
	  ASB_ENQUEUE_SELF,
	  0,
	  nullptr,
	  nullptr,
	  nullptr,
	  nullptr },
	{},
};

#if __cplusplus >= 202002L
static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "cplusplus",
	.watches = watches,
	.reconcile = reconcile,
};
#else
static struct asb_plugin make_plugin()
{
	struct asb_plugin made = {};

	made.magic = ASB_MAGIC;
	made.name = "cplusplus";
	made.watches = watches;
	made.reconcile = reconcile;
	return made;
}
static const struct asb_plugin plugin = make_plugin();
#endif
ASB_PLUGIN(plugin)

int main()
{
	return asb_plugin_entry()->magic == ASB_MAGIC && asb_days(1970, 1, 1) == 0 ? 0 : 1;
}
