/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expectations of a pool: members whose write had no response. Each counts as existing until
 * the API server says that it does not exist. reconcile.c checks them before anything else; fill.c
 * adds to them.
 *
 * A POST may still be on its way when its name is read and not found. The next member is
 * therefore given the same name: whichever POST comes second finds the name taken, and the pool
 * never has one member too many.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

enum expectation {
	EXPECTATION_OPEN,    /* the member exists, and the store does not show it yet */
	EXPECTATION_MISSING, /* the member does not exist, or not yet */
	EXPECTATION_MET,     /* the store knows about the member, or it is not this pool's */
	EXPECTATION_UNKNOWN, /* the API server does not respond */
};

/* Whether the store has caught up with this member: it shows a controller, or a deletion. */
static bool expectation_in_store(struct pass *pass, const char *name)
{
	struct json_object *member = asb_get(pass->call, pass->members->watch, pass->key->ns, name);

	return member != NULL && (asb_controller(member, NULL) != NULL || asb_deleting(member));
}

static enum expectation expectation_state(struct pass *pass, const char *name)
{
	struct json_object *member = NULL;
	int32_t result;

	if (expectation_in_store(pass, name)) {
		return EXPECTATION_MET;
	}
	result = pass->host->get_live(pass->call, pass->members->watch, pass->key->ns, name,
				      &member);
	if (result == ASB_NOT_FOUND) {
		return EXPECTATION_MISSING;
	}
	if (result != ASB_OK) {
		return EXPECTATION_UNKNOWN;
	}
	return asb_controlled_by(member, &kind_pool, pass->uid) &&
			       (!asb_deleting(member) || pass->members->counts_terminating)
		       ? EXPECTATION_OPEN
		       : EXPECTATION_MET;
}

static void expectation_copy_name(char ret[MEMBER_NAME_SIZE], const char *name)
{
	snprintf(ret, MEMBER_NAME_SIZE, "%s", name);
}

bool expectation_check(struct pass *pass)
{
	struct warmpool_memory *memory = pass->memory;
	bool pods = pass->members->watch == WATCH_POD, known = true;
	/* Members of the other kind are not created any more: nothing depends on them. */
	unsigned int count = memory->expects_pods == pods ? memory->expected_count : 0;

	memory->expects_pods = pods;
	memory->expected_count = 0;
	for (unsigned int i = 0; i < count; i++) {
		char name[MEMBER_NAME_SIZE];

		expectation_copy_name(name, memory->expected[i]);
		switch (expectation_state(pass, name)) {
		case EXPECTATION_UNKNOWN:
			known = false;
			pass->failed = true;
			expectation_add(pass, name);
			(void)pass->host->fail(pass->call, ASB_ERROR, "cannot read %s '%s'",
					       pass->members->kind->kind, name);
			break;
		case EXPECTATION_OPEN:
			pass_again(pass, LOOK_AGAIN_MS);
			expectation_add(pass, name);
			break;
		case EXPECTATION_MISSING:
			expectation_copy_name(pass->retry[pass->retry_count++], name);
			break;
		case EXPECTATION_MET:
			break;
		}
	}
	return known;
}

void expectation_add(struct pass *pass, const char *name)
{
	struct warmpool_memory *memory = pass->memory;

	for (unsigned int i = 0; i < memory->expected_count; i++) {
		if (strcmp(memory->expected[i], name) == 0) {
			return;
		}
	}
	if (memory->expected_count < EXPECTATIONS_MAX) {
		expectation_copy_name(memory->expected[memory->expected_count++], name);
	}
}

unsigned int expectation_room(const struct pass *pass)
{
	return EXPECTATIONS_MAX - pass->memory->expected_count;
}
