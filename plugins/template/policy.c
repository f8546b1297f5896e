/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NetworkPolicy of a template of v1beta1, one for all its sandboxes: made, repaired, or deleted
 * as spec.networkPolicyManagement says. It selects pods by the name hash of the template, which the
 * template has as a label too. Called at the end of each reconcile.
 */
#include "config.h"

#include "plugins/template/template.h"

#define SUFFIX "-network-policy"
/* Room for the longest template's name and the suffix. The API server refuses a name that is longer
 * than an object's name may be. */
#define NAME_SIZE (254 + sizeof(SUFFIX))

static bool policy_is_ours(const struct pass *pass, struct json_object *policy)
{
	return policy != NULL && asb_controlled_by(policy, &kind_template, asb_uid(pass->template));
}

/* The spec that the template asks for, owned by the caller. */
static struct json_object *policy_spec(const struct pass *pass)
{
	struct json_object *rules = asb_at(pass->template, "spec", "networkPolicy"), *spec,
			   *made = rules == NULL ? policy_rules_default() : NULL;
	char hash[9];

	asb_name_hash(pass->key->name, hash);
	spec = policy_rules_spec(rules != NULL ? rules : made, LABEL_TEMPLATE_HASH, hash);
	json_object_put(made);
	return spec;
}

/* A policy of another owner has the name of the template's: it is never touched. */
static int32_t policy_foreign(const struct pass *pass, const char *name)
{
	return pass->call->host->fail(
		pass->call, ASB_ERROR,
		"refusing to update NetworkPolicy \"%s\" as it is not controlled by SandboxTemplate \"%s\"",
		name, pass->key->name);
}

/* What the result of a write of the policy means. */
static int32_t policy_written(const struct pass *pass, const struct asb_write *write)
{
	const struct asb_host *host = pass->call->host;
	struct json_object *found = NULL;

	if (write->result == ASB_OK ||
	    (write->verb == ASB_DELETE && write->result == ASB_NOT_FOUND)) {
		return ASB_DONE;
	}
	if (write->verb == ASB_CREATE && write->result == ASB_ALREADY_EXISTS &&
	    host->get_live(pass->call, WATCH_POLICY, pass->key->ns, write->name, &found) ==
		    ASB_OK &&
	    !policy_is_ours(pass, found)) {
		return policy_foreign(pass, write->name);
	}
	if (write->verb == ASB_CREATE && write->http_status == 422) {
		/* It is told once for each generation, and only a change of the template can help. */
		pass->memory->refused = 1;
		host->event(pass->call, pass->template, "Warning", "InvalidTemplate", "%s",
			    write->message);
		return ASB_DONE;
	}
	return host->fail(pass->call, ASB_ERROR, "NetworkPolicy \"%s\": %s", write->name,
			  write->message);
}

static int32_t policy_create(const struct pass *pass, const char *name)
{
	struct json_object *policy = asb_new(&kind_policy, pass->key->ns, name);
	struct asb_write write;

	dialect_set_owner(policy, pass->template);
	json_object_object_add(policy, "spec", policy_spec(pass));
	write = asb_create(WATCH_POLICY, ASB_PRIORITY_CLAIM, policy);
	write.name = name;
	(void)asb_write(pass->call, &write);
	return policy_written(pass, &write);
}

/* Repairs a policy whose rules are not the template's. */
static int32_t policy_update(const struct pass *pass, struct json_object *stored)
{
	struct json_object *spec = policy_spec(pass), *patch;
	struct asb_write write;

	if (policy_rules_same(spec, asb_at(stored, "spec"))) {
		json_object_put(spec);
		return ASB_DONE;
	}
	patch = json_object_new_array();
	asb_patch(patch, "replace", spec, "spec");
	write = asb_patch_of(WATCH_POLICY, stored, ASB_PATCH_JSON, patch);
	(void)asb_write(pass->call, &write);
	return policy_written(pass, &write);
}

static int32_t policy_manage(const struct pass *pass, const char *name, struct json_object *stored)
{
	if (stored == NULL) {
		return pass->memory->refused ? ASB_DONE : policy_create(pass, name);
	}
	if (!policy_is_ours(pass, stored)) {
		return policy_foreign(pass, name);
	}
	/* When it is gone, its owner reference enqueues the template again. */
	return asb_deleting(stored) ? ASB_DONE : policy_update(pass, stored);
}

static int32_t policy_delete(const struct pass *pass, struct json_object *stored)
{
	struct asb_write write;

	if (!policy_is_ours(pass, stored) || asb_deleting(stored)) {
		return ASB_DONE;
	}
	write = asb_remove(WATCH_POLICY, stored, false);
	(void)asb_write(pass->call, &write);
	return policy_written(pass, &write);
}

/* The template has the label by which its policy selects pods. */
static int32_t policy_label_template(const struct pass *pass)
{
	struct json_object *body;
	struct asb_write write;
	char hash[9];

	asb_name_hash(pass->key->name, hash);
	if (asb_streq(asb_label(pass->template, LABEL_TEMPLATE_HASH), hash)) {
		return ASB_DONE;
	}
	body = json_object_new_object();
	asb_set_label(body, LABEL_TEMPLATE_HASH, hash);
	write = asb_patch_of(WATCH_TEMPLATE, pass->template, ASB_PATCH_MERGE, body);
	write.priority = ASB_PRIORITY_STATUS;
	if (asb_write(pass->call, &write) == ASB_OK || write.result == ASB_NOT_FOUND) {
		return ASB_DONE;
	}
	return pass->call->host->fail(pass->call, ASB_ERROR, "cannot label the template: %s",
				      write.message);
}

int32_t policy_ensure(struct pass *pass)
{
	enum dialect_policy management = dialect_policy(pass->template);
	struct json_object *stored;
	char name[NAME_SIZE];
	int32_t label, policy;

	snprintf(name, sizeof(name), "%s" SUFFIX, pass->key->name);
	stored = asb_get(pass->call, WATCH_POLICY, pass->key->ns, name);
	if (management == DIALECT_POLICY_PER_CLAIM) {
		/* It was a template of v1beta1 before. */
		return policy_delete(pass, stored);
	}
	label = policy_label_template(pass);
	policy = management == DIALECT_POLICY_MANAGED ? policy_manage(pass, name, stored)
						      : policy_delete(pass, stored);
	return policy != ASB_DONE ? policy : label;
}
