/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headless Service that gives a Sandbox's pod its name in DNS: the next write it needs, and the
 * result of that write. Called by reconcile.c, together with pod.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

void service_find(struct pass *pass)
{
	pass->service.object = asb_get(pass->call, WATCH_SERVICE, pass->ns, pass->name);
}

static struct json_object *service_new(struct pass *pass)
{
	struct json_object *service = asb_new(&kind_service, pass->ns, pass->name);
	struct json_object *spec = asb_object_in(service, "spec");
	struct json_object *selector = asb_object_in(spec, "selector");

	asb_set_label(service, LABEL_NAME_HASH, pass->hash);
	dialect_set_owner(service, pass->sandbox);
	asb_set_str(spec, "clusterIP", "None");
	asb_set_str(selector, LABEL_NAME_HASH, pass->hash);
	asb_set_str(selector, LABEL_SANDBOX_UID, pass->uid);
	return service;
}

static void service_patch_selector(struct json_object *patch, struct json_object *service,
				   const char *key, const char *value)
{
	if (!asb_streq(asb_str(service, "spec", "selector", key), value)) {
		asb_patch(patch, "add", json_object_new_string(value), "spec", "selector", key);
	}
}

/* The patch with what the Sandbox's Service lacks; an empty one if it lacks nothing. */
static struct json_object *service_missing(struct pass *pass, struct json_object *service)
{
	struct json_object *patch = json_object_new_array(), *pod = pass->pod.object;

	if (asb_at(service, "metadata", "labels") == NULL) {
		asb_patch(patch, "add", json_object_new_object(), "metadata", "labels");
	}
	adopt_patch_label(patch, service, LABEL_NAME_HASH, pass->hash);
	if (asb_at(service, "spec", "selector") == NULL) {
		asb_patch(patch, "add", json_object_new_object(), "spec", "selector");
	}
	service_patch_selector(patch, service, LABEL_NAME_HASH, pass->hash);
	/* A pod adopted from the Go controller has no such label at first, and must not lose its
	 * traffic. */
	if (pass_owns(pass, pod) && asb_streq(asb_label(pod, LABEL_SANDBOX_UID), pass->uid)) {
		service_patch_selector(patch, service, LABEL_SANDBOX_UID, pass->uid);
	}
	return patch;
}

bool service_plan(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *service = pass->service.object, *patch;

	if (pass->service.failed) {
		return false;
	}
	if (service == NULL) {
		*ret_write = asb_create(WATCH_SERVICE, ASB_PRIORITY_CLAIM, service_new(pass));
		return true;
	}
	/* A Service is never adopted, not even one without an owner: somebody made it for their own
	 * traffic. */
	if (!pass_owns(pass, service)) {
		pass_foreign(pass, &pass->service, &kind_service, service);
		return false;
	}
	if (asb_deleting(service)) {
		return false;
	}
	patch = service_missing(pass, service);
	if (asb_length(patch) == 0) {
		json_object_put(patch);
		return false;
	}
	*ret_write = asb_patch_of(WATCH_SERVICE, service, ASB_PATCH_JSON, patch);
	return true;
}

void service_done(struct pass *pass, const struct asb_write *write)
{
	pass_done(pass, &pass->service, write, pass->name);
}
