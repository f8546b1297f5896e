/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes of a pool that are not Ready for longer than the grace period: they are replaced,
 * unless their pods are Unschedulable. A replacement of those would not be schedulable either, so
 * they are held, and two events say when that begins and ends. Called by sandboxes.c.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* When a member's grace period ends. Members are in this order under TAIL_LATE and TAIL_HELD. */
static int64_t progress_ends_ms(struct pass *pass, struct json_object *sandbox)
{
	return sandbox_index_unready_since(sandbox) + pass->settings->grace_ms;
}

/* Lists up to limit members past their grace period; they are at the start of the list. */
static uint32_t progress_list(struct pass *pass, const char *tail, uint32_t flags, uint32_t limit,
			      struct json_object *const **ret)
{
	uint32_t found = pass_list(pass, INDEX_SANDBOXES, tail, limit, flags, ret), count = 0;
	int64_t now = asb_now_ms(pass->call);

	while (count < found && progress_ends_ms(pass, (*ret)[count]) <= now) {
		count++;
	}
	if (count < found) {
		pass_again(pass, (uint64_t)(progress_ends_ms(pass, (*ret)[count]) - now));
	}
	return count;
}

static int64_t progress_count_late(struct pass *pass)
{
	struct json_object *const *members = NULL;

	/* One more than a step deletes, so that the next one to end is seen too. */
	return progress_list(pass, TAIL_LATE, 0, ASB_WRITE_MAX + 1, &members);
}

static uint32_t progress_pick_late(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	struct json_object *const *members = NULL;
	uint32_t count = progress_list(pass, TAIL_LATE, ASB_LIST_UNRESERVED, limit, &members);

	for (uint32_t i = 0; i < count; i++) {
		ret[i] = members[i];
	}
	return count;
}

static void progress_report(struct pass *pass, uint32_t held)
{
	int64_t seconds = pass->settings->grace_ms / 1000;
	char period[64];

	if (seconds >= 3600) {
		snprintf(period, sizeof(period), "%lldh%lldm%llds", (long long)(seconds / 3600),
			 (long long)(seconds / 60 % 60), (long long)(seconds % 60));
	} else if (seconds >= 60) {
		snprintf(period, sizeof(period), "%lldm%llds", (long long)(seconds / 60),
			 (long long)(seconds % 60));
	} else {
		snprintf(period, sizeof(period), "%llds", (long long)seconds);
	}
	pass->host->event(
		pass->call, pass->pool, "Warning", "WarmPoolNotProgressing",
		"%u/%lld sandboxes are unschedulable past the %s readiness grace period; holding them instead of replacing (replacements would be equally unschedulable)",
		(unsigned int)held, (long long)pass->replicas, period);
}

static void progress_hold(struct pass *pass)
{
	struct json_object *const *members = NULL;
	uint32_t held = progress_list(pass, TAIL_HELD, 0, 0, &members);

	if (held > 0) {
		pass_again(pass, (uint64_t)pass->settings->recheck_ms);
	}
	if (held > 0 && !pass->memory->holds) {
		progress_report(pass, held);
	}
	if (held == 0 && pass->memory->holds) {
		pass->host->event(pass->call, pass->pool, "Normal", "WarmPoolProgressing",
				  "Warm pool is progressing again");
	}
	pass->memory->holds = held > 0;
}

void progress_check(struct pass *pass)
{
	static const struct removal late = {
		.watch = WATCH_SANDBOX,
		.wanted = progress_count_late,
		.pick = progress_pick_late,
	};

	/* Without a template nothing could replace them. */
	if (pass->blueprint != NULL) {
		removal_run(pass, &late);
	}
	progress_hold(pass);
}
