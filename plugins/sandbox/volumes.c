/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PersistentVolumeClaims of a Sandbox's volumeClaimTemplates: they are created once, never
 * changed, and mounted into its pod. Called at the start of a reconcile and when a pod is made.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

#define NAME_SIZE 512

static struct json_object *volumes_templates(struct pass *pass)
{
	return asb_array(pass->sandbox, "spec", "volumeClaimTemplates");
}

/* A template without a name leads to a name that the API server refuses, with its own message. */
static const char *volumes_template_name(struct json_object *template)
{
	const char *name = asb_name(template);

	return name != NULL ? name : "";
}

static void volumes_name(struct pass *pass, struct json_object *template, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%.255s-%.255s", volumes_template_name(template), pass->name);
}

static struct json_object *volumes_new(struct pass *pass, struct json_object *template,
				       const char *name)
{
	struct json_object *volume = asb_new(&kind_volume_claim, pass->ns, name);

	pod_template_metadata(volume, template);
	if (pass->dialect == DIALECT_BETA) {
		asb_set_label(volume, LABEL_NAME_HASH, pass->hash);
	}
	dialect_set_owner(volume, pass->sandbox);
	json_object_object_add(volume, "spec", asb_copy(asb_at(template, "spec")));
	return volume;
}

/* Whether the volume exists. It is an error if it is not this Sandbox's: what an earlier Sandbox of
 * this name owned was deleted with it. */
static bool volumes_exists(struct pass *pass, struct child *child)
{
	if (child->object == NULL) {
		return false;
	}
	if (!pass_owns(pass, child->object)) {
		pass_foreign(pass, child, &kind_volume_claim, child->object);
		pass->volumes_failed = true;
	}
	return true;
}

static void volumes_create(struct pass *pass, struct asb_write *writes, char names[][NAME_SIZE],
			   uint32_t count)
{
	if (count == 0) {
		return;
	}
	pass->call->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		struct child child = { 0 };
		enum outcome outcome = pass_classify(pass, &child, &writes[i]);

		if (outcome == OUTCOME_CHANGED) {
			pass_read(pass, &child, WATCH_VOLUME, names[i]);
			if (!volumes_exists(pass, &child)) {
				pass->volumes_failed = true;
				pass->retry = true;
			}
		}
		if (outcome == OUTCOME_FAILED) {
			pass->volumes_failed = true;
		}
	}
}

void volumes_ensure(struct pass *pass)
{
	struct json_object *templates = volumes_templates(pass);
	struct asb_write writes[ASB_WRITE_MAX];
	char names[ASB_WRITE_MAX][NAME_SIZE];
	uint32_t count = 0;

	for (size_t i = 0; i < asb_length(templates) && !pass->stopped; i++) {
		struct json_object *template = json_object_array_get_idx(templates, i);
		struct child child = { 0 };

		volumes_name(pass, template, names[count]);
		child.object = asb_get(pass->call, WATCH_VOLUME, pass->ns, names[count]);
		if (volumes_exists(pass, &child)) {
			continue;
		}
		writes[count] = asb_create(WATCH_VOLUME, ASB_PRIORITY_CLAIM,
					   volumes_new(pass, template, names[count]));
		if (++count == ASB_WRITE_MAX) {
			volumes_create(pass, writes, names, count);
			count = 0;
		}
	}
	if (!pass->stopped) {
		volumes_create(pass, writes, names, count);
	}
}

/* A copy of the pod's volumes without the one of this name. */
static struct json_object *volumes_without(struct json_object *volumes, const char *name)
{
	struct json_object *kept = json_object_new_array();

	for (size_t i = 0; i < asb_length(volumes); i++) {
		struct json_object *volume = json_object_array_get_idx(volumes, i);

		if (!asb_streq(asb_str(volume, "name"), name)) {
			json_object_array_add(kept, json_object_get(volume));
		}
	}
	return kept;
}

void volumes_mount(struct pass *pass, struct json_object *pod)
{
	struct json_object *templates = volumes_templates(pass), *spec = asb_object_in(pod, "spec");

	for (size_t i = 0; i < asb_length(templates); i++) {
		struct json_object *template = json_object_array_get_idx(templates, i);
		struct json_object *volume = json_object_new_object(), *volumes;
		char name[NAME_SIZE];

		volumes_name(pass, template, name);
		asb_set_str(volume, "name", volumes_template_name(template));
		asb_set_str(asb_object_in(volume, "persistentVolumeClaim"), "claimName", name);
		volumes = volumes_without(asb_array(spec, "volumes"),
					  volumes_template_name(template));
		json_object_array_add(volumes, volume);
		json_object_object_add(spec, "volumes", volumes);
	}
}
