/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes members that a pool does not need, and only those that nobody else needs. The files that
 * decide when call it.
 *
 * A member is reserved while it is deleted, so that no claim picks it meanwhile. It is deleted only
 * as the store saw it: a member that was adopted since has another resourceVersion and stays.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* A claim reserves as "<ns>/<name>", and no name has a colon: no claim is taken for this holder. */
static void removal_holder(const struct pass *pass, char ret[512])
{
	snprintf(ret, 512, "%s/pool:%s", pass->key->ns, pass->key->name);
}

/* Deletes those of the members that nobody has reserved meanwhile. Returns false if the reconcile
 * should delete no more. */
static bool removal_delete(struct pass *pass, uint32_t watch, struct json_object *const members[],
			   uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	char holder[512];
	uint32_t sent = 0;
	bool deleted = true;

	removal_holder(pass, holder);
	for (uint32_t i = 0; i < count; i++) {
		if (pass->host->reserve(pass->call, watch, asb_ns(members[i]), asb_name(members[i]),
					holder) == ASB_OK) {
			writes[sent] = asb_remove(watch, members[i], true);
			writes[sent++].priority = ASB_PRIORITY_REFILL;
		}
	}
	if (sent == 0) {
		pass_again(pass, LOOK_AGAIN_MS);
		return false;
	}
	pass->budget -= sent;
	(void)pass->host->write_all(pass->call, writes, sent);
	for (uint32_t i = 0; i < sent; i++) {
		pass->host->release(pass->call, watch, writes[i].ns, writes[i].name, holder);
		if (writes[i].result != ASB_OK) {
			pass_failed(pass, &writes[i]);
			deleted = false;
		}
	}
	return deleted;
}

void removal_run(struct pass *pass, const struct removal *removal)
{
	int64_t wanted;

	while ((wanted = removal->wanted(pass)) > 0) {
		struct json_object *members[ASB_WRITE_MAX];
		uint32_t limit = pass->budget < ASB_WRITE_MAX ? pass->budget : ASB_WRITE_MAX;
		uint32_t count;

		if (limit == 0) {
			pass_again(pass, 0);
			return;
		}
		count = removal->pick(pass, wanted < limit ? (uint32_t)wanted : limit, members);
		if (count == 0) {
			pass_again(pass, LOOK_AGAIN_MS); /* claims have reserved the rest */
			return;
		}
		if (!removal_delete(pass, removal->watch, members, count)) {
			return;
		}
	}
}

uint32_t removal_pick(struct pass *pass, const struct member_set *set, uint32_t flags,
		      uint32_t limit, struct json_object *ret[])
{
	struct json_object *const *members = NULL;
	uint32_t count = pass_list(pass, set->index, set->tail, limit, flags | ASB_LIST_UNRESERVED,
				   &members);

	for (uint32_t i = 0; i < count; i++) {
		ret[i] = members[i];
	}
	return count;
}

static int64_t removal_count_ended(struct pass *pass)
{
	return pass_size(pass, &pass->members->ended);
}

static uint32_t removal_pick_ended(struct pass *pass, uint32_t limit, struct json_object *ret[])
{
	return removal_pick(pass, &pass->members->ended, 0, limit, ret);
}

void removal_ended(struct pass *pass)
{
	struct removal ended = {
		.watch = pass->members->watch,
		.wanted = removal_count_ended,
		.pick = removal_pick_ended,
	};

	removal_run(pass, &ended);
}
