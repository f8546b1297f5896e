/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool whose members were of the other kind before a change of spec.members: the old ones stay,
 * and claims may take them, until as many new ones are Ready. Called by reconcile.c.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static int64_t drain_count(struct pass *pass)
{
	int64_t old = pass_size(pass, &pass->others->live);
	int64_t spare = old > 0 ? old + pass_size(pass, &pass->members->ready) - pass->replicas : 0;

	return spare < old ? spare : old;
}

static uint32_t drain_pick(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	return removal_pick(pass, &pass->others->live, ASB_LIST_REVERSE, limit, ret);
}

static int64_t drain_count_ended(struct pass *pass)
{
	return pass_size(pass, &pass->others->ended);
}

static uint32_t drain_pick_ended(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	return removal_pick(pass, &pass->others->ended, 0, limit, ret);
}

void drain_others(struct pass *pass)
{
	struct removal ended = {
		.watch = pass->others->watch,
		.wanted = drain_count_ended,
		.pick = drain_pick_ended,
	};
	struct removal replaced = {
		.watch = pass->others->watch,
		.wanted = drain_count,
		.pick = drain_pick,
	};

	removal_run(pass, &ended);
	removal_run(pass, &replaced);
}
