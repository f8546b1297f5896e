/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A claim of v1beta1, which names a SandboxWarmPool: finds the Sandbox that it has, or makes one from
 * the blueprint of the pool's template and what the claim adds. Called by reconcile.c.
 */
#include "config.h"

#include "plugins/claim/additions.h"
#include "plugins/claim/claim.h"
#include "plugins/common/blueprint.h"

/* A missing pool or template enqueues the claim when it appears; it is looked for at least so
 * often. */
#define MISSING_MS 60000

/* ---- the Sandbox that there is ---- */

static struct json_object *beta_owned(struct pass *pass, const char *name)
{
	struct json_object *found;

	if (name == NULL || *name == '\0' || strlen(name) > 253) {
		return NULL;
	}
	found = asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, name);
	return pass_owns(pass, found) ? found : NULL;
}

/* The Sandbox that the claim owns: the one in its status, the one that is reserved for it, else the
 * oldest. Names alone prove nothing, the owner's UID does. */
struct json_object *beta_find_owned(struct pass *pass)
{
	const char *name = asb_str(pass->claim, "status", "sandbox", "name");
	struct json_object *found, *const *owned = NULL;
	char value[VALUE_SIZE];

	found = beta_owned(pass,
			   name != NULL ? name : asb_str(pass->claim, "status", "sandbox", "Name"));
	if (found == NULL) {
		found = beta_owned(pass, asb_annotation(pass->claim, ANNOTATION_SANDBOX_NAME));
	}
	if (found == NULL) {
		snprintf(value, sizeof(value), "%s/%s", pass->key->ns, asb_uid(pass->claim));
		found = pass->call->host->list(pass->call, INDEX_OWNED_SANDBOXES, value, 1, 0,
					       &owned) > 0
				? owned[0]
				: NULL;
	}
	return found;
}

/* ---- a new Sandbox ---- */

/* The podTemplate's metadata: that of the template, what the claim adds, whose it is. */
static void beta_add_metadata(struct pass *pass, struct json_object *pod_template, const char *hash)
{
	metadata_apply(asb_at(pass->claim, "spec", "additionalPodMetadata"), pod_template);
	asb_set_label(pod_template, LABEL_CLAIM_UID, asb_uid(pass->claim));
	asb_set_label(pod_template, LABEL_TEMPLATE_HASH, hash);
}

/* Applies what the claim adds to the blueprint's spec, as the template allows. */
static bool beta_add(struct pass *pass, struct json_object *claim_template,
		     struct json_object *spec, struct refusal *ret)
{
	struct json_object *pod_template = asb_object_in(spec, "podTemplate"),
			   *wanted = asb_at(pass->claim, "spec");

	return metadata_check(asb_at(wanted, "additionalPodMetadata"), pod_template, pass->domains,
			      ret) &&
	       env_apply(asb_array(wanted, "env"),
			 asb_str(claim_template, "spec", "envVarsInjectionPolicy"),
			 asb_object_in(pod_template, "spec"), ret) &&
	       volumes_apply(asb_array(wanted, "volumeClaimTemplates"),
			     asb_str(claim_template, "spec", "volumeClaimTemplatesPolicy"), spec,
			     ret);
}

/* The new Sandbox around this spec. */
static struct json_object *beta_new(struct pass *pass, const char *template_name,
				    struct json_object *take_spec)
{
	struct json_object *sandbox = asb_new(&kind_sandbox, pass->key->ns, pass->key->name);
	const char *creator = asb_label(pass->claim, LABEL_CREATED_BY),
		   *trace = asb_annotation(pass->claim, ANNOTATION_TRACE_CONTEXT);
	char hash[9];

	asb_name_hash(template_name, hash);
	beta_add_metadata(pass, asb_object_in(take_spec, "podTemplate"), hash);
	dialect_set_owner(sandbox, pass->claim);
	asb_set_label(sandbox, LABEL_TEMPLATE_HASH, hash);
	asb_set_label(sandbox, LABEL_CLAIM_UID, asb_uid(pass->claim));
	asb_set_label(sandbox, LABEL_LAUNCH_TYPE, "cold");
	asb_set_label(sandbox, LABEL_CREATED_BY, creator);
	asb_set_annotation(sandbox, ANNOTATION_TEMPLATE, template_name);
	if (trace != NULL) {
		asb_set_annotation(sandbox, ANNOTATION_TRACE_CONTEXT, trace);
	}
	json_object_object_add(sandbox, "spec", take_spec);
	dialect_mark_sandbox(sandbox, DIALECT_BETA);
	return sandbox;
}

static int32_t beta_refused(struct pass *pass, const struct refusal *refusal)
{
	if (strcmp(refusal->reason, REASON_ERROR) == 0) {
		return status_error(pass, ASB_TERMINAL_ERROR, "%s", refusal->message);
	}
	return status_not_ready(pass, refusal->reason, refusal->message);
}

static int32_t beta_create(struct pass *pass, struct json_object *claim_template,
			   const char *template_name)
{
	struct json_object *spec = blueprint_spec(claim_template);
	struct refusal refusal = { 0 };
	struct pick pick = { 0 };
	int32_t result;

	if (!beta_add(pass, claim_template, spec, &refusal)) {
		json_object_put(spec);
		return beta_refused(pass, &refusal);
	}
	result = sandbox_send(pass, beta_new(pass, template_name, spec), &pick);
	if (result != ASB_DONE) {
		return result;
	}
	if (!pass->quiet) {
		pass->call->host->event(pass->call, pass->claim, "Normal", "SandboxProvisioned",
					"Created Sandbox \"%s\"", asb_name(pass->sandbox));
	}
	return status_copy(pass);
}

/* ---- the claim's annotations ---- */

/* Notes on the claim when it was first seen, and which Sandbox it has. */
static int32_t beta_annotate(struct pass *pass, const char *sandbox)
{
	const char *observed = asb_annotation(pass->claim, ANNOTATION_OBSERVED_AT),
		   *named = asb_annotation(pass->claim, ANNOTATION_SANDBOX_NAME);
	struct json_object *body = json_object_new_object();
	int64_t now = pass->call->host->now_ns(pass->call->instance);
	char text[21], precise[40];
	struct asb_write write;

	if (observed == NULL) {
		asb_time_format(now / 1000000, text);
		snprintf(precise, sizeof(precise), "%.19s.%09lldZ", text,
			 (long long)(now % 1000000000));
		asb_set_annotation(body, ANNOTATION_OBSERVED_AT, precise);
	}
	if (sandbox != NULL && !asb_streq(named, sandbox)) {
		asb_set_annotation(body, ANNOTATION_SANDBOX_NAME, sandbox);
	}
	if (json_object_object_length(body) == 0) {
		json_object_put(body);
		return ASB_DONE;
	}
	write = asb_patch_of(WATCH_CLAIM, pass->claim, ASB_PATCH_MERGE, body);
	write.priority = ASB_PRIORITY_STATUS;
	if (asb_write(pass->call, &write) == ASB_OK || write.result == ASB_NOT_FOUND) {
		return ASB_DONE;
	}
	return pass->call->host->fail(pass->call, ASB_ERROR, "cannot annotate the claim: %s",
				      write.message);
}

/* ---- later changes ---- */

/* Carries what the claim adds to the pod's metadata on to a Sandbox that exists. */
static int32_t beta_follow(struct pass *pass)
{
	static const char *const maps[] = { "labels", "annotations" };
	struct json_object *patch = json_object_new_array();
	struct asb_write write;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct json_object *wanted =
			asb_at(pass->claim, "spec", "additionalPodMetadata", maps[i]);
		struct json_object *have =
			asb_at(pass->sandbox, "spec", "podTemplate", "metadata", maps[i]);

		if (have == NULL || !json_object_is_type(wanted, json_type_object)) {
			continue;
		}
		json_object_object_foreach (wanted, key, value) {
			if (!asb_streq(asb_str(have, key), json_object_get_string(value))) {
				asb_patch(patch, "add", asb_copy(value), "spec", "podTemplate",
					  "metadata", maps[i], key);
			}
		}
	}
	if (asb_length(patch) == 0) {
		json_object_put(patch);
		return ASB_DONE;
	}
	write = asb_patch_of(WATCH_SANDBOX, pass->sandbox, ASB_PATCH_JSON, patch);
	if (asb_write(pass->call, &write) == ASB_OK) {
		return ASB_DONE;
	}
	return pass->call->host->fail(pass->call, ASB_ERROR,
				      "cannot change the podTemplate of Sandbox \"%s\": %s",
				      asb_name(pass->sandbox), write.message);
}

static int32_t beta_has(struct pass *pass, struct json_object *sandbox)
{
	struct refusal refusal = { 0 };
	int32_t result;

	pass->sandbox = sandbox;
	/* What the Sandbox has already is no conflict: only the keys are checked. */
	if (!metadata_check(asb_at(pass->claim, "spec", "additionalPodMetadata"), NULL,
			    pass->domains, &refusal)) {
		return beta_refused(pass, &refusal);
	}
	result = beta_follow(pass);
	if (result != ASB_DONE) {
		return result;
	}
	result = status_copy(pass);
	return result == ASB_DONE ? beta_annotate(pass, asb_name(sandbox)) : result;
}

/* ---- the order of a reconcile ---- */

static int32_t beta_missing(struct pass *pass, const char *reason, const char *kind,
			    const char *name)
{
	char message[320];

	pass_again(pass, MISSING_MS);
	snprintf(message, sizeof(message), "%s \"%.253s\" not found", kind, name);
	return status_not_ready(pass, reason, message);
}

static const char *beta_ref(struct json_object *object, const char *ref)
{
	const char *name = asb_str(object, "spec", ref, "name");

	return name != NULL ? name : "";
}

static int32_t beta_provide(struct pass *pass)
{
	const char *pool_name = beta_ref(pass->claim, "warmPoolRef"), *template_name;
	struct json_object *pool, *claim_template;
	int32_t result = ASB_DONE;

	pool = asb_get(pass->call, WATCH_POOL, pass->key->ns, pool_name);
	if (pool == NULL || asb_deleting(pool)) {
		return beta_missing(pass, "WarmPoolNotFound", kind_pool.kind, pool_name);
	}
	template_name = beta_ref(pool, "sandboxTemplateRef");
	claim_template = asb_get(pass->call, WATCH_TEMPLATE, pass->key->ns, template_name);
	if (claim_template == NULL) {
		return beta_missing(pass, "TemplateNotFound", kind_template.kind, template_name);
	}
	if (dialect_policy(claim_template) == DIALECT_POLICY_PER_CLAIM &&
	    !policy_sync(pass, claim_template, &result)) {
		return result;
	}
	if (asb_at(pass->claim, "status", "sandbox") != NULL) {
		result = status_not_ready(pass, "SandboxMissing", "Sandbox does not exist");
	}
	return result == ASB_DONE ? beta_create(pass, claim_template, template_name) : result;
}

int32_t beta_reconcile(struct pass *pass)
{
	struct json_object *found = beta_find_owned(pass);
	int32_t result = beta_annotate(pass, NULL);

	if (result != ASB_DONE) {
		return result;
	}
	if (found != NULL && !asb_deleting(found)) {
		return beta_has(pass, found);
	}
	if (found != NULL) {
		return status_not_ready(pass, "SandboxMissing", "Sandbox is being deleted");
	}
	switch (sandbox_find(pass, &found, &result)) {
	case SANDBOX_UNKNOWN:
		return result;
	case SANDBOX_FOREIGN:
		return status_error(
			pass, result,
			"sandbox \"%s\" is not controlled by claim \"%s\". Please use a different claim name or delete the sandbox manually",
			asb_name(found), pass->key->name);
	case SANDBOX_OURS:
		return beta_has(pass, pass->sandbox);
	case SANDBOX_DELETING:
		return status_not_ready(pass, "SandboxMissing", "Sandbox is being deleted");
	default:
		return beta_provide(pass);
	}
}
