/* SPDX-License-Identifier: Apache-2.0 */
/* The Lease object of leader election as client-go writes it: reading and changing trees, no I/O.
 * For core/client/leader. */
#ifndef ASB_CORE_CLIENT_LEASE_H
#define ASB_CORE_CLIENT_LEASE_H

#include <agent-sandbox/plugin.h>
#include <json-c/json.h>
#include <stdint.h>

extern const struct asb_kind lease_kind;

/* "" for a Lease that nobody holds. Borrowed. */
const char *lease_holder(struct json_object *lease);
/* What the holder asked for, within reason. */
uint64_t lease_duration_us(struct json_object *lease);
/* A new Lease without a holder. The caller's. */
struct json_object *lease_new(const char *ns, const char *name);
/* A copy in which identity holds it since wall_us: with the time of acquisition and one transition
 * more if it did not before. What else is in it stays. identity "" releases it. The caller's. */
struct json_object *lease_held(struct json_object *lease, const char *identity,
			       uint64_t duration_us, int64_t wall_us);

#endif
