/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Sandbox describes turned into new objects: the pod of its podTemplate, the metadata of its
 * templates. Called by pod.c and volumes.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* A template has no say in these. */
static const char *const system_labels[] = {
	LABEL_NAME_HASH, LABEL_SANDBOX_UID, LABEL_CLAIM_UID, LABEL_POOL, LABEL_TEMPLATE_HASH, NULL,
};

static void copy_member(struct json_object *to, struct json_object *from, const char *name)
{
	struct json_object *member = asb_at(from, "metadata", name);

	if (member != NULL) {
		json_object_object_add(asb_object_in(to, "metadata"), name, asb_copy(member));
	}
}

void template_metadata(struct json_object *object, struct json_object *template)
{
	copy_member(object, template, "labels");
	copy_member(object, template, "annotations");
}

struct json_object *template_pod(struct pass *p)
{
	struct json_object *template = asb_at(p->sandbox, "spec", "podTemplate");
	struct json_object *pod = asb_new(&sandbox_watches[WATCH_POD].kind, p->ns, p->name);

	template_metadata(pod, template);
	for (size_t i = 0; system_labels[i] != NULL; i++) {
		asb_set_label(pod, system_labels[i], NULL);
	}
	asb_set_label(pod, LABEL_NAME_HASH, p->hash);
	asb_set_label(pod, LABEL_SANDBOX_UID, p->uid);
	asb_set_label(pod, LABEL_CLAIM_UID, p->claim_uid);
	asb_set_owner(pod, p->sandbox);
	json_object_object_add(pod, "spec", asb_copy(asb_at(template, "spec")));
	volumes_mount(p, pod);
	return pod;
}
