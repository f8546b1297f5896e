/* SPDX-License-Identifier: Apache-2.0 */
/* What every step of a reconcile needs: counts and lists of the pool's members, failures, the time
 * of the next call. Called by all other files of the plugin. */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static const char *const pass_verbs[] = {
	[ASB_CREATE] = "create",     [ASB_PATCH_JSON] = "patch",
	[ASB_PATCH_MERGE] = "patch", [ASB_SET_STATUS] = "set the status of",
	[ASB_DELETE] = "delete",
};

static void pass_index_value(const struct pass *pass, const char *tail, char ret[256])
{
	snprintf(ret, 256, "%s/%s", pass->uid, tail);
}

int64_t pass_count(struct pass *pass, uint32_t index, const char *tail)
{
	char value[256];

	pass_index_value(pass, tail, value);
	return (int64_t)asb_count(pass->call, index, value);
}

uint32_t pass_list(struct pass *pass, uint32_t index, const char *tail, uint32_t limit,
		   uint32_t flags, struct json_object *const **ret)
{
	char value[256];

	pass_index_value(pass, tail, value);
	return pass->host->list(pass->call, index, value, limit, flags, ret);
}

int64_t pass_size(struct pass *pass, const struct member_set *set)
{
	return pass_count(pass, set->index, set->tail);
}

void pass_again(struct pass *pass, uint64_t ms)
{
	requeue_after(&pass->after_ms, ms);
}

void pass_failed(struct pass *pass, const struct asb_write *write)
{
	const struct asb_kind *kind = write->watch == WATCH_POD       ? &kind_pod
				      : write->watch == WATCH_SANDBOX ? &kind_sandbox
								      : &kind_pool;

	pass->failed = true;
	(void)pass->host->fail(pass->call, ASB_ERROR, "cannot %s %s '%s': %s",
			       pass_verbs[write->verb], kind->kind, write->name, write->message);
}
