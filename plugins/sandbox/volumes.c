/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PersistentVolumeClaims of a Sandbox's volumeClaimTemplates: made once, never changed, mounted
 * into its pod. Called at the start of a pass and when a pod is made.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

#define NAME_SIZE 512

static struct json_object *templates_of(struct pass *p)
{
	return asb_array(p->sandbox, "spec", "volumeClaimTemplates");
}

/* A template without a name makes a name that the API server refuses, in its own words. */
static const char *template_name(struct json_object *template)
{
	const char *name = asb_name(template);

	return name != NULL ? name : "";
}

static void volume_name(struct pass *p, struct json_object *template, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%.255s-%.255s", template_name(template), p->name);
}

static struct json_object *new_volume(struct pass *p, struct json_object *template,
				      const char *name)
{
	struct json_object *volume = asb_new(&sandbox_watches[WATCH_VOLUME].kind, p->ns, name);

	template_metadata(volume, template);
	asb_set_owner(volume, p->sandbox);
	json_object_object_add(volume, "spec", asb_copy(asb_at(template, "spec")));
	return volume;
}

/* One that is there is ours or an error: what an earlier Sandbox owned went with it. */
static bool is_there(struct pass *p, struct side *side)
{
	if (side->object == NULL) {
		return false;
	}
	if (!pass_owns(p, side->object)) {
		pass_foreign(p, side, WATCH_VOLUME, side->object);
		p->volumes_failed = true;
	}
	return true;
}

static void create_all(struct pass *p, struct asb_write *writes, char names[][NAME_SIZE],
		       uint32_t count)
{
	if (count == 0) {
		return;
	}
	p->call->host->write_all(p->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		struct side side = { 0 };
		enum outcome outcome = pass_judge(p, &side, &writes[i]);

		if (outcome == OUTCOME_LOOK) {
			pass_read(p, &side, WATCH_VOLUME, names[i]);
			if (!is_there(p, &side)) {
				p->volumes_failed = true;
				p->retry = true;
			}
		}
		if (outcome == OUTCOME_FAILED) {
			p->volumes_failed = true;
		}
	}
}

void volumes_ensure(struct pass *p)
{
	struct json_object *templates = templates_of(p);
	struct asb_write writes[ASB_WRITE_MAX];
	char names[ASB_WRITE_MAX][NAME_SIZE];
	uint32_t count = 0;

	for (size_t i = 0; i < asb_length(templates) && !p->stopped; i++) {
		struct json_object *template = json_object_array_get_idx(templates, i);
		struct side side = { 0 };

		volume_name(p, template, names[count]);
		side.object = asb_get(p->call, WATCH_VOLUME, p->ns, names[count]);
		if (is_there(p, &side)) {
			continue;
		}
		writes[count] = asb_create(WATCH_VOLUME, ASB_PRIORITY_CLAIM,
					   new_volume(p, template, names[count]));
		if (++count == ASB_WRITE_MAX) {
			create_all(p, writes, names, count);
			count = 0;
		}
	}
	if (!p->stopped) {
		create_all(p, writes, names, count);
	}
}

/* The pod's volumes but the one of this name. */
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

void volumes_mount(struct pass *p, struct json_object *pod)
{
	struct json_object *templates = templates_of(p), *spec = asb_object_in(pod, "spec");

	for (size_t i = 0; i < asb_length(templates); i++) {
		struct json_object *template = json_object_array_get_idx(templates, i);
		struct json_object *volume = json_object_new_object(), *volumes;
		char name[NAME_SIZE];

		volume_name(p, template, name);
		asb_set_str(volume, "name", template_name(template));
		asb_set_str(asb_object_in(volume, "persistentVolumeClaim"), "claimName", name);
		volumes = volumes_without(asb_array(spec, "volumes"), template_name(template));
		json_object_array_add(volumes, volume);
		json_object_object_add(spec, "volumes", volumes);
	}
}
