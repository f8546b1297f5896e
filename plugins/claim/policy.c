/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's NetworkPolicy: it exists before a pod is taken, follows the rules of the template,
 * and is created again when it is gone. reconcile.c calls policy_sync in every reconcile that has a
 * template. */
#include "config.h"

#include "plugins/claim/claim.h"

/* How often a foreign policy that no watch shows is checked again. */
#define RECHECK_MS 30000
/* Room for the longest claim's name and the suffix. The API server refuses a name that is longer
 * than an object's name may be. */
#define POLICY_NAME_SIZE (254 + sizeof(POLICY_SUFFIX))

/* The first 60 bits of a spec's hash, plus one, for the memory; never 0. */
static uint64_t policy_short_hash(struct pass *pass, struct json_object *spec)
{
	char hash[65];
	uint64_t value = 0;

	asb_tree_hash(pass->call, spec, hash);
	for (size_t i = 0; i < 15; i++) {
		value = value << 4 |
			(uint64_t)(hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10);
	}
	return value + 1;
}

/*
 * Whether the stored policy is what the template asks for. The comparison knows the defaults of the
 * API server. If a version of it adds others, its response to our last write counts as equal too,
 * so that no version can cause endless writes.
 */
static bool policy_is_current(struct pass *pass, struct json_object *stored,
			      struct json_object *wanted, const char *hash)
{
	struct json_object *spec = asb_at(stored, "spec");

	return asb_streq(asb_annotation(stored, ANNOTATION_POLICY_HASH), hash) &&
	       (policy_rules_same(wanted, spec) ||
		(pass->memory->policy != 0 &&
		 pass->memory->policy == policy_short_hash(pass, spec)));
}

/* Handles the result of a write. */
static bool policy_written(struct pass *pass, struct asb_write *write, const char *what,
			   int32_t *ret_result)
{
	if (write->result == ASB_OK) {
		struct json_object *stored =
			asb_get(pass->call, WATCH_POLICY, pass->key->ns, write->name);

		pass->memory->policy =
			stored != NULL ? policy_short_hash(pass, asb_at(stored, "spec")) : 0;
		return true;
	}
	*ret_result = status_write_failed(pass, write, what);
	return false;
}

/* A policy of another owner has the name of ours. */
static bool policy_foreign(struct pass *pass, struct json_object *found, int32_t *ret_result)
{
	/* The store does not keep a policy without a controller: only another check shows that it
	 * is gone. */
	pass_again(pass, RECHECK_MS);
	*ret_result = status_foreign(pass, ASB_TERMINAL_ERROR, found);
	return false;
}

static bool policy_create(struct pass *pass, const char *name, struct json_object *take_spec,
			  const char *hash, int32_t *ret_result)
{
	struct json_object *policy = asb_new(&kind_policy, pass->key->ns, name), *found = NULL;
	struct asb_write write;

	dialect_set_owner(policy, pass->claim);
	asb_set_annotation(policy, ANNOTATION_POLICY_HASH, hash);
	json_object_object_add(policy, "spec", take_spec);
	write = asb_create(WATCH_POLICY, ASB_PRIORITY_CLAIM, policy);
	write.name = name;
	(void)asb_write(pass->call, &write);
	if (write.result != ASB_ALREADY_EXISTS) {
		return policy_written(pass, &write, "create the NetworkPolicy", ret_result);
	}
	if (pass->call->host->get_live(pass->call, WATCH_POLICY, pass->key->ns, name, &found) ==
		    ASB_OK &&
	    !pass_owns(pass, found)) {
		return policy_foreign(pass, found, ret_result);
	}
	*ret_result = pass->call->host->fail(
		pass->call, ASB_ERROR, "the NetworkPolicy's name was taken and is free again");
	return false;
}

/* Replaces the whole spec, so that a rule removed from the template is removed from the policy. */
static bool policy_update(struct pass *pass, struct json_object *stored,
			  struct json_object *take_spec, const char *hash, int32_t *ret_result)
{
	struct json_object *patch = json_object_new_array(), *found = NULL;
	struct asb_write write;

	asb_patch(patch, "add", take_spec, "spec");
	if (json_object_is_type(asb_at(stored, "metadata", "annotations"), json_type_object)) {
		asb_patch(patch, "add", json_object_new_string(hash), "metadata", "annotations",
			  ANNOTATION_POLICY_HASH);
	} else {
		struct json_object *annotations = json_object_new_object();

		asb_set_str(annotations, ANNOTATION_POLICY_HASH, hash);
		asb_patch(patch, "add", annotations, "metadata", "annotations");
	}
	write = asb_patch_of(WATCH_POLICY, stored, ASB_PATCH_JSON, patch);
	(void)asb_write(pass->call, &write);
	if (write.result == ASB_INVALID &&
	    (pass->call->host->get_live(pass->call, WATCH_POLICY, pass->key->ns, write.name,
					&found) != ASB_OK ||
	     !asb_streq(asb_uid(found), write.uid))) {
		/* The server did not refuse the spec: another policy has this name now. */
		write.result = ASB_CONFLICT;
	}
	return policy_written(pass, &write, "update the NetworkPolicy", ret_result);
}

static bool policy_delete(struct pass *pass, struct json_object *stored, int32_t *ret_result)
{
	struct asb_write write = asb_remove(WATCH_POLICY, stored, false);
	int32_t result = asb_write(pass->call, &write);

	pass->memory->policy = 0;
	if (result == ASB_OK || result == ASB_NOT_FOUND) {
		return true;
	}
	*ret_result = status_write_failed(pass, &write, "delete the NetworkPolicy");
	return false;
}

static bool policy_ensure(struct pass *pass, const char *name, struct json_object *stored,
			  struct json_object *rules, int32_t *ret_result)
{
	struct json_object *spec = policy_rules_spec(rules, LABEL_CLAIM_UID, asb_uid(pass->claim));
	char hash[65];

	asb_tree_hash(pass->call, spec, hash);
	if (stored == NULL) {
		return policy_create(pass, name, spec, hash, ret_result);
	}
	if (!policy_is_current(pass, stored, spec, hash)) {
		return policy_update(pass, stored, spec, hash, ret_result);
	}
	json_object_put(spec);
	return true;
}

static bool policy_sync_rules(struct pass *pass, struct json_object *rules, int32_t *ret_result)
{
	struct json_object *stored;
	char name[POLICY_NAME_SIZE];
	bool ours;

	snprintf(name, sizeof(name), "%s" POLICY_SUFFIX, pass->key->name);
	stored = asb_get(pass->call, WATCH_POLICY, pass->key->ns, name);
	ours = pass_owns(pass, stored);
	if (rules == NULL) {
		return !ours || asb_deleting(stored) || policy_delete(pass, stored, ret_result);
	}
	if (stored != NULL && !ours) {
		return policy_foreign(pass, stored, ret_result);
	}
	if (stored != NULL && asb_deleting(stored)) {
		/* Its deletion enqueues the claim, and then it is created again. A Sandbox that
		 * exists does not wait for that. */
		*ret_result = ASB_DONE;
		return pass->sandbox != NULL;
	}
	return policy_ensure(pass, name, stored, rules, ret_result);
}

/*
 * A claim of v1alpha1 may name a template of v1beta1. Its pod has not the label by which the
 * template's own policy selects, so the claim's policy has the same rules: no sandbox is more open
 * because of the version of its claim.
 */
bool policy_sync(struct pass *pass, struct json_object *claim_template, int32_t *ret_result)
{
	struct json_object *rules = asb_at(claim_template, "spec", "networkPolicy"), *made = NULL;
	bool result;

	switch (dialect_policy(claim_template)) {
	case DIALECT_POLICY_UNMANAGED:
		rules = NULL;
		break;
	case DIALECT_POLICY_MANAGED:
		made = rules == NULL ? policy_rules_default() : NULL;
		rules = made != NULL ? made : rules;
		break;
	case DIALECT_POLICY_PER_CLAIM:
		break;
	}
	result = policy_sync_rules(pass, rules, ret_result);
	json_object_put(made);
	return result;
}
