/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's Sandbox: finds it, tells it from a foreign one, makes it from the template and
 * creates it in one write. Called by reconcile.c and expiry.c. */
#include "config.h"

#include "plugins/claim/claim.h"

enum sandbox_state sandbox_find(struct pass *pass, struct json_object **ret_found,
				int32_t *ret_result)
{
	struct json_object *found =
		asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, pass->key->name);
	bool stored = found != NULL;

	if (!stored && pass->memory->sandbox_expected) {
		int32_t result = pass->call->host->get_live(pass->call, WATCH_SANDBOX,
							    pass->key->ns, pass->key->name, &found);

		if (result != ASB_OK && result != ASB_NOT_FOUND) {
			*ret_result = pass->call->host->fail(
				pass->call, ASB_ERROR,
				"cannot read whether the Sandbox was created: result %d",
				(int)result);
			return SANDBOX_UNKNOWN;
		}
	}
	if (found == NULL) {
		return SANDBOX_NONE;
	}
	*ret_found = found;
	if (!pass_owns(pass, found)) {
		/* The deletion of a Sandbox in the store enqueues the claim; that of another one
		 * does not. */
		*ret_result = stored ? ASB_TERMINAL_ERROR : ASB_ERROR;
		return SANDBOX_FOREIGN;
	}
	if (stored) {
		/* From now on the index of named pods makes the reservation. */
		pass->memory->sandbox_expected = 0;
		pick_drop(pass);
	}
	if (asb_deleting(found)) {
		return SANDBOX_DELETING;
	}
	pass->sandbox = found;
	return SANDBOX_OURS;
}

/* A copy of the template's podTemplate, unknown fields included, with the label of the claim. */
static struct json_object *sandbox_pod_template(const struct pass *pass,
						struct json_object *claim_template)
{
	struct json_object *pod = asb_copy(asb_at(claim_template, "spec", "podTemplate"));

	if (!json_object_is_type(pod, json_type_object)) {
		json_object_put(pod);
		pod = json_object_new_object();
	}
	asb_set_label(pod, LABEL_CLAIM_UID, asb_uid(pass->claim));
	pod_template_deny_token(asb_object_in(pod, "spec"));
	return pod;
}

/* The new Sandbox with all its labels and annotations: no other write is as expensive as a later
 * PATCH of its metadata. */
static struct json_object *sandbox_new(const struct pass *pass, struct json_object *claim_template,
				       const char *pod)
{
	struct json_object *sandbox = asb_new(&kind_sandbox, pass->key->ns, pass->key->name);
	struct json_object *spec = asb_object_in(sandbox, "spec");
	const char *trace = asb_annotation(pass->claim, ANNOTATION_TRACE_CONTEXT);

	dialect_set_owner(sandbox, pass->claim);
	if (*pod != '\0') {
		asb_set_annotation(sandbox, ANNOTATION_POD_NAME, pod);
	}
	if (trace != NULL) {
		asb_set_annotation(sandbox, ANNOTATION_TRACE_CONTEXT, trace);
	}
	json_object_object_add(spec, "podTemplate", sandbox_pod_template(pass, claim_template));
	dialect_mark_sandbox(sandbox, DIALECT_ALPHA);
	return sandbox;
}

/* The Sandbox exists. Counts whether its start is warm or cold by its annotation, because an
 * earlier try whose response was lost may have created it. */
static int32_t sandbox_created(struct pass *pass, struct asb_write *write, const struct pick *pick)
{
	struct json_object *stored =
		asb_get(pass->call, WATCH_SANDBOX, pass->key->ns, pass->key->name);
	bool warm;

	pass->sandbox = stored != NULL ? stored : write->ret;
	pass->memory->sandbox_expected = 0;
	pick_release(pass, pick->pod);
	pass->memory->pod[0] = '\0';
	warm = asb_annotation(pass->sandbox, ANNOTATION_POD_NAME) != NULL;
	pass->memory->launch = warm ? LAUNCH_WARM : LAUNCH_COLD;
	measure_created(pass, pass->sandbox, warm);
	if (warm || pick->pooled) {
		pass->call->host->metric(pass->call->instance, warm ? METRIC_HITS : METRIC_MISSES,
					 1, NULL);
	}
	return ASB_DONE;
}

/* The name is taken by a Sandbox that was not in the store before. */
static int32_t sandbox_name_taken(struct pass *pass)
{
	struct json_object *found = NULL;
	int32_t result = pass->call->host->get_live(pass->call, WATCH_SANDBOX, pass->key->ns,
						    pass->key->name, &found);

	if (result == ASB_OK && !pass_owns(pass, found)) {
		return status_foreign(pass, ASB_ERROR, found);
	}
	return pass->call->host->fail(pass->call, ASB_ERROR,
				      "the name of the Sandbox was taken and is free again");
}

int32_t sandbox_create(struct pass *pass, struct json_object *claim_template)
{
	struct pick pick;

	pick_pod(pass, claim_template, &pick);
	return sandbox_send(pass, sandbox_new(pass, claim_template, pick.pod), &pick);
}

int32_t sandbox_send(struct pass *pass, struct json_object *take_sandbox, const struct pick *pick)
{
	struct asb_write write = asb_create(WATCH_SANDBOX, ASB_PRIORITY_CLAIM, take_sandbox);
	int32_t result = asb_write(pass->call, &write);

	if (result == ASB_OK) {
		return sandbox_created(pass, &write, pick);
	}
	if (result == ASB_UNREACHABLE) {
		/* It may have been created: the pod stays reserved until the next reconcile
		 * knows. */
		pass->memory->sandbox_expected = 1;
		pick_keep(pass, pick->pod);
		return status_write_failed(pass, &write, "create the Sandbox");
	}
	pick_release(pass, pick->pod);
	pass->memory->pod[0] = '\0';
	if (result == ASB_ALREADY_EXISTS) {
		return sandbox_name_taken(pass);
	}
	return status_write_failed(pass, &write, "create the Sandbox");
}
