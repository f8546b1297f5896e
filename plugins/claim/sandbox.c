/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's Sandbox: finding it, telling it from a foreign one, building it from the template and
 * creating it in one write. reconcile.c and expiry.c ask for it. */
#include "config.h"

#include "plugins/claim/claim.h"

static bool is_ours(const struct pass *pass, struct json_object *object)
{
	return asb_controlled_by(object, &claim_kind, asb_uid(pass->claim));
}

enum sandbox_state sandbox_find(struct pass *pass, struct json_object **ret_found,
				int32_t *ret_result)
{
	struct json_object *found =
		asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, pass->key->name);
	bool stored = found != NULL;

	if (!stored && pass->memory->unsure) {
		int32_t result = pass->call->host->get_live(pass->call, WATCH_SANDBOX,
							    pass->key->ns, pass->key->name, &found);

		if (result != ASB_OK && result != ASB_NOT_FOUND) {
			*ret_result = pass->call->host->fail(
				pass->call, ASB_ERROR,
				"cannot see whether the Sandbox was created (%d)", (int)result);
			return SANDBOX_UNKNOWN;
		}
	}
	if (found == NULL) {
		return SANDBOX_NONE;
	}
	*ret_found = found;
	if (!is_ours(pass, found)) {
		/* The store wakes the claim when a Sandbox it holds goes away; of another it cannot
		 * know. */
		*ret_result = stored ? ASB_TERMINAL_ERROR : ASB_ERROR;
		return SANDBOX_FOREIGN;
	}
	if (stored) {
		/* The index of named pods speaks for the reservation from now on. */
		pass->memory->unsure = 0;
		pick_forget(pass);
	}
	if (asb_deleting(found)) {
		return SANDBOX_LEAVING;
	}
	pass->sandbox = found;
	return SANDBOX_OURS;
}

/* The template's podTemplate, unknown fields included, with what a template cannot override. */
static struct json_object *build_pod_template(const struct pass *pass,
					      struct json_object *claim_template)
{
	struct json_object *pod = asb_copy(asb_at(claim_template, "spec", "podTemplate")), *spec;

	if (!json_object_is_type(pod, json_type_object)) {
		json_object_put(pod);
		pod = json_object_new_object();
	}
	asb_set_label(pod, LABEL_CLAIM_UID, asb_uid(pass->claim));
	spec = asb_object_in(pod, "spec");
	if (asb_at(spec, "automountServiceAccountToken") == NULL) {
		/* Untrusted code gets no token unless the template's author says so. */
		json_object_object_add(spec, "automountServiceAccountToken",
				       json_object_new_boolean(0));
	}
	return pod;
}

/* Everything at once: a later PATCH of a Sandbox's metadata would be the dearest write there is. */
static struct json_object *build(const struct pass *pass, struct json_object *claim_template,
				 const char *pod)
{
	struct json_object *sandbox = asb_new(&claim_sandbox_kind, pass->key->ns, pass->key->name);
	struct json_object *spec = asb_object_in(sandbox, "spec");
	const char *trace = asb_annotation(pass->claim, ANNOTATION_TRACE_CONTEXT);

	asb_set_owner(sandbox, pass->claim);
	if (*pod != '\0') {
		asb_set_annotation(sandbox, ANNOTATION_POD_NAME, pod);
	}
	if (trace != NULL) {
		asb_set_annotation(sandbox, ANNOTATION_TRACE_CONTEXT, trace);
	}
	json_object_object_add(spec, "podTemplate", build_pod_template(pass, claim_template));
	json_object_object_add(spec, "replicas", json_object_new_int(1));
	return sandbox;
}

/* It is there: counts how, by what the Sandbox says, which an earlier try whose response was lost may
 * have made. */
static int32_t made(struct pass *pass, struct asb_write *write, const struct pick *pick)
{
	struct json_object *stored =
		asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, pass->key->name);
	bool warm;

	pass->sandbox = stored != NULL ? stored : write->ret;
	pass->memory->unsure = 0;
	pick_release(pass, pick->pod);
	pass->memory->pod[0] = '\0';
	warm = asb_annotation(pass->sandbox, ANNOTATION_POD_NAME) != NULL;
	pass->memory->launch = warm ? LAUNCH_WARM : LAUNCH_COLD;
	if (warm || pick->pooled) {
		pass->call->host->metric(pass->call->instance, warm ? METRIC_HITS : METRIC_MISSES,
					 1, NULL);
	}
	return ASB_DONE;
}

/* The name is taken by an object that was not in the store a moment ago. */
static int32_t taken(struct pass *pass)
{
	struct json_object *found = NULL;
	int32_t result = pass->call->host->get_live(pass->call, WATCH_SANDBOX, pass->key->ns,
						    pass->key->name, &found);

	if (result == ASB_OK && !is_ours(pass, found)) {
		return status_foreign(pass, ASB_ERROR, found);
	}
	return pass->call->host->fail(pass->call, ASB_ERROR,
				      "the Sandbox's name was taken and is free again");
}

int32_t sandbox_make(struct pass *pass, struct json_object *claim_template)
{
	struct asb_write write;
	struct pick pick;
	int32_t result;

	pick_pod(pass, claim_template, &pick);
	write = asb_create(WATCH_SANDBOX, ASB_PRIORITY_CLAIM,
			   build(pass, claim_template, pick.pod));
	result = asb_write(pass->call, &write);
	if (result == ASB_OK) {
		return made(pass, &write, &pick);
	}
	if (result == ASB_UNREACHABLE) {
		/* It may have been done: the pod stays ours until the next pass has looked. */
		pass->memory->unsure = 1;
		pick_keep(pass, pick.pod);
		return status_write_failed(pass, &write, "create the Sandbox");
	}
	pick_release(pass, pick.pod);
	pass->memory->pod[0] = '\0';
	if (result == ASB_ALREADY_EXISTS) {
		return taken(pass);
	}
	return status_write_failed(pass, &write, "create the Sandbox");
}
