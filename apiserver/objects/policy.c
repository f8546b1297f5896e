/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of a server (local mode) and of the API in memory alone (the simulation and the fake
 * host). objects_create chooses one of them. */
#include "config.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/objects/objects-private.h"

#define GRACE_SECONDS 30 /* of a pod that names none */

static int64_t policy_own_grace(struct json_object *object)
{
	return asb_int(asb_at(object, "spec", "terminationGracePeriodSeconds"), GRACE_SECONDS);
}

/* ---- in memory alone ---- */

static bool policy_memory_held(const struct record *record, struct json_object *object)
{
	(void)object;
	return record->grace;
}

static bool policy_memory_grace(const struct record *record, struct json_object *object,
				int64_t asked, int64_t *ret_seconds)
{
	(void)asked;
	*ret_seconds = record->resource->options.graceful ? policy_own_grace(object) : 0;
	return record->resource->options.graceful;
}

const struct policy policy_memory = {
	.held = policy_memory_held,
	.grace = policy_memory_grace,
};

/* ---- a server ---- */

static bool policy_server_held(const struct record *record, struct json_object *object)
{
	(void)record;
	return asb_int(asb_at(object, "metadata", "deletionGracePeriodSeconds"), 0) > 0 ||
	       asb_length(asb_array(object, "spec", "finalizers")) > 0;
}

static bool policy_server_grace(const struct record *record, struct json_object *object,
				int64_t asked, int64_t *ret_seconds)
{
	const char *phase = asb_str(object, "status", "phase");
	const char *node = asb_str(object, "spec", "nodeName");
	int64_t own = policy_own_grace(object);

	/* Without a node nothing runs that would have to end. */
	if (!record->resource->options.graceful || node == NULL || *node == '\0' ||
	    asb_streq(phase, "Succeeded") || asb_streq(phase, "Failed")) {
		*ret_seconds = 0;
	} else if (asked >= 0) {
		*ret_seconds = asked;
	} else {
		*ret_seconds = own > 0 ? own : 1;
	}
	return *ret_seconds > 0;
}

const struct policy policy_server = {
	.states_as_text = true,
	.namespaces = true,
	.drops_managed_fields = true,
	.one_event_kind = true,
	.shortens_grace = true,
	.strict_owners = true,
	.held = policy_server_held,
	.grace = policy_server_grace,
};
