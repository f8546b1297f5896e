/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over what exists already: whether a pool's pod may be taken, and the patches that change
 * an owner. Called by pod.c and service.c, which send them.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The object in the store that an owner reference means: of this kind, and by UID. */
static struct json_object *owner_in_store(struct pass *p, struct json_object *object,
					  uint32_t watch)
{
	struct json_object *owner = asb_controller(object, NULL), *found;
	const char *name = asb_str(owner, "name");

	if (name == NULL || !asb_owner_is(owner, &sandbox_watches[watch].kind)) {
		return NULL;
	}
	found = asb_get(p->call, watch, p->ns, name);
	return asb_streq(asb_uid(found), asb_str(owner, "uid")) ? found : NULL;
}

struct json_object *adopt_claim(struct pass *p)
{
	return owner_in_store(p, p->sandbox, WATCH_CLAIM);
}

/* A pod that another claim has reserved is left to it, though the patch would let only one win. */
static bool reserved_by_another(struct pass *p, const char *pod_name)
{
	const char *holder = p->call->host->reserved(p->call, WATCH_POD, p->ns, pod_name);
	char self[320];

	snprintf(self, sizeof(self), "%.63s/%.253s", p->ns, p->name);
	return holder != NULL && strcmp(holder, self) != 0;
}

/* One that is not ending, nor at its end. */
static bool runs(struct json_object *pod)
{
	const char *phase = asb_str(pod, "status", "phase");

	return !asb_deleting(pod) && !asb_streq(phase, "Failed") && !asb_streq(phase, "Succeeded");
}

bool adopt_possible(struct pass *p, struct json_object *pod)
{
	struct json_object *claim = adopt_claim(p);
	struct json_object *pool = owner_in_store(p, pod, WATCH_POOL);

	/* One that is not there has no template, and that equals nothing. */
	return asb_streq(asb_str(claim, "spec", "sandboxTemplateRef", "name"),
			 asb_str(pool, "spec", "sandboxTemplateRef", "name")) &&
	       runs(pod) && !reserved_by_another(p, asb_name(pod));
}

/*
 * The public Go controller takes a pod out of its pool, labels it for the claim, and only then makes
 * the Sandbox that names it. The annotation alone proves nothing: the pod must say the claim's UID
 * and this Sandbox's name hash, and have been no other Sandbox's.
 */
bool adopt_unfinished(struct pass *p, struct json_object *pod)
{
	const char *sandbox_uid = asb_label(pod, LABEL_SANDBOX_UID);

	return adopt_claim(p) != NULL && asb_controller(pod, NULL) == NULL &&
	       asb_streq(asb_label(pod, LABEL_CLAIM_UID), p->claim_uid) &&
	       asb_streq(asb_label(pod, LABEL_NAME_HASH), p->hash) &&
	       (sandbox_uid == NULL || strcmp(sandbox_uid, p->uid) == 0) &&
	       asb_label(pod, LABEL_POOL) == NULL && runs(pod) &&
	       !reserved_by_another(p, asb_name(pod));
}

void adopt_patch_label(struct json_object *patch, struct json_object *object, const char *key,
		       const char *value)
{
	if (!asb_streq(asb_label(object, key), value)) {
		asb_patch(patch, "add", json_object_new_string(value), "metadata", "labels", key);
	}
}

void adopt_patch_labels(struct pass *p, struct json_object *patch, struct json_object *pod)
{
	if (asb_at(pod, "metadata", "labels") == NULL) {
		asb_patch(patch, "test", NULL, "metadata", "labels");
		asb_patch(patch, "add", json_object_new_object(), "metadata", "labels");
	}
	adopt_patch_label(patch, pod, LABEL_NAME_HASH, p->hash);
	adopt_patch_label(patch, pod, LABEL_SANDBOX_UID, p->uid);
	if (p->claim_uid != NULL) {
		adopt_patch_label(patch, pod, LABEL_CLAIM_UID, p->claim_uid);
	}
}

static void drop_label(struct json_object *patch, struct json_object *pod, const char *key)
{
	if (asb_at(pod, "metadata", "labels", key) != NULL) {
		asb_patch(patch, "remove", NULL, "metadata", "labels", key);
	}
}

struct json_object *adopt_patch_from_pool(struct pass *p, struct json_object *pod)
{
	struct json_object *patch = json_object_new_array(), *pool;
	size_t index = 0;
	char place[24];

	pool = asb_controller(pod, &index);
	snprintf(place, sizeof(place), "%zu", index);
	asb_patch(patch, "test", asb_copy(asb_at(pool, "uid")), "metadata", "ownerReferences",
		  place, "uid");
	asb_patch(patch, "test", NULL, "metadata", "deletionTimestamp");
	asb_patch(patch, "replace", asb_owner_reference(p->sandbox), "metadata", "ownerReferences",
		  place);
	drop_label(patch, pod, LABEL_POOL);
	drop_label(patch, pod, LABEL_TEMPLATE_HASH);
	adopt_patch_labels(p, patch, pod);
	return patch;
}

struct json_object *adopt_patch_unfinished(struct pass *p, struct json_object *pod)
{
	struct json_object *patch = json_object_new_array();

	asb_patch(patch, "test", json_object_new_string(p->claim_uid), "metadata", "labels",
		  LABEL_CLAIM_UID);
	adopt_patch_unowned(p, patch, pod);
	adopt_patch_labels(p, patch, pod);
	return patch;
}

void adopt_patch_unowned(struct pass *p, struct json_object *patch, struct json_object *object)
{
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");

	/* The whole list is tested: a controller added meanwhile makes the patch fail. */
	asb_patch(patch, "test", asb_copy(owners), "metadata", "ownerReferences");
	asb_patch(patch, "test", NULL, "metadata", "deletionTimestamp");
	if (owners != NULL) {
		asb_patch(patch, "add", asb_owner_reference(p->sandbox), "metadata",
			  "ownerReferences", "-");
		return;
	}
	owners = json_object_new_array();
	json_object_array_add(owners, asb_owner_reference(p->sandbox));
	asb_patch(patch, "add", owners, "metadata", "ownerReferences");
}
