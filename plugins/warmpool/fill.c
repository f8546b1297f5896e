/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a pool up to its size: it adopts members that have lost their controller, then creates new
 * ones. reconcile.c calls it after the deletions. The members in the store are counted again before
 * every few writes, so a wrong sum cannot make one member too many.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

static int64_t fill_smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many members the next write_all makes. */
static uint32_t fill_batch(struct pass *pass)
{
	int64_t count = pass->members->missing(pass);

	count = fill_smaller(count, fill_smaller(ASB_WRITE_MAX, pass->budget));
	count = fill_smaller(count, fill_smaller(pass->batch, pass->creations));
	if (pass->memory->refused[0] != '\0') {
		count = fill_smaller(count, 1);
	}
	/* Any of them may lose its response. */
	count = fill_smaller(count, expectation_room(pass));
	return count > 0 ? (uint32_t)count : 0;
}

/*
 * A name for the next member: the name of a lost POST, or that of the refused member, else a new
 * one. The pool's name is cut as asb_random_name would cut it, but not after a dot: "a.-x" is not a
 * valid name.
 */
static void fill_choose_name(struct pass *pass, char ret[MEMBER_NAME_SIZE])
{
	char prefix[58];
	size_t length;

	if (pass->retry_count > 0) {
		snprintf(ret, MEMBER_NAME_SIZE, "%s", pass->retry[--pass->retry_count]);
		return;
	}
	if (pass->memory->refused[0] != '\0') {
		snprintf(ret, MEMBER_NAME_SIZE, "%s", pass->memory->refused);
		return;
	}
	snprintf(prefix, sizeof(prefix), "%s", pass->key->name);
	for (length = strlen(prefix); length > 0 && strchr(".-", prefix[length - 1]) != NULL;) {
		prefix[--length] = '\0';
	}
	for (unsigned int tries = 0; tries < 4; tries++) {
		asb_random_name(pass->host->random(pass->call->instance), prefix, ret);
		if (asb_get(pass->call, pass->members->watch, pass->key->ns, ret) == NULL) {
			break;
		}
	}
}

/* ---- creating ---- */

/* Notes that the API server refuses a member. An event reports the first one of a reconcile. */
static void fill_refused(struct pass *pass, const struct asb_write *write)
{
	if (!pass->refused) {
		pass->refused = true;
		snprintf(pass->memory->refused, MEMBER_NAME_SIZE, "%s", write->name);
		pass->host->event(pass->call, pass->pool, "Warning", "FailedCreate", "%s",
				  write->message);
	}
}

/*
 * Handles the response to one POST. Returns false if no more members may be created in this
 * reconcile. If somebody else's object has the name, a member is still missing and gets another
 * name. A member that the store does not take (its watch is too narrow) becomes an expectation;
 * otherwise the pool would create members without end.
 */
static bool fill_created(struct pass *pass, const struct asb_write *write)
{
	if (write->result == ASB_OK || write->result == ASB_ALREADY_EXISTS) {
		pass->memory->existing += write->result == ASB_OK;
		if (write->result == ASB_OK &&
		    asb_get(pass->call, pass->members->watch, write->ns, write->name) == NULL) {
			expectation_add(pass, write->name);
		}
		return true;
	}
	pass_failed(pass, write);
	if (write->result == ASB_FORBIDDEN || write->result == ASB_INVALID ||
	    write->http_status == 429) {
		fill_refused(pass, write);
	}
	/* Even after a 429: it is the response to the last try, and an earlier one may have been
	 * done. */
	if (write->result == ASB_UNREACHABLE) {
		expectation_add(pass, write->name);
	}
	return false;
}

static bool fill_create(struct pass *pass, uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	char names[ASB_WRITE_MAX][MEMBER_NAME_SIZE];
	bool more = true;

	for (uint32_t i = 0; i < count; i++) {
		fill_choose_name(pass, names[i]);
		writes[i] = asb_create(pass->members->watch, ASB_PRIORITY_REFILL,
				       pass->members->make(pass, names[i]));
		writes[i].ns = pass->key->ns;
		writes[i].name = names[i]; /* the one in the body is the host's from now on */
	}
	pass->memory->refused[0] = '\0';
	pass->budget -= count;
	pass->creations -= count;
	refill_count(pass, count);
	(void)pass->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		more = fill_created(pass, &writes[i]) && more;
	}
	pass->batch = more && pass->batch < pass->creations ? 2 * pass->batch : pass->batch;
	return more;
}

/* ---- adopting ---- */

/* From good to bad: after NOT_ALL no more members are adopted, after UNKNOWN none is created
 * either. */
enum adopted { ADOPTED_ALL, ADOPTED_NOT_ALL, ADOPTED_UNKNOWN };

/* Makes the pool the controller of a member, if it still has no controller. */
static struct asb_write fill_adoption(struct pass *pass, struct json_object *member)
{
	struct json_object *patch = json_object_new_array();
	struct asb_write write;

	object_patch_owner(patch, member, pass->pool);
	asb_patch(patch, "test", json_object_new_string(asb_label(member, pass->members->label)),
		  "metadata", "labels", pass->members->label);
	write = asb_patch_of(pass->members->watch, member, ASB_PATCH_JSON, patch);
	write.priority = ASB_PRIORITY_REFILL;
	return write;
}

/*
 * Handles the response to one adoption. A refused patch may be the second try after a first whose
 * response was lost, so the API server is asked whose the member is.
 */
static enum adopted fill_adopted(struct pass *pass, const struct asb_write *write)
{
	struct json_object *member = NULL;

	if (write->result == ASB_OK) {
		return ADOPTED_ALL;
	}
	if (write->result == ASB_UNREACHABLE || write->result == ASB_CANCELLED) {
		expectation_add(pass, write->name);
		pass_failed(pass, write);
		return ADOPTED_UNKNOWN;
	}
	pass->host->log(pass->call->instance, ASB_LOG_INFO, "cannot adopt %s '%s': %s, going on",
			pass->members->kind->kind, write->name, write->message);
	if (pass->host->get_live(pass->call, pass->members->watch, write->ns, write->name,
				 &member) == ASB_OK &&
	    asb_controlled_by(member, &kind_pool, pass->uid)) {
		expectation_add(pass, write->name);
		pass_again(pass, LOOK_AGAIN_MS);
	}
	return ADOPTED_NOT_ALL;
}

static enum adopted fill_adopt_some(struct pass *pass, struct json_object *const members[],
				    uint32_t count)
{
	struct asb_write writes[ASB_WRITE_MAX];
	enum adopted worst = ADOPTED_ALL;

	for (uint32_t i = 0; i < count; i++) {
		writes[i] = fill_adoption(pass, members[i]);
	}
	pass->budget -= count;
	(void)pass->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		enum adopted one = fill_adopted(pass, &writes[i]);

		worst = one > worst ? one : worst;
	}
	return worst;
}

/* Returns false if no member may be created in this reconcile. */
static bool fill_adopt(struct pass *pass)
{
	struct json_object *members[ASB_WRITE_MAX];
	uint32_t count;

	while ((count = fill_batch(pass)) > 0) {
		count = pass->members->orphans(pass, count, members);
		if (count == 0) {
			break;
		}
		switch (fill_adopt_some(pass, members, count)) {
		case ADOPTED_ALL:
			continue;
		case ADOPTED_NOT_ALL:
			return true;
		case ADOPTED_UNKNOWN:
			return false;
		}
	}
	return true;
}

void fill_run(struct pass *pass)
{
	uint32_t count = fill_batch(pass);
	bool more = true;

	/* Names whose POST may still be on its way are used first: no other member may take their
	 * room. */
	if (pass->retry_count > 0 && count > 0) {
		more = fill_create(pass, pass->retry_count < count ? pass->retry_count : count);
	}
	more = more && fill_adopt(pass);
	while (more && (count = fill_batch(pass)) > 0) {
		more = fill_create(pass, count);
	}
	if (more && pass->members->missing(pass) > 0) {
		bool full = pass->budget == 0 || pass->creations == 0;

		pass_again(pass, full ? 0 : LOOK_AGAIN_MS);
	}
}
