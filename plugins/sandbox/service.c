/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headless Service that gives a Sandbox's pod its name in DNS: the next write it needs, and
 * what came of that. Called by reconcile.c, beside pod.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

void service_look(struct pass *p)
{
	p->service.object = asb_get(p->call, WATCH_SERVICE, p->ns, p->name);
}

static struct json_object *new_service(struct pass *p)
{
	struct json_object *service = asb_new(&sandbox_watches[WATCH_SERVICE].kind, p->ns, p->name);
	struct json_object *spec = asb_object_in(service, "spec");
	struct json_object *selector = asb_object_in(spec, "selector");

	asb_set_label(service, LABEL_NAME_HASH, p->hash);
	asb_set_owner(service, p->sandbox);
	asb_set_str(spec, "clusterIP", "None");
	asb_set_str(selector, LABEL_NAME_HASH, p->hash);
	asb_set_str(selector, LABEL_SANDBOX_UID, p->uid);
	return service;
}

static void patch_selector(struct json_object *patch, struct json_object *service, const char *key,
			   const char *value)
{
	if (!asb_streq(asb_str(service, "spec", "selector", key), value)) {
		asb_patch(patch, "add", json_object_new_string(value), "spec", "selector", key);
	}
}

/* What our Service lacks. */
static struct json_object *missing(struct pass *p, struct json_object *service)
{
	struct json_object *patch = json_object_new_array(), *pod = p->pod.object;

	if (asb_at(service, "metadata", "labels") == NULL) {
		asb_patch(patch, "add", json_object_new_object(), "metadata", "labels");
	}
	adopt_patch_label(patch, service, LABEL_NAME_HASH, p->hash);
	if (asb_at(service, "spec", "selector") == NULL) {
		asb_patch(patch, "add", json_object_new_object(), "spec", "selector");
	}
	patch_selector(patch, service, LABEL_NAME_HASH, p->hash);
	/* A pod taken over from the Go controller has no such label at first, and must not lose its
	 * traffic. */
	if (pass_owns(p, pod) && asb_streq(asb_label(pod, LABEL_SANDBOX_UID), p->uid)) {
		patch_selector(patch, service, LABEL_SANDBOX_UID, p->uid);
	}
	return patch;
}

bool service_plan(struct pass *p, struct asb_write *ret_write)
{
	struct json_object *service = p->service.object, *patch;

	if (p->service.failed) {
		return false;
	}
	if (service == NULL) {
		*ret_write = asb_create(WATCH_SERVICE, ASB_PRIORITY_CLAIM, new_service(p));
		return true;
	}
	/* Not even one without an owner is taken over: somebody made it, for traffic of their own. */
	if (!pass_owns(p, service)) {
		pass_foreign(p, &p->service, WATCH_SERVICE, service);
		return false;
	}
	if (asb_deleting(service)) {
		return false;
	}
	patch = missing(p, service);
	if (asb_length(patch) == 0) {
		json_object_put(patch);
		return false;
	}
	*ret_write = asb_patch_of(WATCH_SERVICE, service, ASB_PATCH_JSON, patch);
	return true;
}

void service_done(struct pass *p, const struct asb_write *write)
{
	pass_done(p, &p->service, write, p->name);
}
