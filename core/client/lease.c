/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a Lease, and what changes when it is taken, renewed or released. Called by
 * core/client/leader only. */
#include "config.h"

#include "core/client/lease.h"

#include <agent-sandbox/helpers.h>

#define DURATION_MAX_S 3600 /* a lease somebody asked for years would never be ours */
#define DURATION_DEFAULT_S 15

const struct asb_kind lease_kind = {
	.group = "coordination.k8s.io",
	.version = "v1",
	.plural = "leases",
	.kind = "Lease",
};

const char *lease_holder(struct json_object *lease)
{
	const char *holder = asb_str(lease, "spec", "holderIdentity");

	return holder != NULL ? holder : "";
}

uint64_t lease_duration_us(struct json_object *lease)
{
	int64_t seconds =
		asb_int(asb_at(lease, "spec", "leaseDurationSeconds"), DURATION_DEFAULT_S);

	seconds = seconds < 1 ? 1 : seconds > DURATION_MAX_S ? DURATION_MAX_S : seconds;
	return (uint64_t)seconds * 1000000;
}

struct json_object *lease_new(const char *ns, const char *name)
{
	struct json_object *lease = asb_new(&lease_kind, ns, name);

	/* Counted from 0: the first holder is no transition. */
	json_object_object_add(asb_object_in(lease, "spec"), "leaseTransitions",
			       json_object_new_int64(-1));
	return lease;
}

/* metav1.MicroTime. */
static void lease_format_micro(int64_t wall_us, char ret[32])
{
	char seconds[21];

	asb_time_format(wall_us / 1000, seconds);
	snprintf(ret, 32, "%.19s.%06uZ", seconds, (unsigned int)(wall_us % 1000000) % 1000000u);
}

struct json_object *lease_held(struct json_object *lease, const char *identity,
			       uint64_t duration_us, int64_t wall_us)
{
	struct json_object *copy = asb_copy(lease), *spec = asb_object_in(copy, "spec");
	bool taken = *identity != '\0' && !asb_streq(lease_holder(lease), identity);
	char now[32];

	lease_format_micro(wall_us, now);
	if (taken) {
		int64_t transitions = asb_int(asb_at(spec, "leaseTransitions"), 0);

		json_object_object_add(spec, "leaseTransitions",
				       json_object_new_int64(transitions < INT32_MAX
								     ? transitions + 1
								     : transitions));
	}
	if (taken || *identity == '\0') {
		asb_set_str(spec, "acquireTime", now);
	}
	asb_set_str(spec, "holderIdentity", identity);
	asb_set_str(spec, "renewTime", now);
	json_object_object_add(spec, "leaseDurationSeconds",
			       json_object_new_int64((int64_t)(duration_us / 1000000)));
	return copy;
}
