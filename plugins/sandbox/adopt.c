/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adopting what exists already: which pods a Sandbox may take, and the patches that change an
 * owner. Called by pod.c and service.c, which send the patches.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The controller of object as the store has it, if it is of this kind and has the same UID. */
static struct json_object *adopt_owner_in_store(struct pass *pass, struct json_object *object,
						uint32_t watch, const struct asb_kind *kind)
{
	const char *name = asb_str(asb_controller(object, NULL), "name");
	const char *uid = object_controller_uid(object, kind);
	struct json_object *found;

	if (name == NULL || uid == NULL) {
		return NULL;
	}
	found = asb_get(pass->call, watch, pass->ns, name);
	return asb_streq(asb_uid(found), uid) ? found : NULL;
}

struct json_object *adopt_claim(struct pass *pass)
{
	return adopt_owner_in_store(pass, pass->sandbox, WATCH_CLAIM, &kind_claim);
}

/* A pod that another claim has reserved is left to that claim, although only one patch could
 * win. */
static bool adopt_reserved_by_another(struct pass *pass, const char *pod_name)
{
	const char *holder = pass->call->host->reserved(pass->call, WATCH_POD, pass->ns, pod_name);
	char self[320];

	snprintf(self, sizeof(self), "%.63s/%.253s", pass->ns, pass->name);
	return holder != NULL && strcmp(holder, self) != 0;
}

bool adopt_possible(struct pass *pass, struct json_object *pod)
{
	struct json_object *claim = adopt_claim(pass);
	struct json_object *pool = adopt_owner_in_store(pass, pod, WATCH_POOL, &kind_pool);

	/* A claim or pool that does not exist has no template, and NULL equals nothing. */
	return asb_streq(asb_str(claim, "spec", "sandboxTemplateRef", "name"),
			 asb_str(pool, "spec", "sandboxTemplateRef", "name")) &&
	       object_pod_live(pod) && !adopt_reserved_by_another(pass, asb_name(pod));
}

/*
 * The public Go controller takes a pod out of its pool, labels it for the claim, and only then
 * makes the Sandbox that names it. The annotation alone proves nothing: the pod's labels must have
 * the claim's UID and this Sandbox's name hash, and no other Sandbox's UID.
 */
bool adopt_unfinished(struct pass *pass, struct json_object *pod)
{
	const char *sandbox_uid = asb_label(pod, LABEL_SANDBOX_UID);

	return adopt_claim(pass) != NULL && asb_controller(pod, NULL) == NULL &&
	       asb_streq(asb_label(pod, LABEL_CLAIM_UID), pass->claim_uid) &&
	       asb_streq(asb_label(pod, LABEL_NAME_HASH), pass->hash) &&
	       (sandbox_uid == NULL || strcmp(sandbox_uid, pass->uid) == 0) &&
	       asb_label(pod, LABEL_POOL) == NULL && object_pod_live(pod) &&
	       !adopt_reserved_by_another(pass, asb_name(pod));
}

void adopt_patch_label(struct json_object *patch, struct json_object *object, const char *key,
		       const char *value)
{
	if (!asb_streq(asb_label(object, key), value)) {
		asb_patch(patch, "add", json_object_new_string(value), "metadata", "labels", key);
	}
}

void adopt_patch_labels(struct pass *pass, struct json_object *patch, struct json_object *pod)
{
	if (asb_at(pod, "metadata", "labels") == NULL) {
		asb_patch(patch, "test", NULL, "metadata", "labels");
		asb_patch(patch, "add", json_object_new_object(), "metadata", "labels");
	}
	adopt_patch_label(patch, pod, LABEL_NAME_HASH, pass->hash);
	adopt_patch_label(patch, pod, LABEL_SANDBOX_UID, pass->uid);
	/* propagate.c has the labels of v1beta1 that depend on the owner. */
	if (pass->claim_uid != NULL && pass->dialect == DIALECT_ALPHA) {
		adopt_patch_label(patch, pod, LABEL_CLAIM_UID, pass->claim_uid);
	}
}

static void adopt_drop_label(struct json_object *patch, struct json_object *pod, const char *key)
{
	if (asb_at(pod, "metadata", "labels", key) != NULL) {
		asb_patch(patch, "remove", NULL, "metadata", "labels", key);
	}
}

struct json_object *adopt_patch_from_pool(struct pass *pass, struct json_object *pod)
{
	struct json_object *patch = json_object_new_array(), *pool;
	size_t index = 0;
	char place[24];

	pool = asb_controller(pod, &index);
	snprintf(place, sizeof(place), "%zu", index);
	asb_patch(patch, "test", asb_copy(asb_at(pool, "uid")), "metadata", "ownerReferences",
		  place, "uid");
	asb_patch(patch, "test", NULL, "metadata", "deletionTimestamp");
	asb_patch(patch, "replace", dialect_owner_reference(pass->sandbox), "metadata",
		  "ownerReferences", place);
	adopt_drop_label(patch, pod, LABEL_POOL);
	adopt_drop_label(patch, pod, LABEL_TEMPLATE_HASH);
	adopt_patch_labels(pass, patch, pod);
	return patch;
}

struct json_object *adopt_patch_unfinished(struct pass *pass, struct json_object *pod)
{
	struct json_object *patch = json_object_new_array();

	asb_patch(patch, "test", json_object_new_string(pass->claim_uid), "metadata", "labels",
		  LABEL_CLAIM_UID);
	object_patch_owner(patch, pod, pass->sandbox);
	adopt_patch_labels(pass, patch, pod);
	return patch;
}
