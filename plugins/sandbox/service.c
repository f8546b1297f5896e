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
	if (pass->dialect == DIALECT_BETA) {
		struct json_object *ports = ports_of(asb_at(pass->sandbox, "spec", "podTemplate"));

		if (asb_length(ports) > 0) {
			json_object_object_add(spec, "ports", ports);
		} else {
			json_object_put(ports);
		}
	}
	return service;
}

static void service_patch_selector(struct json_object *patch, struct json_object *service,
				   const char *key, const char *value)
{
	if (!asb_streq(asb_str(service, "spec", "selector", key), value)) {
		asb_patch(patch, "add", json_object_new_string(value), "spec", "selector", key);
	}
}

/* Ports are the Sandbox's only while it asks for the Service. */
static void service_patch_ports(struct pass *pass, struct json_object *patch,
				struct json_object *service)
{
	struct json_object *ports, *have = asb_array(service, "spec", "ports");

	if (pass->dialect != DIALECT_BETA || pass->service_wish != DIALECT_SERVICE_TRUE) {
		return;
	}
	ports = ports_of(asb_at(pass->sandbox, "spec", "podTemplate"));
	if (!ports_same(ports, have)) {
		asb_patch(patch, "add", json_object_get(ports), "spec", "ports");
	}
	json_object_put(ports);
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
	service_patch_ports(pass, patch, service);
	return patch;
}

/*
 * For a Service of the Sandbox's name that somebody else made. A Sandbox of v1alpha1 never adopts
 * it: it was made for other traffic. One of v1beta1 does if the labels ask for it and it has no
 * address of its own.
 */
static bool service_plan_foreign(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *service = pass->service.object, *patch;
	const char *address = asb_str(service, "spec", "clusterIP");

	if (pass->service_wish != DIALECT_SERVICE_TRUE) {
		return false;
	}
	if (pass->dialect == DIALECT_ALPHA || asb_controller(service, NULL) != NULL ||
	    asb_deleting(service)) {
		pass_foreign(pass, &pass->service, &kind_service, service);
		return false;
	}
	if (!pass_may_adopt(pass, &pass->service, &kind_service, service)) {
		return false;
	}
	if (!asb_streq(address, "None")) {
		pass->service.failed = true;
		pass_error(
			pass,
			"cannot adopt service \"%s\": ClusterIP is \"%s\" (expected \"None\", field is immutable)",
			pass->name, address != NULL ? address : "");
		return false;
	}
	patch = json_object_new_array();
	object_patch_owner(patch, service, pass->sandbox);
	*ret_write = asb_patch_of(WATCH_SERVICE, service, ASB_PATCH_JSON, patch);
	return true;
}

bool service_plan(struct pass *pass, struct asb_write *ret_write)
{
	struct json_object *service = pass->service.object, *patch;

	if (pass->service.failed) {
		return false;
	}
	if (service == NULL) {
		if (pass->service_wish != DIALECT_SERVICE_TRUE) {
			return false;
		}
		*ret_write = asb_create(WATCH_SERVICE, ASB_PRIORITY_CLAIM, service_new(pass));
		return true;
	}
	if (!pass_owns(pass, service)) {
		return service_plan_foreign(pass, ret_write);
	}
	if (asb_deleting(service)) {
		return false;
	}
	if (pass->service_wish == DIALECT_SERVICE_FALSE) {
		*ret_write = asb_remove(WATCH_SERVICE, service, false);
		return true;
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
	if (write->verb == ASB_DELETE &&
	    (write->result == ASB_OK || write->result == ASB_NOT_FOUND)) {
		pass->service.object = NULL;
		return;
	}
	pass_done(pass, &pass->service, write, pass->name);
}
