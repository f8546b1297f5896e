/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expectations of a pool: pods whose write had no response. Each counts as existing until the
 * API server says that it does not exist. reconcile.c checks them before anything else; pods.c adds
 * to them.
 *
 * A POST may still be on its way when its name is read and not found. The next pod is therefore
 * given the same name: whichever POST comes second finds the name taken, and the pool never has one
 * pod too many.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

enum expectation {
	EXPECTATION_OPEN,    /* the pod exists, and the store does not show it yet */
	EXPECTATION_MISSING, /* the pod does not exist, or not yet */
	EXPECTATION_MET,     /* the store knows about the pod, or it is not this pool's */
	EXPECTATION_UNKNOWN, /* the API server does not respond */
};

/* Whether the store has caught up with this pod: it shows a controller, or a deletion. */
static bool expectation_in_store(struct pass *pass, const char *name)
{
	struct json_object *pod = asb_get(pass->call, WATCH_POD, pass->key->ns, name);

	return pod != NULL && (asb_controller(pod, NULL) != NULL || asb_deleting(pod));
}

static enum expectation expectation_state(struct pass *pass, const char *name)
{
	struct json_object *pod = NULL;
	int32_t result;

	if (expectation_in_store(pass, name)) {
		return EXPECTATION_MET;
	}
	result = pass->host->get_live(pass->call, WATCH_POD, pass->key->ns, name, &pod);
	if (result == ASB_NOT_FOUND) {
		return EXPECTATION_MISSING;
	}
	if (result != ASB_OK) {
		return EXPECTATION_UNKNOWN;
	}
	return asb_controlled_by(pod, &kind_pool, pass->uid) && !asb_deleting(pod)
		       ? EXPECTATION_OPEN
		       : EXPECTATION_MET;
}

static void expectation_copy_name(char ret[POD_NAME_SIZE], const char *name)
{
	snprintf(ret, POD_NAME_SIZE, "%s", name);
}

bool expectation_check(struct pass *pass)
{
	struct warmpool_memory *memory = pass->memory;
	unsigned int count = memory->expected_count;
	bool known = true;

	memory->expected_count = 0;
	for (unsigned int i = 0; i < count; i++) {
		char name[POD_NAME_SIZE];

		expectation_copy_name(name, memory->expected[i]);
		switch (expectation_state(pass, name)) {
		case EXPECTATION_UNKNOWN:
			known = false;
			pass->failed = true;
			expectation_add(pass, name);
			(void)pass->host->fail(pass->call, ASB_ERROR, "cannot read Pod '%s'", name);
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

void expectation_add(struct pass *pass, const char *pod_name)
{
	struct warmpool_memory *memory = pass->memory;

	for (unsigned int i = 0; i < memory->expected_count; i++) {
		if (strcmp(memory->expected[i], pod_name) == 0) {
			return;
		}
	}
	if (memory->expected_count < EXPECTATIONS_MAX) {
		expectation_copy_name(memory->expected[memory->expected_count++], pod_name);
	}
}

unsigned int expectation_room(const struct pass *pass)
{
	return EXPECTATIONS_MAX - pass->memory->expected_count;
}
