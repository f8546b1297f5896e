/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's NetworkPolicy: there before a pod is taken, changed and removed with the rules of the
 * template, made again when it is gone. reconcile.c calls policy_sync in every pass that has a
 * template. */
#include "config.h"

#include "plugins/claim/claim.h"

/* How often a foreign policy is looked at again that no watch tells of. */
#define RECHECK_MS 30000
/* Room for the longest claim's name and the suffix; what is longer than an object's name may be,
 * the API server refuses. */
#define POLICY_NAME_SIZE (254 + sizeof(POLICY_SUFFIX))

static void add_rules(struct json_object *spec, struct json_object *rules, const char *direction)
{
	struct json_object *list = asb_array(rules, direction);

	/* Left out, a direction that policyTypes names is closed: that is what no rules mean. */
	if (asb_length(list) > 0) {
		json_object_object_add(spec, direction, asb_copy(list));
	}
}

/* The policy's spec for the template's rules. */
static struct json_object *build_spec(const struct pass *pass, struct json_object *rules)
{
	struct json_object *spec = json_object_new_object(), *types = json_object_new_array();

	asb_set_str(asb_object_in(asb_object_in(spec, "podSelector"), "matchLabels"),
		    LABEL_CLAIM_UID, asb_uid(pass->claim));
	json_object_array_add(types, json_object_new_string("Ingress"));
	json_object_array_add(types, json_object_new_string("Egress"));
	json_object_object_add(spec, "policyTypes", types);
	add_rules(spec, rules, "ingress");
	add_rules(spec, rules, "egress");
	return spec;
}

/* The value as it reads once the API server has dropped what says nothing: null and empty lists. */
static struct json_object *without_empty(struct json_object *value)
{
	struct json_object *copy;

	if (json_object_is_type(value, json_type_array)) {
		copy = json_object_new_array();
		for (size_t i = 0; i < asb_length(value); i++) {
			json_object_array_add(copy,
					      without_empty(json_object_array_get_idx(value, i)));
		}
		return copy;
	}
	if (!json_object_is_type(value, json_type_object)) {
		return asb_copy(value);
	}
	copy = json_object_new_object();
	json_object_object_foreach (value, name, member) {
		if (member != NULL &&
		    !(json_object_is_type(member, json_type_array) && asb_length(member) == 0)) {
			json_object_object_add(copy, name, without_empty(member));
		}
	}
	return copy;
}

/* Writes the default that the API server gives to each port of each rule. */
static void default_ports(struct json_object *spec, const char *direction)
{
	struct json_object *rules = asb_array(spec, direction);

	for (size_t i = 0; i < asb_length(rules); i++) {
		struct json_object *ports = asb_array(json_object_array_get_idx(rules, i), "ports");

		for (size_t j = 0; j < asb_length(ports); j++) {
			struct json_object *port = json_object_array_get_idx(ports, j);

			if (json_object_is_type(port, json_type_object) &&
			    asb_at(port, "protocol") == NULL) {
				asb_set_str(port, "protocol", "TCP");
			}
		}
	}
}

static bool same_rules(struct json_object *wanted, struct json_object *stored)
{
	struct json_object *a = without_empty(wanted), *b = without_empty(stored);
	bool same;

	default_ports(a, "ingress");
	default_ports(a, "egress");
	default_ports(b, "ingress");
	default_ports(b, "egress");
	same = json_object_equal(a, b) != 0;
	json_object_put(a);
	json_object_put(b);
	return same;
}

/* A short form of a spec's hash, for the memory; never 0. */
static uint64_t short_hash(struct pass *pass, struct json_object *spec)
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
 * Whether the stored policy is what the template asks for. Known defaults are allowed for; should
 * an API server add others, then its response to our last write counts as equal too, so that no
 * version of it makes us write for ever.
 */
static bool is_current(struct pass *pass, struct json_object *stored, struct json_object *wanted,
		       const char *hash)
{
	struct json_object *spec = asb_at(stored, "spec");

	return asb_streq(asb_annotation(stored, ANNOTATION_POLICY_HASH), hash) &&
	       (same_rules(wanted, spec) ||
		(pass->memory->policy != 0 && pass->memory->policy == short_hash(pass, spec)));
}

/* Notes what a write came to. */
static bool written(struct pass *pass, struct asb_write *write, const char *what,
		    int32_t *ret_result)
{
	if (write->result == ASB_OK) {
		struct json_object *stored =
			asb_get(pass->call, WATCH_POLICY, pass->key->ns, write->name);

		pass->memory->policy =
			stored != NULL ? short_hash(pass, asb_at(stored, "spec")) : 0;
		return true;
	}
	*ret_result = status_write_failed(pass, write, what);
	return false;
}

/* A policy that is not ours stands where ours should. */
static bool foreign(struct pass *pass, struct json_object *found, int32_t *ret_result)
{
	/* One without a controller is in no store: only looking again shows that it has gone. */
	pass_again_after(pass, RECHECK_MS);
	*ret_result = status_foreign(pass, ASB_TERMINAL_ERROR, found);
	return false;
}

static bool create(struct pass *pass, const char *name, struct json_object *take_spec,
		   const char *hash, int32_t *ret_result)
{
	struct json_object *policy = asb_new(&claim_policy_kind, pass->key->ns, name),
			   *found = NULL;
	struct asb_write write;

	asb_set_owner(policy, pass->claim);
	asb_set_annotation(policy, ANNOTATION_POLICY_HASH, hash);
	json_object_object_add(policy, "spec", take_spec);
	write = asb_create(WATCH_POLICY, ASB_PRIORITY_CLAIM, policy);
	write.name = name;
	(void)asb_write(pass->call, &write);
	if (write.result != ASB_ALREADY_EXISTS) {
		return written(pass, &write, "create the NetworkPolicy", ret_result);
	}
	if (pass->call->host->get_live(pass->call, WATCH_POLICY, pass->key->ns, name, &found) ==
		    ASB_OK &&
	    !asb_controlled_by(found, &claim_kind, asb_uid(pass->claim))) {
		return foreign(pass, found, ret_result);
	}
	*ret_result = pass->call->host->fail(
		pass->call, ASB_ERROR, "the NetworkPolicy's name was taken and is free again");
	return false;
}

/* Replaces the whole spec: a rule that is gone from the template is gone from the policy. */
static bool update(struct pass *pass, struct json_object *stored, struct json_object *take_spec,
		   const char *hash, int32_t *ret_result)
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
		/* Not the spec was refused: another policy stands there now. */
		write.result = ASB_CONFLICT;
	}
	return written(pass, &write, "update the NetworkPolicy", ret_result);
}

static bool withdraw(struct pass *pass, struct json_object *stored, int32_t *ret_result)
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

static bool ensure(struct pass *pass, const char *name, struct json_object *stored,
		   struct json_object *rules, int32_t *ret_result)
{
	struct json_object *spec = build_spec(pass, rules);
	char hash[65];

	asb_tree_hash(pass->call, spec, hash);
	if (stored == NULL) {
		return create(pass, name, spec, hash, ret_result);
	}
	if (!is_current(pass, stored, spec, hash)) {
		return update(pass, stored, spec, hash, ret_result);
	}
	json_object_put(spec);
	return true;
}

bool policy_sync(struct pass *pass, struct json_object *claim_template, int32_t *ret_result)
{
	struct json_object *rules = asb_at(claim_template, "spec", "networkPolicy"), *stored;
	char name[POLICY_NAME_SIZE];
	bool ours;

	snprintf(name, sizeof(name), "%s" POLICY_SUFFIX, pass->key->name);
	stored = asb_get(pass->call, WATCH_POLICY, pass->key->ns, name);
	ours = stored != NULL && asb_controlled_by(stored, &claim_kind, asb_uid(pass->claim));
	if (rules == NULL) {
		return !ours || asb_deleting(stored) || withdraw(pass, stored, ret_result);
	}
	if (stored != NULL && !ours) {
		return foreign(pass, stored, ret_result);
	}
	if (stored != NULL && asb_deleting(stored)) {
		/* Its end wakes the claim, and it is made again. A Sandbox that runs does not wait
		 * for that. */
		*ret_result = ASB_DONE;
		return pass->sandbox != NULL;
	}
	return ensure(pass, name, stored, rules, ret_result);
}
