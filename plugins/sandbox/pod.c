/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod of a Sandbox: which one it is, the next write it needs, and what came of that. Called by
 * reconcile.c in rounds, beside service.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The time between saying that an adopted pod is lost and making another, for a claim or a user to
 * see it. */
#define LOST_PAUSE_MS 2000

/* Whether the annotation names another pod than the Sandbox's own name does. */
static bool annotated(const struct pass *p)
{
	return p->annotation != NULL && strcmp(p->annotation, p->name) != 0;
}

static const char *expected_name(const struct pass *p)
{
	return annotated(p) ? p->annotation : p->name;
}

/* A pod the Sandbox owns whatever its name, one that ends only if it is to have none; that of its
 * own name goes first. */
static struct json_object *any_owned(struct pass *p)
{
	struct json_object *const *pods = NULL, *found = NULL;
	uint32_t count = p->call->host->list(p->call, INDEX_OWNED_PODS, p->uid, 0, 0, &pods);

	for (uint32_t i = 0; i < count; i++) {
		bool deleting = asb_deleting(pods[i]);

		if (deleting && p->wanted) {
			continue;
		}
		if (found == NULL || (asb_deleting(found) && !deleting) ||
		    (!deleting && asb_streq(asb_name(pods[i]), p->name))) {
			found = pods[i];
		}
	}
	return found;
}

/* An annotation may hold anything; only what a pod can be called is asked for. */
static bool is_pod_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < 254 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

void pod_look(struct pass *p)
{
	struct json_object *named = asb_get(p->call, WATCH_POD, p->ns, expected_name(p));
	struct json_object *owned = pass_owns(p, named) && p->wanted ? named : any_owned(p);

	p->pod.object = owned != NULL ? owned : named;
	/* The store keeps no pods of other people, but a condition is to say whose it is. */
	if (p->pod.object == NULL && p->wanted && annotated(p) && is_pod_name(p->annotation)) {
		pass_read(p, &p->pod, WATCH_POD, p->annotation);
	}
}

struct asb_write pod_name_patch(struct pass *p, const char *pod_name)
{
	struct json_object *patch = json_object_new_array();
	struct json_object *old =
		asb_at(p->sandbox, "metadata", "annotations", ANNOTATION_POD_NAME);

	if (asb_at(p->sandbox, "metadata", "annotations") == NULL) {
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
	return asb_patch_of(WATCH_SANDBOX, p->sandbox, ASB_PATCH_JSON, patch);
}

/* Fills in a patch of the pod, if it has any operation. */
static bool patch_pod(struct pass *p, struct json_object *take_patch, struct asb_write *ret_write)
{
	if (asb_length(take_patch) == 0) {
		json_object_put(take_patch);
		return false;
	}
	*ret_write = asb_patch_of(WATCH_POD, p->pod.object, ASB_PATCH_JSON, take_patch);
	return true;
}

/* Whatever made it, and whether that was answered: the first look at a pod after a loss says so. */
static void note_recreated(struct pass *p, const char *name)
{
	if (p->memory->lost_ms != 0 && strcmp(name, p->name) == 0) {
		p->call->host->event(p->call, p->sandbox, "Normal", "PodRecreated",
				     "Pod \"%s\" was made anew, without the state of the lost one",
				     name);
	}
	p->memory->lost_ms = 0;
}

/* Our pod: the annotation says its name, its labels say whose it is. */
static bool plan_own(struct pass *p, struct asb_write *ret_write)
{
	struct json_object *pod = p->pod.object, *patch;
	const char *name = asb_name(pod);

	note_recreated(p, name);
	if (asb_deleting(pod)) {
		return false;
	}
	if (strcmp(name, expected_name(p)) != 0) {
		*ret_write = pod_name_patch(p, strcmp(name, p->name) != 0 ? name : NULL);
		return true;
	}
	patch = json_object_new_array();
	adopt_patch_labels(p, patch, pod);
	return patch_pod(p, patch, ret_write);
}

/* Whether the status or the memory knows the annotated pod as one this Sandbox had. */
static bool was_ours(struct pass *p)
{
	const char *message = asb_str(asb_condition(p->sandbox, "Ready"), "message");

	return p->memory->lost_ms != 0 ||
	       asb_int(asb_at(p->sandbox, "status", "replicas"), 0) == 1 ||
	       (message != NULL && strncmp(message, TEXT_NO_POD ";", sizeof(TEXT_NO_POD)) == 0);
}

/* The state in the pod is gone: that is said first, and only then a new pod made. */
static bool plan_lost(struct pass *p, struct asb_write *ret_write)
{
	const struct asb_host *host = p->call->host;
	int64_t now = asb_now_ms(p->call), left;

	if (p->memory->lost_ms == 0) {
		p->memory->lost_ms = now;
		if (asb_int(asb_at(p->sandbox, "status", "replicas"), 0) == 1) {
			host->event(p->call, p->sandbox, "Warning", "PodLost",
				    "Pod \"%s\" is gone, and the state in it", p->annotation);
			host->metric(p->call->instance, METRIC_PODS_LOST, 1, NULL);
		}
	}
	left = p->memory->lost_ms + LOST_PAUSE_MS - now;
	if (left > 0) {
		pass_again(p, left);
		return false;
	}
	*ret_write = pod_name_patch(p, NULL);
	return true;
}

static bool plan_annotated(struct pass *p, struct asb_write *ret_write)
{
	struct json_object *pod = p->pod.object;

	if (pod != NULL && adopt_possible(p, pod)) {
		return patch_pod(p, adopt_patch_from_pool(p, pod), ret_write);
	}
	if (pod != NULL && adopt_unfinished(p, pod)) {
		return patch_pod(p, adopt_patch_unfinished(p, pod), ret_write);
	}
	if (was_ours(p)) {
		return plan_lost(p, ret_write);
	}
	if (pod != NULL && adopt_claim(p) == NULL) {
		pass_foreign(p, &p->pod, WATCH_POD, pod);
		return false;
	}
	/* Gone, or another's, before this Sandbox ever had it: a cold start. */
	*ret_write = pod_name_patch(p, NULL);
	return true;
}

static bool plan_own_name(struct pass *p, struct asb_write *ret_write)
{
	struct json_object *pod = p->pod.object, *patch;

	if (pod == NULL) {
		if (p->volumes_failed) {
			return false;
		}
		*ret_write = asb_create(WATCH_POD, ASB_PRIORITY_CLAIM, template_pod(p));
		return true;
	}
	if (asb_controller(pod, NULL) != NULL || asb_deleting(pod)) {
		pass_foreign(p, &p->pod, WATCH_POD, pod);
		return false;
	}
	patch = json_object_new_array();
	adopt_patch_unowned(p, patch, pod);
	adopt_patch_labels(p, patch, pod);
	return patch_pod(p, patch, ret_write);
}

/* replicas 0: no pod of ours, and no name of one. */
static bool plan_none(struct pass *p, struct asb_write *ret_write)
{
	if (pass_owns(p, p->pod.object) && !asb_deleting(p->pod.object)) {
		*ret_write = asb_remove(WATCH_POD, p->pod.object, false);
		return true;
	}
	p->memory->lost_ms = 0;
	if (p->annotation != NULL) {
		*ret_write = pod_name_patch(p, NULL);
		return true;
	}
	return false;
}

bool pod_plan(struct pass *p, struct asb_write *ret_write)
{
	if (p->pod.failed) {
		return false;
	}
	if (!p->wanted) {
		return plan_none(p, ret_write);
	}
	if (pass_owns(p, p->pod.object)) {
		return plan_own(p, ret_write);
	}
	return annotated(p) ? plan_annotated(p, ret_write) : plan_own_name(p, ret_write);
}

static void annotation_done(struct pass *p, const struct asb_write *write)
{
	struct json_object *sandbox;

	switch (pass_judge(p, &p->pod, write)) {
	case OUTCOME_DONE:
		sandbox = pass_result(p, write, p->name);
		if (sandbox != NULL) {
			p->sandbox = sandbox;
			p->annotation = asb_annotation(sandbox, ANNOTATION_POD_NAME);
			pod_look(p);
			break;
		}
		pass_stop(p, "the Sandbox is gone");
		break;
	case OUTCOME_LOOK:
		pass_stop(p, "the Sandbox has changed meanwhile");
		break;
	case OUTCOME_FAILED:
		break;
	}
}

static void remove_done(struct pass *p, const struct asb_write *write)
{
	switch (pass_judge(p, &p->pod, write)) {
	case OUTCOME_DONE:
		pod_look(p);
		break;
	case OUTCOME_LOOK:
		/* Gone already; the store will hear of it. */
		p->pod.object = NULL;
		break;
	case OUTCOME_FAILED:
		break;
	}
}

void pod_done(struct pass *p, const struct asb_write *write)
{
	if (write->watch == WATCH_SANDBOX) {
		annotation_done(p, write);
	} else if (write->verb == ASB_DELETE) {
		remove_done(p, write);
	} else {
		pass_done(p, &p->pod, write,
			  write->verb == ASB_CREATE ? p->name : asb_name(p->pod.object));
	}
}
