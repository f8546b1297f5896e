/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod of a Sandbox: which one it is, the next write it needs, and the result of that write.
 * Called by reconcile.c in rounds, together with service.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The time between reporting that an adopted pod is lost and making another one, so that a claim or
 * a user can see the report. */
#define LOST_PAUSE_MS 2000

/* Whether the annotation names another pod than the one of the Sandbox's own name. */
static bool pod_is_annotated(const struct pass *pass)
{
	return pass->annotation != NULL && strcmp(pass->annotation, pass->name) != 0;
}

static const char *pod_expected_name(const struct pass *pass)
{
	return pod_is_annotated(pass) ? pass->annotation : pass->name;
}

/* A pod that the Sandbox owns, whatever its name is. The pod of the Sandbox's own name is
 * preferred, and a pod that is being deleted counts only if the Sandbox is to have none. */
static struct json_object *pod_any_owned(struct pass *pass)
{
	struct json_object *const *pods = NULL, *found = NULL;
	uint32_t count =
		pass->call->host->list(pass->call, INDEX_OWNED_PODS, pass->uid, 0, 0, &pods);

	for (uint32_t i = 0; i < count; i++) {
		bool deleting = asb_deleting(pods[i]);

		if (deleting && pass->wanted) {
			continue;
		}
		if (found == NULL || (asb_deleting(found) && !deleting) ||
		    (!deleting && asb_streq(asb_name(pods[i]), pass->name))) {
			found = pods[i];
		}
	}
	return found;
}

/* An annotation may have any value. Only a name that a pod can have is sent to the API server. */
static bool pod_is_valid_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < 254 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

void pod_find(struct pass *pass)
{
	struct json_object *named =
		asb_get(pass->call, WATCH_POD, pass->ns, pod_expected_name(pass));
	struct json_object *owned =
		pass_owns(pass, named) && pass->wanted ? named : pod_any_owned(pass);

	pass->pod.object = owned != NULL ? owned : named;
	/* The store does not keep pods of other owners, but the condition has to say whose it
	 * is. */
	if (pass->pod.object == NULL && pass->wanted && pod_is_annotated(pass) &&
	    pod_is_valid_name(pass->annotation)) {
		pass_read(pass, &pass->pod, WATCH_POD, pass->annotation);
	}
}

struct asb_write pod_name_patch(struct pass *pass, const char *pod_name)
{
	struct json_object *patch = json_object_new_array();
	struct json_object *old =
		asb_at(pass->sandbox, "metadata", "annotations", ANNOTATION_POD_NAME);

	if (asb_at(pass->sandbox, "metadata", "annotations") == NULL) {
		asb_patch(patch, "test", NULL, "metadata", "annotations");
		asb_patch(patch, "add", json_object_new_object(), "metadata", "annotations");
	}
	asb_patch(patch, "test", asb_copy(old), "metadata", "annotations", ANNOTATION_POD_NAME);
	if (pod_name != NULL) {
		asb_patch(patch, "add", json_object_new_string(pod_name), "metadata", "annotations",
			  ANNOTATION_POD_NAME);
	} else {
		asb_patch(patch, "remove", NULL, "metadata", "annotations", ANNOTATION_POD_NAME);
	}
	return asb_patch_of(WATCH_SANDBOX, pass->sandbox, ASB_PATCH_JSON, patch);
}

/* Makes the write for a patch of the pod. Returns false if the patch has no operation. */
static bool pod_patch(struct pass *pass, struct json_object *take_patch,
		      struct asb_write *ret_write)
{
	if (asb_length(take_patch) == 0) {
		json_object_put(take_patch);
		return false;
	}
	*ret_write = asb_patch_of(WATCH_POD, pass->pod.object, ASB_PATCH_JSON, take_patch);
	return true;
}

/* Reports the pod that replaces a lost one. This happens when the new pod is first seen, so that a
 * lost response to its creation makes no difference. */
static void pod_note_recreated(struct pass *pass, const char *name)
{
	if (pass->memory->lost_ms != 0 && strcmp(name, pass->name) == 0) {
		pass->call->host->event(
			pass->call, pass->sandbox, "Normal", "PodRecreated",
			"Pod \"%s\" was created again, without the state of the lost one", name);
	}
	pass->memory->lost_ms = 0;
}

/* For a pod that the Sandbox owns: the annotation has to name it, its labels say whose it is. */
static bool pod_plan_own(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *pod = pass->pod.object, *patch;
	const char *name = asb_name(pod);

	pod_note_recreated(pass, name);
	if (asb_deleting(pod)) {
		return false;
	}
	if (strcmp(name, pod_expected_name(pass)) != 0) {
		*ret_write = pod_name_patch(pass, strcmp(name, pass->name) != 0 ? name : NULL);
		return true;
	}
	patch = json_object_new_array();
	adopt_patch_labels(pass, patch, pod);
	if (pass->dialect == DIALECT_BETA) {
		propagate_patch(pass, patch, pod);
	}
	return pod_patch(pass, patch, ret_write);
}

/* Whether the status or the memory says that this Sandbox had the annotated pod. */
static bool pod_was_ours(struct pass *pass)
{
	const char *message = asb_str(asb_condition(pass->sandbox, "Ready"), "message");

	return pass->memory->lost_ms != 0 ||
	       asb_int(asb_at(pass->sandbox, "status", "replicas"), 0) == 1 ||
	       (message != NULL && strncmp(message, TEXT_NO_POD ";", sizeof(TEXT_NO_POD)) == 0);
}

/* For a lost pod: its state is gone. That is reported first, and a new pod is made after a
 * pause. */
static bool pod_plan_lost(struct pass *pass, struct asb_write *ret_write)
{
	const struct asb_host *host = pass->call->host;
	int64_t now = asb_now_ms(pass->call), left;

	if (pass->memory->lost_ms == 0) {
		pass->memory->lost_ms = now;
		if (asb_int(asb_at(pass->sandbox, "status", "replicas"), 0) == 1) {
			host->event(pass->call, pass->sandbox, "Warning", "PodLost",
				    "Pod \"%s\" is gone, and with it its state", pass->annotation);
			host->metric(pass->call->instance, METRIC_PODS_LOST, 1, NULL);
		}
	}
	left = pass->memory->lost_ms + LOST_PAUSE_MS - now;
	if (left > 0) {
		pass_again(pass, left);
		return false;
	}
	*ret_write = pod_name_patch(pass, NULL);
	return true;
}

/* For the pod that the annotation names, which the Sandbox does not own. */
static bool pod_plan_annotated(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *pod = pass->pod.object;

	if (pod != NULL && adopt_possible(pass, pod)) {
		return pod_patch(pass, adopt_patch_from_pool(pass, pod), ret_write);
	}
	if (pod != NULL && adopt_unfinished(pass, pod)) {
		return pod_patch(pass, adopt_patch_unfinished(pass, pod), ret_write);
	}
	if (pod_was_ours(pass)) {
		return pod_plan_lost(pass, ret_write);
	}
	if (pod != NULL && adopt_claim(pass) == NULL) {
		pass_foreign(pass, &pass->pod, &kind_pod, pod);
		return false;
	}
	/* The pod was gone, or another owner's, before this Sandbox ever had it: a cold start. */
	*ret_write = pod_name_patch(pass, NULL);
	return true;
}

/* A new pod made from the Sandbox's podTemplate, owned by the caller. */
static struct json_object *pod_new(struct pass *pass)
{
	struct json_object *pod = pod_template_pod(asb_at(pass->sandbox, "spec", "podTemplate"),
						   pass->ns, pass->name);

	if (pass->dialect == DIALECT_BETA) {
		propagate_new(pass, pod);
	} else {
		asb_set_label(pod, LABEL_CLAIM_UID, pass->claim_uid);
	}
	asb_set_label(pod, LABEL_NAME_HASH, pass->hash);
	asb_set_label(pod, LABEL_SANDBOX_UID, pass->uid);
	dialect_set_owner(pod, pass->sandbox);
	volumes_mount(pass, pod);
	return pod;
}

/* For the pod of the Sandbox's own name, which the Sandbox does not own yet. */
static bool pod_plan_own_name(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *pod = pass->pod.object, *patch;

	if (pod == NULL) {
		if (pass->volumes_failed) {
			return false;
		}
		*ret_write = asb_create(WATCH_POD, ASB_PRIORITY_CLAIM, pod_new(pass));
		return true;
	}
	if (asb_controller(pod, NULL) != NULL || asb_deleting(pod)) {
		pass_foreign(pass, &pass->pod, &kind_pod, pod);
		return false;
	}
	if (pass->dialect == DIALECT_BETA && !pass_may_adopt(pass, &pass->pod, &kind_pod, pod)) {
		return false;
	}
	patch = json_object_new_array();
	object_patch_owner(patch, pod, pass->sandbox);
	adopt_patch_labels(pass, patch, pod);
	return pod_patch(pass, patch, ret_write);
}

/* For a suspended Sandbox: it owns no pod, and no annotation names one. */
static bool pod_plan_none(struct pass *pass, struct asb_write *ret_write)
{
	if (pass_owns(pass, pass->pod.object) && !asb_deleting(pass->pod.object)) {
		*ret_write = asb_remove(WATCH_POD, pass->pod.object, false);
		return true;
	}
	pass->memory->lost_ms = 0;
	if (pass->annotation != NULL) {
		*ret_write = pod_name_patch(pass, NULL);
		return true;
	}
	return false;
}

bool pod_plan(struct pass *pass, struct asb_write *ret_write)
{
	if (pass->pod.failed) {
		return false;
	}
	if (!pass->wanted) {
		return pod_plan_none(pass, ret_write);
	}
	if (pass_owns(pass, pass->pod.object)) {
		return pod_plan_own(pass, ret_write);
	}
	return pod_is_annotated(pass) ? pod_plan_annotated(pass, ret_write)
				      : pod_plan_own_name(pass, ret_write);
}

static void pod_annotation_done(struct pass *pass, const struct asb_write *write)
{
	struct json_object *sandbox;

	switch (pass_classify(pass, &pass->pod, write)) {
	case OUTCOME_DONE:
		sandbox = pass_result(pass, write, pass->name);
		if (sandbox != NULL) {
			pass->sandbox = sandbox;
			pass->annotation = asb_annotation(sandbox, ANNOTATION_POD_NAME);
			pod_find(pass);
			break;
		}
		pass_stop(pass, "the Sandbox is gone");
		break;
	case OUTCOME_CHANGED:
		pass_stop(pass, "the Sandbox has changed since it was read");
		break;
	case OUTCOME_FAILED:
		break;
	}
}

static void pod_remove_done(struct pass *pass, const struct asb_write *write)
{
	switch (pass_classify(pass, &pass->pod, write)) {
	case OUTCOME_DONE:
		pod_find(pass);
		break;
	case OUTCOME_CHANGED:
		/* It is gone already; the store will show that soon. */
		pass->pod.object = NULL;
		break;
	case OUTCOME_FAILED:
		break;
	}
}

void pod_done(struct pass *pass, const struct asb_write *write)
{
	if (write->watch == WATCH_SANDBOX) {
		pod_annotation_done(pass, write);
	} else if (write->verb == ASB_DELETE) {
		pod_remove_done(pass, write);
	} else {
		pass_done(pass, &pass->pod, write,
			  write->verb == ASB_CREATE ? pass->name : asb_name(pass->pod.object));
	}
}
