/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the marks by which objects of v1alpha1 and of v1beta1 differ. Called by all plugins. */
#include "config.h"

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"

enum dialect dialect_of_sandbox(struct json_object *sandbox)
{
	return asb_streq(asb_str(sandbox, "spec", "origin"), VERSION_ALPHA) ? DIALECT_ALPHA
									    : DIALECT_BETA;
}

enum dialect dialect_of_claim(struct json_object *claim)
{
	return asb_at(claim, "spec", "warmPoolRef") != NULL ? DIALECT_BETA : DIALECT_ALPHA;
}

enum dialect_members dialect_members(struct json_object *pool)
{
	return asb_streq(asb_str(pool, "spec", "members"), "Pods") ? DIALECT_MEMBERS_PODS
								   : DIALECT_MEMBERS_SANDBOXES;
}

enum dialect_policy dialect_policy(struct json_object *claim_template)
{
	const char *management = asb_str(claim_template, "spec", "networkPolicyManagement");

	if (asb_streq(management, "PerClaim")) {
		return DIALECT_POLICY_PER_CLAIM;
	}
	return asb_streq(management, "Unmanaged") ? DIALECT_POLICY_UNMANAGED
						  : DIALECT_POLICY_MANAGED;
}

enum dialect_service dialect_service(struct json_object *sandbox)
{
	struct json_object *service = asb_at(sandbox, "spec", "service");

	if (!json_object_is_type(service, json_type_boolean)) {
		return DIALECT_SERVICE_UNSET;
	}
	return json_object_get_boolean(service) ? DIALECT_SERVICE_TRUE : DIALECT_SERVICE_FALSE;
}

uint32_t dialect_suspended(struct json_object *sandbox)
{
	struct json_object *replicas = asb_at(sandbox, "spec", "replicas");
	uint32_t why = 0;

	if (asb_streq(asb_str(sandbox, "spec", "operatingMode"), "Suspended")) {
		why |= DIALECT_SUSPENDED_MODE;
	}
	if (replicas != NULL && json_object_get_int64(replicas) <= 0) {
		why |= DIALECT_SUSPENDED_REPLICAS;
	}
	return why;
}

void dialect_mark_sandbox(struct json_object *sandbox, enum dialect dialect)
{
	struct json_object *spec = asb_object_in(sandbox, "spec");

	asb_set_str(spec, "origin", dialect == DIALECT_ALPHA ? VERSION_ALPHA : VERSION_BETA);
	if (dialect != DIALECT_ALPHA) {
		return;
	}
	if (asb_at(spec, "replicas") == NULL) {
		json_object_object_add(spec, "replicas", json_object_new_int(1));
	}
	if (asb_at(spec, "service") == NULL) {
		json_object_object_add(spec, "service", json_object_new_boolean(1));
	}
}

/* Of any of our four kinds; an object of another kind has no dialect. */
static enum dialect dialect_of(struct json_object *object)
{
	const char *kind = asb_str(object, "kind");

	if (asb_streq(kind, kind_sandbox.kind)) {
		return dialect_of_sandbox(object);
	}
	if (asb_streq(kind, kind_claim.kind)) {
		return dialect_of_claim(object);
	}
	if (asb_streq(kind, kind_pool.kind)) {
		return dialect_members(object) == DIALECT_MEMBERS_PODS ? DIALECT_ALPHA
								       : DIALECT_BETA;
	}
	return dialect_policy(object) == DIALECT_POLICY_PER_CLAIM ? DIALECT_ALPHA : DIALECT_BETA;
}

struct json_object *dialect_owner_reference(struct json_object *owner)
{
	struct json_object *reference = asb_owner_reference(owner);
	const char *version = asb_str(owner, "apiVersion"),
		   *slash = version != NULL ? strchr(version, '/') : NULL;
	char text[128];

	if (slash != NULL) {
		snprintf(text, sizeof(text), "%.*s/%s", (int)(slash - version), version,
			 dialect_of(owner) == DIALECT_ALPHA ? VERSION_ALPHA : VERSION_BETA);
		asb_set_str(reference, "apiVersion", text);
	}
	return reference;
}

void dialect_set_owner(struct json_object *object, struct json_object *owner)
{
	struct json_object *owners = json_object_new_array();

	json_object_array_add(owners, dialect_owner_reference(owner));
	json_object_object_add(asb_object_in(object, "metadata"), "ownerReferences", owners);
}
