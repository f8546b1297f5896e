/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Sandboxes a pool deletes: those of another blueprint, those above replicas, and those
 * without a controller that it cannot adopt. Called by sandboxes.c; removal.c deletes.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* ---- another blueprint ---- */

static int64_t sandbox_removal_count_hash(struct pass *pass)
{
	char tail[SANDBOX_HASH_TAIL_SIZE];

	sandbox_index_hash_tail(pass->blueprint_hash, tail);
	return pass_count(pass, INDEX_SANDBOXES, tail);
}

/* How many members have another hash than the blueprint: they have to be compared. */
static int64_t sandbox_removal_count_other(struct pass *pass)
{
	return pass_count(pass, INDEX_SANDBOXES, TAIL_LIVE) - sandbox_removal_count_hash(pass);
}

/*
 * Appends stale members from one end of TAIL_BY_HASH. Members are sorted there by the rank of their
 * hash, so those of another hash than the current one are at one end or the other. ret may be NULL:
 * then they are only counted.
 */
static uint32_t sandbox_removal_stale_end(struct pass *pass, uint32_t flags, uint32_t limit,
					  uint32_t count, struct json_object *ret[])
{
	struct json_object *const *members = NULL;
	int64_t current = index_hash_rank(pass->blueprint_hash);
	uint32_t found = pass_list(pass, INDEX_SANDBOXES, TAIL_BY_HASH, 0, flags, &members);

	for (uint32_t i = 0; i < found && count < limit; i++) {
		const char *hash = asb_label(members[i], LABEL_BLUEPRINT_HASH);
		int64_t rank = index_hash_rank(hash != NULL ? hash : "");

		if ((flags & ASB_LIST_REVERSE) != 0 ? rank <= current : rank >= current) {
			break;
		}
		if (blueprint_fits(members[i], pass->template_name, pass->blueprint)) {
			continue;
		}
		if (ret != NULL) {
			ret[count] = members[i];
		}
		count++;
	}
	return count;
}

static uint32_t sandbox_removal_list_stale(struct pass *pass, uint32_t flags, uint32_t limit,
					   struct json_object *ret[])
{
	uint32_t count = sandbox_removal_stale_end(pass, flags, limit, 0, ret);

	return sandbox_removal_stale_end(pass, flags | ASB_LIST_REVERSE, limit, count, ret);
}

/* Members that another controller has made have another hash and may fit all the same. They are
 * compared once: a Sandbox's pod spec decides nothing after its pod was made. */
static int64_t sandbox_removal_count_stale(struct pass *pass)
{
	struct warmpool_memory *memory = pass->memory;
	int64_t others = sandbox_removal_count_other(pass), stale;

	if (others <= 0 || (strcmp(memory->compared, pass->blueprint_hash) == 0 &&
			    others <= memory->compared_count)) {
		return 0;
	}
	stale = sandbox_removal_list_stale(pass, 0, UINT32_MAX, NULL);
	if (stale == 0) {
		memory->compared_count = others;
		snprintf(memory->compared, sizeof(memory->compared), "%s", pass->blueprint_hash);
	}
	return stale;
}

static uint32_t sandbox_removal_pick_stale(struct pass *pass, uint32_t limit,
					   struct json_object *ret[])
{
	return sandbox_removal_list_stale(pass, ASB_LIST_UNRESERVED, limit, ret);
}

void sandbox_removal_stale(struct pass *pass)
{
	static const struct removal stale = {
		.watch = WATCH_SANDBOX,
		.wanted = sandbox_removal_count_stale,
		.pick = sandbox_removal_pick_stale,
	};

	if (pass->blueprint != NULL &&
	    asb_streq(asb_str(pass->pool, "spec", "updateStrategy", "type"), "Recreate")) {
		removal_run(pass, &stale);
	}
}

/* ---- above replicas ---- */

static int64_t sandbox_removal_count_surplus(struct pass *pass)
{
	return pass_count(pass, INDEX_SANDBOXES, TAIL_LIVE) - pass->replicas;
}

static uint32_t sandbox_removal_pick_surplus(struct pass *pass, uint32_t limit,
					     struct json_object *ret[])
{
	static const struct member_set sets[] = {
		{ INDEX_SANDBOXES, TAIL_UNREADY },
		{ INDEX_SANDBOXES, TAIL_READY },
	};
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && count < limit; i++) {
		count += removal_pick(pass, &sets[i], ASB_LIST_REVERSE, limit - count, ret + count);
	}
	return count;
}

void sandbox_removal_surplus(struct pass *pass)
{
	static const struct removal surplus = {
		.watch = WATCH_SANDBOX,
		.wanted = sandbox_removal_count_surplus,
		.pick = sandbox_removal_pick_surplus,
	};

	removal_run(pass, &surplus);
}

/* ---- without a controller ---- */

bool sandbox_removal_fits(struct pass *pass, struct json_object *sandbox)
{
	return !asb_condition_is(sandbox, "Finished", "True") &&
	       blueprint_fits(sandbox, pass->template_name, pass->blueprint);
}

/* Those that fit are deleted too once the pool is full: nobody else will ever adopt them. */
static uint32_t sandbox_removal_list_orphans(struct pass *pass, uint32_t flags, uint32_t limit,
					     struct json_object *ret[])
{
	bool full = pass_count(pass, INDEX_SANDBOXES, TAIL_LIVE) >= pass->replicas;
	struct json_object *const *found = NULL;
	char value[256], hash[9];
	uint32_t listed, count = 0;

	asb_name_hash(pass->key->name, hash);
	snprintf(value, sizeof(value), "%s/%s", pass->key->ns, hash);
	listed = pass->host->list(pass->call, INDEX_SANDBOX_ORPHANS, value, 0, flags, &found);
	for (uint32_t i = 0; i < listed && count < limit; i++) {
		if (!full && sandbox_removal_fits(pass, found[i])) {
			continue;
		}
		if (ret != NULL) {
			ret[count] = found[i];
		}
		count++;
	}
	return count;
}

static int64_t sandbox_removal_count_orphans(struct pass *pass)
{
	return sandbox_removal_list_orphans(pass, 0, UINT32_MAX, NULL);
}

static uint32_t sandbox_removal_pick_orphans(struct pass *pass, uint32_t limit,
					     struct json_object *ret[])
{
	return sandbox_removal_list_orphans(pass, ASB_LIST_UNRESERVED, limit, ret);
}

void sandbox_removal_orphans(struct pass *pass)
{
	static const struct removal orphans = {
		.watch = WATCH_SANDBOX,
		.wanted = sandbox_removal_count_orphans,
		.pick = sandbox_removal_pick_orphans,
	};

	if (pass->blueprint != NULL) {
		removal_run(pass, &orphans);
	}
}
